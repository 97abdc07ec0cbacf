use std::fmt;
use std::ops::Deref;

/// What arrived of one kind; it dereferences to a slice.
///
/// Traces are in the order in which their first span arrived, spans in that of their start, log
/// records and metrics in that of their arrival.
#[derive(Clone, Debug)]
pub struct List<T>(pub(crate) Vec<T>);

impl<T: Clone + fmt::Display> List<T> {
    /// The only item.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one; the message shows what is there.
    #[track_caller]
    pub fn single(&self) -> T {
        match self.0.as_slice() {
            [only] => only.clone(),
            items => panic!(
                "expected exactly one, found {}:\n{}",
                items.len(),
                excerpt(self)
            ),
        }
    }

    /// Those that the predicate holds for.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(&T) -> bool) -> Self {
        Self(self.iter().filter(|item| keep(item)).cloned().collect())
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T: fmt::Display> fmt::Display for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|item| write!(f, "{item}"))
    }
}

/// Text for a panic's message, cut where it would be too long to read.
pub(crate) fn excerpt(shown: &impl fmt::Display) -> String {
    const CHARACTERS: usize = 16 * 1024;
    let mut text = shown.to_string();
    if let Some((end, _)) = text.char_indices().nth(CHARACTERS) {
        let rest = text.split_off(end);
        text += &format!("… and {} bytes more\n", rest.len());
    }
    text
}

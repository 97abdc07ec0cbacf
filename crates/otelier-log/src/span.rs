use crate::ids::Ids;
use crate::line::{Line, SpanFields};

/// What a span's extensions hold: its fields as each output writes them, for there may be several layers.
#[derive(Debug)]
pub(crate) struct Encoded {
    first: (Owner, SpanFields),
    others: Vec<(Owner, SpanFields)>,
}

/// The id of an output's schema.
pub(crate) type Owner = u64;

impl Encoded {
    pub(crate) fn new(owner: Owner, ids: Ids, line: &mut Line) -> Self {
        Self {
            first: (owner, SpanFields::new(ids, line)),
            others: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, owner: Owner, ids: Ids, line: &mut Line) {
        self.others.push((owner, SpanFields::new(ids, line)));
    }

    #[inline]
    pub(crate) fn get(&self, owner: Owner) -> Option<&SpanFields> {
        let all = std::iter::once(&self.first).chain(&self.others);
        all.into_iter()
            .find(|(other, _)| *other == owner)
            .map(|(_, fields)| fields)
    }

    pub(crate) fn get_mut(&mut self, owner: Owner) -> Option<&mut SpanFields> {
        let all = std::iter::once(&mut self.first).chain(&mut self.others);
        all.into_iter()
            .find(|(other, _)| *other == owner)
            .map(|(_, fields)| fields)
    }
}

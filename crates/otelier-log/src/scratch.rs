//! The buffer that a thread encodes its lines in.

use std::cell::Cell;

use crate::line::Line;

/// How deep an event may be logged inside the formatting of another.
const MAX_DEPTH: u8 = 4;

thread_local! {
    static LINE: Cell<Option<Box<Line>>> = const { Cell::new(None) };
    static DEPTH: Cell<u8> = const { Cell::new(0) };
}

/// Lends the thread's buffer; `None` where a value's formatting logs itself without end.
///
/// Inside the formatting of another line, and where the thread is being torn down, the buffer is a
/// new one.
pub(crate) fn with<R>(run: impl FnOnce(&mut Line) -> R) -> Option<R> {
    let _depth = Depth::enter()?;
    let mut line = LINE.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let result = run(&mut line);
    // If the thread's storage is gone, the buffer goes too.
    let _ = LINE.try_with(|slot| slot.set(Some(line)));
    Some(result)
}

struct Depth;

impl Depth {
    fn enter() -> Option<Self> {
        let depth = DEPTH.get();
        (depth < MAX_DEPTH).then(|| {
            DEPTH.set(depth + 1);
            Self
        })
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

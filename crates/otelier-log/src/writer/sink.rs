use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::thread;
use std::time::Duration;

use crate::foreign::isolated;

/// Between two attempts at a sink that would block, such as a pipe that someone made non-blocking.
const PAUSE: Duration = Duration::from_millis(5);

thread_local! {
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a sink. A line that a sink logs about its own writing would be
/// followed by another one, without end.
pub(super) fn is_writing() -> bool {
    WRITING.get()
}

pub(super) struct Sink {
    inner: Box<dyn io::Write + Send>,
    /// The last write ended inside a line.
    torn: bool,
}

impl Sink {
    pub(super) fn new(inner: impl io::Write + Send + 'static) -> Self {
        Self {
            inner: Box::new(inner),
            torn: false,
        }
    }

    /// Writes and flushes. The result, `None` being a panic, and how many bytes were taken unless it
    /// is `Ok`.
    pub(super) fn write(&mut self, bytes: &[u8]) -> (usize, Option<io::Result<()>>) {
        let mut taken = 0;
        let outer = WRITING.replace(true);
        let result = isolated(|| self.try_write(bytes, &mut taken));
        WRITING.set(outer);
        if let Some(last) = taken.checked_sub(1) {
            self.torn = taken < bytes.len() && bytes[last] != b'\n';
        }
        (taken, result)
    }

    fn try_write(&mut self, bytes: &[u8], taken: &mut usize) -> io::Result<()> {
        if self.torn {
            // What is left of a torn line must not take the next one with it.
            self.write_all(b"\n", &mut 0)?;
            self.torn = false;
        }
        self.write_all(bytes, taken)?;
        // Until a sink with a buffer has flushed it, it may lose any of these bytes.
        *taken = 0;
        persist(|| self.inner.flush())
    }

    fn write_all(&mut self, bytes: &[u8], taken: &mut usize) -> io::Result<()> {
        while *taken < bytes.len() {
            match persist(|| self.inner.write(&bytes[*taken..]))? {
                0 => return Err(ErrorKind::WriteZero.into()),
                // A sink may claim more than it was given.
                more => *taken = taken.saturating_add(more).min(bytes.len()),
            }
        }
        Ok(())
    }
}

/// Asks a sink again that was interrupted or would block.
fn persist<T>(mut ask: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match ask() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nested(Sink);

    impl io::Write for Nested {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes);
            assert!(is_writing());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_sink_inside_another_one_leaves_that_one_writing() {
        let mut sink = Sink::new(Nested(Sink::new(io::sink())));
        let (_, result) = sink.write(b"line\n");
        assert!(matches!(result, Some(Ok(()))));
        assert!(!is_writing());
    }
}

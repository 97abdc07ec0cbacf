use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use otelier_log::{DropReason, NonBlocking, Stats};
use tracing::{Dispatch, Level, debug, dispatcher, error, info, trace, warn};
use tracing_subscriber::prelude::*;

pub(crate) const LEVELS: [Level; 5] = [
    Level::TRACE,
    Level::DEBUG,
    Level::INFO,
    Level::WARN,
    Level::ERROR,
];

/// Longer than anything here takes: reaching it is a failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) const THREADS: usize = 8;

/// A sink that keeps what it is given, and blocks while it is shut.
#[derive(Clone, Default)]
pub(crate) struct Pipe(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    shut: bool,
    /// Writes that pass though it is shut.
    passes: usize,
    blocked: bool,
}

impl Pipe {
    pub(crate) fn shut(&self) {
        self.0.0.lock().unwrap().shut = true;
    }

    pub(crate) fn open(&self) {
        self.0.0.lock().unwrap().shut = false;
        self.0.1.notify_all();
    }

    pub(crate) fn let_one_pass(&self) {
        self.0.0.lock().unwrap().passes = 1;
        self.0.1.notify_all();
    }

    pub(crate) fn wait_until_blocked(&self) {
        let state = self.0.0.lock().unwrap();
        let (_state, timeout) = self
            .0
            .1
            .wait_timeout_while(state, DEADLINE, |state| !state.blocked || state.passes > 0)
            .unwrap();
        assert!(!timeout.timed_out(), "nobody writes");
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.0.lock().unwrap().bytes.clone()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(str::to_owned).collect()
    }
}

impl io::Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.0.lock().unwrap();
        state.blocked = true;
        self.0.1.notify_all();
        let shut = |state: &mut State| state.shut && state.passes == 0;
        state = self.0.1.wait_while(state, shut).unwrap();
        state.passes = state.passes.saturating_sub(1);
        state.blocked = false;
        state.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A sink whose writes a closure answers.
pub(crate) struct FnSink<F>(pub(crate) F);

impl<F: FnMut(&[u8]) -> io::Result<usize>> io::Write for FnSink<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A subscriber that writes ` INFO 3 14` and the like.
pub(crate) fn subscriber(writer: &NonBlocking) -> Dispatch {
    let layer = tracing_subscriber::fmt::layer()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer(writer.clone());
    Dispatch::new(tracing_subscriber::registry().with(layer))
}

pub(crate) fn log(level: Level, message: &str) {
    match level {
        Level::TRACE => trace!("{message}"),
        Level::DEBUG => debug!("{message}"),
        Level::INFO => info!("{message}"),
        Level::WARN => warn!("{message}"),
        Level::ERROR => error!("{message}"),
    }
}

/// Logs `count` lines of each level from each of [`THREADS`] threads.
pub(crate) fn log_from_threads(subscriber: &Dispatch, count: usize) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                dispatcher::with_default(subscriber, || {
                    for n in 0..count {
                        let message = format!("{thread} {n}");
                        LEVELS.iter().for_each(|level| log(*level, &message));
                    }
                });
            });
        }
    });
}

/// Checks that each line is whole, that each thread's are in order, and that with those dropped they
/// are all that [`log_from_threads`] logged.
pub(crate) fn check(lines: &[String], stats: &Stats, count: usize) {
    let mut by_level = HashMap::<Level, u64>::new();
    let mut last = HashMap::<(usize, Level), usize>::new();
    for line in lines {
        let words: Vec<_> = line.split_whitespace().collect();
        let [level, thread, n] = words[..] else {
            panic!("a torn line: {line:?}")
        };
        let level: Level = level.parse().unwrap();
        let (thread, n) = (thread.parse().unwrap(), n.parse().unwrap());
        *by_level.entry(level).or_default() += 1;
        let before = last.insert((thread, level), n);
        assert!(
            before.is_none_or(|before| before < n),
            "{line} after {before:?}"
        );
    }
    for level in LEVELS {
        let written = by_level.get(&level).copied().unwrap_or(0);
        let dropped = dropped_at(stats, level);
        assert_eq!(
            written + dropped,
            (THREADS * count) as u64,
            "{level}: {stats:?}"
        );
    }
    assert_eq!(stats.lines_written(), lines.len() as u64);
}

pub(crate) fn dropped(stats: &Stats) -> u64 {
    stats.lines_dropped().map(|(.., count)| count).sum()
}

pub(crate) fn dropped_at(stats: &Stats, level: Level) -> u64 {
    let counts = stats.lines_dropped().filter(|(of, ..)| *of == level);
    counts.map(|(.., count)| count).sum()
}

pub(crate) fn dropped_for(stats: &Stats, reason: DropReason) -> u64 {
    let counts = stats.lines_dropped().filter(|(_, of, _)| *of == reason);
    counts.map(|(.., count)| count).sum()
}

//! What the targets share: a case made of bytes, and what is written of it. The case itself, and what its
//! line is to say, are those of the property tests.

#[path = "../../tests/support/any.rs"]
mod any;
mod bytes;
#[allow(dead_code, reason = "the property tests use all of it")]
#[path = "../../tests/support/case.rs"]
mod case;
mod dynamic;
mod human;
#[path = "../../tests/support/json.rs"]
mod json;
mod line;
#[path = "../../tests/support/naming.rs"]
mod naming;
#[path = "../../../otelier-sanitize/fuzz/src/special.rs"]
mod special;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libfuzzer_sys::arbitrary::Unstructured;
use otelier_log::JsonLayerBuilder;
use tracing_subscriber::layer::SubscriberExt as _;

/// Longer lines are split by container runtimes.
const LINE_LIMIT: usize = 16_384;

/// Logs what the bytes say as JSON.
pub fn line(bytes: &[u8]) {
    run(bytes, line::check);
}

/// Logs what the bytes say for people.
pub fn human(bytes: &[u8]) {
    run(bytes, human::check);
}

fn run(bytes: &[u8], check: impl FnOnce(&mut Unstructured<'_>)) {
    check(&mut Unstructured::new(bytes));
    // SAFETY: the check has returned nothing, so neither a case nor a layer is left.
    unsafe { dynamic::free() };
}

/// What a layer writes of a case: one write, which is one line, without its line feed.
fn written(builder: JsonLayerBuilder, case: &case::Case) -> String {
    let writes = Arc::new(Mutex::new(Vec::<Vec<u8>>::new()));
    let sink = Arc::clone(&writes);
    let layer = builder.writer(move || Sink(Arc::clone(&sink))).build();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || case.log());
    let writes = std::mem::take(&mut *lock(&writes));
    assert_eq!(writes.len(), 1, "an event is one write");
    let line = writes.concat();
    assert!(line.len() < LINE_LIMIT, "{} bytes", line.len());
    let mut line = String::from_utf8(line).expect("a line is UTF-8");
    assert_eq!(line.pop(), Some('\n'));
    assert!(!line.contains('\n'), "{line:?}");
    line
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Sink(Arc<Mutex<Vec<Vec<u8>>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

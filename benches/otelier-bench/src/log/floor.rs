//! The line by hand: formatted into a buffer that is kept, nothing looked up, nothing escaped.

use std::hint::black_box;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{EVENT_FIELDS, LOAD_FIELDS, REQUEST_FIELDS, REQUEST_ID, TENANT_ID, USER_AGENT};
use crate::bench::{Batch, Result, Subject};
use crate::line::{self, NullWriter};

#[derive(Default)]
pub(super) struct Floor {
    buffer: Vec<u8>,
}

impl Subject for Floor {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn check(&mut self) -> Result {
        let written = line::capture(|| self.batch(&mut Batch::single()))?;
        for (key, value) in [&EVENT_FIELDS[..], &REQUEST_FIELDS, &LOAD_FIELDS].concat() {
            line::check(&written, [(format!("/{key}").as_str(), value)])?;
        }
        Ok(())
    }

    fn batch(&mut self, batch: &mut Batch) -> Result {
        line::expect_count(batch.calls(), || {
            batch.measure(|| write_line(&mut self.buffer));
        })
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.buffer.len())
    }
}

fn write_line(buffer: &mut Vec<u8>) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    buffer.clear();
    // Writing to a vector or to the null writer cannot fail.
    let _ = writeln!(
        buffer,
        concat!(
            r#"{{"timestamp":"{}","level":"INFO","target":"{}","message":"request finished","#,
            r#""status":{},"bytes":{},"latency_ms":{},"user_agent":"{}","#,
            r#""method":"GET","route":"/users/{{id}}","request_id":"{}","tenant_id":"{}","#,
            r#""user_id":{},"cache":{}}}"#
        ),
        now,
        module_path!(),
        black_box(200_u64),
        black_box(5120_u64),
        black_box(12.5_f64),
        USER_AGENT,
        REQUEST_ID,
        TENANT_ID,
        black_box(42_u64),
        black_box(true),
    );
    let _ = NullWriter.write_all(buffer);
}

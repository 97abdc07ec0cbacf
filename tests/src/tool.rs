//! Finding the external tools, and promtool, which is run once and not kept running.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The paths of the tools called `names`, from `target/tools` or else from `PATH`.
///
/// `None` if one is missing, after the line `skipped: TEST: TOOL` on standard error.
///
/// # Panics
/// If one is missing and `OTELIER_E2E` is `require`.
#[must_use]
pub fn tools<const N: usize>(test: &str, names: [&str; N]) -> Option<[PathBuf; N]> {
    let mut paths = names.map(PathBuf::from);
    for (path, name) in paths.iter_mut().zip(names) {
        let Some(found) = find(name) else {
            assert!(
                env::var("OTELIER_E2E").as_deref() != Ok("require"),
                "{name} is neither in target/tools nor on PATH: run scripts/install-tools"
            );
            // The test harness captures `eprintln!` of a passing test, not the stream itself.
            let _ = writeln!(io::stderr(), "skipped: {test}: {name}");
            return None;
        };
        *path = found;
    }
    Some(paths)
}

/// What `promtool check metrics` makes of `exposition`.
///
/// # Panics
/// If promtool cannot be run.
#[must_use]
pub fn check_metrics(promtool: &Path, exposition: &str) -> Output {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let input = dir.path().join("metrics");
    std::fs::write(&input, exposition).expect("write the exposition");
    Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(File::open(&input).expect("open the exposition"))
        .output()
        .expect("run promtool")
}

pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate is a folder of the workspace")
}

fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    std::iter::once(workspace().join("target/tools"))
        .chain(env::split_paths(&path))
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
}

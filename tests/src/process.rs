use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{DEADLINE, until};

/// A child process with a directory of its own; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    dir: TempDir,
}

impl Process {
    /// Starts `command` with its output going to files in `dir`.
    pub(crate) fn start(name: &'static str, dir: TempDir, command: &mut Command) -> Self {
        let stdout = output(&dir, STDOUT);
        Self::spawn(name, dir, command.stdout(stdout))
    }

    /// Starts `command` with a pipe as its standard output, which it is for the caller to read.
    pub(crate) fn piped(
        name: &'static str,
        dir: TempDir,
        command: &mut Command,
    ) -> (Self, ChildStdout) {
        let mut process = Self::spawn(name, dir, command.stdout(Stdio::piped()));
        let stdout = process.child.stdout.take().expect("a pipe");
        (process, stdout)
    }

    fn spawn(name: &'static str, dir: TempDir, command: &mut Command) -> Self {
        let child = command
            .stderr(output(&dir, STDERR))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { name, child, dir }
    }

    /// Waits until `check` holds, for as long as the process runs.
    pub(crate) async fn ready(&mut self, check: impl AsyncFn() -> bool) {
        until(&format!("{} is ready", self.name), DEADLINE, async || {
            if let Some(status) = self.status() {
                panic!("{} ended before it was ready: {status}", self.name);
            }
            check().await.then_some(())
        })
        .await;
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn stdout(&self) -> String {
        read(&self.file(STDOUT))
    }

    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .expect("send SIGTERM to a child that was not reaped");
    }

    pub(crate) async fn exit(&mut self, within: Duration) -> ExitStatus {
        until(&format!("{} ends", self.name), within, async || {
            self.status()
        })
        .await
    }

    fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("ask for the state of a child")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            for file in [STDOUT, STDERR] {
                eprintln!("--- {} of {}\n{}", file, self.name, read(&self.file(file)));
            }
        }
    }
}

/// A port of 127.0.0.1 that nothing listened on a moment ago.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port of 127.0.0.1")
        .port()
}

fn output(dir: &TempDir, name: &str) -> File {
    File::create(dir.path().join(name)).expect("create an output file")
}

pub(crate) fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";

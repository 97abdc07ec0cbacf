//! The last log lines of a process, more of them than a pipe holds: none is lost where the process ends
//! in order and stdout is read; where it is not read or fails, that is told.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::env;
use std::fs;
use std::future::ready;
use std::io;
use std::process::{Command, ExitCode, Stdio, Termination as _};
use std::time::Duration;

use axum::Router;
use otelier::log::Preset;
use otelier::{Phase, Stopped, Telemetry};

/// Of more than 100 bytes each.
const LINES: usize = 5_000;
const END: &str = "LAST_LINES_END";

/// How a child ends, by the value of its variable.
type End = (&'static str, fn() -> ExitCode);

const ENDS: [End; 4] = [
    ("main logs after the stop", main_logs_after_the_stop),
    ("telemetry is shut down", telemetry_is_shut_down),
    ("telemetry is dropped", telemetry_is_dropped),
    ("an error ends main", an_error_ends_main),
];
const UNREAD: End = ("nobody reads stdout", nobody_reads_stdout);
const UNWANTED: End = ("no lines are wanted", no_lines_are_wanted);
const GONE: [End; 2] = [
    ("the reader is gone at a stop", the_reader_is_gone_at_a_stop),
    (
        "the reader is gone at a shutdown",
        the_reader_is_gone_at_a_shutdown,
    ),
];

fn main() -> ExitCode {
    if let Ok(wanted) = env::var(END) {
        let mut ends = ENDS.into_iter().chain([UNREAD, UNWANTED]).chain(GONE);
        let (_, end) = ends.find(|(name, _)| *name == wanted).unwrap();
        return end();
    }
    for (name, _) in ENDS {
        every_line_is_written_where(name);
    }
    a_stop_says_how_many_lines_stdout_did_not_take();
    for (name, _) in GONE {
        a_stdout_that_fails_is_no_success_where(name);
    }
    no_thread_waits_for_lines_that_nobody_wants();
    ExitCode::SUCCESS
}

fn every_line_is_written_where(end: &str) {
    let output = child(end).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{end}: {stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let is_whole = |line: &&str| {
        line.starts_with(r#"{"@timestamp":"#) && line.contains(r#""at":"#) && line.ends_with('}')
    };
    assert_eq!(stdout.lines().filter(is_whole).count(), LINES, "{end}");
}

fn main_logs_after_the_stop() -> ExitCode {
    let telemetry = install();
    let stopped = serve_and_stop(telemetry);
    log();
    stopped.report()
}

fn telemetry_is_shut_down() -> ExitCode {
    let telemetry = install();
    log();
    telemetry.shutdown(Duration::from_secs(30)).unwrap();
    std::process::exit(0);
}

fn telemetry_is_dropped() -> ExitCode {
    let telemetry = install();
    log();
    drop(telemetry);
    ExitCode::SUCCESS
}

fn an_error_ends_main() -> ExitCode {
    fn start() -> io::Result<()> {
        let _telemetry = install();
        log();
        Err(io::Error::other("a dependency is missing"))
    }
    assert!(start().is_err());
    ExitCode::SUCCESS
}

fn a_stop_says_how_many_lines_stdout_did_not_take() {
    let mut child = child(UNREAD.0);
    let mut child = child
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let unread = child.stdout.take();
    let output = child.wait_with_output().unwrap();
    drop(unread);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(12), "{stderr}");
    let left: usize = stderr.trim().parse().unwrap();
    assert!((LINES / 2..LINES * 2).contains(&left), "{left}");
}

#[allow(clippy::print_stderr, reason = "the parent reads it")]
fn nobody_reads_stdout() -> ExitCode {
    let telemetry = install();
    log();
    let stopped = serve_and_stop(telemetry);
    assert_eq!(stopped.overran(), Some(Phase::Flush));
    eprintln!("{}", stopped.log_lines_left());
    stopped.report()
}

fn a_stdout_that_fails_is_no_success_where(end: &str) {
    let (reader, stdout) = io::pipe().unwrap();
    drop(reader);
    let output = child(end).stdout(stdout).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(12), "{end}: {stderr}");
}

fn the_reader_is_gone_at_a_stop() -> ExitCode {
    let stopped = serve_and_stop(install());
    assert_eq!(stopped.overran(), Some(Phase::Flush));
    assert!(stopped.log_lines_left() > 0);
    stopped.report()
}

fn the_reader_is_gone_at_a_shutdown() -> ExitCode {
    let telemetry = install();
    std::thread::spawn(|| {
        loop {
            log();
        }
    });
    log();
    let error = telemetry.shutdown(Duration::from_secs(30)).unwrap_err();
    let error = format!("{error:?}");
    assert!(error.contains("stdout failed for"), "{error}");
    ExitCode::from(12)
}

fn no_thread_waits_for_lines_that_nobody_wants() {
    let mut child = child(UNWANTED.0);
    let output = child.env("OTELIER_LOG_FORMAT", "none").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(output.stdout.is_empty());
}

fn no_lines_are_wanted() -> ExitCode {
    let telemetry = install();
    log();
    if cfg!(target_os = "linux") {
        let is_writer = |task: io::Result<fs::DirEntry>| {
            let name = fs::read_to_string(task.unwrap().path().join("comm"));
            name.is_ok_and(|name| name.trim() == "otelier-log")
        };
        let mut tasks = fs::read_dir("/proc/self/task").unwrap();
        assert!(!tasks.any(is_writer));
    }
    telemetry.shutdown(Duration::from_secs(30)).unwrap();
    ExitCode::SUCCESS
}

fn child(end: &str) -> Command {
    let mut child = Command::new(env::current_exe().unwrap());
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL") {
            child.env_remove(name);
        }
    }
    child
        .env(END, end)
        .env("OTELIER_LOG_FORMAT", "json")
        .env("OTEL_SDK_DISABLED", "true");
    child
}

fn install() -> Telemetry {
    let builder = Telemetry::from_env("shop").unwrap();
    builder.log_keys(Preset::Ecs).install().unwrap()
}

fn log() {
    for at in 0..LINES {
        tracing::info!(at, "a line");
    }
}

fn serve_and_stop(telemetry: Telemetry) -> Stopped {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let serve = telemetry
            .serve(Router::new())
            .address("127.0.0.1", 0)
            .ops_address("127.0.0.1", 0)
            .shutdown_budget(Duration::from_secs(6));
        let bound = serve.bind().await.unwrap();
        bound.run_until(ready(())).await.unwrap()
    })
}

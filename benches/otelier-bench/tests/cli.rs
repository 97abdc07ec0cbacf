//! The promises of the command line.

use std::process::{Command, Output};

#[test]
fn an_unknown_group_is_refused_with_the_list_of_groups() {
    let output = otelier_bench(&["nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        error,
        "unknown group \"nonsense\"; the groups are: log, sanitize, http\n"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn json_is_one_object_a_line_with_each_subject_once() {
    let output = otelier_bench(&["log", "--json", "--quick"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let subjects: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["case"].as_str().unwrap(),
                line["subject"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        subjects,
        [
            ("event-2-spans", "otelier"),
            ("event-2-spans", "tracing-subscriber-json"),
            ("event-2-spans", "json-subscriber-flat"),
            ("event-2-spans", "json-subscriber"),
            ("event-2-spans", "floor"),
            ("span-open-close", "otelier"),
            ("span-open-close", "json-subscriber"),
            ("span-open-close", "registry"),
            ("disabled-event", "otelier"),
            ("disabled-event", "tracing-subscriber-json"),
            ("disabled-event", "registry"),
            ("contended-2-threads", "otelier"),
            ("contended-2-threads", "otelier-1-thread"),
            ("contended-2-threads", "tracing-appender"),
        ]
    );
    for line in &lines {
        assert_eq!(line["group"], "log");
        assert!(line["ns"].as_f64().is_some_and(|ns| ns > 0.0), "{line}");
        let has_lines = line["case"] == "event-2-spans" || line["case"] == "contended-2-threads";
        assert!(
            line["allocs"].is_number() && line["bytes_per_s"].is_number() == has_lines,
            "{line}"
        );
    }
}

fn otelier_bench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_otelier-bench"))
        .args(args)
        .output()
        .expect("the binary was built with this test")
}

//! otelier and its peers on the same work in one process, in one table. README.md says how to read it.

#![deny(unsafe_code)]
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use std::process::ExitCode;

use bench::{Group, Result};
use cli::Options;

mod alloc;
mod bench;
mod cli;
mod http;
mod line;
mod log;
mod report;
mod sanitize;
mod spans;

static GROUPS: &[Group] = &[log::GROUP, sanitize::GROUP, http::GROUP];

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result {
    if !options.json {
        println!("{}", report::table_header());
    }
    let mut any = false;
    for group in &options.groups {
        let named = |name: &str| options.case.as_deref().is_none_or(|case| case == name);
        for case in group.cases.iter().filter(|case| named(case.name)) {
            let measurements = case
                .run(options.effort, options.only.as_deref())
                .map_err(|error| format!("{}/{}/{error}", group.name, case.name))?;
            any |= !measurements.is_empty();
            if options.json {
                for measurement in &measurements {
                    println!("{}", report::json_line(group.name, case.name, measurement)?);
                }
            } else {
                for row in report::table_rows(group.name, case.name, &measurements) {
                    println!("{row}");
                }
            }
        }
    }
    match &options.only {
        Some(only) if !any => Err(format!("no subject is named {only:?}").into()),
        None if !any => Err("no case has this name".into()),
        _ => Ok(()),
    }
}

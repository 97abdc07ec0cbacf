//! The command line.

use crate::GROUPS;
use crate::bench::{Effort, Group};

pub(crate) const USAGE: &str =
    "usage: otelier-bench [GROUP[/CASE]] [--only SUBJECT] [--json] [--quick]";

pub(crate) struct Options {
    pub(crate) groups: Vec<&'static Group>,
    /// Name of the one case that is to run.
    pub(crate) case: Option<String>,
    /// Name of the one subject that is to run, for a profiler.
    pub(crate) only: Option<String>,
    pub(crate) json: bool,
    pub(crate) effort: Effort,
}

impl Options {
    /// Reads the arguments after the program's name; the error is for the user's eyes.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut group = None;
        let mut options = Self {
            groups: GROUPS.iter().collect(),
            case: None,
            only: None,
            json: false,
            effort: Effort::Full,
        };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--json" => options.json = true,
                "--only" => {
                    let name = args.next();
                    options.only =
                        Some(name.ok_or_else(|| format!("--only needs a subject; {USAGE}"))?);
                }
                "--quick" => options.effort = Effort::Quick,
                flag if flag.starts_with('-') => {
                    return Err(format!("unknown option {flag:?}; {USAGE}"));
                }
                _ if group.is_some() => return Err(format!("more than one group; {USAGE}")),
                name => {
                    let (name, case) = match name.split_once('/') {
                        Some((name, case)) => (name, Some(case.to_owned())),
                        None => (name, None),
                    };
                    group = Some(find(name)?);
                    options.case = case;
                }
            }
        }
        if let Some(group) = group {
            options.groups = vec![group];
        }
        Ok(options)
    }
}

fn find(name: &str) -> Result<&'static Group, String> {
    GROUPS
        .iter()
        .find(|group| group.name == name)
        .ok_or_else(|| {
            let names: Vec<_> = GROUPS.iter().map(|group| group.name).collect();
            format!(
                "unknown group {name:?}; the groups are: {}",
                names.join(", ")
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, String> {
        Options::parse(args.iter().map(ToString::to_string))
    }

    #[test]
    fn no_group_means_all_of_them() {
        let options = parse(&["--json"]).unwrap();
        assert_eq!(options.groups.len(), GROUPS.len());
        assert!(options.json);
        assert_eq!(options.effort, Effort::Full);
    }

    #[test]
    fn a_group_is_the_only_one_that_runs() {
        let options = parse(&["--quick", "log"]).unwrap();
        assert_eq!(
            options
                .groups
                .iter()
                .map(|group| group.name)
                .collect::<Vec<_>>(),
            ["log"]
        );
        assert_eq!(options.effort, Effort::Quick);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert!(parse(&["--jsno"]).is_err());
        assert!(parse(&["log", "http"]).is_err());
        assert!(parse(&["--only"]).is_err());
    }
}

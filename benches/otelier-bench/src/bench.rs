//! Groups of cases of subjects, and how they are measured.

use std::time::Instant;

use crate::alloc;

/// What fails ends the run; the message says why, [`Case::run`] adds whose it is.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Cases about one topic.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) cases: &'static [Case],
}

/// The same work for several subjects.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Operations in a batch.
    pub(crate) ops: u64,
    /// Sets the subjects up, in the order of the table.
    pub(crate) subjects: fn() -> Result<Vec<Box<dyn Subject>>>,
}

/// One way to do a case's work.
pub(crate) trait Subject {
    fn name(&self) -> &'static str;

    /// One operation with its output kept: an error if it is not what the case asks for.
    fn check(&mut self) -> Result;

    /// Hands its operation to [`Batch::measure`] once; an error if some of the output was lost.
    fn batch(&mut self, batch: &mut Batch) -> Result;

    /// Bytes that one operation reads or writes, where a rate says something. Asked after `check`.
    fn bytes(&self) -> Option<usize> {
        None
    }
}

/// One turn of a subject.
pub(crate) struct Batch {
    ops: u64,
    warm_up: u64,
    /// Nanoseconds an operation, of each slice.
    slices: Vec<f64>,
    allocs: u64,
    disturbed: bool,
}

/// A batch is timed in slices shorter than a scheduler's: on a busy machine the process is pre-empted
/// in a few slices of each subject, where it would be in every batch of a slow one and few of a fast.
const SLICES: u64 = 50;

impl Batch {
    /// A single operation, for a check.
    pub(crate) fn single() -> Self {
        Self::new(1, 0)
    }

    fn new(ops: u64, warm_up: u64) -> Self {
        Self {
            ops,
            warm_up,
            slices: Vec::with_capacity(ops.min(SLICES) as usize),
            allocs: 0,
            disturbed: false,
        }
    }

    /// How often `measure` calls its operation, warm-up included.
    pub(crate) fn calls(&self) -> u64 {
        self.ops + self.warm_up
    }

    pub(crate) fn measure(&mut self, operation: impl FnMut()) {
        self.measure_in(SLICES, operation);
    }

    /// As one slice, where the operations that wait for another thread must not be left to the median.
    pub(crate) fn measure_whole(&mut self, operation: impl FnMut()) {
        self.measure_in(1, operation);
    }

    /// Has its times left out, unless the subject has no others.
    pub(crate) fn disturbed(&mut self) {
        self.disturbed = true;
    }

    fn measure_in(&mut self, slices: u64, mut operation: impl FnMut()) {
        for _ in 0..self.warm_up {
            operation();
        }
        let allocs = alloc::count();
        let mut left = self.ops;
        while left > 0 {
            let slice = self.ops.div_ceil(slices).min(left);
            let start = Instant::now();
            for _ in 0..slice {
                operation();
            }
            self.slices
                .push(start.elapsed().as_nanos() as f64 / slice as f64);
            left -= slice;
        }
        self.allocs = alloc::count() - allocs;
    }
}

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Effort {
    /// For figures.
    Full,
    /// For a smoke test: each subject is checked and timed, the figures are rough.
    Quick,
}

impl Effort {
    fn rounds(self) -> usize {
        match self {
            Self::Full => 51,
            Self::Quick => 11,
        }
    }

    fn ops(self, full: u64) -> u64 {
        match self {
            Self::Full => full,
            Self::Quick => full.div_ceil(10),
        }
    }
}

/// What one subject of a case took.
pub(crate) struct Measurement {
    pub(crate) subject: &'static str,
    /// Nanoseconds an operation, median over the slices of its batches.
    pub(crate) ns: f64,
    /// Allocations an operation, mean over the batches.
    pub(crate) allocs: f64,
    pub(crate) bytes: Option<usize>,
}

impl Case {
    /// Checks each subject, or the `only` one, then times batches of them in turn.
    pub(crate) fn run(&self, effort: Effort, only: Option<&str>) -> Result<Vec<Measurement>> {
        let mut runs: Vec<Run> = self.checked(only)?.into_iter().map(Run::new).collect();
        let ops = effort.ops(self.ops);
        for _ in 0..effort.rounds() {
            for run in &mut runs {
                forget_subscribers();
                let mut batch = Batch::new(ops, ops / 10);
                run.subject
                    .batch(&mut batch)
                    .map_err(named(&*run.subject))?;
                run.batches.push(batch);
            }
        }
        Ok(runs.into_iter().map(Run::measurement).collect())
    }

    fn checked(&self, only: Option<&str>) -> Result<Vec<Box<dyn Subject>>> {
        let mut subjects = (self.subjects)()?;
        subjects.retain(|subject| only.is_none_or(|only| only == subject.name()));
        for subject in &mut subjects {
            forget_subscribers();
            subject.check().map_err(named(&**subject))?;
        }
        Ok(subjects)
    }
}

struct Run {
    subject: Box<dyn Subject>,
    batches: Vec<Batch>,
}

impl Run {
    fn new(subject: Box<dyn Subject>) -> Self {
        Self {
            subject,
            batches: Vec::new(),
        }
    }

    fn measurement(self) -> Measurement {
        let subject = self.subject.name();
        let ops: u64 = self.batches.iter().map(|batch| batch.ops).sum();
        let allocs: u64 = self.batches.iter().map(|batch| batch.allocs).sum();
        let all_disturbed = self.batches.iter().all(|batch| batch.disturbed);
        if all_disturbed {
            eprintln!("{subject}: each batch was disturbed, the figure means little");
        }
        let batches = self.batches.into_iter();
        let batches = batches.filter(|batch| all_disturbed || !batch.disturbed);
        Measurement {
            subject,
            ns: median(batches.flat_map(|batch| batch.slices).collect()),
            allocs: allocs as f64 / ops as f64,
            bytes: self.subject.bytes(),
        }
    }
}

/// A subject makes its subscriber anew for each batch and drops it after: only then are the maximum
/// level and each callsite's cached interest those of a process with this subscriber alone. A drop
/// does not recompute them, and a subject without a subscriber would run with its predecessor's.
fn forget_subscribers() {
    tracing::callsite::rebuild_interest_cache();
}

fn named(subject: &dyn Subject) -> impl FnOnce(Box<dyn std::error::Error>) -> String {
    let name = subject.name();
    move |error| format!("{name}: {error}")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_one_disturbed_slice() {
        assert_eq!(median(vec![3.0, 900.0, 1.0]), 3.0);
    }

    #[test]
    fn a_batch_calls_its_operation_as_often_as_it_says() {
        let mut calls = 0;
        let mut batch = Batch::new(2 * SLICES - 1, 5);
        batch.measure(|| calls += 1);
        assert_eq!(calls, batch.calls());
        assert_eq!(batch.slices.len() as u64, SLICES);
    }

    #[test]
    fn a_disturbed_batch_counts_only_if_there_is_no_other() {
        let ns = |disturbed: [bool; 2]| {
            let mut run = Run::new(Box::new(Broken));
            for (disturbed, ns) in disturbed.into_iter().zip([900.0, 1.0]) {
                let mut batch = Batch::single();
                batch.slices.push(ns);
                batch.disturbed = disturbed;
                run.batches.push(batch);
            }
            run.measurement().ns
        };
        assert_eq!((ns([true, false]), ns([false, true])), (1.0, 900.0));
        assert_eq!(ns([true, true]), 900.0);
    }

    #[test]
    fn a_failed_check_names_its_subject() {
        let case = Case {
            name: "case",
            ops: 1,
            subjects: || Ok(vec![Box::new(Broken)]),
        };
        let error = case
            .run(Effort::Quick, None)
            .err()
            .map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("broken: no line"));
    }

    #[test]
    fn every_subject_passes_its_check() {
        for group in crate::GROUPS {
            for case in group.cases {
                if let Err(error) = case.checked(None) {
                    panic!("{}/{}: {error}", group.name, case.name);
                }
            }
        }
    }

    struct Broken;

    impl Subject for Broken {
        fn name(&self) -> &'static str {
            "broken"
        }

        fn check(&mut self) -> Result {
            Err("no line".into())
        }

        fn batch(&mut self, batch: &mut Batch) -> Result {
            batch.measure(|| ());
            Ok(())
        }
    }
}

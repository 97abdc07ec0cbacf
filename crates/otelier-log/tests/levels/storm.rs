use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use otelier_log::JsonLayer;
use tracing::dispatcher::{Dispatch, with_default};
use tracing::subscriber::Interest;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::prelude::*;

use super::{Logging, attach, levels, tenant, three};

#[test]
fn a_storm_of_changes_stops_nobody_and_the_last_one_counts() {
    let levels = levels("info");
    let logging = Logging::with(&levels);
    let changing = AtomicUsize::new(2);
    let change = |first: usize| {
        for n in first..first + 5_000 {
            match n % 4 {
                0 => levels.set_default(LevelFilter::DEBUG),
                1 => levels
                    .set_tenant(&tenant("acme"), LevelFilter::OFF)
                    .unwrap(),
                2 => levels.parse_set("warn,db=debug").unwrap(),
                _ => levels.reset(),
            }
        }
        changing.fetch_sub(1, Ordering::Relaxed);
    };
    let log = |id| {
        let _request = attach(id);
        while changing.load(Ordering::Relaxed) > 0 {
            three();
        }
    };
    three();
    let on_thread = |work: &dyn Fn()| with_default(&logging.dispatch, work);
    thread::scope(|scope| {
        scope.spawn(|| on_thread(&|| change(0)));
        scope.spawn(|| on_thread(&|| change(1)));
        scope.spawn(|| on_thread(&|| log("acme")));
        scope.spawn(|| on_thread(&|| log("other")));
    });
    let now = levels.targets();
    let all = [Level::DEBUG, Level::INFO, Level::ERROR];
    let enabled = all.iter().filter(|level| now.would_enable("three", level));
    assert_eq!(logging.lines(three), enabled.count(), "{now}");
}

/// It enables nothing, and holds a thread of the name `first` up where `tracing` asks it.
#[derive(Default)]
struct Dawdler {
    asked: AtomicBool,
    second_is_done: AtomicBool,
}

impl<S> Filter<S> for &'static Dawdler {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        false
    }

    fn callsite_enabled(&self, _: &'static Metadata<'static>) -> Interest {
        if thread::current().name() == Some("first") {
            self.asked.store(true, Ordering::Release);
            // Where changes wait for each other, the second cannot be done.
            let mut patience = 0..10_000;
            while !self.second_is_done.load(Ordering::Acquire) && patience.next().is_some() {
                thread::yield_now();
            }
        }
        Interest::never()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }
}

#[test]
fn a_change_that_takes_long_does_not_undo_a_later_one() {
    let levels = levels("info");
    let logging = Logging::with(&levels);
    let dawdler: &'static Dawdler = Box::leak(Box::default());
    let layer = || JsonLayer::builder().writer(io::sink).build();
    let both = tracing_subscriber::registry()
        .with(layer().with_filter(dawdler))
        .with(layer().with_filter(levels.clone()));
    let both = Dispatch::new(both);
    three();
    thread::scope(|scope| {
        let first = || {
            with_default(&both, || levels.set_default(LevelFilter::OFF));
            dawdler.asked.store(true, Ordering::Release);
        };
        thread::Builder::new()
            .name("first".to_owned())
            .spawn_scoped(scope, first)
            .unwrap();
        scope.spawn(|| {
            while !dawdler.asked.load(Ordering::Acquire) {
                thread::yield_now();
            }
            with_default(&both, || levels.set_default(LevelFilter::DEBUG));
            dawdler.second_is_done.store(true, Ordering::Release);
        });
    });
    assert_eq!(levels.targets().default_level(), Some(LevelFilter::DEBUG));
    assert_eq!(logging.lines(three), 3);
}

#[test]
fn levels_that_no_subscriber_uses_yet_disturb_none() {
    let logging = Logging::with(&levels("info"));
    three();
    let elsewhere = || {
        let unused = levels("info");
        unused.set_default(LevelFilter::OFF);
        unused
            .set_tenant(&tenant("acme"), LevelFilter::OFF)
            .unwrap();
    };
    thread::spawn(elsewhere).join().unwrap();
    assert_eq!(logging.lines(three), 2);
}

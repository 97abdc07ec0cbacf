use std::time::{Duration, SystemTime};

use otelier_context::{Level, Outcome, RequestEnd, RequestObserver as _};
use otelier_log::JsonLayer;
use tracing::dispatcher::{Dispatch, with_default};
use tracing::{debug, error, info};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use super::support::Sink;
use super::{Logging, attach, levels, tenant, three};

#[test]
fn a_place_that_has_logged_follows_the_default_in_both_directions() {
    let levels = levels("info");
    let logging = Logging::with(&levels);
    for (level, lines) in [
        (None, 2),
        (Some(LevelFilter::DEBUG), 3),
        (Some(LevelFilter::ERROR), 1),
        (Some(LevelFilter::OFF), 0),
        (Some(LevelFilter::INFO), 2),
    ] {
        if let Some(level) = level {
            levels.set_default(level);
        }
        assert_eq!(logging.lines(three), lines, "{level:?}");
    }
}

#[test]
fn a_target_follows_its_longest_rule_and_the_others_stay() {
    let levels = levels("info");
    let logging = Logging::with(&levels);
    let log = || {
        debug!(target: "db", "d");
        debug!(target: "db::pool", "d");
        info!(target: "db::pool", "i");
        debug!(target: "web", "d");
    };
    assert_eq!(logging.lines(log), 1);
    levels.set_target("db", LevelFilter::DEBUG).unwrap();
    assert_eq!(logging.lines(log), 3);
    levels.set_target("db::pool", LevelFilter::OFF).unwrap();
    assert_eq!(logging.lines(log), 1);
    levels.clear_target("db::pool");
    assert_eq!(logging.lines(log), 3);
    levels.parse_set("web=debug, db=off").unwrap();
    assert_eq!(logging.lines(log), 1);
    assert!(levels.parse_set("db=loud").is_err());
    assert_eq!(logging.lines(log), 1, "nothing changed");
    levels
        .set_targets(Targets::new().with_target("db::pool", LevelFilter::TRACE))
        .unwrap();
    assert_eq!(logging.lines(log), 2);
    levels.reset();
    assert_eq!(logging.lines(log), 1);
}

#[test]
fn what_an_operator_must_not_lose_passes_unless_it_is_named() {
    let levels = levels("off");
    let logging = Logging::with(&levels);
    let log = || {
        info!(target: "otelier::security", "s");
        info!(target: "otelier::audit", "a");
        info!(target: "otelier::performance", "p");
        info!(target: "otelier::alert", "!");
        info!(target: "otelier::access", "no category of these");
        error!("e");
    };
    assert_eq!(logging.lines(log), 4);
    levels.parse_set("error,otelier::=off,o=off").unwrap();
    levels
        .set_tenant(&tenant("acme"), LevelFilter::OFF)
        .unwrap();
    let request = attach("acme");
    assert_eq!(
        logging.lines(log),
        4,
        "no rule for others and no tenant silences them"
    );
    drop(request);
    levels.parse_set("off,otelier::performance=off").unwrap();
    assert_eq!(logging.lines(log), 3);
    levels
        .parse_set("off,otelier=off,otelier::audit=info")
        .unwrap();
    assert_eq!(logging.lines(log), 1);
}

#[test]
fn another_layer_s_filter_and_these_levels_do_not_meddle() {
    let levels = levels("info");
    let logging = Logging::with(&levels);
    let (all, some) = (Sink::default(), Sink::default());
    let layer = |sink: &Sink| JsonLayer::builder().writer(sink.clone()).build();
    let both = tracing_subscriber::registry()
        .with(layer(&all).with_filter(LevelFilter::DEBUG))
        .with(layer(&some).with_filter(levels.clone()));
    with_default(&Dispatch::new(both), || {
        levels
            .set_tenant(&tenant("acme"), LevelFilter::DEBUG)
            .unwrap();
        three();
        let _request = attach("acme");
        three();
    });
    assert_eq!((all.lines().len(), some.lines().len()), (6, 5));
    drop(logging);
}

#[test]
fn access_lines_follow_changes_and_tenants() {
    let levels = levels("off");
    let logging = Logging::with(&levels);
    let sink = Sink::default();
    let access = JsonLayer::builder()
        .writer(sink.clone())
        .build()
        .access_log(levels.clone());
    let end = |level| {
        let end = RequestEnd::new(Outcome::Complete, level, SystemTime::now(), Duration::ZERO);
        access.on_end(&end);
        sink.lines().len()
    };
    assert_eq!(end(Level::Error), 0);
    levels
        .set_target("otelier::access", LevelFilter::INFO)
        .unwrap();
    assert_eq!(end(Level::Info), 1);
    levels
        .set_tenant(&tenant("noisy"), LevelFilter::ERROR)
        .unwrap();
    let _request = attach("noisy");
    assert_eq!(end(Level::Info), 1);
    assert_eq!(end(Level::Error), 2);
    drop(logging);
}

#[test]
fn the_levels_can_be_read_and_read_back() {
    let levels = levels("warn,db=debug");
    let _logging = Logging::with(&levels);
    levels.set_target("db::pool", LevelFilter::OFF).unwrap();
    levels.set_tenant(&tenant("b"), LevelFilter::ERROR).unwrap();
    levels.set_tenant(&tenant("a"), LevelFilter::TRACE).unwrap();
    let list = levels.targets().to_string();
    assert_eq!(list, "db::pool=off,db=debug,warn");
    let tenants = [
        (tenant("a"), LevelFilter::TRACE),
        (tenant("b"), LevelFilter::ERROR),
    ];
    assert_eq!(levels.tenants(), tenants);
    levels.reset();
    levels.parse_set(&list).unwrap();
    assert_eq!(levels.targets().to_string(), list);
}

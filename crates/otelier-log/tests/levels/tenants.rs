use tracing::subscriber::Interest;
use tracing::{Level, debug, error, info_span, warn};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Filter;

use super::support::dynamic::metadata_of;
use super::{Logging, attach, levels, tenant, three};

#[test]
fn a_tenant_is_heard_more_or_less_than_the_others() {
    let levels = levels("info,quiet=warn,silent=off");
    let logging = Logging::with(&levels);
    let log = || {
        three();
        debug!(target: "quiet", "d");
        debug!(target: "silent", "d");
        error!(target: "silent", "e");
    };
    levels
        .set_tenant(&tenant("acme"), LevelFilter::DEBUG)
        .unwrap();
    levels
        .set_tenant(&tenant("noisy"), LevelFilter::ERROR)
        .unwrap();
    let of = |id| {
        logging.lines(|| {
            let _request = attach(id);
            log();
        })
    };
    assert_eq!((of("acme"), of("noisy"), of("other")), (4, 1, 2));
    assert_eq!(logging.lines(log), 2, "no tenant");

    levels
        .set_tenant(&tenant("acme"), LevelFilter::OFF)
        .unwrap();
    levels.clear_tenant(&tenant("noisy"));
    assert_eq!((of("acme"), of("noisy")), (0, 2));
    levels.reset();
    assert_eq!((of("acme"), of("noisy")), (2, 2));
}

#[test]
fn a_tenant_s_spans_follow_its_level() {
    let levels = levels("warn");
    let logging = Logging::with(&levels);
    levels
        .set_tenant(&tenant("acme"), LevelFilter::INFO)
        .unwrap();
    for id in ["acme", "other"] {
        let _request = attach(id);
        info_span!("s", order = 1).in_scope(|| warn!("w"));
    }
    let lines = logging.sink.json();
    assert_eq!(
        (
            lines[0].contains_key("order"),
            lines[1].contains_key("order")
        ),
        (true, false)
    );
}

/// `tracing` asks each filter once for each place; the answer must be kept where no tenant changes it.
#[test]
fn a_place_is_asked_about_only_where_a_tenant_matters() {
    let levels = levels("info,silent=off");
    let _logging = Logging::with(&levels);
    let interest = |metadata| {
        let interest: Interest = Filter::<Registry>::callsite_enabled(&levels, metadata);
        match () {
            () if interest.is_always() => "always",
            () if interest.is_never() => "never",
            () => "sometimes",
        }
    };
    let hint = || Filter::<Registry>::max_level_hint(&levels).unwrap();
    let info = metadata_of(Level::INFO, "app");
    let debug = metadata_of(Level::DEBUG, "app");
    let trace = metadata_of(Level::TRACE, "app");
    let silent = metadata_of(Level::INFO, "silent");
    let all = || [info, debug, trace, silent].map(interest);
    assert_eq!(
        (all(), hint()),
        (["always", "never", "never", "never"], LevelFilter::INFO)
    );
    levels
        .set_tenant(&tenant("acme"), LevelFilter::DEBUG)
        .unwrap();
    assert_eq!(
        (all(), hint()),
        (
            ["always", "sometimes", "never", "never"],
            LevelFilter::DEBUG
        )
    );
    levels
        .set_tenant(&tenant("noisy"), LevelFilter::ERROR)
        .unwrap();
    assert_eq!(
        (all(), hint()),
        (
            ["sometimes", "sometimes", "never", "never"],
            LevelFilter::DEBUG
        )
    );
    levels.parse_set("off").unwrap();
    levels.clear_tenant(&tenant("acme"));
    assert_eq!(
        (all(), hint()),
        (["never"; 4], LevelFilter::INFO),
        "for the categories"
    );
}

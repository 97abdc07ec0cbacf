use otelier_log::Levels;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::{Logging, levels, tenant};

#[test]
fn tenants_beyond_the_bound_are_refused_and_the_others_stay() {
    let levels = levels("info");
    let _logging = Logging::with(&levels);
    let refused = (0..100_000)
        .filter(|n| {
            levels
                .set_tenant(&tenant(&format!("t{n}")), LevelFilter::DEBUG)
                .is_err()
        })
        .count();
    assert_eq!(refused, 100_000 - Levels::MAX_TENANTS);
    assert_eq!(levels.tenants().len(), Levels::MAX_TENANTS);
    let error = levels
        .set_tenant(&tenant("late"), LevelFilter::DEBUG)
        .unwrap_err();
    assert!(error.is_full());
    assert_eq!(
        error.to_string(),
        "too many tenants have a level: 1000 can, clear others first"
    );
    levels
        .set_tenant(&tenant("t7"), LevelFilter::ERROR)
        .unwrap();
    levels.clear_tenant(&tenant("t8"));
    levels
        .set_tenant(&tenant("late"), LevelFilter::DEBUG)
        .unwrap();
}

#[test]
fn targets_beyond_the_bound_and_names_that_are_none_are_refused() {
    let levels = levels("info");
    let _logging = Logging::with(&levels);
    for n in 0..Levels::MAX_TARGETS {
        levels
            .set_target(&format!("t{n}"), LevelFilter::DEBUG)
            .unwrap();
    }
    levels.set_target("t7", LevelFilter::ERROR).unwrap();
    assert!(
        levels
            .set_target("late", LevelFilter::DEBUG)
            .unwrap_err()
            .is_full()
    );
    let many = (0..1_001).map(|n| (format!("m{n}"), LevelFilter::DEBUG));
    let many = Targets::new().with_targets(many);
    let list = many.to_string();
    assert!(levels.parse_set(&list).unwrap_err().is_full());
    assert!(list.parse::<Levels>().unwrap_err().is_full());
    assert!(levels.set_targets(many).unwrap_err().is_full());
    assert_eq!(levels.targets().iter().count(), Levels::MAX_TARGETS);
    for name in ["", "a=b", "a,b", "a\nb", "é", &"x".repeat(257)] {
        let error = levels.set_target(name, LevelFilter::DEBUG).unwrap_err();
        assert!(
            !error.is_full() && !error.to_string().contains("\n"),
            "{name:?}"
        );
    }
}

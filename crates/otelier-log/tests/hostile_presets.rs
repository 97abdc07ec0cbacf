//! What breaks a logger, in each preset, with its fields beside its own keys and under one. `Sink` checks
//! of each line that it is one write, one line, within its bound, and strict JSON.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use otelier_log::{Format, JsonLayer, JsonLayerBuilder};
use serde_json::{Map, Value as Json};
use support::case::fields_of;
use support::naming::{Naming, PRESETS};
use support::{LINE_LIMIT, attach, dynamic, logged_by};
use tracing::field::Value;
use tracing::{Level, info, info_span};

/// Characters of one to four bytes, and escapes of two, six and twelve.
const UNITS: [&str; 8] = ["x", "é", "漢", "🦀", "\"", "\n", "\u{1b}", "\u{e0041}"];

fn namings() -> impl Iterator<Item = Naming> {
    PRESETS.into_iter().flat_map(|preset| {
        let naming = Naming::new(preset);
        [
            naming.clone(),
            naming.clone().nest(Some("labels")),
            naming.nest(None),
        ]
    })
}

fn builder(naming: &Naming) -> JsonLayerBuilder {
    JsonLayer::builder()
        .keys(naming.keys.clone())
        .service("checkout")
        .source(true)
        .thread(true)
}

fn lost(line: &Map<String, Json>, naming: &Naming) -> u64 {
    let lost = line.get(&naming.part("truncated_bytes"));
    lost.and_then(Json::as_u64).unwrap_or(0)
}

#[test]
fn a_value_of_any_length_around_the_bound_is_cut_between_characters() {
    for naming in namings() {
        for unit in UNITS {
            // A value takes half of the room at most: it is cut at about 8,000 bytes as written.
            let written = match unit {
                "\u{e0041}" => 12,
                unit => serde_json::to_string(unit).unwrap().len() - 2,
            };
            for times in (7_700 / written..8_300 / written).step_by(60 / written) {
                let text = unit.repeat(times);
                let line = logged_by(builder(&naming), || info!(text)).line();
                let fields = fields_of(&line, &naming);
                let kept = fields["text"].as_str().unwrap();
                let (kept, cut) = match kept.strip_suffix('…') {
                    Some(kept) => (kept, true),
                    None => (kept, false),
                };
                assert!(text.starts_with(kept), "{naming:?} {unit:?} {times}");
                assert_eq!(lost(&line, &naming), (text.len() - kept.len()) as u64);
                assert_eq!(cut, kept.len() < text.len());
            }
        }
    }
}

/// The padding moves each unit over each place of the cut, in the event and where a span is copied.
#[test]
fn each_place_of_a_character_may_be_the_cut() {
    for (naming, unit) in namings().flat_map(|naming| UNITS.map(|unit| (naming.clone(), unit))) {
        for padding in 0..13 {
            let text = "a".repeat(padding) + &unit.repeat(20_000 / unit.len());
            let line = logged_by(builder(&naming), || {
                let _span = info_span!("s", in_span = text, last = 1).entered();
                info!(first = text, second = %text, "{text}");
            })
            .line();
            let mut fields = fields_of(&line, &naming);
            assert_eq!(fields.remove("last"), Some(1.into()));
            let message = line[&naming.message()].clone();
            for kept in fields.values().chain([&message]) {
                let kept = kept.as_str().unwrap().strip_suffix('…').unwrap();
                assert!(
                    text.starts_with(kept) && kept.len() > 100,
                    "{unit:?} {padding}"
                );
            }
            assert!(lost(&line, &naming) > 30_000);
        }
    }
}

#[test]
fn ten_thousand_fields_and_a_key_of_64_kib_make_one_full_line() {
    let huge: &'static str = "k".repeat(65_536).leak();
    let mut many: Vec<(&'static str, &dyn Value)> = vec![(huge, &1), ("", &2), ("r#type", &3)];
    many.extend((0..10_000).map(|n| (&*format!("field_{n}").leak(), &"value" as &dyn Value)));
    for naming in namings() {
        let sink = logged_by(builder(&naming), || {
            let _request = attach("req-1", 1);
            let _span = dynamic::span(&many).entered();
            dynamic::event(Level::ERROR, "t", &many);
        });
        let line = sink.line();
        let fields = fields_of(&line, &naming);
        assert!(sink.lines()[0].len() > LINE_LIMIT - 300, "the room is used");
        assert!(lost(&line, &naming) > 100_000);
        assert_eq!((&fields[""], &fields["r#type"]), (&2.into(), &3.into()));
        assert_eq!(fields["field_300"], "value");
        assert!(!fields.contains_key(huge));
    }
}

#[test]
fn a_thousand_spans_deep_a_line_keeps_what_is_its_own() {
    let names: Vec<&'static str> = (0..1_000).map(|n| &*format!("depth_{n}").leak()).collect();
    let log = || {
        let _request = attach("req-1", 1);
        let span = |name: &&'static str| dynamic::span(&[(*name, &"\u{e0041}\"é")]).entered();
        let spans: Vec<_> = names.iter().map(span).collect();
        info!(a = 1, "m");
        spans.into_iter().rev().for_each(drop);
    };
    for naming in namings() {
        let line = logged_by(builder(&naming), log).line();
        let fields = fields_of(&line, &naming);
        assert_eq!(fields["a"], 1);
        assert!(fields.contains_key("depth_999") && !fields.contains_key("depth_0"));
        assert_eq!(line[&naming.message()], "m");
        assert!(lost(&line, &naming) > 1_000);
    }
    for ansi in [false, true] {
        let human = JsonLayer::builder().format(Format::Human).ansi(ansi);
        let line = logged_by(human, log).lines().remove(0);
        assert_eq!(
            line.matches("\u{1b}[2m").count(),
            line.matches("\u{1b}[0m").count() - usize::from(ansi)
        );
        assert!(line.contains(" trace=4bf92f35 request=req-1 truncated_bytes="));
    }
}

#[test]
fn reserved_names_are_never_taken_whatever_they_are_called() {
    for naming in namings() {
        let own: Vec<&'static str> = naming.own().into_iter().map(|key| &*key.leak()).collect();
        let forged: Vec<_> = own
            .iter()
            .map(|name| (*name, &"forged" as &dyn Value))
            .collect();
        let sink = logged_by(builder(&naming), || {
            let _request = attach("req-1", 1);
            let _span = dynamic::span(&forged).entered();
            dynamic::event(Level::ERROR, "t", &forged);
        });
        let line = sink.line();
        for key in own {
            let mut value = line.get(key).cloned().unwrap_or_default();
            if key == naming.message() && key == "message" {
                assert_eq!(value, "forged", "it is the message");
                continue;
            }
            if let Some(object) = value.as_object_mut() {
                object.retain(|key, _| !key.starts_with("field."));
            }
            assert!(!value.to_string().contains("forged"), "{key} {naming:?}");
        }
        let fields = fields_of(&line, &naming);
        assert!(
            fields.keys().all(|key| key.starts_with("field.")),
            "{fields:?}"
        );
    }
}

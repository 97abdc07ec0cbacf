mod warnings;

use std::time::Duration;

use opentelemetry::Key;

use super::*;

fn config(variables: &[(&str, &str)]) -> Config {
    Config::from_lookup("checkout", |name| {
        let set = variables.iter().find(|(variable, _)| *variable == name);
        set.map(|(_, value)| (*value).to_owned())
    })
}

fn warnings(config: &Config) -> Vec<String> {
    config.warnings().iter().map(ToString::to_string).collect()
}

fn attribute(config: &Config, key: &'static str) -> Option<String> {
    let resource = config.attributes.clone().resource();
    resource.get(&Key::new(key)).map(|value| value.to_string())
}

#[test]
fn with_nothing_set_the_defaults_of_the_specification_hold() {
    let config = config(&[]);
    assert_eq!(config.warnings(), []);
    assert!(!config.is_disabled() && config.offers_metrics());
    assert_eq!(config.prometheus_address(), ("localhost", 9464));
    assert_eq!(config.exemplar_filter(), ExemplarFilter::TraceBased);
    assert_eq!(
        config.propagators,
        [Propagator::TraceContext, Propagator::Baggage]
    );
    assert_eq!(format!("{:?}", config.sampler), "ParentBased(AlwaysOn)");
    assert_eq!(config.limits.counts.max_attributes_per_span, 128);
    assert_eq!(config.limits.value_length, None);

    let traces = config.traces().unwrap();
    assert_eq!(traces.protocol, Protocol::HttpProtobuf);
    assert_eq!(
        traces.endpoint.to_string(),
        "http://localhost:4318/v1/traces"
    );
    assert_eq!(traces.timeout, Duration::from_secs(10));
    assert!(traces.headers.is_empty() && !traces.gzip);
    assert_eq!(traces.batch.delay, Duration::from_secs(5));
    assert_eq!((traces.batch.queue, traces.batch.size), (2_048, 512));
    assert_eq!(config.logs.batch.delay, Duration::from_secs(1));
    assert!(config.logs().is_none());
}

#[test]
fn an_empty_value_counts_as_unset() {
    for name in [
        "OTEL_SDK_DISABLED",
        "OTEL_SERVICE_NAME",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_TRACES_SAMPLER",
        "OTEL_PROPAGATORS",
        "OTEL_EXPORTER_PROMETHEUS_HOST",
    ] {
        let config = config(&[(name, " ")]);
        assert_eq!(config.warnings(), []);
        assert_eq!(attribute(&config, "service.name").unwrap(), "checkout");
        assert!(config.logs().is_none());
        assert_eq!(config.propagators.len(), 2);
        assert_eq!(config.prometheus_address().0, "localhost");
    }
}

#[test]
fn a_signal_goes_to_its_own_endpoint_as_it_is_and_to_the_general_one_by_its_path() {
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/in");
    let own = (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "http://tempo:4318/otlp",
    );
    let config = config(&[general, own]);
    assert_eq!(config.traces.endpoint.uri.to_string(), own.1);
    assert_eq!(
        config.logs.endpoint.uri.to_string(),
        "http://collector:4318/in/v1/logs"
    );
}

#[test]
fn an_unreadable_endpoint_of_a_signal_falls_back_to_the_general_one() {
    let config = config(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "tempo"),
    ]);
    assert_eq!(
        config.traces.endpoint.uri.to_string(),
        "http://collector:4318/v1/traces"
    );
    assert_eq!(config.warnings().len(), 1);
}

#[test]
fn each_signal_has_settings_of_its_own_over_the_general_ones() {
    let config = config(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "GRPC"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "500"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "b=2"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "2000"),
    ]);
    assert_eq!(config.warnings(), []);
    let (traces, logs) = (&config.traces, &config.logs);
    assert_eq!(traces.protocol, Protocol::Grpc);
    assert_eq!(traces.endpoint.to_string(), "http://localhost:4317/");
    assert_eq!(logs.protocol, Protocol::HttpProtobuf);
    assert_eq!(traces.timeout, Duration::from_secs(2));
    assert_eq!(logs.timeout, Duration::from_millis(500));
    assert!(traces.gzip && !logs.gzip);
    assert_eq!(traces.headers.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(logs.headers.keys().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn headers_are_percent_decoded_once_and_secret() {
    let text = "Authorization=Bearer%20a%253D, x-scope-orgid = team ,";
    let config = config(&[("OTEL_EXPORTER_OTLP_HEADERS", text)]);
    assert_eq!(config.warnings(), []);
    let headers = &config.traces.headers;
    assert_eq!(headers["authorization"], "Bearer a%3D");
    assert_eq!(headers["x-scope-orgid"], "team");
    assert!(headers["authorization"].is_sensitive());
}

#[test]
fn log_records_follow_an_endpoint_that_was_set() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    for (variables, exported) in [
        (&[][..], false),
        (&[("OTEL_LOGS_EXPORTER", "otlp")], true),
        (&[endpoint], true),
        (&[endpoint, ("OTEL_LOGS_EXPORTER", "none")], false),
        (&[endpoint, ("OTEL_LOGS_EXPORTER", "console")], true),
        (&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://loki")], true),
        (
            &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://tempo")],
            false,
        ),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")], false),
        (&[endpoint, ("OTEL_SDK_DISABLED", "true")], false),
    ] {
        assert_eq!(
            config(variables).logs().is_some(),
            exported,
            "{variables:?}"
        );
    }
    let in_code = config(&[]).endpoint("http://collector:4318");
    assert!(in_code.logs().is_some());
}

#[test]
fn an_endpoint_in_code_wins_over_the_environment() {
    let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://tempo:4318");
    let in_code = config(&[own]).endpoint("http://collector:4318");
    assert_eq!(
        in_code.traces.endpoint.to_string(),
        "http://collector:4318/v1/traces"
    );
    let broken = config(&[own]).endpoint("collector");
    assert_eq!(broken.traces.endpoint.to_string(), "http://tempo:4318/");
    assert_eq!(
        warnings(&broken),
        ["the endpoint set in code is not a URL of http or https: it is not used"]
    );
}

#[test]
fn all_six_samplers_are_known() {
    for (name, arg, expected) in [
        ("always_on", "", "AlwaysOn"),
        ("always_off", "", "AlwaysOff"),
        ("traceidratio", "0.25", "TraceIdRatioBased(0.25)"),
        ("parentbased_always_on", "", "ParentBased(AlwaysOn)"),
        ("parentbased_always_off", "", "ParentBased(AlwaysOff)"),
        (
            "ParentBased_TraceIdRatio",
            "0.5",
            "ParentBased(TraceIdRatioBased(0.5))",
        ),
    ] {
        let config = config(&[
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", arg),
        ]);
        assert_eq!(config.warnings(), []);
        assert_eq!(format!("{:?}", config.sampler), expected);
    }
}

#[test]
fn a_ratio_that_is_none_samples_all() {
    for ratio in ["1.5", "-0.1", "NaN", "half"] {
        let config = config(&[
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", ratio),
        ]);
        assert_eq!(format!("{:?}", config.sampler), "TraceIdRatioBased(1.0)");
        assert_eq!(
            warnings(&config),
            ["OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1: the default, 1.0, is used"]
        );
    }
}

#[test]
fn propagators_are_used_once_and_in_order() {
    use Propagator::{B3, B3Multi, Baggage, TraceContext};
    for (text, expected, number_of_warnings) in [
        (
            "baggage, TraceContext,baggage",
            &[Baggage, TraceContext][..],
            0,
        ),
        ("none", &[], 0),
        ("tracecontext", &[TraceContext], 0),
        ("b3multi,baggage,b3", &[B3Multi, Baggage, B3], 0),
        ("b3", &[B3], 0),
        ("xray,baggage", &[Baggage], 1),
        ("jaeger", &[TraceContext, Baggage], 2),
    ] {
        let config = config(&[("OTEL_PROPAGATORS", text)]);
        assert_eq!(config.propagators, expected, "{text}");
        assert_eq!(config.warnings().len(), number_of_warnings, "{text}");
    }
}

#[test]
fn limits_of_spans_win_over_the_general_ones() {
    let config = config(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "10"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "20"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "0"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "3"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "4"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1000"),
    ]);
    assert_eq!(config.warnings(), []);
    let counts = config.limits.counts;
    assert_eq!(counts.max_attributes_per_span, 20);
    assert_eq!(counts.max_events_per_span, 0);
    assert_eq!(counts.max_links_per_span, 3);
    assert_eq!(counts.max_attributes_per_event, 10);
    assert_eq!(counts.max_attributes_per_link, 4);
    assert_eq!(config.limits.value_length, Some(1_000));
}

#[test]
fn a_small_queue_makes_the_batches_small() {
    let config = config(&[("OTEL_BSP_MAX_QUEUE_SIZE", "100")]);
    assert_eq!(config.warnings(), []);
    assert_eq!(
        (config.traces.batch.queue, config.traces.batch.size),
        (100, 100)
    );
}

#[test]
fn the_service_name_in_code_is_a_default_and_other_attributes_in_code_win() {
    let attributes = "service.name=from-attributes,deployment.environment.name=env,team=a%2Cb";
    let from_attributes = config(&[("OTEL_RESOURCE_ATTRIBUTES", attributes)]);
    assert_eq!(
        attribute(&from_attributes, "service.name").unwrap(),
        "from-attributes"
    );
    assert_eq!(attribute(&from_attributes, "team").unwrap(), "a,b");

    let config = config(&[
        ("OTEL_RESOURCE_ATTRIBUTES", attributes),
        ("OTEL_SERVICE_NAME", "from-name"),
    ]);
    let config = config
        .version("1.2.3")
        .environment("code")
        .attribute("shard", 7);
    for (key, expected) in [
        ("service.name", "from-name"),
        ("service.version", "1.2.3"),
        ("deployment.environment.name", "code"),
        ("shard", "7"),
        ("telemetry.sdk.language", "rust"),
    ] {
        assert_eq!(attribute(&config, key).as_deref(), Some(expected));
    }
}

#[test]
fn the_resource_says_which_process_this_is() {
    let config = config(&[]);
    let pid = std::process::id().to_string();
    assert_eq!(attribute(&config, "process.pid"), Some(pid));
    assert!(attribute(&config, "process.executable.name").is_some());
    let id = attribute(&config, "service.instance.id").unwrap();
    assert_eq!(id.parse::<uuid::Uuid>().unwrap().get_version_num(), 4);
    #[cfg(target_os = "linux")]
    assert!(attribute(&config, "host.name").is_some());
}

#[test]
fn a_service_without_a_name_is_unknown() {
    let config = Config::from_lookup("", |_| None);
    let name = attribute(&config, "service.name").unwrap();
    assert!(name.starts_with("unknown_service:"), "{name}");
}

use super::*;

#[test]
fn what_cannot_be_read_is_one_warning_and_the_default() {
    for (name, values, expected) in [
        (
            "OTEL_SDK_DISABLED",
            &["yes", "1"][..],
            "is not one of false, true: the default, false, is used",
        ),
        (
            "OTEL_TRACES_EXPORTER",
            &["console", "zipkin", "otlp,console"],
            "is not one of otlp, none: the default, otlp, is used",
        ),
        (
            "OTEL_LOGS_EXPORTER",
            &["console", "OTLP HTTP"],
            "is not one of otlp, none: the default, otlp where an OTLP endpoint is set, is used",
        ),
        (
            "OTEL_METRICS_EXPORTER",
            &["console"],
            "is not one of prometheus, none: the default, prometheus, is used",
        ),
        (
            "OTEL_METRICS_EXPORTER",
            &["otlp", "OTLP"],
            "is otlp, but metrics are pulled by a scraper, not pushed: the default, prometheus, is used",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            &["http://collector:4318"],
            "has no effect: metrics are pulled by a scraper, not pushed",
        ),
        (
            "OTEL_METRICS_EXEMPLAR_FILTER",
            &["sometimes"],
            "is not one of trace_based, always_on, always_off: the default, trace_based, is used",
        ),
        (
            "OTEL_EXPORTER_PROMETHEUS_PORT",
            &["-1", "65536", "http"],
            "is not a port number: the default, 9464, is used",
        ),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            &["http/json", "http"],
            "is not one of http/protobuf, grpc: the default, http/protobuf, is used",
        ),
        (
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
            &["http/json"],
            "is not one of http/protobuf, grpc: OTEL_EXPORTER_OTLP_PROTOCOL or the default, \
             http/protobuf, is used",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            &["collector:4318", "not a url", "ftp://collector", "http://"],
            "is not a URL of http or https: the default, http://localhost:4318, is used",
        ),
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            &["0", "10s", "-1", "1e3", "99999999999"],
            "is not a whole number from 1 to 4294967295: the default, 10000, is used",
        ),
        (
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            &["zstd", "br"],
            "is not one of none, gzip: the default, none, is used",
        ),
        (
            "OTEL_EXPORTER_OTLP_INSECURE",
            &["yes"],
            "is not one of false, true: the default, false, is used",
        ),
        (
            "OTEL_TRACES_SAMPLER",
            &["jaeger_remote", "parentbased"],
            "is not one of parentbased_always_on, parentbased_always_off, \
             parentbased_traceidratio, always_on, always_off, traceidratio: the default, \
             parentbased_always_on, is used",
        ),
        (
            "OTEL_BSP_MAX_QUEUE_SIZE",
            &["0", "1000001", "many"],
            "is not a whole number from 1 to 1000000: the default, 2048, is used",
        ),
        (
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            &["0", "2049"],
            "is not a whole number from 1 to 2048: the default, 512, is used",
        ),
        (
            "OTEL_BSP_SCHEDULE_DELAY",
            &["0", "soon"],
            "is not a whole number from 1 to 4294967295: the default, 5000, is used",
        ),
        (
            "OTEL_BLRP_SCHEDULE_DELAY",
            &["0"],
            "is not a whole number from 1 to 4294967295: the default, 1000, is used",
        ),
        (
            "OTEL_BLRP_EXPORT_TIMEOUT",
            &["never"],
            "is not a whole number from 1 to 4294967295: the default, 30000, is used",
        ),
        (
            "OTEL_SPAN_EVENT_COUNT_LIMIT",
            &["-1", "lots"],
            "is not a whole number from 0 to 4294967295: the default, 128, is used",
        ),
        (
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            &["-1", "long"],
            "is not a number of characters: OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT or the default, no \
             limit, is used",
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            &["a", "a=1,b", "=1", "a=%ff"],
            "is not a list of key=value with percent-encoded values: the default, no attributes, \
             is used",
        ),
        (
            "OTEL_PROPAGATORS",
            &["tracecontext,xray", "tracecontext,,"],
            "has an entry, number 2, that is not one of tracecontext, baggage, b3, b3multi, none: it is \
             left out",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            &["a=1,b", "a=1,b c=2", "a=1,b=%0a", "a=1,b=%ff"],
            "has an entry, number 2, that is not key=value: it is left out",
        ),
    ] {
        for value in values {
            let config = config(&[(name, value)]);
            let found = warnings(&config);
            assert_eq!(
                found.first(),
                Some(&format!("{name} {expected}")),
                "{value}"
            );
            let mut others = config.warnings().iter().skip(1);
            assert!(
                others.all(|warning| warning.variable() == name),
                "{found:?}"
            );
        }
    }
}

#[test]
fn a_warning_does_not_repeat_the_value() {
    let secret = "s3cret";
    for (name, value) in [
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=s3cret\n,s3cret",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "s3cret"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://user:s3cret@collector",
        ),
        ("OTEL_RESOURCE_ATTRIBUTES", "s3cret"),
        ("OTEL_TRACES_SAMPLER", "s3cret"),
        ("OTEL_PROPAGATORS", "s3cret"),
    ] {
        let config = config(&[(name, value)]);
        assert_eq!(config.warnings()[0].variable(), name);
        assert!(!warnings(&config).concat().contains(secret), "{name}");
        assert!(!format!("{config:?}").contains(secret), "{name}");
    }
}

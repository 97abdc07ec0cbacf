use super::env::Env;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagator {
    TraceContext,
    Baggage,
    B3,
    B3Multi,
}

const NAME: &str = "OTEL_PROPAGATORS";

/// Each is used once. What is not known is left out; if nothing else is there, the default is used.
pub(crate) fn from_env(env: &mut Env<'_>) -> Vec<Propagator> {
    let default = vec![Propagator::TraceContext, Propagator::Baggage];
    let Some(text) = env.text(NAME) else {
        return default;
    };
    let mut propagators = Vec::new();
    let mut known = false;
    for (at, word) in text.split(',').enumerate() {
        let propagator = match word.trim().to_ascii_lowercase().as_str() {
            "tracecontext" => Some(Propagator::TraceContext),
            "baggage" => Some(Propagator::Baggage),
            "b3" => Some(Propagator::B3),
            "b3multi" => Some(Propagator::B3Multi),
            "none" => None,
            _ => {
                let nth = at + 1;
                let problem = format!(
                    "has an entry, number {nth}, that is not one of tracecontext, baggage, \
                     b3, b3multi, none: it is left out"
                );
                env.warn(NAME, problem);
                continue;
            }
        };
        known = true;
        let new = propagator.filter(|propagator| !propagators.contains(propagator));
        propagators.extend(new);
    }
    if known {
        return propagators;
    }
    env.warn(
        NAME,
        "has no known entry: the default, tracecontext,baggage, is used",
    );
    default
}

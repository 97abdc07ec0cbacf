//! ECMA-48's SELECT GRAPHIC RENDITION (8.3.117), as far as it is harmless.

/// The bytes of the sequence that `text` starts with, 0 if it is not one that may stay.
pub(crate) fn len(text: &str) -> usize {
    let Some(sequence) = text.strip_prefix("\x1b[") else {
        return 0;
    };
    let is_parameter = |byte: &u8| matches!(byte, b'0'..=b'9' | b';');
    let bytes = sequence.bytes().take(MAX_PARAMETERS);
    let parameters = bytes.take_while(is_parameter).count();
    match sequence.as_bytes().get(parameters) {
        Some(b'm') if is_harmless(&sequence[..parameters]) => 2 + parameters + 1,
        _ => 0,
    }
}

/// Bytes between `[` and `m`; enough for two colours by red, green and blue and all styles.
const MAX_PARAMETERS: usize = 64;

/// Colours and font styles; not blinking (5, 6) and not hidden (8).
fn is_harmless(parameters: &str) -> bool {
    let mut parameters = parameters.split(';').map(number);
    while let Some(parameter) = parameters.next() {
        let colour = match parameter {
            Some(
                0..=4
                | 7
                | 9
                | 21..=25
                | 27..=29
                | 30..=37
                | 39
                | 40..=47
                | 49
                | 90..=97
                | 100..=107,
            ) => continue,
            Some(38 | 48) => parameters.next().flatten(),
            _ => return false,
        };
        let last = match colour {
            Some(5) => parameters.next(),
            Some(2) => parameters.nth(2),
            _ => return false,
        };
        if last.flatten().is_none() {
            return false;
        }
    }
    true
}

/// An empty parameter is 0.
fn number(parameter: &str) -> Option<u8> {
    if parameter.is_empty() {
        return Some(0);
    }
    parameter.parse().ok()
}

//! What the targets share.

use otelier_sanitize::Policy;

/// A policy that is the same for the same choice.
pub fn policy(choice: u8, max_len: Option<u16>) -> Policy {
    let mut policy = match choice & 3 {
        0 => Policy::escape(),
        1 => Policy::strip(),
        2 => Policy::replace('?'),
        _ => Policy::replace('\u{1b}'),
    };
    if choice & 4 != 0 {
        policy = policy.allow_tab_and_newline();
    }
    if choice & 8 != 0 {
        policy = policy.allow_joiners();
    }
    if choice & 16 != 0 {
        policy = policy.allow_sgr();
    }
    match max_len {
        Some(max_len) => policy.max_len(usize::from(max_len)),
        None => policy,
    }
}

/// May a character be in what that policy has written?
pub fn may_stay(choice: u8, c: char) -> bool {
    match c {
        '\t' | '\n' => choice & 4 != 0,
        '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' => choice & 8 != 0,
        '\u{1b}' => choice & 16 != 0,
        _ => !is_special(c),
    }
}

/// The README's table.
pub fn is_special(c: char) -> bool {
    let shows_nothing = matches!(c,
        '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
        | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}');
    let reorders = matches!(c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_noncharacter = matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    let other = matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}');
    c.is_control() || shows_nothing || reorders || is_noncharacter || other
}

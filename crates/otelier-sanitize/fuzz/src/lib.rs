//! What the targets share.

mod special;

use otelier_sanitize::Policy;

pub use special::is_special;

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

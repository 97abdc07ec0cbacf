use libfuzzer_sys::arbitrary::Unstructured;
use otelier_log::Format;

use crate::special::is_special;
use crate::{bytes, written};

/// The colours of levels, faint, and the end of each.
const SGR: [&str; 7] = [
    "\x1b[0m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[34m", "\x1b[35m",
];

/// Whatever is logged is one short line for people, in which nothing special stands but our own colours.
pub(crate) fn check(input: &mut Unstructured<'_>) {
    let (Ok(ansi), Ok(naming), Ok(case)) =
        (input.arbitrary(), bytes::naming(input), bytes::case(input))
    else {
        return;
    };
    let builder = case.builder(&naming).format(Format::Human).ansi(ansi);
    let mut line = written(builder, &case);
    if ansi {
        let begun = line.matches("\x1b[").count();
        assert_eq!(begun, 2 * line.matches("\x1b[0m").count(), "{line:?}");
        line = SGR.iter().fold(line, |line, code| line.replace(code, ""));
    }
    assert!(!line.contains(is_special), "{line:?}");
}

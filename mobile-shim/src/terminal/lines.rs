//! Writing where perhaps nobody reads any more. A closed pipe (`… | head`) is no error: what was
//! asked for is done all the same.

use std::fmt::Arguments;
use std::io::Write as _;

/// Writes a line on standard output, and says whether that could be done.
pub fn print_line(line: Arguments<'_>) -> bool {
    writeln!(std::io::stdout().lock(), "{line}").is_ok()
}

pub(super) fn out(line: Arguments<'_>) {
    print_line(line);
}

pub(super) fn note(line: Arguments<'_>) {
    // Without standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

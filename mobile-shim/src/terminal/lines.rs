//! Writing where perhaps nobody reads any more. A closed pipe (`… | head`) is no error: what was
//! asked for is done all the same. What others wrote steers no terminal.

use std::fmt::Arguments;
use std::io::Write as _;

use sync_core::text::shown;

/// Writes a line on standard output, and says whether that could be done.
pub fn print_line(line: Arguments<'_>) -> bool {
    let line = line.to_string();
    writeln!(std::io::stdout().lock(), "{}", shown(&line)).is_ok()
}

pub(super) fn out(line: Arguments<'_>) {
    print_line(line);
}

pub(super) fn note(line: Arguments<'_>) {
    let line = line.to_string();
    // Without standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{}", shown(&line));
}

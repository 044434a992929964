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

/// Where the further lines of a remark begin: none of them is taken for a line of its own.
const HANGING: &str = "\n        │ ";

pub(super) fn out(line: Arguments<'_>) {
    let line = line.to_string();
    print_line(format_args!("{}", hanging(&line)));
}

fn hanging(line: &str) -> String {
    line.replace("\r\n", "\n").replace('\n', HANGING)
}

pub(super) fn note(line: Arguments<'_>) {
    let line = line.to_string();
    // Without standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{}", shown(&line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_remark_stands_by_itself() {
        let shown = hanging("  Remarques  Rien.\r\n  9d9a67  Doliprane\n");
        assert_eq!(
            shown,
            "  Remarques  Rien.\n        │   9d9a67  Doliprane\n        │ "
        );
    }
}

use std::io::Write as _;

use serde::Serialize;
use sync_core::text::{shown, shown_json};

use super::CommandError;

/// Prints an answer on standard output: JSON for programs, else lines for people.
pub(super) fn print<T: Serialize>(
    json: bool,
    answer: &T,
    lines: &[(&str, String)],
) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    if json {
        let json = serde_json::to_string(answer).map_err(std::io::Error::from)?;
        writeln!(out, "{}", shown_json(&json))?;
    } else {
        let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in lines {
            writeln!(out, "{name:width$}  {}", shown(value))?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Prints one line on standard output.
pub(super) fn line(text: &str) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", shown(text))?;
    out.flush()?;
    Ok(())
}

/// Prints one line on standard error.
pub(super) fn note(text: &str) {
    // Without standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{}", shown(text));
}

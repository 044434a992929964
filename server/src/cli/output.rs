use std::io::Write as _;

use serde::Serialize;

use super::CommandError;

/// Prints an answer on standard output: JSON for programs, else lines for people.
pub(super) fn print<T: Serialize>(
    json: bool,
    answer: &T,
    lines: &[(&str, String)],
) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, answer).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in lines {
            writeln!(out, "{name:width$}  {value}")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Prints one line on standard output.
pub(super) fn line(text: &str) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

//! What happened, told line by line to whoever looks for a bug.

/// A history's trace; off, it costs nothing.
#[derive(Debug, Default)]
pub struct Trace(Option<Vec<String>>);

impl Trace {
    /// A trace that is kept.
    pub fn on() -> Self {
        Trace(Some(Vec::new()))
    }

    /// Notes something, `since` microseconds after the history began.
    pub fn say(&mut self, since: u64, what: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.0 {
            let (days, rest) = (since / 86_400_000_000, since % 86_400_000_000);
            let seconds = rest / 1_000_000;
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let line = format!(
                "{days:>3}d {hours:02}:{minutes:02}:{:02}.{:03}  {}",
                seconds % 60,
                rest / 1000 % 1000,
                what()
            );
            lines.push(line);
        }
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        self.0.as_deref().unwrap_or_default()
    }
}

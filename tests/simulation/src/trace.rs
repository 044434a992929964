//! What happened, told line by line to whoever looks for a bug.

/// A history's trace; off, it costs nothing.
#[derive(Debug, Default)]
pub struct Trace {
    lines: Option<Vec<String>>,
    /// The step that is played.
    step: Option<u64>,
}

impl Trace {
    /// A trace that is kept.
    pub fn on() -> Self {
        Trace {
            lines: Some(Vec::new()),
            step: None,
        }
    }

    /// What is told from here on happens in this step; or in none, before and after all of them.
    pub fn step(&mut self, step: Option<u64>) {
        self.step = step;
    }

    /// The step that is played.
    pub fn at(&self) -> Option<u64> {
        self.step
    }

    /// Notes something, `since` microseconds after the history began.
    pub fn say(&mut self, since: u64, what: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            let step = self.step.map(|step| format!("#{step}"));
            let (days, rest) = (since / 86_400_000_000, since % 86_400_000_000);
            let seconds = rest / 1_000_000;
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let line = format!(
                "{:>5} {days:>3}d {hours:02}:{minutes:02}:{:02}.{:03}  {}",
                step.unwrap_or_default(),
                seconds % 60,
                rest / 1000 % 1000,
                what()
            );
            lines.push(line);
        }
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }
}

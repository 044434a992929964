//! What happened, told line by line to whoever looks for a bug.

/// A history's trace; off, it costs nothing.
#[derive(Debug, Default)]
pub struct Trace {
    /// Each with when it happened.
    lines: Option<Vec<(u64, String)>>,
    /// Of which record it tells, if of one of several.
    of: &'static str,
    /// The step that is played.
    step: Option<u64>,
}

impl Trace {
    /// A trace that is kept.
    pub fn on() -> Self {
        Trace {
            lines: Some(Vec::new()),
            ..Trace::default()
        }
    }

    /// The trace of another record.
    pub fn beside(&self, of: &'static str) -> Self {
        Trace {
            lines: self.lines.as_ref().map(|_| Vec::new()),
            of,
            ..Trace::default()
        }
    }

    /// Takes what another trace tells between what this one does, each where it happened.
    pub fn join(&mut self, other: Trace) {
        if let (Some(lines), Some(theirs)) = (&mut self.lines, other.lines) {
            lines.extend(theirs);
            lines.sort_by_key(|(at, _)| *at);
        }
        self.step = self.step.or(other.step);
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
                "{:>5} {days:>3}d {hours:02}:{minutes:02}:{:02}.{:03}  {}{}",
                step.unwrap_or_default(),
                seconds % 60,
                rest / 1000 % 1000,
                self.of,
                what()
            );
            lines.push((since, line));
        }
    }

    /// The lines.
    pub fn into_lines(self) -> Vec<String> {
        let lines = self.lines.unwrap_or_default().into_iter();
        lines.map(|(_, line)| line).collect()
    }
}

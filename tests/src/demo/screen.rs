//! What people see: headings, aligned lines, progress; colour only on a terminal.

use std::cell::Cell;
use std::fmt::Arguments;
use std::io::IsTerminal as _;
use std::time::Duration;

use carnet_mobile::terminal::print_line;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where the story is told.
#[derive(Debug)]
pub(super) struct Screen {
    colour: bool,
    terminal: bool,
    closed: Cell<bool>,
}

/// How a word is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tone {
    /// A heading.
    Strong,
    /// All is well.
    Good,
    /// Somebody has to look.
    Warning,
    /// It went wrong.
    Bad,
    /// An aside.
    Quiet,
}

impl Screen {
    /// Standard output, as it is.
    pub fn new() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let colour = terminal && std::env::var_os("NO_COLOR").is_none();
        Screen {
            colour,
            terminal,
            closed: Cell::new(false),
        }
    }

    fn out(&self, line: Arguments<'_>) {
        if !print_line(line) {
            self.closed.set(true);
        }
    }

    /// Whether nobody reads any more, as after `| head`.
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// A text in a tone.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Strong => "1",
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31;1",
            Tone::Quiet => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// The title of it all.
    pub fn title(&self, text: &str) {
        self.out(format_args!("\n{}", self.paint(Tone::Strong, text)));
    }

    /// The heading of a chapter.
    pub fn chapter(&self, text: &str) {
        self.out(format_args!("\n{}", self.paint(Tone::Strong, text)));
    }

    /// A line in two columns: who or what, and what about them.
    pub fn line(&self, who: &str, what: &str) {
        self.out(format_args!("  {} {what}", pad(who, 20)));
    }

    /// A line under the one before it.
    pub fn more(&self, what: &str) {
        self.out(format_args!("  {} {what}", pad("", 20)));
    }

    /// A whole line.
    pub fn say(&self, what: &str) {
        self.out(format_args!("  {what}"));
    }

    /// The outcome of a check.
    pub fn check(&self, what: &str, problem: Option<&str>) {
        match problem {
            None => self.out(format_args!(
                "  {}      {what}",
                self.paint(Tone::Good, "ok")
            )),
            Some(why) => self.out(format_args!(
                "  {}  {what}: {why}",
                self.paint(Tone::Bad, "FAILED")
            )),
        }
    }

    /// A bar for work of so many steps; invisible where nobody watches.
    pub fn bar(&self, what: &str, steps: u64) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(Some(steps), self.target());
        let style = ProgressStyle::with_template("  {msg:20} {bar:32} {pos}/{len}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar
    }

    fn target(&self) -> ProgressDrawTarget {
        if self.terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        }
    }
}

/// A text filled up with blanks to a width in characters.
pub(super) fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

/// A text behind blanks.
pub(super) fn right(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{}{text}", " ".repeat(missing))
}

/// A number of bytes for people.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{} kB", count / 1_000),
        _ => format!("{} MB", count / 1_000_000),
    }
}

/// A duration for people.
pub(super) fn seconds(length: Duration) -> String {
    format!("{:.1} s", length.as_secs_f64())
}

/// A number and what is counted.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    let thousands = number / 1_000;
    let number_text = if thousands > 0 {
        format!("{thousands},{:03}", number % 1_000)
    } else {
        number.to_string()
    };
    format!("{number_text} {}", if number == 1 { one } else { many })
}

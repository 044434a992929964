//! One trying process, as the server keeps it: started when it is needed, and again when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

use sync_core::guard::{Trial, Unsafe};

use super::pool::Program;
use super::talk::{Ask, Limits, Said, Tries, Unanswered, Verdicts, receive, send};

/// So many changes of one ask may end their process; then the rest is not tried.
const MOST_HARMFUL: usize = 4;

/// Signals by which a process ends by what it did itself: an abort, a broken stack, an instruction
/// or an address that is none, too much processor time.
const OWN_FAULT: [i32; 7] = [4, 5, 6, 7, 8, 11, 24];

pub(super) struct Keeper {
    program: Program,
    limits: Limits,
    process: Option<Process>,
}

struct Process {
    child: Child,
    line: UnixStream,
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// By what it was doing.
    ByItself,
    /// Somebody else ended it, or it was silent for too long.
    ByOthers,
}

/// A step of an ask.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Inspect(usize),
    Add { entry: usize, change: usize },
}

/// What is known of an ask so far.
struct Progress {
    ask: Ask,
    verdicts: Verdicts,
    /// The entries as far as changes were added to them.
    documents: BTreeMap<usize, sync_core::Bytes>,
    next: usize,
    steps: Vec<Step>,
}

impl Keeper {
    pub fn new(program: Program, limits: Limits) -> Self {
        Keeper {
            program,
            limits,
            process: None,
        }
    }

    /// Has changes tried. One that ends the process is refused, and the others are tried in another.
    pub fn answer(&mut self, ask: Ask) -> Result<Verdicts, Unanswered> {
        let mut progress = Progress::new(ask);
        let (mut harmful, mut failed) = (0, 0);
        loop {
            match self.go_on(&mut progress) {
                Ok(()) => return Ok(progress.verdicts),
                Err(End::ByItself) if progress.blame() => {
                    harmful += 1;
                    metrics::counter!("carnet_guard_harmful_changes_total").increment(1);
                    tracing::warn!("a change ended the process that tried it, and is refused");
                    if harmful == MOST_HARMFUL {
                        return Err(Unanswered::Harmful);
                    }
                }
                Err(_) => {
                    failed += 1;
                    tracing::warn!("a process that tries changes ended before it answered");
                    if failed == 2 {
                        return Err(Unanswered::Unavailable);
                    }
                }
            }
        }
    }

    fn go_on(&mut self, progress: &mut Progress) -> Result<(), End> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => {
                let started = Process::start(&self.program, self.limits);
                started.map_err(|error| {
                    tracing::error!(%error, "no process to try changes in could be started");
                    End::ByOthers
                })?
            }
        };
        match process.talk(progress) {
            Ok(()) => {
                self.process = Some(process);
                Ok(())
            }
            Err(error) => Err(process.end(&error)),
        }
    }
}

impl Process {
    fn start(program: &Program, limits: Limits) -> io::Result<Self> {
        let (line, theirs) = UnixStream::pair()?;
        line.set_read_timeout(Some(limits.patience))?;
        line.set_write_timeout(Some(limits.patience))?;
        let theirs: OwnedFd = theirs.into();
        let child = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut process = Process { child, line };
        send(&mut process.line, &limits)?;
        Ok(process)
    }

    fn talk(&mut self, progress: &mut Progress) -> io::Result<()> {
        send(&mut self.line, &progress.left())?;
        loop {
            match receive(&mut self.line)? {
                Said::Done => return Ok(()),
                Said::Inspected(number, verdict) => progress.inspected(number, verdict),
                Said::Tried(number, trial) => progress.tried(number, trial),
            }
        }
    }

    /// Ends it if it has not ended, and says how it did.
    fn end(mut self, error: &io::Error) -> End {
        let silent = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
        if silent.contains(&error.kind()) || error.kind() == io::ErrorKind::InvalidData {
            // It may have ended just now.
            let _ = self.child.kill();
        }
        match self.child.wait() {
            Ok(ended) if ended.signal().is_some_and(|by| OWN_FAULT.contains(&by)) => End::ByItself,
            _ => End::ByOthers,
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It ends by itself when its line is closed; what it is doing is of no use any more.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

impl Progress {
    fn new(ask: Ask) -> Self {
        let count = ask.changes.len();
        let inspect = (0..count).map(Step::Inspect);
        let add = ask.entries.iter().enumerate().flat_map(|(entry, tries)| {
            let changes = tries.changes.iter();
            changes.map(move |change| Step::Add {
                entry,
                change: *change,
            })
        });
        Progress {
            steps: inspect.chain(add).collect(),
            verdicts: Verdicts {
                inspected: vec![Err(Unsafe::Harmful); count],
                tried: vec![None; count],
            },
            documents: BTreeMap::new(),
            next: 0,
            ask,
        }
    }

    fn is_sound(&self, change: usize) -> bool {
        self.verdicts.inspected.get(change) == Some(&Ok(()))
    }

    /// The ask that is left: what was inspected is inspected again where it is still to be added.
    fn left(&mut self) -> Ask {
        if self.next == 0 {
            return self.ask.clone();
        }
        // What is known not to be sound is not looked at again: it may be what ended the process.
        let steps = &self.steps[self.next.min(self.steps.len())..];
        let wanted = |step: &&Step| match step {
            Step::Inspect(_) => true,
            Step::Add { change, .. } => self.next <= *change || self.is_sound(*change),
        };
        let left: BTreeSet<Step> = steps.iter().filter(wanted).copied().collect();
        let wanted: BTreeSet<usize> = left
            .iter()
            .map(|step| match step {
                Step::Inspect(change) | Step::Add { change, .. } => *change,
            })
            .collect();
        // What is not wanted any more stands there empty, so that numbers stay as they are.
        let whole = |(number, change): (usize, &sync_core::Bytes)| match wanted.contains(&number) {
            true => change.clone(),
            false => sync_core::Bytes::default(),
        };
        let changes = self.ask.changes.iter().enumerate().map(whole).collect();
        let entries = self.ask.entries.iter().enumerate().map(|(entry, tries)| {
            let document = self.documents.get(&entry).or(tries.document.as_ref());
            let still = |change: &&usize| {
                let change = **change;
                left.contains(&Step::Add { entry, change })
            };
            Tries {
                document: document.cloned(),
                changes: tries.changes.iter().filter(still).copied().collect(),
            }
        });
        Ask {
            changes,
            entries: entries.collect(),
        }
    }

    fn inspected(&mut self, number: usize, verdict: Result<(), Unsafe>) {
        // What was inspected before was told then.
        if self.steps.get(self.next) == Some(&Step::Inspect(number)) {
            self.verdicts.inspected[number] = verdict;
            self.next += 1;
        }
    }

    fn tried(&mut self, number: usize, trial: Trial) {
        self.skip_unsound();
        if let Some(Step::Add { entry, change }) = self.steps.get(self.next).copied()
            && change == number
        {
            if let Ok(saved) = &trial.outcome {
                self.documents.insert(entry, saved.clone());
            }
            self.verdicts.tried[number] = Some(trial);
            self.next += 1;
        }
    }

    /// Nothing is added of what is not sound.
    fn skip_unsound(&mut self) {
        while let Some(Step::Add { change, .. }) = self.steps.get(self.next)
            && !self.is_sound(*change)
        {
            self.next += 1;
        }
    }

    /// Refuses the change that was under way; whether there was one.
    fn blame(&mut self) -> bool {
        self.skip_unsound();
        let Some(step) = self.steps.get(self.next) else {
            return false;
        };
        let (Step::Inspect(change) | Step::Add { change, .. }) = *step;
        self.verdicts.inspected[change] = Err(Unsafe::Harmful);
        self.verdicts.tried[change] = None;
        self.next += 1;
        true
    }
}

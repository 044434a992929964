//! One trying process, as the server keeps it: started when it is needed, and again when it ends.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

use sync_core::Digest32;

use super::pool::Program;
use super::progress::{Progress, Step};
use super::talk::{Ask, Limits, Said, Unanswered, Verdicts, receive, send};

/// So many changes of one ask may do harm; then the rest is not tried.
const MOST_HARMFUL: usize = 4;

/// So many ends of a process may turn out to be the fault of no change; then the rest is not tried.
const MOST_INNOCENT: usize = 8;

/// Signals by which a process ends by what it did itself: an abort, a broken stack, an instruction
/// or an address that is none, too much processor time.
const OWN_FAULT: [i32; 7] = [4, 5, 6, 7, 8, 11, 24];

/// Whoever has changes tried.
pub(super) trait Asker {
    /// Whether they still wait for an answer.
    fn waits(&self) -> bool;
    /// Whether anything is known to do harm.
    fn knows_any(&self) -> bool;
    /// Whether a step of this name is.
    fn knows(&self, harm: &Digest32) -> bool;
    /// A step of theirs ended two processes, the second alone.
    fn harmed(&self, harm: Digest32);
}

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

impl Keeper {
    pub fn new(program: Program, limits: Limits) -> Self {
        Keeper {
            program,
            limits,
            process: None,
        }
    }

    /// Has changes tried. A step that ended its process is tried alone in another, since it may have
    /// been ended by what earlier steps left behind; if it ends that one too its change is refused,
    /// and the others are tried in a third.
    pub fn answer(&mut self, ask: Ask, asker: &dyn Asker) -> Result<Verdicts, Unanswered> {
        let mut progress = Progress::new(ask);
        if asker.knows_any() {
            progress.leave_out(|harm| asker.knows(harm));
        }
        let mut suspect = None;
        let (mut harmful, mut innocent, mut failed) = (0, 0, 0);
        while harmful < MOST_HARMFUL && innocent <= MOST_INNOCENT && failed < 2 {
            let end = match self.go_on(&mut progress, suspect, asker) {
                // It was not its fault.
                Ok(()) if suspect.is_some() && progress.step() != suspect => {
                    (suspect, innocent) = (None, innocent + 1);
                    continue;
                }
                Ok(()) => return Ok(progress.verdicts),
                Err(end) => end,
            };
            match (end, progress.step()) {
                (End::ByItself, Some(step)) if suspect == Some(step) => {
                    if let Some(harm) = progress.blame() {
                        asker.harmed(harm);
                    }
                    (suspect, harmful) = (None, harmful + 1);
                    metrics::counter!("carnet_guard_harmful_changes_total").increment(1);
                    tracing::warn!("a change ended the process that tried it, and is refused");
                }
                (End::ByItself, Some(step)) => {
                    suspect = Some(step);
                    tracing::warn!("a process that tries changes ended; its step is tried alone");
                }
                _ => {
                    failed += 1;
                    tracing::warn!("a process that tries changes ended before it answered");
                }
            }
            if !asker.waits() {
                return Err(Unanswered::Unavailable);
            }
        }
        Err(match harmful {
            MOST_HARMFUL => Unanswered::Harmful,
            _ => Unanswered::Unavailable,
        })
    }

    fn go_on(
        &mut self,
        progress: &mut Progress,
        alone: Option<Step>,
        asker: &dyn Asker,
    ) -> Result<(), End> {
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
        match process.talk(progress, alone, asker) {
            Ok(()) => {
                self.process = Some(process);
                Ok(())
            }
            Err(_) => Err(process.end()),
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
        match send(&mut process.line, &limits) {
            Ok(()) => Ok(process),
            Err(error) => {
                process.end();
                Err(error)
            }
        }
    }

    fn talk(
        &mut self,
        progress: &mut Progress,
        alone: Option<Step>,
        asker: &dyn Asker,
    ) -> io::Result<()> {
        let work = match alone {
            Some(step) => progress.alone(step),
            None => progress.left(),
        };
        send(&mut self.line, &work)?;
        loop {
            match receive(&mut self.line)? {
                // It may have no room to add more; but it says of each whether it is sound.
                Said::Done => match progress.step() {
                    Some(step @ Step::Inspect(_)) if alone.is_none_or(|alone| alone == step) => {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                    _ => return Ok(()),
                },
                Said::Inspected(number, verdict) => progress.inspected(number, verdict),
                Said::Tried(number, trial) => progress.tried(number, trial)?,
            }
            if !asker.waits() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
    }

    /// Ends it if it has not ended, and says how it did.
    fn end(mut self) -> End {
        // One that has ended is not ended again: how it did stays.
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(ended) if ended.signal().is_some_and(|by| OWN_FAULT.contains(&by)) => End::ByItself,
            _ => End::ByOthers,
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // It ends by itself when its line is closed; what it is doing is of no use any more.
            process.end();
        }
    }
}

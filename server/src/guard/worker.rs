//! The trying process.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use sync_core::entry::{EntryDocument, EntryState};
use sync_core::guard::{self, Inspected, Trial, Unsafe};

use super::talk::{Limits, Said, Work, receive, send};
use crate::telemetry;

/// The argument by which this program is a trying process.
pub const ROLE: &str = "try-changes";

/// How many files a trying process may have open: it opens none.
const MOST_FILES: u64 = 64;

/// What a step gives: the trial, and the entry as it is then.
type Attempt = (Trial, Option<(EntryDocument, EntryState)>);

/// The steps into Automerge.
#[derive(Clone, Copy)]
pub struct Steps {
    /// Inspects one change by itself.
    pub inspect: fn(&[u8]) -> Result<Inspected, Unsafe>,
    /// Adds it to an entry.
    pub attempt: fn(&EntryDocument, &EntryState, &Inspected) -> Attempt,
}

/// Whether this process was started to be a trying process.
pub fn is_worker() -> bool {
    std::env::args_os().nth(1).is_some_and(|role| role == ROLE)
}

/// Tries what the standard input asks, until there is no more.
pub fn work() -> ExitCode {
    work_with(Steps {
        inspect: guard::inspect,
        attempt: guard::attempt,
    })
}

/// The same by these steps.
pub fn work_with(steps: Steps) -> ExitCode {
    telemetry::hush_panics();
    if ends_with_its_server().is_err() || leaves_no_core().is_err() {
        return ExitCode::FAILURE;
    }
    // The standard input is a line in both directions, so that nothing else is said on it.
    let Ok(mut line) = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(UnixStream::from)
    else {
        return ExitCode::FAILURE;
    };
    let Ok(limits) = receive::<Limits>(&mut line) else {
        return ExitCode::FAILURE;
    };
    if limit(Resource::As, limits.memory)
        .and_then(|()| limit(Resource::Core, 0))
        .and_then(|()| limit(Resource::Nofile, MOST_FILES))
        .is_err()
    {
        return ExitCode::FAILURE;
    }
    // The server ends by closing its side.
    while let Ok(work) = receive::<Work>(&mut line) {
        if answer(steps, limits, &work, &mut line).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

/// Does a piece of work.
fn answer(steps: Steps, limits: Limits, work: &Work, to: &mut impl io::Write) -> io::Result<()> {
    let (ask, mut room) = (&work.ask, work.room);
    let mut sound = BTreeMap::new();
    for number in &work.inspect {
        let change = ask.changes.get(*number).ok_or(io::ErrorKind::InvalidData)?;
        allow(limits)?;
        let inspected = (steps.inspect)(change);
        let verdict = inspected.as_ref().map(drop).map_err(|why| *why);
        send(to, &Said::Inspected(*number, verdict))?;
        sound.insert(*number, inspected.ok());
    }
    'entries: for entry in &ask.entries {
        allow(limits)?;
        let mut document = match &entry.document {
            Some(stored) => EntryDocument::load(stored).map_err(|_| io::ErrorKind::InvalidData)?,
            None => EntryDocument::new(),
        };
        let mut state = document.state();
        for number in &entry.changes {
            allow(limits)?;
            // One that another process inspected is inspected as a part of this step, so that what
            // it does here is this step's.
            let change = ask.changes.get(*number).ok_or(io::ErrorKind::InvalidData)?;
            let inspected = sound
                .entry(*number)
                .or_insert_with(|| (steps.inspect)(change).ok());
            let Some(inspected) = inspected else {
                continue;
            };
            let (trial, next) = (steps.attempt)(&document, &state, inspected);
            match room.checked_sub(trial.outcome.as_ref().map_or(0, |saved| saved.len())) {
                Some(left) => room = left,
                None => break 'entries,
            }
            send(to, &Said::Tried(*number, trial))?;
            if let Some((after, stands)) = next {
                (document, state) = (after, stands);
            }
        }
    }
    // What comes next is received in that time.
    allow(limits)?;
    send(to, &Said::Done)
}

/// Has the system end this process with the thread that keeps it, also while it is not listening.
#[cfg(target_os = "linux")]
fn ends_with_its_server() -> io::Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// What it was given is in no dump of it, wherever the system sends those.
#[cfg(target_os = "linux")]
fn leaves_no_core() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Elsewhere the limit on its size says so.
#[cfg(not(target_os = "linux"))]
fn leaves_no_core() -> io::Result<()> {
    Ok(())
}

/// Elsewhere it ends when it listens and nobody is there.
#[cfg(not(target_os = "linux"))]
fn ends_with_its_server() -> io::Result<()> {
    Ok(())
}

/// Gives the next step its processor time: the system ends a process that goes beyond.
fn allow(limits: Limits) -> io::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
    let used = u64::try_from(used).unwrap_or(0);
    limit(Resource::Cpu, used + 1 + limits.cpu_seconds)
}

/// Sets a limit of this process that may be set again.
fn limit(resource: Resource, to: u64) -> io::Result<()> {
    let Rlimit { current, maximum } = getrlimit(resource);
    if current == Some(to) {
        return Ok(());
    }
    let current = Some(maximum.map_or(to, |most| most.min(to)));
    Ok(setrlimit(resource, Rlimit { current, maximum })?)
}

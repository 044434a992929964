//! Several trying processes, and who gets which.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use sync_core::PersonId;
use tokio::sync::oneshot;

use super::keeper::Keeper;
use super::talk::{Ask, Limits, Unanswered, Verdicts};
use super::worker::ROLE;

/// How many people are remembered to have sent what ended a process.
const MOST_APART: usize = 1_024;

/// The program of a trying process.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// How it is told its role.
    pub arguments: Vec<OsString>,
}

impl Program {
    /// This program in its other role, also after its file was replaced by a newer one.
    ///
    /// # Errors
    /// When the system does not tell where it is.
    pub fn this() -> std::io::Result<Self> {
        let running = PathBuf::from("/proc/self/exe");
        let path = match running.exists() {
            true => running,
            false => std::env::current_exe()?,
        };
        Ok(Program {
            path,
            arguments: vec![ROLE.into()],
        })
    }
}

struct Job {
    ask: Ask,
    answer: oneshot::Sender<Result<Verdicts, Unanswered>>,
}

/// Processes that changes are tried in. One is apart: for the people whose changes ended another,
/// so that they wait for each other and nobody else for them.
pub struct Pool {
    everybody: Sender<Job>,
    apart: Sender<Job>,
    harmed: Mutex<BTreeSet<PersonId>>,
}

impl Pool {
    /// So many processes, and the one apart, of a program; each is started when it is first needed.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(program: &Program, processes: usize, limits: Limits) -> std::io::Result<Self> {
        let queue = |processes: usize| {
            let (sender, jobs) = channel();
            let jobs = Arc::new(Mutex::new(jobs));
            for _ in 0..processes {
                let (jobs, keeper) = (jobs.clone(), Keeper::new(program.clone(), limits));
                let keep = move || keep(&jobs, keeper);
                std::thread::Builder::new()
                    .name("carnet-guard".to_owned())
                    .spawn(keep)?;
            }
            Ok::<_, std::io::Error>(sender)
        };
        Ok(Pool {
            everybody: queue(processes.max(1))?,
            apart: queue(1)?,
            harmed: Mutex::default(),
        })
    }

    /// Has changes of a person tried.
    ///
    /// # Errors
    /// When there is no process to try them in, or too many of them end one.
    pub async fn answer(&self, person: PersonId, ask: Ask) -> Result<Verdicts, Unanswered> {
        let apart = self.is_apart(person);
        let queue = if apart { &self.apart } else { &self.everybody };
        let (answer, answered) = oneshot::channel();
        let job = Job { ask, answer };
        queue.send(job).map_err(|_| Unanswered::Unavailable)?;
        let answered = answered.await.unwrap_or(Err(Unanswered::Unavailable));
        let harmful = match &answered {
            Ok(verdicts) => verdicts
                .inspected
                .contains(&Err(sync_core::guard::Unsafe::Harmful)),
            Err(why) => *why == Unanswered::Harmful,
        };
        if harmful {
            self.keep_apart(person);
        }
        answered
    }

    fn is_apart(&self, person: PersonId) -> bool {
        let harmed = self.harmed.lock().unwrap_or_else(PoisonError::into_inner);
        harmed.contains(&person)
    }

    fn keep_apart(&self, person: PersonId) {
        let mut harmed = self.harmed.lock().unwrap_or_else(PoisonError::into_inner);
        if harmed.len() < MOST_APART {
            harmed.insert(person);
        }
    }
}

fn keep(jobs: &Mutex<Receiver<Job>>, mut keeper: Keeper) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { ask, answer }) = next else {
            return;
        };
        // Nobody waits for what nobody wants any more.
        if !answer.is_closed() {
            let _ = answer.send(keeper.answer(ask));
        }
    }
}

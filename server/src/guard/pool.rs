//! Several trying processes, and who gets which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use sync_core::{Digest32, PersonId};
use tokio::sync::{Mutex as TurnMutex, OwnedMutexGuard, oneshot};

use super::keeper::{Asker, Keeper};
use super::talk::{Ask, Limits, Unanswered, Verdicts};
use super::worker::ROLE;

/// How many people are remembered to have sent what does harm.
const MOST_APART: usize = 1_024;

/// How many steps are remembered to do harm.
const MOST_HARMFUL: usize = 16_384;

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
    person: PersonId,
    harm: Arc<Mutex<Harm>>,
    answer: oneshot::Sender<Result<Verdicts, Unanswered>>,
    _turn: OwnedMutexGuard<()>,
}

/// What ended processes.
struct Harm {
    people: Recent<PersonId>,
    steps: Recent<Digest32>,
}

/// The latest so many.
pub(super) struct Recent<T> {
    most: usize,
    all: BTreeSet<T>,
    order: VecDeque<T>,
}

impl<T: Copy + Ord> Recent<T> {
    pub fn new(most: usize) -> Self {
        Recent {
            most,
            all: BTreeSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Keeps one more, in the place of the oldest if there are too many.
    pub fn add(&mut self, one: T) {
        if !self.all.insert(one) {
            return;
        }
        self.order.push_back(one);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    pub fn has(&self, one: &T) -> bool {
        self.all.contains(one)
    }
}

impl Asker for Job {
    fn waits(&self) -> bool {
        !self.answer.is_closed()
    }

    fn knows_any(&self) -> bool {
        !locked(&self.harm).steps.all.is_empty()
    }

    fn knows(&self, step: &Digest32) -> bool {
        locked(&self.harm).steps.has(step)
    }

    fn harmed(&self, step: Digest32) {
        let mut harm = locked(&self.harm);
        harm.people.add(self.person);
        harm.steps.add(step);
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Processes that changes are tried in. One is apart: for the people whose changes do harm,
/// so that they wait for each other and nobody else for them. A person has one ask at a time.
pub struct Pool {
    everybody: Sender<Job>,
    apart: Sender<Job>,
    harm: Arc<Mutex<Harm>>,
    turns: Mutex<BTreeMap<PersonId, Weak<TurnMutex<()>>>>,
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
            harm: Arc::new(Mutex::new(Harm {
                people: Recent::new(MOST_APART),
                steps: Recent::new(MOST_HARMFUL),
            })),
            turns: Mutex::default(),
        })
    }

    /// Has changes of a person tried, once what they asked before is answered. It is not gone on with
    /// when the future is dropped.
    ///
    /// # Errors
    /// When there is no process to try them in, or too many of them end one. Those are known then,
    /// and refused at once when they come again.
    pub async fn answer(&self, person: PersonId, ask: Ask) -> Result<Verdicts, Unanswered> {
        let turn = self.turn_of(person).lock_owned().await;
        let apart = locked(&self.harm).people.has(&person);
        let queue = if apart { &self.apart } else { &self.everybody };
        let (answer, answered) = oneshot::channel();
        let job = Job {
            ask,
            person,
            harm: self.harm.clone(),
            answer,
            _turn: turn,
        };
        queue.send(job).map_err(|_| Unanswered::Unavailable)?;
        answered.await.unwrap_or(Err(Unanswered::Unavailable))
    }

    fn turn_of(&self, person: PersonId) -> Arc<TurnMutex<()>> {
        let mut turns = locked(&self.turns);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&person).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(person, Arc::downgrade(&turn));
        turn
    }
}

fn keep(jobs: &Mutex<Receiver<Job>>, mut keeper: Keeper) {
    loop {
        let next = locked(jobs).recv();
        let Ok(mut job) = next else {
            return;
        };
        // Nobody waits for what nobody wants any more.
        if job.waits() {
            let ask = std::mem::take(&mut job.ask);
            let answered = keeper.answer(ask, &job);
            let _ = job.answer.send(answered);
        }
    }
}

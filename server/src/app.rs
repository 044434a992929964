//! The server as a whole: what its handlers share, its start and its stop.

mod error;
mod private;
mod run;
mod tls;

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use sync_core::policy::Matrix;
use sync_core::{PersonId, Tick};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::Config;
use crate::disk::Disk;
use crate::fault::Fault;
use crate::guard::{self, Place, Pool, Program};
use crate::http::Problem;
use crate::http::limits::Limits;
use crate::keys::{EntryKeyId, Keys};
use crate::live::Places;
use crate::load::{Full, Held, Load, Turn};
use crate::records::{Records, lives};
use crate::storage::Database;
use crate::storage::records::RecordStore as _;
use crate::webauthn::{RelyingParty, passkeys};
use crate::{destruction, revocations, settings};
pub use error::StartError;
pub use run::{Running, run, run_with};

/// How many days the clock may be ahead, at the start, of what was written last.
const FAR_AHEAD_DAYS: u64 = 366;

/// The most processes that changes are tried in, but for the one apart.
const MOST_TRYING: usize = 4;

/// For how many days a mark waits for the rest of its request, which may take it back.
const MARKS_WAIT_DAYS: u64 = 1;

/// What the handlers share.
pub struct App {
    /// The configuration.
    pub config: Config,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The data store.
    pub db: Database,
    /// The key store.
    pub keys: Keys,
    /// The party that passkeys are bound to.
    pub relying_party: RelyingParty,
    /// The records.
    pub records: Arc<Records>,
    /// What one peer or session may ask for in a time.
    pub limits: Limits,
    /// The live connections that are open, by person.
    pub live: Places,
    /// What requests and live connections take up.
    pub load: Load,
    stopping: watch::Sender<bool>,
}

impl App {
    /// Opens the stores, making them at first start, and checks that they belong together. The
    /// administrator's commands use this beside a running server.
    pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        for dir in [&config.data, &config.keys()] {
            private::directory(dir)?;
        }
        let starting = private::file(&config.data.join("starting.lock"))?;
        starting
            .lock()
            .map_err(|e| StartError::file(&config.data, e))?;
        let key_store = config.keys().join("keys.sqlite");
        if config.database().exists() && !key_store.exists() {
            return Err(StartError::KeysMissing {
                keys: key_store,
                data: config.database(),
            });
        }
        private::store(&key_store)?;
        let keys = Keys::open(&config.keys(), &config.master_key, clock.clone())?;
        if !config.database().exists() && keys.has_records()? {
            return Err(StartError::DataMissing {
                data: config.database(),
                keys: config.keys(),
            });
        }
        private::store(&config.database())?;
        let db = Database::open(&config.database())?;
        drop(starting);
        let (matrix, lease) = (matrix(&config)?, config.lease_days);
        let mut records = Records::new(db.clone(), keys.clone(), clock.clone(), matrix, lease);
        records.record_bytes = config.record_bytes;
        if config.guard == Place::Process {
            let program = Program::this().map_err(|e| StartError::file(&config.data, e))?;
            let pool = Pool::new(
                &program,
                config.workers.min(MOST_TRYING),
                guard::Limits::default(),
            );
            let pool = pool.map_err(|e| StartError::file(&config.data, e))?;
            records.guard = Some(Arc::new(pool));
        }
        let stores = vec![config.data.clone(), config.keys()];
        records.disk = Disk::new(stores, config.min_free);
        Ok(Self {
            relying_party: RelyingParty::new(&config)?,
            records: Arc::new(records),
            limits: Limits::new(&config),
            live: Places::default(),
            load: Load::new(config.request_memory),
            stopping: watch::Sender::new(false),
            config,
            clock,
            db,
            keys,
        })
    }

    /// Waits for one of a person's turns at the stores.
    ///
    /// # Errors
    /// When the person has too much under way.
    pub async fn turn(&self, person: PersonId) -> Result<Turn, Problem> {
        self.wait_for(self.load.begin(person)).await
    }

    /// The same, for what takes up memory meanwhile.
    ///
    /// # Errors
    /// When the person has too much under way.
    pub async fn wait_for(&self, held: Held) -> Result<Turn, Problem> {
        // Whoever waits longer would take the time that the request has for too short.
        let turn = tokio::time::timeout(self.config.request_timeout / 2, held.into_turn()).await;
        turn.map_err(|_| Full::Share.into())
    }

    /// Checks, and at first start notes, which key store seals the data store.
    pub async fn check_keys(&self) -> Result<(), StartError> {
        let mine = uuid::Uuid::from_bytes(self.keys.store_id()).to_string();
        let noted = mine.clone();
        let stored = self
            .db
            .write(move |c| -> Result<_, Fault> {
                Ok(settings::note_first(c, settings::KEY_STORE, &noted)?)
            })
            .await?;
        if stored != mine {
            return Err(StartError::KeysOfAnother {
                keys: self.keys.path().to_owned(),
                data: self.db.path().to_owned(),
            });
        }
        Ok(())
    }

    /// Says so in the server's log, at every start, if the key store is an older copy than the data
    /// store: what was written in between cannot be read. Answers whether it is.
    pub async fn check_entry_keys(&self) -> Result<bool, StartError> {
        let keys = self.keys.clone();
        let older = move |c: &mut diesel::SqliteConnection| -> Result<_, Fault> {
            let known = |noted: &str| -> Result<bool, Fault> {
                let key = uuid::Uuid::parse_str(noted);
                let key = key.map_err(|_| Fault::malformed("settings.entry-keys"))?;
                Ok(keys.knows_block_of(EntryKeyId(key.into_bytes()))?)
            };
            let lost = settings::find(c, settings::ENTRY_KEYS_LOST)?;
            if let Some(lost) = &lost
                && known(lost)?
            {
                settings::remove(c, settings::ENTRY_KEYS_LOST)?;
            } else if lost.is_some() {
                return Ok(true);
            }
            match settings::find(c, settings::ENTRY_KEYS)? {
                Some(last) if !known(&last)? => {
                    // What is made from now on is noted there.
                    settings::note(c, settings::ENTRY_KEYS_LOST, &last)?;
                    Ok(true)
                }
                _ => Ok(false),
            }
        };
        let older = self.db.write(older).await?;
        if older {
            tracing::error!(
                keys = %self.keys.path().display(),
                "the key store is an older copy than the data store: entries made in between have no \
                 key and cannot be read. Stop the server and put a later copy of the key store back, \
                 if there is one; phones keep what they have, and sync again then"
            );
        }
        Ok(older)
    }

    /// Checks that the clock is not far ahead of what was written last: records' ticks would follow
    /// it for good.
    pub async fn check_clock(&self) -> Result<(), StartError> {
        let last = self
            .db
            .read(|c| -> Result<_, Fault> { Ok(c.last_tick()?) })
            .await?;
        let now = self.clock.now();
        if last.is_none_or(|last| now <= last.plus_days(FAR_AHEAD_DAYS)) || self.config.trust_clock
        {
            return Ok(());
        }
        let says = |tick: Tick| {
            let millis = jiff::Timestamp::from_millisecond(tick.millis());
            millis.map_or_else(|_| "no date".to_owned(), |at| at.to_string())
        };
        Err(StartError::ClockAhead {
            now: says(now),
            last: says(last.unwrap_or_default()),
        })
    }

    /// Begins the log of every record anew if the data store is a copy that `carnet backup` made.
    pub async fn check_copied(&self) -> Result<(), StartError> {
        let (keys, now) = (self.keys.clone(), self.clock.now());
        let begun = self
            .db
            .write(move |c| -> Result<_, Fault> { lives::begin_all_anew(c, &keys, now) })
            .await?;
        if let Some(records) = begun {
            tracing::warn!(
                records,
                "the data store is a copy put back: what came after it was made is missing until \
                 devices hand it back"
            );
        }
        Ok(())
    }

    /// Revokes again what a data store that was put back from an older copy takes for good.
    pub async fn replay_revocations(&self) -> Result<(), StartError> {
        let records = self.records.clone();
        let again = self
            .db
            .write(move |c| -> Result<_, Fault> { revocations::replay(c, &records) })
            .await?;
        if again > 0 {
            tracing::warn!(
                count = again,
                "the data store did not have these revocations, sessions that were ended and codes \
                 that were used: they are taken up from the journal in the key store"
            );
        }
        Ok(())
    }

    /// Finishes destroying what a crash left half destroyed, and destroys again what a data store
    /// that was put back from an older copy has again.
    pub async fn check_destroyed(&self) -> Result<(), StartError> {
        let records = self.records.clone();
        let decide = move |c: &mut diesel::SqliteConnection| -> Result<_, Fault> {
            destruction::decide(c, &records, None)
        };
        // Durable before the keys of it are destroyed, below.
        self.db.write(decide).await?;
        let records = self.records.clone();
        let (left, again) = self
            .db
            .write(move |c| -> Result<_, Fault> {
                let again = destruction::replay(c, &records)?;
                Ok((destruction::finish(c, &records.keys)?, again))
            })
            .await?;
        if left > 0 {
            tracing::warn!(
                count = left,
                "destructions that were cut short are finished"
            );
        }
        if again > 0 {
            tracing::warn!(
                count = again,
                "the data store did not have these destructions: entries are destroyed again by \
                 the journal in the key store"
            );
        }
        if left + again > 0 {
            self.db.fold_soon();
        }
        Ok(())
    }

    /// Decides on marks that have waited for a day for the rest of their request, but for those of
    /// entries that cannot be opened: these wait for a start with their key.
    async fn decide_old_marks(&self) {
        let now = self.clock.now();
        let old = |c: &mut diesel::SqliteConnection| -> Result<_, Fault> { Ok(c.doomed()?) };
        let noted = match self.db.read(old).await {
            Ok(noted) => noted,
            Err(error) => {
                tracing::error!(%error, "marks that wait could not be read");
                return;
            }
        };
        for (record, entry, marks) in noted {
            let old = |mark: &Tick| mark.plus_days(MARKS_WAIT_DAYS) <= now;
            let old: BTreeSet<Tick> = marks.into_iter().filter(old).collect();
            if old.is_empty() || self.records.keyless.has((record, entry)) {
                continue;
            }
            self.records.decide(record, [(entry, old)].into()).await;
        }
    }

    /// Does what destructions had to leave: marks whose request never came to its end, keys that
    /// could not be destroyed, and what somebody's reading kept in the stores' write-ahead logs.
    pub async fn catch_up(&self) {
        self.decide_old_marks().await;
        let keys = self.keys.clone();
        if keys.take_undestroyed() {
            let destroy = move |c: &mut diesel::SqliteConnection| destruction::finish(c, &keys);
            // It only reads there: what it finds is durable.
            if let Err(error) = self.db.read(destroy).await {
                tracing::error!(%error, "keys that must be destroyed are still there");
                self.keys.leave_undestroyed();
            }
        }
        if let Err(error) = self.keys.scrub_left() {
            tracing::error!(%error, "deleted keys are still in the key store's log");
        }
        if let Err(error) = self.db.fold_left().await {
            tracing::error!(%error, "the write-ahead log was not folded in");
        }
    }

    /// Puts the entries of a store of an older release on shelves.
    pub async fn check_shelves(&self) -> Result<(), StartError> {
        let keys = self.keys.clone();
        let fill = move |c: &mut diesel::SqliteConnection| -> Result<_, Fault> {
            lives::fill_shelves(c, &keys)
        };
        Ok(self.db.write(fill).await?)
    }

    /// Checks, and until there are passkeys notes, which domain passkeys are bound to. For the
    /// server only: the administrator's commands may be given without its domain.
    pub async fn check_relying_party(&self) -> Result<(), StartError> {
        let rp_id = self.config.rp_id.clone();
        let bound = self
            .db
            .write(move |c| -> Result<_, Fault> {
                let bound = settings::find(c, settings::RP_ID)?.filter(|bound| *bound != rp_id);
                if bound.is_some() && passkeys::any(c)? {
                    return Ok(bound);
                }
                settings::note(c, settings::RP_ID, &rp_id)?;
                Ok(None)
            })
            .await?;
        match bound {
            None => Ok(()),
            Some(stored) => Err(StartError::RpIdChanged {
                stored,
                configured: self.config.rp_id.clone(),
            }),
        }
    }

    /// Takes the data directory as a serving process does, until the file is dropped.
    ///
    /// # Errors
    /// [`StartError::AlreadyServing`] while a server runs on it.
    pub fn lock_for_serving(&self) -> Result<File, StartError> {
        lock_for_serving(&self.config.data)
    }

    /// Turns true when the server begins to stop: long-lived connections end then.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Tells long-lived connections to end.
    fn begin_stop(&self) {
        self.stopping.send_replace(true);
    }
}

/// The habilitation matrix in force.
fn matrix(config: &Config) -> Result<Matrix, StartError> {
    let Some(path) = &config.habilitation else {
        return Ok(Matrix::default());
    };
    let text = std::fs::read_to_string(path).map_err(|e| StartError::file(path, e))?;
    Matrix::parse(&text).map_err(|source| StartError::Habilitation {
        path: path.clone(),
        source,
    })
}

/// Takes the directory for one serving process; held until the file is dropped.
fn lock_for_serving(data: &Path) -> Result<File, StartError> {
    let file = private::file(&data.join("serving.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::AlreadyServing {
            data: data.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(StartError::file(data, source)),
    }
}

impl From<Fault> for StartError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Storage(error) => error.into(),
            Fault::Keys(error) => error.into(),
        }
    }
}

//! What tests share: a vault in memory, a clock that never waits, a server in this process.

mod server;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use sync_core::policy::Role;
use sync_core::sign::PublicKey;
use sync_core::{DeviceTime, PersonId, RecordId};
use tempfile::TempDir;
use uuid::Uuid;

use crate::device::{Device, lock};
use crate::driver::{Clock, Pending};
use crate::passkeys::Passkeys;
use crate::store::{ProfileCard, RecordCard, Secrets, Session, Store, Unlocked};
use crate::vault::{KeyVault, VaultError};

pub use server::{FakeNetwork, FakeServer, Trouble, problem};

pub const SERVER: &str = "http://localhost:1";
pub const RECORD: RecordId = RecordId(Uuid::from_u128(0x8a3c_51d2_9e0f_4b77_a1c6_2d93_e58b_70f4));
pub const PERSON: PersonId = PersonId(Uuid::from_u128(0x3f6e_b820_c4d1_4958_8f07_91ae_d35c_6b12));

#[derive(Default)]
pub struct MemoryVault(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryVault {
    pub fn close(&self) {
        lock(&self.0).insert("closed".to_owned(), Vec::new());
    }
}

impl KeyVault for MemoryVault {
    fn keep(&self, name: String, secret: Vec<u8>) -> Result<(), VaultError> {
        lock(&self.0).insert(name, secret);
        Ok(())
    }

    fn give(&self, name: String) -> Result<Option<Vec<u8>>, VaultError> {
        let kept = lock(&self.0);
        if kept.contains_key("closed") && name.starts_with("profile/") {
            return Err(VaultError::Denied);
        }
        Ok(kept.get(&name).cloned())
    }

    fn forget(&self, name: String) -> Result<(), VaultError> {
        lock(&self.0).remove(&name);
        Ok(())
    }
}

/// A clock that moves only when somebody waits, and writes down how long; or by hand.
#[derive(Default)]
pub struct PatientClock {
    now: AtomicI64,
    pub waits: Mutex<Vec<Duration>>,
    by_hand: Option<Hand>,
}

/// What moves a clock by hand.
struct Hand {
    passed: tokio::sync::watch::Sender<Duration>,
    asked: tokio::sync::watch::Sender<usize>,
}

impl PatientClock {
    /// A clock on which no wait ends before [`PatientClock::pass`] has let its time pass.
    pub fn by_hand() -> Self {
        let by_hand = Hand {
            passed: tokio::sync::watch::Sender::new(Duration::ZERO),
            asked: tokio::sync::watch::Sender::new(0),
        };
        PatientClock {
            by_hand: Some(by_hand),
            ..Self::default()
        }
    }

    /// Lets time pass, on a clock that is moved by hand.
    pub fn pass(&self, length: Duration) {
        let hand = self.by_hand.as_ref().expect("moved by hand");
        hand.passed.send_modify(|passed| *passed += length);
    }

    /// Comes back once so many waits for so long were begun, on a clock that is moved by hand.
    pub async fn begun(&self, length: Duration, times: usize) {
        let hand = self.by_hand.as_ref().expect("moved by hand");
        let enough = |_: &usize| {
            let waits = lock(&self.waits);
            waits.iter().filter(|wait| **wait == length).count() >= times
        };
        hand.asked.subscribe().wait_for(enough).await.unwrap();
    }
}

impl Clock for PatientClock {
    fn now(&self) -> DeviceTime {
        DeviceTime(1_700_000_000_000 + self.now.fetch_add(1, Ordering::Relaxed))
    }

    fn pause(&self, length: Duration) -> Pending<'_, ()> {
        lock(&self.waits).push(length);
        if let Some(hand) = &self.by_hand {
            hand.asked.send_modify(|asked| *asked += 1);
            let mut passed = hand.passed.subscribe();
            let end = *passed.borrow() + length;
            return Box::pin(async move {
                passed.wait_for(|passed| *passed >= end).await.unwrap();
            });
        }
        let millis = i64::try_from(length.as_millis()).unwrap();
        self.now.fetch_add(millis, Ordering::Relaxed);
        Box::pin(tokio::task::yield_now())
    }
}

/// A phone whose person is signed in and may open the one record.
pub struct Phone {
    pub device: Arc<Device>,
    pub profile: Arc<Unlocked>,
    pub clock: Arc<PatientClock>,
    pub _folder: TempDir,
}

impl Phone {
    pub fn new(server: &Arc<FakeServer>, number: u8) -> Self {
        Self::with_lines(server, number, true)
    }

    pub fn with_lines(server: &Arc<FakeServer>, number: u8, lines: bool) -> Self {
        Self::with_clock(server, number, lines, PatientClock::default())
    }

    pub fn with_clock(
        server: &Arc<FakeServer>,
        number: u8,
        lines: bool,
        clock: PatientClock,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = Arc::new(MemoryVault::default());
        let clock = Arc::new(clock);
        let server_key = server.public_key();
        let server = server.clone();
        let network = Arc::new(FakeNetwork { server, lines });
        let device = Device::open(folder.path(), vault, network, clock.clone(), 1).unwrap();
        let profile = {
            let mut store = device.store();
            sign_in(&mut store, device.vault(), number, server_key)
        };
        device.admit(profile.clone()).unwrap();
        Phone {
            device: Arc::new(device),
            profile: Arc::new(profile),
            clock,
            _folder: folder,
        }
    }
}

/// A profile and its record, as signing in leaves them.
pub fn sign_in(
    store: &mut Store,
    vault: &dyn KeyVault,
    number: u8,
    server_key: PublicKey,
) -> Unlocked {
    let card = ProfileCard {
        server: SERVER.to_owned(),
        person: PERSON,
        name: "Jeanne Martin".to_owned(),
        profession: None,
        passkeys: Passkeys::default(),
    };
    let session = Session {
        token: "a-bearer-token".to_owned(),
        expires: i64::MAX,
    };
    let key = SigningKey::from_bytes(&[number; 32]);
    let secrets = Secrets::new(&key, Some(session), vec![server_key]);
    let profile = store.put_profile(&card, &secrets, vault).unwrap();
    let record = RecordCard {
        record: RECORD,
        holder: PERSON,
        name: "Jeanne Martin".to_owned(),
        roles: vec![Role::Holder],
        role: Role::Holder,
        in_doubt: false,
    };
    store.put_records(&profile, &[record]).unwrap();
    profile
}

//! Callbacks, and the handles that end them.

use std::sync::{Arc, Mutex};

use sync_core::EntryId;

use super::SyncResult;
use crate::device::{WatchGuard, Watching, lock};
use crate::driver::{Cancel, LiveState, Progress};

/// Told of entries that changed, on a thread of Carnet's.
#[uniffi::export(with_foreign)]
pub trait ChangeListener: Send + Sync {
    /// `changed` are to be read again; `gone` are no longer on this device.
    fn entries_changed(&self, changed: Vec<String>, gone: Vec<String>);
}

/// Told how far a sync has come.
#[uniffi::export(with_foreign)]
pub trait SyncListener: Send + Sync {
    /// After each round trip: what is done so far, and how many own edits still wait.
    fn progressed(&self, so_far: SyncResult, waiting: u64);
}

/// Told how live a record is.
#[uniffi::export(with_foreign)]
pub trait LiveListener: Send + Sync {
    /// It is so from now on.
    fn live_changed(&self, mode: LiveMode);
}

/// How live a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, uniffi::Enum)]
pub enum LiveMode {
    /// Changes come as they are made.
    Live,
    /// The server is asked now and then.
    Polling,
    /// No way to the server; tried again and again.
    Waiting,
    /// Offline by choice.
    Offline,
    /// The person must sign in first; it has ended.
    SignInNeeded,
    /// It has ended, by choice or because the server refused.
    Ended,
}

impl From<LiveState> for LiveMode {
    fn from(state: LiveState) -> Self {
        match state {
            LiveState::Live => LiveMode::Live,
            LiveState::Polling => LiveMode::Polling,
            LiveState::Waiting => LiveMode::Waiting,
            LiveState::Offline => LiveMode::Offline,
        }
    }
}

/// Ends a watch, by [`WatchHandle::stop`] or when it is dropped.
#[derive(Debug, uniffi::Object)]
pub struct WatchHandle(Mutex<Option<WatchGuard>>);

impl WatchHandle {
    pub(super) fn new(guard: WatchGuard) -> Arc<Self> {
        Arc::new(WatchHandle(Mutex::new(Some(guard))))
    }
}

#[uniffi::export]
impl WatchHandle {
    /// Ends the watch.
    pub fn stop(&self) {
        lock(&self.0).take();
    }
}

/// Ends live updates, by [`LiveHandle::stop`] or when it is dropped.
#[derive(Debug, uniffi::Object)]
pub struct LiveHandle(pub(super) Cancel);

#[uniffi::export]
impl LiveHandle {
    /// Ends live updates.
    pub fn stop(&self) {
        self.0.cancel();
    }
}

impl Drop for LiveHandle {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

pub(super) struct Changes(pub Arc<dyn ChangeListener>);

impl Watching for Changes {
    fn entries_changed(&self, changed: &[EntryId], gone: &[EntryId]) {
        let names = |ids: &[EntryId]| ids.iter().map(EntryId::to_string).collect();
        self.0.entries_changed(names(changed), names(gone));
    }
}

pub(super) struct Rounds(pub Arc<dyn SyncListener>);

impl Progress for Rounds {
    fn progressed(&self, so_far: &SyncResult, waiting: usize) {
        self.0.progressed(so_far.clone(), waiting as u64);
    }
}

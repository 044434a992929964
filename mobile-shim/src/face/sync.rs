//! Syncing a record.

use std::sync::Arc;

use super::listen::Rounds;
use super::runtime::{spawn, wait};
use super::{LiveHandle, LiveListener, LiveMode, Record, SyncListener, SyncResult};
use crate::driver::{Cancel, Patience, Progress, follow, synchronise};
use crate::error::{CarnetError, Error};

/// How often a sync that a person asked for tries before it says that there is no connection.
const ATTEMPTS: Patience = Patience::Attempts(3);

/// Stops a sync: nothing is then half done, and the next one goes on where it was.
#[derive(Debug, Default, uniffi::Object)]
pub struct CancelToken(Cancel);

#[uniffi::export]
impl CancelToken {
    /// A token that has not been used.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Stops whatever was given this token.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

#[uniffi::export]
impl Record {
    /// Syncs until both sides have told all, or says why not. Edits made meanwhile go along or
    /// wait for the next time.
    #[uniffi::method(default(progress = None, cancel = None))]
    pub fn sync_now(
        &self,
        progress: Option<Arc<dyn SyncListener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<SyncResult, CarnetError> {
        let (device, profile, record) = (self.device.clone(), self.profile()?, self.record);
        let cancel = cancel.map(|token| token.0.clone()).unwrap_or_default();
        Ok(wait(async move {
            let rounds = progress.map(Rounds);
            let progress = rounds.as_ref().map(|rounds| rounds as &dyn Progress);
            synchronise(&device, &profile, &record, ATTEMPTS, &cancel, progress).await
        })?)
    }

    /// Follows the record until the handle is stopped: changes come as others make them, own edits
    /// go out at once, and a lost connection is taken up again.
    #[uniffi::method(default(listener = None))]
    pub fn go_live(
        &self,
        listener: Option<Arc<dyn LiveListener>>,
    ) -> Result<Arc<LiveHandle>, CarnetError> {
        let (device, profile, record) = (self.device.clone(), self.profile()?, self.record);
        let cancel = Cancel::default();
        let handle = Arc::new(LiveHandle(cancel.clone()));
        spawn(async move {
            let tell = |mode| {
                if let Some(listener) = &listener {
                    listener.live_changed(mode);
                }
            };
            let told = |state: crate::driver::LiveState| tell(state.into());
            let ended = follow(&device, &profile, &record, &cancel, &told).await;
            tell(match ended {
                Err(Error::SignInNeeded) => LiveMode::SignInNeeded,
                _ => LiveMode::Ended,
            });
        })?;
        Ok(handle)
    }
}

//! A sync: rounds of one request and one answer until nothing is left to say.

use std::collections::BTreeSet;
use std::sync::Arc;

use sync_core::codec::{self, Encoding};
use sync_core::replica::{AsideReason, Report};
use sync_core::sync::{SyncAnswer, SyncRequest};
use sync_core::{Bytes, EntryId, RecordId};

use super::{Body, Call, Cancel, Method};
use crate::device::Device;
use crate::error::Error;
use crate::store::{Unlocked, fresh_incarnation};

/// How often to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Give up after so many failures in a row.
    Attempts(u32),
    /// Go on until cancelled.
    Endless,
}

impl Patience {
    fn allows(self, failures: u32) -> bool {
        match self {
            Patience::Attempts(most) => failures < most,
            Patience::Endless => true,
        }
    }
}

/// What a sync did, and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncSummary {
    /// Own edits now durably in the record.
    pub accepted: u32,
    /// Own edits held out of the record.
    pub held: u32,
    /// Own edits refused.
    pub refused: u32,
    /// Changes that came.
    pub received: u32,
    /// Entries that changed on this device.
    pub changed: u32,
    /// Entries gone from this device.
    pub gone: u32,
    /// Requests that were answered.
    pub round_trips: u32,
    /// Bytes of request bodies.
    pub bytes_up: u64,
    /// Bytes of answer bodies.
    pub bytes_down: u64,
    /// Whether more was left when it ended; only so over a line.
    pub more: bool,
    /// The entries that changed on this device.
    pub touched: BTreeSet<EntryId>,
}

impl SyncSummary {
    /// Adds what one answer changed.
    pub fn add(&mut self, report: &Report) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.accepted += count(report.accepted.len());
        self.received += count(report.received);
        self.touched.extend(&report.changed);
        self.changed = count(self.touched.len());
        self.gone += count(report.gone.len());
        self.more = report.more;
        for aside in &report.aside {
            match aside.why {
                AsideReason::Held(_) => self.held += 1,
                AsideReason::Refused(_) => self.refused += 1,
            }
        }
    }
}

/// Told how far a sync has come.
pub trait Progress: Send + Sync {
    /// After each round: what is done so far, and how many own edits still wait.
    fn progressed(&self, so_far: &SyncSummary, waiting: usize);
}

/// A request with what was known when it was made.
pub(super) struct Asked {
    pub request: SyncRequest,
    cursor: Option<Bytes>,
}

/// Makes the next request of a replica.
pub(super) fn ask(device: &Device, profile: &Unlocked, record: &RecordId) -> Result<Asked, Error> {
    let mut store = device.store();
    let author = store.author(profile, record)?;
    let head = store.head(profile, record)?;
    let request = head.request(&mut store.rows(profile, record), &author, None)?;
    let cursor = head.cursor;
    Ok(Asked { request, cursor })
}

/// Takes in an answer, all of it in one transaction, and tells whoever watches. `from` is the
/// cursor it continues; when another answer moved the replica on meanwhile, it is not taken.
pub(super) fn take(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
    from: Option<&Bytes>,
    answer: &SyncAnswer,
) -> Result<(Report, usize), Error> {
    let fresh = fresh_incarnation()?;
    let now = device.clock().now();
    let (report, waiting) = {
        let mut store = device.store();
        let author = store.author(profile, record)?;
        store.with_replica::<_, Error>(profile, record, |head, rows| {
            if head.cursor.as_ref() != from {
                return Err(Error::Overtaken);
            }
            let report = head.receive(rows, &author, answer, fresh, now)?;
            Ok((report, rows.waiting()?))
        })?
    };
    device.tell_report(profile, record, &report);
    Ok((report, waiting))
}

/// Syncs a record over HTTP until both sides have told all.
///
/// Killed at any point it starts again where it was: nothing is taken twice, and what was sent but
/// not answered is sent again and recognised.
///
/// # Errors
/// When the server stays away longer than `patience`, refuses, or its answer is not taken.
pub async fn synchronise(
    device: &Device,
    profile: &Arc<Unlocked>,
    record: &RecordId,
    patience: Patience,
    cancel: &Cancel,
    progress: Option<&dyn Progress>,
) -> Result<SyncSummary, Error> {
    let lane = device.lane(profile, record);
    let mut summary = SyncSummary::default();
    let mut failures = 0;
    let mut waited_before = usize::MAX;
    loop {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if device.is_offline() {
            return Err(Error::StayingOffline);
        }
        let round = async {
            let _turn = lane.turn.lock().await;
            round(device, profile, record, &mut summary).await
        };
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::Cancelled),
            outcome = round => outcome,
        };
        match outcome {
            Ok((report, waiting)) => {
                failures = 0;
                summary.add(&report);
                if let Some(progress) = progress {
                    progress.progressed(&summary, waiting);
                }
                // Edits that no answer speaks of must not make it ask for ever.
                let more_to_send = waiting > 0 && waiting < waited_before;
                waited_before = waiting;
                if !report.more && !more_to_send {
                    return Ok(summary);
                }
            }
            Err(error) => {
                failures += 1;
                give_up_or_wait(device, profile, error, failures, patience, cancel).await?;
            }
        }
    }
}

/// Waits out an error that may pass; gives back one that will not, or has lasted too long.
pub(super) async fn give_up_or_wait(
    device: &Device,
    profile: &Unlocked,
    error: Error,
    failures: u32,
    patience: Patience,
    cancel: &Cancel,
) -> Result<(), Error> {
    if matches!(error, Error::SignInNeeded) {
        end_session(device, profile)?;
    }
    if !error.is_transient() || !patience.allows(failures) {
        return Err(error);
    }
    let pause = device.wait(failures - 1, &error);
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::Cancelled),
        () = device.clock().pause(pause) => Ok(()),
    }
}

/// Forgets a sign-in that the server no longer honours.
pub(crate) fn end_session(device: &Device, profile: &Unlocked) -> Result<(), Error> {
    let mut store = device.store();
    let mut secrets = store.secrets(profile)?;
    if secrets.session.take().is_some() {
        store.put_secrets(profile, &secrets)?;
    }
    Ok(())
}

/// The token of a profile's sign-in.
pub(crate) fn token(device: &Device, profile: &Unlocked) -> Result<String, Error> {
    let session = device.store().secrets(profile)?.session;
    session
        .filter(|session| device.clock().now().0 < session.expires)
        .map(|session| session.token)
        .ok_or(Error::SignInNeeded)
}

async fn round(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
    summary: &mut SyncSummary,
) -> Result<(Report, usize), Error> {
    let token = token(device, profile)?;
    let asked = ask(device, profile, record)?;
    let bytes = codec::to_cbor(&asked.request);
    summary.bytes_up += bytes.len() as u64;
    let call = Call {
        method: Method::Post,
        server: profile.card.server.clone(),
        path: format!("/v1/records/{record}/sync"),
        token: Some(token),
        body: Some(Body {
            encoding: Encoding::Cbor,
            bytes,
        }),
        accept: Encoding::Cbor,
    };
    let reply = device.transport().call(call).await?;
    summary.round_trips += 1;
    summary.bytes_down += reply.body.len() as u64;
    let reply = reply.success()?;
    let answer: SyncAnswer = codec::from_cbor(&reply.body).map_err(|_| Error::Unreadable)?;
    take(device, profile, record, asked.cursor.as_ref(), &answer)
}

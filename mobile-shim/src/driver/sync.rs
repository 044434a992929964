//! A sync: rounds of one request and one answer until nothing is left to say.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_core::codec::{self, Encoding};
use sync_core::policy::{Matrix, Role};
use sync_core::replica::{AsideReason, Report};
use sync_core::sync::{SyncAnswer, SyncRequest};
use sync_core::{EntryId, RecordId};

use super::{Body, Call, Cancel, Method, json_call};
use crate::decisions;
use crate::device::Device;
use crate::error::Error;
use crate::store::{Shelf, StoreError, Unlocked, fresh_incarnation};
use crate::{account, people, witness};

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
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct SyncResult {
    /// Own edits now durably in the record.
    pub accepted: u32,
    /// Edits, own or not, that the server had lost and has again from this device.
    pub handed_back: u32,
    /// Own edits held out of the record; see [`crate::Record::held`].
    pub held: u32,
    /// Own edits refused.
    pub refused: u32,
    /// Changes that came and were not on this device.
    pub received: u32,
    /// Entries that changed on this device.
    pub changed: u32,
    /// Entries gone from this device.
    pub gone: u32,
    /// Of them, those that were withdrawn as another patient's and destroyed; see
    /// [`crate::Record::destroyed`].
    pub destroyed: u32,
    /// Own edits that were not in the record, and went with them.
    pub not_kept: u32,
    /// Round trips.
    pub round_trips: u32,
    /// Bytes of request bodies.
    pub bytes_up: u64,
    /// Bytes of answer bodies.
    pub bytes_down: u64,
}

impl SyncResult {
    /// Adds what one answer did; `touched` are the entries that changed so far.
    fn add(&mut self, report: &Report, touched: &mut BTreeSet<EntryId>) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        touched.extend(&report.changed);
        self.accepted += count(report.accepted.len());
        self.handed_back += count(report.handed_back);
        self.received += count(report.received);
        self.changed = count(touched.len());
        self.gone += count(report.gone.len());
        self.destroyed += count(report.destroyed.len());
        self.not_kept += count(report.not_kept);
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
    fn progressed(&self, so_far: &SyncResult, waiting: usize);
}

/// Makes the next request of a replica.
pub(super) fn ask(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
) -> Result<SyncRequest, Error> {
    let limit = device.lane(profile, record).portion.limit();
    let mut store = device.store();
    let author = store.author(profile, record)?;
    let head = store.head(profile, record)?;
    Ok(head.request(&mut store.rows(profile, record), &author, limit)?)
}

/// Takes in an answer, all of it in one transaction, and tells whoever watches. When another answer
/// moved the replica on meanwhile, or it is cancelled, it is not taken.
pub(super) fn take(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
    answer: &SyncAnswer,
    cancel: &Cancel,
) -> Result<(Report, usize), Error> {
    let fresh = fresh_incarnation()?;
    let now = device.clock().now();
    let taken = {
        let mut store = device.store();
        let author = store.author(profile, record)?;
        store.with_replica::<_, Error>(profile, record, |head, rows| {
            rows.stop_when(cancel.clone());
            let report = head.receive(rows, &author, answer, fresh, now)?;
            // The log is the holder's to check.
            if let (Role::Holder, Some(checkpoint)) = (&author.role, &head.checkpoint) {
                witness::note(rows, checkpoint)?;
            }
            // Rights may have changed: the server is asked which, also if this is killed now.
            if answer.reset && answer.after.is_some() {
                rows.doubt()?;
            }
            Ok((report, rows.waiting()?))
        })
    };
    let (report, waiting) = taken.map_err(|error| match error {
        Error::Store(StoreError::Cancelled) => Error::Cancelled,
        error => error,
    })?;
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
) -> Result<SyncResult, Error> {
    let lane = device.lane(profile, record);
    let (mut result, mut touched) = (SyncResult::default(), BTreeSet::new());
    let mut failures = 0;
    let mut waited_before = usize::MAX;
    let (mut hidden, mut looked) = (false, false);
    loop {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if device.is_offline() {
            return Err(Error::StayingOffline);
        }
        let round = async {
            let _turn = lane.turn.lock().await;
            let asked = device.clock().now();
            let asked_for = ask(device, profile, record)?;
            let told = round(device, profile, record, asked_for, (&mut result, cancel)).await?;
            lane.portion.passed(device.clock().since(asked));
            Ok(told)
        };
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::Cancelled),
            outcome = round => outcome,
        };
        match outcome {
            Ok((report, waiting)) => {
                failures = 0;
                result.add(&report, &mut touched);
                if let Some(progress) = progress {
                    progress.progressed(&result, waiting);
                }
                // Edits that no answer speaks of must not make it ask for ever.
                let more_to_send = waiting > 0 && waiting < waited_before;
                waited_before = waiting;
                if !report.more && !more_to_send {
                    if !hidden && !touched.is_empty() {
                        hidden = decisions::hide_after_sync(device, profile, record)?;
                        if hidden {
                            waited_before = usize::MAX;
                            continue;
                        }
                    }
                    follow_up(device, profile, record, &touched).await?;
                    return Ok(result);
                }
            }
            Err(error) => {
                let smaller = lane.portion.failed(&error);
                if smaller && is_too_large(&error) {
                    continue;
                }
                failures += 1;
                note_if_closed(device, profile, record, &error).await?;
                if takes_no_edits(&error) && !std::mem::replace(&mut looked, true) {
                    let told = (&mut result, &mut touched);
                    look(device, profile, record, told, cancel).await?;
                    // What hides a decision is taken where other edits wait.
                    let ask = !hidden && !touched.is_empty();
                    hidden |= ask && decisions::hide_after_sync(device, profile, record)?;
                    follow_up(device, profile, record, &touched).await?;
                    if ask && hidden {
                        waited_before = usize::MAX;
                        continue;
                    }
                }
                give_up_or_wait(device, profile, error, failures, patience, cancel).await?;
            }
        }
    }
}

/// Whether the server takes no edits just then, because its disk is nearly full.
fn takes_no_edits(error: &Error) -> bool {
    matches!(error, Error::Problem { status: 507, .. })
}

/// Fetches what is new where the server takes no edits: others' edits, and what the person may not
/// see any more, do not wait for the room that theirs need. A failure is none: it was told already.
async fn look(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
    (result, touched): (&mut SyncResult, &mut BTreeSet<EntryId>),
    cancel: &Cancel,
) -> Result<(), Error> {
    if device.store().rows(profile, record).waiting()? == 0 {
        return Ok(());
    }
    let lane = device.lane(profile, record);
    let _turn = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Error::Cancelled),
        turn = lane.turn.lock() => turn,
    };
    let mut more = true;
    while more && !cancel.is_cancelled() {
        let asked = SyncRequest {
            edits: None,
            checkpoints: Vec::new(),
            ..ask(device, profile, record)?
        };
        let round = round(device, profile, record, asked, (result, cancel));
        let told = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::Cancelled),
            told = round => told,
        };
        let Ok((report, _)) = told else { break };
        result.add(&report, touched);
        more = report.more;
    }
    Ok(())
}

/// Whether the server, or a proxy before it, takes no body of this size.
fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::Problem { status: 413, .. })
}

/// What a sync leaves to ask: which records are open now and by which matrix, if rights changed; how
/// people are called whom the record names. The server's not answering is no error: it is asked after the next sync.
pub(super) async fn follow_up(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
    changed: &BTreeSet<EntryId>,
) -> Result<(), Error> {
    let doubted = device.store().is_doubted(profile, record)?;
    if doubted {
        refresh(device, profile).await?;
    }
    let matrix: Vec<Matrix> = device.store().rows(profile, record).notes(Shelf::Matrix)?;
    if doubted || matrix.is_empty() {
        account::refresh_matrix(device, profile, record).await?;
    }
    if changed.is_empty() {
        return Ok(());
    }
    people::learn_names(device, profile, record, changed).await
}

/// A record that the server does not know any more, for this person, is closed.
pub(super) async fn note_if_closed(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
    error: &Error,
) -> Result<(), Error> {
    match error {
        Error::Problem { status: 404, .. } => {
            device.store().doubt_record(profile, record)?;
            refresh(device, profile).await
        }
        _ => Ok(()),
    }
}

async fn refresh(device: &Device, profile: &Unlocked) -> Result<(), Error> {
    match account::refresh_records(device, profile).await {
        Err(Error::Store(error)) => Err(error.into()),
        _ => Ok(()),
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

/// A JSON request of somebody who is signed in. An end of the sign-in is noted.
pub(crate) async fn signed_call<Q: Serialize, A: DeserializeOwned>(
    device: &Device,
    profile: &Unlocked,
    method: Method,
    path: &str,
    body: Option<&Q>,
) -> Result<A, Error> {
    if device.is_offline() {
        return Err(Error::StayingOffline);
    }
    let (token, server) = (token(device, profile)?, &profile.card.server);
    let transport = device.transport();
    let answer = json_call(transport, method, server, path, Some(&token), body).await;
    if matches!(answer, Err(Error::SignInNeeded)) {
        end_session(device, profile)?;
    }
    answer
}

async fn round(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
    asked: SyncRequest,
    (result, cancel): (&mut SyncResult, &Cancel),
) -> Result<(Report, usize), Error> {
    let token = token(device, profile)?;
    let bytes = codec::to_cbor(&asked);
    result.bytes_up += bytes.len() as u64;
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
    result.round_trips += 1;
    result.bytes_down += reply.body.len() as u64;
    let reply = reply.success()?;
    let answer: SyncAnswer = codec::from_cbor(&reply.body).map_err(|_| Error::Unreadable)?;
    take(device, profile, record, &answer, cancel)
}

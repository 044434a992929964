//! Live updates: the same messages over a WebSocket, and ordinary syncs while there is none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sync_core::codec::{self, Encoding};
use sync_core::sync::SyncAnswer;
use sync_core::{DeviceTime, EntryId, RecordId};

use super::sync::{ask, follow_up, give_up_or_wait, note_if_closed, take, token};
use super::{Call, Cancel, Heard, Line, Method, NetError, Patience, Pending, synchronise};
use crate::decisions;
use crate::device::{Device, Lane};
use crate::error::Error;
use crate::store::Unlocked;

/// How often to look when no line can be had but requests go through.
const POLL: Duration = Duration::from_secs(20);

/// How long a line may say nothing: two and a half of the server's pings, one every 30 s. A network
/// that died tells nobody.
pub(super) const SILENCE: Duration = Duration::from_secs(75);

/// How long a request on the line may take, to be sent and to be answered, as over HTTP.
pub(super) const ANSWER: Duration = Duration::from_secs(60);

/// How live a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveState {
    /// Changes come as they are made.
    Live,
    /// No line; the server is asked now and then.
    Polling,
    /// No way to the server; tried again and again.
    Waiting,
    /// Offline by choice.
    Offline,
}

/// Follows a record until cancelled: over a WebSocket when there is one, else by asking now and
/// then. Own edits go out as they are made.
///
/// # Errors
/// Only what trying again cannot mend: a sign-in is needed, the record is no longer open to this
/// person, the store is broken, an answer was not taken. When cancelled, [`Error::Cancelled`].
pub async fn follow(
    device: &Device,
    profile: &Arc<Unlocked>,
    record: &RecordId,
    cancel: &Cancel,
    state: &(dyn Fn(LiveState) + Send + Sync),
) -> Result<(), Error> {
    let lane = device.lane(profile, record);
    let mut failures = 0;
    loop {
        if device.is_offline() {
            state(LiveState::Offline);
            tokio::select! {
                () = cancel.cancelled() => return Err(Error::Cancelled),
                () = lane.edited.notified() => continue,
            }
        }
        let opened = tokio::select! {
            () = cancel.cancelled() => return Err(Error::Cancelled),
            opened = open(device, profile, record) => opened,
        };
        let lost = match opened {
            Ok(line) => {
                state(LiveState::Live);
                let mut talk = Talk {
                    device,
                    profile,
                    record,
                    line,
                    silence: device.clock().pause(SILENCE),
                    asking: None,
                    asked: device.clock().now(),
                    edits: false,
                    waiting: 0,
                    answered: false,
                    touched: BTreeSet::new(),
                };
                let lost = talk.run(&lane, cancel).await;
                if talk.asking.is_some() {
                    lane.portion.failed(&lost);
                }
                if talk.answered {
                    failures = 0;
                }
                lost
            }
            Err(error) => error,
        };
        match lost {
            Error::Cancelled => return Err(Error::Cancelled),
            Error::StayingOffline => continue,
            lost if !lost.is_transient() && !is_no_line(&lost) => {
                note_if_closed(device, profile, record, &lost).await?;
                return give_up_or_wait(device, profile, lost, 1, Patience::Endless, cancel).await;
            }
            _ => {}
        }
        let once = Patience::Attempts(1);
        match synchronise(device, profile, record, once, cancel, None).await {
            Ok(_) => {
                state(LiveState::Polling);
                let poll = POLL.min(device.wait(failures, &Error::Overtaken) + POLL / 20);
                failures += 1;
                tokio::select! {
                    () = cancel.cancelled() => return Err(Error::Cancelled),
                    () = lane.edited.notified() => {}
                    () = device.clock().pause(poll) => {}
                }
            }
            Err(Error::StayingOffline) => {}
            Err(error) => {
                state(LiveState::Waiting);
                failures += 1;
                give_up_or_wait(device, profile, error, failures, Patience::Endless, cancel)
                    .await?;
            }
        }
    }
}

/// A server or a proxy that has no WebSocket for us still answers requests.
fn is_no_line(error: &Error) -> bool {
    matches!(
        error,
        Error::Problem {
            status: 400 | 404 | 405 | 426,
            ..
        }
    )
}

async fn open(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
) -> Result<Box<dyn Line>, Error> {
    let call = Call {
        method: Method::Get,
        server: profile.card.server.clone(),
        path: format!("/v1/records/{record}/live"),
        token: Some(token(device, profile)?),
        body: None,
        accept: Encoding::Cbor,
    };
    match device.transport().open_line(call).await? {
        Ok(line) => Ok(line),
        Err(reply) => match reply.success() {
            Ok(_) => Err(Error::Net(NetError::Broken)),
            Err(error) => Err(error),
        },
    }
}

struct Talk<'t> {
    device: &'t Device,
    profile: &'t Unlocked,
    record: &'t RecordId,
    line: Box<dyn Line>,
    /// Comes back when nothing was heard for too long.
    silence: Pending<'t, ()>,
    /// A request is under way; comes back when its answer is overdue.
    asking: Option<Pending<'t, ()>>,
    /// When the last request was begun.
    asked: DeviceTime,
    /// It carried edits.
    edits: bool,
    /// How many edits waited then.
    waiting: usize,
    answered: bool,
    /// What changed since the record was whole here.
    touched: BTreeSet<EntryId>,
}

impl<'t> Talk<'t> {
    async fn run(&mut self, lane: &Lane, cancel: &Cancel) -> Error {
        loop {
            match self.step(lane, cancel).await {
                Ok(()) => {}
                Err(error) => return error,
            }
        }
    }

    async fn step(&mut self, lane: &Lane, cancel: &Cancel) -> Result<(), Error> {
        if !self.answered && self.asking.is_none() {
            self.ask(lane).await?;
        }
        tokio::select! {
            () = cancel.cancelled() => Err(Error::Cancelled),
            () = lane.edited.notified() => {
                if self.device.is_offline() {
                    return Err(Error::StayingOffline);
                }
                if self.asking.is_some() { Ok(()) } else { self.ask(lane).await }
            }
            heard = self.line.receive() => {
                let told = match heard? {
                    Some(Heard::Message(bytes)) => self.answer(lane, &bytes, cancel).await,
                    Some(Heard::Life) => Ok(()),
                    Some(Heard::NoRoom) => Err(Error::no_room()),
                    None => Err(Error::Net(NetError::Broken)),
                };
                // From here, for nothing is listened to while an answer is taken in.
                self.silence = self.device.clock().pause(SILENCE);
                told
            },
            () = &mut self.silence => Err(Error::Net(NetError::Broken)),
            () = overdue(&mut self.asking) => Err(Error::Net(NetError::Broken)),
        }
    }

    async fn ask(&mut self, lane: &Lane) -> Result<(), Error> {
        let _turn = lane.turn.lock().await;
        let asked = ask(self.device, self.profile, self.record)?;
        self.waiting = waiting(self.device, self.profile, self.record)?;
        let clock = self.device.clock();
        (self.asked, self.edits) = (clock.now(), asked.edits.is_some());
        let overdue = self.asking.insert(clock.pause(ANSWER));
        tokio::select! {
            biased;
            sent = self.line.send(codec::to_cbor(&asked)) => Ok(sent?),
            () = overdue => Err(Error::Net(NetError::Broken)),
        }
    }

    async fn answer(&mut self, lane: &Lane, bytes: &[u8], cancel: &Cancel) -> Result<(), Error> {
        let answer: SyncAnswer = codec::from_cbor(bytes).map_err(|_| Error::Unreadable)?;
        let turn = lane.turn.lock().await;
        let taken = take(self.device, self.profile, self.record, &answer, cancel);
        drop(turn);
        // What comes unasked says nothing of edits, nor of what became of them.
        let asked = !self.edits || !answer.outcomes.is_empty();
        if self.asking.take().is_some() && asked {
            lane.portion.passed(self.device.clock().since(self.asked));
        }
        self.answered = true;
        match taken {
            Ok((report, waiting)) => {
                // A queue longer than a request goes on, handed back or new; one that no answer
                // speaks of must not make it ask for ever.
                let settled = !report.accepted.is_empty()
                    || !report.aside.is_empty()
                    || report.handed_back > 0
                    || waiting < self.waiting;
                let unsent = waiting > 0 && (answer.outcomes.is_empty() || settled);
                self.touched.extend(report.changed);
                if report.more || unsent {
                    return self.ask(lane).await;
                }
                let touched = std::mem::take(&mut self.touched);
                // Its edits go out as any others do.
                if !touched.is_empty() {
                    decisions::hide_after_sync(self.device, self.profile, self.record)?;
                }
                follow_up(self.device, self.profile, self.record, &touched).await
            }
            // A sync beside the line moved the replica on: say where it stands now.
            Err(Error::Overtaken) => self.ask(lane).await,
            Err(error) => Err(error),
        }
    }
}

/// How many own edits wait to be sent.
fn waiting(device: &Device, profile: &Unlocked, record: &RecordId) -> Result<usize, Error> {
    Ok(device.store().rows(profile, record).waiting()?)
}

/// Waits until the answer to a request is overdue; for ever if none is under way.
async fn overdue(asking: &mut Option<Pending<'_, ()>>) {
    match asking {
        Some(answer) => answer.await,
        None => std::future::pending().await,
    }
}

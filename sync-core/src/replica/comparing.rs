//! Comparing a copy with the server's, in place of being sent all of it anew.
//!
//! What a full resend would name and this replica has already, in the same version, counts as named.
//! What the server has besides is asked for, and comes as news. What only this replica has is for the
//! end of the resend, as ever: it goes, or is handed back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::receive::{AnswerError, Report};
use super::{Entries, ReplicaHead};
use crate::reconcile::{Compare, Inventory, ItemId, Ranges};
use crate::sync::SyncAnswer;
use crate::sync::limits::{LEAST_ANSWER, MAX_RECONCILE, MAX_WANTED};
use crate::{Bytes, EntryId, codec};

/// After so many rounds without an end a replica has all sent instead.
const ROUNDS: u32 = 12;

/// After so many new beginnings likewise.
const RESTARTS: u32 = 4;

/// How many more entries than it has a replica asks for one by one. If it lacks more, it has all sent.
const FEW: usize = 64;

/// How far a replica has come in comparing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparing {
    /// The next message: nothing before the first, empty once all differences are known.
    message: Option<Bytes>,
    /// The server's message that it answers, if it is long: where less can go at once, a shorter one
    /// is made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answers: Option<Bytes>,
    /// How many messages were answered.
    rounds: u32,
    /// What the server has not.
    have: BTreeSet<ItemId>,
    /// What the server has and this replica has not, and is still to be given.
    want: Vec<ItemId>,
    /// What both have is named.
    named: bool,
    /// How often the server began anew.
    restarts: u32,
}

impl Comparing {
    fn is_first(&self) -> bool {
        self.rounds == 0 && self.message.is_none()
    }

    /// What goes with a message: what is wanted, if the server may have nothing to say to it. To
    /// one that names entries it has.
    fn ask(&self, message: Bytes) -> Compare {
        let answered = Ranges::of(&message).is_some_and(|ranges| ranges.lists > 0);
        let wanted = match answered {
            true => Vec::new(),
            false => self.want.clone(),
        };
        Compare { message, wanted }
    }
}

impl ReplicaHead {
    /// What to ask, if this replica compares and that fits so many bytes; else it has all sent.
    pub(super) fn ask_to_compare<E: Entries>(
        &self,
        entries: &mut E,
        room: usize,
    ) -> Result<Option<Compare>, E::Error> {
        let Some(comparing) = &self.comparing else {
            return Ok(None);
        };
        let message = match &comparing.message {
            Some(message) => message.clone(),
            None => {
                let inventory = inventory(entries)?;
                let first = Some(inventory).filter(|all| !all.is_empty());
                match first.and_then(|all| all.first().ok()) {
                    Some(first) => first.into(),
                    None => return Ok(None),
                }
            }
        };
        let fits = |asked: &Compare| codec::to_cbor(asked).len() <= room;
        let asked = comparing.ask(message);
        if fits(&asked) {
            return Ok(Some(asked));
        }
        let Some(answers) = &comparing.answers else {
            return Ok(None);
        };
        // What a shorter one leaves out it asks about as a whole.
        let found = inventory(entries)?.compare(answers, room / 2);
        let shorter = found.ok().and_then(|found| found.next);
        let shorter = shorter.map(|message| comparing.ask(message.into()));
        Ok(shorter.filter(fits))
    }

    /// Goes on with what an answer says of the comparison.
    pub(super) fn go_on_comparing<E: Entries>(
        &mut self,
        entries: &mut E,
        answer: &SyncAnswer,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let asked = self.comparing.take();
        let said = answer.reconcile.as_ref();
        let message = said.and_then(|said| said.message.as_ref());
        if answer.reset {
            match (message, asked) {
                // The first message asks about all, whenever it is answered.
                (Some(message), Some(asked)) if asked.is_first() => {
                    return self.compare(entries, asked, message);
                }
                (_, asked) if answer.more && answer.news.is_none() => {
                    let restarts = asked.map_or(0, |asked| asked.restarts + 1);
                    self.comparing = (restarts <= RESTARTS).then(|| Comparing {
                        restarts,
                        ..Comparing::default()
                    });
                }
                _ => {}
            }
            return Ok(());
        }
        let (Some(mut asked), Some(said)) = (asked, said) else {
            return Ok(());
        };
        if let Some(message) = message {
            return self.compare(entries, asked, message);
        }
        if !asked.named {
            self.name_the_same(entries, &asked.have, report)?;
            asked.named = true;
        }
        let given = usize::try_from(said.given).unwrap_or(usize::MAX);
        asked.want.drain(..given.min(asked.want.len()));
        (asked.message, asked.answers) = (Some(Bytes::default()), None);
        // An answer that deals with nothing must not be asked for for ever.
        if answer.more && given > 0 && !asked.want.is_empty() {
            self.comparing = Some(asked);
        }
        Ok(())
    }

    /// Takes in what a message tells, unless so much differs that all may as well be sent.
    fn compare<E: Entries>(
        &mut self,
        entries: &mut E,
        mut asked: Comparing,
        message: &Bytes,
    ) -> Result<(), AnswerError<E::Error>> {
        let inventory = inventory(entries).map_err(AnswerError::Store)?;
        let found = inventory.compare(message, MAX_RECONCILE / 2)?;
        asked.rounds += 1;
        asked.have.extend(found.have);
        let known: BTreeSet<ItemId> = asked.want.iter().copied().collect();
        let new = found.need.into_iter().filter(|item| !known.contains(item));
        asked.want.extend(new);
        let next: Bytes = found.next.unwrap_or_default().into();
        asked.answers = Some(message.clone()).filter(|_| next.len() > LEAST_ANSWER / 2);
        asked.message = Some(next);
        let most = MAX_WANTED.min(inventory.len() + FEW);
        if asked.rounds <= ROUNDS && asked.want.len() <= most {
            self.comparing = Some(asked);
        }
        Ok(())
    }

    /// Names what both have: it is in the record, as it is here.
    fn name_the_same<E: Entries>(
        &mut self,
        entries: &mut E,
        have: &BTreeSet<ItemId>,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let inventory = inventory(entries).map_err(AnswerError::Store)?;
        let mut attested = BTreeSet::new();
        for (item, entry) in inventory.iter() {
            if have.contains(&item) {
                continue;
            }
            let Some(mut local) = entries.load(&entry).map_err(AnswerError::Store)? else {
                continue;
            };
            if local.forgotten {
                report.changed.insert(entry);
            }
            local.forgotten = false;
            // What was about to be handed back, as lost, need not be.
            for change in local.is_still_there() {
                entries.dequeue(&change).map_err(AnswerError::Store)?;
            }
            local.generation = self.generation;
            attested.extend(local.attestations());
            entries.store(&entry, &local).map_err(AnswerError::Store)?;
        }
        // What proves it later stays with it.
        for id in attested {
            if let Some(kept) = entries.attestation(&id).map_err(AnswerError::Store)? {
                let kept = entries.keep_attestation(&kept, self.generation);
                kept.map_err(AnswerError::Store)?;
            }
        }
        Ok(())
    }
}

/// What of the record is here, as far as it is known to have been accepted.
fn inventory<E: Entries>(entries: &mut E) -> Result<Inventory, E::Error> {
    let all: Vec<EntryId> = entries.older_than(u64::MAX)?;
    let mut found = Vec::with_capacity(all.len());
    for entry in all {
        let version = entries.load(&entry)?.and_then(|local| local.version());
        found.extend(version.map(|version| (entry, version)));
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests;

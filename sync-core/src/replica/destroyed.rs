//! What another patient's entry leaves on a device: that it was destroyed, and nothing of it but what
//! this person had written into somebody else's entry, which never was part of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{AnswerError, AsideReason, Author, Destroyed, Entries, ReplicaHead, Report, SetAside};
use crate::change::Edit;
use crate::entry::{SCHEMA, STATUS, Value};
use crate::guard;
use crate::kind::Kind;
use crate::kind::common::{ACCEPTS, BESIDE, is_visibility};
use crate::sync::{Refusal, SyncAnswer, Verdict};
use crate::{ChangeHash, DeviceTime, EntryId, PersonId};

const DESTROYED: AsideReason = AsideReason::Refused(Refusal::Destroyed);

/// What was known of an entry before it is dropped, and before the answer was taken in that says so.
#[derive(Default)]
pub(super) struct Former {
    kind: Option<Kind>,
    author: Option<PersonId>,
}

/// What was known of the entries that an answer says to be destroyed.
pub(super) type Formers = BTreeMap<EntryId, Former>;

/// Looks up what is known of the entries that an answer says to be destroyed.
pub(super) fn formers<E: Entries>(
    entries: &mut E,
    answer: &SyncAnswer,
) -> Result<Formers, AnswerError<E::Error>> {
    let mut all = answer.destroyed.clone();
    for outcome in &answer.outcomes {
        if outcome.verdict == Verdict::Refused(Refusal::Destroyed) {
            let unsent = entries
                .unsent(&outcome.change)
                .map_err(AnswerError::Store)?;
            all.extend(unsent.map(|unsent| unsent.edit.entry));
        }
    }
    let mut formers = Formers::new();
    for entry in all {
        let Some(local) = entries.load(&entry).map_err(AnswerError::Store)? else {
            continue;
        };
        let state = local.state();
        let author = state.creation().and_then(|first| {
            let first = local.provenance().remove(&first.hash)?;
            Some(first.origin.author)
        });
        let kind = Kind::of(&state);
        formers.insert(entry, Former { kind, author });
    }
    Ok(formers)
}

impl ReplicaHead {
    /// Drops entries that were destroyed, with all edits of them: those that wait, those that were
    /// set aside and those that are held. What this person had written into an entry that is not
    /// theirs is set aside, so that a new entry can be made of it. What other entries have is not
    /// touched.
    pub(super) fn drop_destroyed<E: Entries>(
        &self,
        entries: &mut E,
        author: &Author,
        (answer, mut formers): (&SyncAnswer, Formers),
        now: DeviceTime,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let refused = std::mem::take(&mut report.destroyed);
        let all: BTreeSet<EntryId> = answer.destroyed.iter().copied().chain(refused).collect();
        for entry in all {
            let local = entries.load(&entry).map_err(AnswerError::Store)?;
            let mut here = local.is_some();
            let former = formers.remove(&entry).unwrap_or_default();
            let mut not_kept: BTreeSet<ChangeHash> = BTreeSet::new();
            let mut kept: Vec<SetAside> = Vec::new();
            let mut dropped = |edit: &Edit, change, lost: bool| {
                here = true;
                let origin = edit.origin.read();
                let own = origin.is_ok_and(|origin| origin.author == author.person);
                if lost || !own {
                    return;
                }
                if former.is_anothers(author.person) && says_something(edit) {
                    kept.push(SetAside {
                        edit: edit.clone(),
                        change,
                        why: DESTROYED,
                        checkpoint: None,
                        lost: None,
                        kind: former.kind.clone(),
                    });
                } else {
                    not_kept.insert(change);
                }
            };
            for unsent in entries.queue(usize::MAX).map_err(AnswerError::Store)? {
                if unsent.edit.entry == entry {
                    let change = unsent.change;
                    entries.dequeue(&change).map_err(AnswerError::Store)?;
                    dropped(&unsent.edit, change, unsent.lost.is_some());
                }
            }
            for aside in entries.aside().map_err(AnswerError::Store)? {
                if aside.edit.entry == entry && aside.why != DESTROYED {
                    let change = aside.change;
                    entries.take_up(&change).map_err(AnswerError::Store)?;
                    dropped(&aside.edit, change, aside.lost.is_some());
                }
            }
            entries.remove(&entry).map_err(AnswerError::Store)?;
            entries.forget_held(&entry).map_err(AnswerError::Store)?;
            for aside in &kept {
                entries.set_aside(aside).map_err(AnswerError::Store)?;
            }
            report.aside.retain(|aside| aside.edit.entry != entry);
            report.aside.extend(kept);
            report.changed.remove(&entry);
            if !here {
                continue;
            }
            let destroyed = Destroyed {
                entry,
                told: now,
                not_kept: not_kept.len(),
            };
            let noted = entries.note_destroyed(&destroyed);
            noted.map_err(AnswerError::Store)?;
            report.gone.insert(entry);
            report.destroyed.insert(entry);
            report.not_kept += not_kept.len();
        }
        Ok(())
    }
}

impl Former {
    /// Whether somebody else made the entry, as far as this device knows.
    fn is_anothers(&self, person: PersonId) -> bool {
        self.author.is_none_or(|author| author != person)
    }
}

/// Whether an edit of an entry that was there says more than what becomes of it.
fn says_something(edit: &Edit) -> bool {
    let Ok(inspected) = guard::inspect(&edit.change) else {
        return false;
    };
    let past = &inspected.past;
    let mut writes = past.writes.iter();
    !past.deps.is_empty()
        && writes.any(|write| {
            let key = write.key.as_str();
            let apart = key == STATUS || key == SCHEMA || is_visibility(key);
            let of_set = key.split('/').next().unwrap_or_default();
            let accepts = [ACCEPTS, BESIDE].contains(&of_set);
            let value = write.value.as_ref();
            !apart && !accepts && value.is_some_and(|value| *value != Value::Null)
        })
}

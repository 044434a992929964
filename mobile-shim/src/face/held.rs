//! Edits that did not become part of the record, and entries that were destroyed.

use sync_core::entry;
use sync_core::kind::Kind;
use sync_core::merge::{self, ReviewClaim};
use sync_core::replica::{AsideReason, Destroyed, Entries as _, SetAside};
use sync_core::sync::{HeldEdit, HoldReason, Refusal, Settlement};
use sync_core::{ChangeHash, guard};

use super::review::{called, title};
use super::show::Names;
use super::{Bilingual, Record, Stamp};
use crate::error::CarnetError;
use crate::store::{RecordRows, Shelf, StoreError, Views};

/// What an edit that is not part of the record would write.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct HeldField {
    /// Under which field.
    pub field: String,
    /// What people call that field.
    pub title: Bilingual,
    /// In words.
    pub text: Bilingual,
    /// As it is kept.
    pub json: String,
}

/// An edit that is not, or not yet, part of the record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct HeldChange {
    /// Names it.
    pub change: String,
    /// The entry it is about.
    pub entry: String,
    /// Whether this person made it.
    pub own: bool,
    /// Who made it, when.
    pub by: Option<Stamp>,
    /// Why it is not in the record: a stable word.
    pub reason: String,
    /// What that means.
    pub words: Bilingual,
    /// What the entry is called, in one line.
    pub label: Bilingual,
    /// What it would write.
    pub fields: Vec<HeldField>,
    /// What was decided: `released`, `discarded`.
    pub settled: Option<String>,
}

/// An entry that was withdrawn as another patient's and destroyed: all that this device knows of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct DestroyedEntry {
    /// Which it was; the access log names it.
    pub entry: String,
    /// When this device was told, by its own clock.
    pub at: i64,
    /// How many own edits of it were not in the record, and were not kept; what was written into
    /// another's entry is among those held.
    pub not_kept: u32,
    /// What that means.
    pub words: Bilingual,
}

#[uniffi::export]
impl Record {
    /// The entries that were on this device and were destroyed as another patient's.
    pub fn destroyed(&self) -> Result<Vec<DestroyedEntry>, CarnetError> {
        let profile = self.profile()?;
        let mut store = self.device.store();
        let mut rows = store.rows(&profile, &self.record);
        let all: Vec<Destroyed> = rows.notes(Shelf::Destroyed)?;
        Ok(all.iter().map(destroyed_entry).collect())
    }

    /// Edits that are not part of the record: own ones that were held or refused, and those of
    /// others that wait for this person's decision.
    pub fn held(&self) -> Result<Vec<HeldChange>, CarnetError> {
        let profile = self.profile()?;
        let names = self.names(&profile)?;
        let mut store = self.device.store();
        let views = store.views(&profile, &self.record)?;
        let mut rows = store.rows(&profile, &self.record);
        let asides: Vec<SetAside> = rows.notes(Shelf::Aside)?;
        let helds: Vec<HeldEdit> = rows.notes(Shelf::Held)?;
        let mut shown = Vec::new();
        for aside in &asides {
            // Somebody else may have handed it back since.
            let local = rows.load(&aside.edit.entry)?;
            if local.is_some_and(|local| local.has(&aside.change)) {
                continue;
            }
            let (reason, words) = aside_words(aside.why);
            let author = aside.edit.origin.read().map(|origin| origin.author);
            shown.push(HeldChange {
                own: author.is_ok_and(|author| author == profile.card.person),
                reason,
                words,
                ..held_change(&names, &views, &aside.edit, aside.kind.as_ref())?
            });
        }
        for held in &helds {
            if held.yours && is_here(&mut rows, held)? {
                continue;
            }
            let (reason, words) = aside_words(AsideReason::Held(held.reason));
            let author = held.edit.origin.read().map(|origin| origin.author);
            let change = HeldChange {
                own: author.is_ok_and(|author| author == profile.card.person),
                reason,
                words,
                settled: held.settled.map(|settled| {
                    match settled {
                        Settlement::Released => "released",
                        Settlement::Discarded => "discarded",
                    }
                    .to_owned()
                }),
                ..held_change(&names, &views, &held.edit, None)?
            };
            // What was decided of an own edit replaces what this device knew of it.
            match shown.iter_mut().find(|known| known.change == change.change) {
                Some(known) => known.settled = change.settled,
                None => shown.push(change),
            }
        }
        Ok(shown)
    }

    /// Drops for good an own edit whose entry was destroyed as another patient's, once it was
    /// written anew or is about that other patient. No other edit is ever dropped.
    pub fn drop_destroyed_edit(&self, change: String) -> Result<(), CarnetError> {
        let change: ChangeHash = change.parse().map_err(|_| CarnetError::NotFound)?;
        let profile = self.profile()?;
        let mut store = self.device.store();
        let dropped = store.with_replica(&profile, &self.record, |_, rows| {
            rows.drop_what_was_destroyed(&change)
        });
        match dropped? {
            true => Ok(()),
            false => Err(CarnetError::NotFound),
        }
    }
}

/// Whether an own edit that was held is in its entry by now.
fn is_here(rows: &mut RecordRows<'_>, held: &HeldEdit) -> Result<bool, CarnetError> {
    let change = held.change().map_err(|_| StoreError::Damaged)?;
    let local = rows.load(&held.edit.entry)?;
    Ok(local.is_some_and(|local| local.has(&change)))
}

fn held_change(
    names: &Names,
    views: &Views,
    edit: &sync_core::change::Edit,
    former: Option<&Kind>,
) -> Result<HeldChange, CarnetError> {
    let inspected = guard::inspect(&edit.change).map_err(|_| StoreError::Damaged)?;
    let change: ChangeHash = inspected.hash();
    let by = edit.origin.read().ok().map(|origin| {
        let provenance = sync_core::change::Provenance {
            origin,
            accepted: None,
        };
        names.stamp(&merge::Stamp::from(&provenance))
    });
    let created = inspected.past.wrote(entry::KIND).flatten();
    let created = created.and_then(|kind| Some(Kind::from(kind.as_text()?)));
    let known = views.find(&edit.entry);
    let kind = created.or_else(|| Some(known?.kind.clone()));
    let kind = kind.or_else(|| former.cloned());
    let claims: Vec<ReviewClaim> = inspected
        .past
        .writes
        .iter()
        .filter(|write| write.key != entry::SCHEMA)
        .map(|write| ReviewClaim {
            entry: edit.entry,
            field: write.key.clone(),
            claim: merge::FieldClaim {
                value: write.value.clone().unwrap_or(entry::Value::Null),
                change,
                by: None,
            },
            proposed: false,
        })
        .collect();
    let label = match known {
        Some(view) => names.summary(view),
        None => called(names, kind.as_ref(), &claims),
    };
    let kind = kind.unwrap_or_else(|| Kind::Unknown(String::new()));
    let fields = claims.iter().map(|side| {
        let claim = names.claim(&kind, &side.field, &side.claim);
        HeldField {
            field: side.field.clone(),
            title: title(&kind, &side.field),
            text: claim.text,
            json: claim.json,
        }
    });
    Ok(HeldChange {
        change: change.to_string(),
        entry: edit.entry.to_string(),
        own: false,
        by,
        reason: String::new(),
        words: Bilingual::default(),
        label,
        fields: fields.collect(),
        settled: None,
    })
}

fn destroyed_entry(destroyed: &Destroyed) -> DestroyedEntry {
    let (en, fr) = match destroyed.not_kept {
        0 => (
            "Withdrawn as another patient’s, and destroyed.",
            "Retiré comme erreur de patient, et détruit.",
        ),
        1 => (
            "Withdrawn as another patient’s, and destroyed; your edit of it was not kept.",
            "Retiré comme erreur de patient, et détruit ; votre modification n’a pas été conservée.",
        ),
        _ => (
            "Withdrawn as another patient’s, and destroyed; your edits of it were not kept.",
            "Retiré comme erreur de patient, et détruit ; vos modifications n’ont pas été conservées.",
        ),
    };
    DestroyedEntry {
        entry: destroyed.entry.to_string(),
        at: destroyed.told.0,
        not_kept: u32::try_from(destroyed.not_kept).unwrap_or(u32::MAX),
        words: Bilingual {
            en: en.to_owned(),
            fr: fr.to_owned(),
        },
    }
}

fn aside_words(why: AsideReason) -> (String, Bilingual) {
    let (code, en, fr) = match why {
        AsideReason::Held(HoldReason::NotPermitted) => (
            "not-permitted",
            "Its author has not the right.",
            "Son auteur n’en a pas le droit.",
        ),
        AsideReason::Held(HoldReason::NoLongerPermitted) => (
            "no-longer-permitted",
            "Its author no longer had the right: the holder decides.",
            "Son auteur n’en avait plus le droit : le titulaire décide.",
        ),
        AsideReason::Held(HoldReason::FollowsHeld) => (
            "follows-held",
            "It follows an edit that is held.",
            "Elle fait suite à une modification retenue.",
        ),
        AsideReason::Held(HoldReason::Other) => (
            "held",
            "It is held, for a reason that this version does not know.",
            "Elle est retenue, pour une raison que cette version ne connaît pas.",
        ),
        AsideReason::Refused(Refusal::Equivocation) => (
            "equivocation",
            "This device had used the same number for another edit: its store was put back.",
            "Cet appareil avait déjà numéroté ainsi une autre modification : ses données ont été restaurées.",
        ),
        AsideReason::Refused(Refusal::Invalid) => (
            "invalid",
            "The entry would not be valid.",
            "L’élément ne serait pas valide.",
        ),
        AsideReason::Refused(Refusal::EntryFull) => (
            "entry-full",
            "The entry has reached its limits: settle what is in conflict in it and write this again, or write it in a new entry.",
            "L’élément a atteint ses limites : tranchez ce qui y est en conflit, puis écrivez ceci à nouveau, ou dans un nouvel élément.",
        ),
        AsideReason::Refused(Refusal::RightsFull) => (
            "rights-full",
            "The record holds as many rights as it takes: change one that has ended instead of giving another.",
            "Le carnet contient autant de droits qu’il en accepte : modifiez-en un qui a pris fin au lieu d’en donner un autre.",
        ),
        AsideReason::Refused(Refusal::RecordFull) => (
            "record-full",
            "The record takes up as much as its server keeps of one: this stays on this device; ask whoever runs the server.",
            "Le carnet occupe toute la place que son serveur lui accorde : ceci reste sur cet appareil ; adressez-vous à l’exploitant du serveur.",
        ),
        AsideReason::Refused(Refusal::Destroyed) => (
            "destroyed",
            "The entry was withdrawn as another patient’s, and destroyed: if this is about this patient all the same, write it in a new entry.",
            "L’élément a été retiré comme erreur de patient, et détruit : si ceci concerne bien ce patient, écrivez-le dans un nouvel élément.",
        ),
        AsideReason::Refused(_) => (
            "refused",
            "The server could not take it.",
            "Le serveur n’a pas pu l’accepter.",
        ),
    };
    let words = Bilingual {
        en: en.to_owned(),
        fr: fr.to_owned(),
    };
    (code.to_owned(), words)
}

//! What the person may do now, so that an app greys out what would be held. The server decides in
//! the end, by the same rules.

use std::sync::Arc;

use sync_core::entry::{
    EntryClass, HIDDEN_FROM_PATIENT_UNTIL, HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES,
    KIND, STATUS, Value, Visibility, Write,
};
use sync_core::kind::{JsonScalar as _, Kind, Status, StatusCode, Words};
use sync_core::merge::{self, Choice, EntryView, FlagCode, ReviewItem};
use sync_core::policy::{Action, Flag, Reason, RightKind, Role};
use sync_core::{EntryId, PersonId, Tick};

use super::record::entry_id;
use super::review::chosen;
use super::{Bilingual, Record, ReviewChoice};
use crate::error::{CarnetError, Error};
use crate::permits::{Denied, Permits};
use crate::store::Views;

/// Something a person may want to do with a record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Enum)]
pub enum Wish {
    /// Read entries of this kind. Where it may not, a screen that shows none does not say that
    /// there is none.
    Read {
        /// The kind's code.
        kind: String,
    },
    /// Add an entry of this kind: `allergy`, `own-note` …
    Add {
        /// The kind's code.
        kind: String,
    },
    /// Edit an entry, or set its status. It would be a proposal if anything is that the entry says
    /// now: ask [`Wish::Write`] of one field.
    Edit {
        /// Which.
        entry: String,
    },
    /// Write one field of an entry.
    Write {
        /// Which.
        entry: String,
        /// The field’s key.
        field: String,
        /// The value, as a claim’s `json` has it; nothing to empty the field.
        json: Option<String>,
    },
    /// Hide an entry from professionals, or show it again.
    Hide {
        /// Which.
        entry: String,
    },
    /// Hide an entry from caregivers and representatives, or show it again.
    HideFromRepresentatives {
        /// Which.
        entry: String,
    },
    /// Give rights, and take them back.
    Share,
    /// Settle an item of the to-review list, in any way.
    Review {
        /// Its key.
        item: String,
    },
    /// Settle an item by this choice.
    Settle {
        /// Its key.
        item: String,
        /// How.
        choice: ReviewChoice,
    },
    /// Say who looks after an item.
    Assign {
        /// Its key.
        item: String,
    },
    /// Read the access log.
    ReadLog,
}

/// Whether something may be done.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct Permission {
    /// It may.
    pub allowed: bool,
    /// It would stand as a proposal, for a clinician to take up, or of a wish for the holder.
    pub as_proposal: bool,
    /// Why not: a stable word.
    pub reason: Option<String>,
    /// Why not, to be shown.
    pub words: Option<Bilingual>,
}

#[uniffi::export]
impl Record {
    /// Whether the person may do this now, in the role they act in, as far as this device knows.
    pub fn may(&self, wish: Wish) -> Result<Permission, CarnetError> {
        let asked = self.asked()?;
        let item = |key: &String| -> Result<ReviewItem, CarnetError> {
            let items = self.review_items()?;
            let found = items.iter().find(|found| found.key == *key);
            Ok(found.ok_or(CarnetError::NotFound)?.clone())
        };
        Ok(match &wish {
            Wish::Review { item: key } => asked.review(&item(key)?),
            Wish::Settle { item: key, choice } => {
                let item = item(key)?;
                asked.settle(&item, &chosen(&item, choice)?)
            }
            Wish::Assign { item: key } => asked.assign(&item(key)?),
            Wish::Add { kind } => asked.new_entry(&Kind::from(kind.clone())),
            Wish::Share => asked.new_entry(&Kind::from(RightKind::Grant)),
            Wish::ReadLog => {
                let any = asked.permits.class_of_new(&Kind::OwnNote);
                asked.may(Action::ReadLog, &any)
            }
            Wish::Read { kind } => {
                let class = asked.permits.class_of_new(&Kind::from(kind.clone()));
                asked.may(Action::Read, &class)
            }
            Wish::Edit { entry } => {
                let view = asked.view(entry)?;
                let edited = asked.may(Action::Edit, &view.class());
                Permission {
                    as_proposal: edited.allowed && asked.proposes_any(view),
                    ..edited
                }
            }
            Wish::Write { entry, field, json } => {
                let view = asked.view(entry)?;
                let value = json.as_deref().map(value).transpose()?;
                let write = Write {
                    key: field.clone(),
                    value,
                };
                asked.write(view, std::slice::from_ref(&write))
            }
            Wish::Hide { entry } => asked.hide(entry, Flag::Professionals)?,
            Wish::HideFromRepresentatives { entry } => asked.hide(entry, Flag::Representatives)?,
        })
    }
}

impl Record {
    /// What bears on questions of what the person may do.
    pub(super) fn asked(&self) -> Result<Asked, CarnetError> {
        let profile = self.profile()?;
        let (permits, views) = Permits::of(&self.device, &profile, &self.record)?;
        Ok(Asked { permits, views })
    }
}

/// What bears on questions of what a person may do.
pub(super) struct Asked {
    permits: Permits,
    views: Arc<Views>,
}

impl Asked {
    /// Of those an item is assigned to, who may not see it, as far as this person can know.
    pub fn unseen_by(&self, item: &ReviewItem) -> Vec<PersonId> {
        self.permits.unseen_by(item, &self.views)
    }

    fn view(&self, entry: &str) -> Result<&EntryView, CarnetError> {
        let found = self.views.find(&entry_id(entry)?);
        found.ok_or(CarnetError::NotFound)
    }

    fn may(&self, action: Action, class: &EntryClass) -> Permission {
        permission(self.permits.may(action, class))
    }

    fn new_entry(&self, kind: &Kind) -> Permission {
        self.may(Action::Create, &self.permits.class_of_new(kind))
    }

    fn hide(&self, entry: &str, flag: Flag) -> Result<Permission, CarnetError> {
        Ok(self.may(Action::Hide(flag), &self.view(entry)?.class()))
    }

    /// Whether the person may edit this entry, if it is here.
    pub(super) fn edit(&self, entry: &EntryId) -> bool {
        let view = self.views.find(entry);
        view.is_some_and(|view| self.may(Action::Edit, &view.class()).allowed)
    }

    /// Whether an edit of this person in an entry answers an item. Whether a wish counts that was
    /// closed or withdrawn is answered by its status, and not by one that would be a proposal.
    pub(super) fn answers(&self, item: &ReviewItem, entry: &EntryId) -> bool {
        let of_status = [FlagCode::DirectiveClosed, FlagCode::DirectiveWithdrawn];
        let active = Status::from(StatusCode::Active).to_value();
        let write = Write::set(STATUS, active);
        let may = |view| self.write(view, std::slice::from_ref(&write));
        let stands = |may: Permission| may.allowed && !may.as_proposal;
        !of_status.contains(&item.code) || self.views.find(entry).map(may).is_some_and(stands)
    }

    /// Whether an item may be this person's to settle: what is the holder's is nobody else's.
    pub(super) fn decides(&self, item: &ReviewItem) -> bool {
        !item.is_holders() || *self.permits.role() == Role::Holder
    }

    /// Whether somebody may be told to look after an item: by a decision that inherits what it
    /// touches.
    pub(super) fn assign(&self, item: &ReviewItem) -> Permission {
        self.decision(item.inherited.visibility.clone(), &item.inherited.about)
    }

    fn decision(&self, visibility: Visibility, about: &str) -> Permission {
        let class = EntryClass {
            visibility,
            about: about.to_owned(),
            ..self.permits.class_of_new(&Kind::ReviewDecision)
        };
        self.may(Action::Create, &class)
    }

    /// Whether an item may be settled by a choice: all that it writes must be permitted.
    pub(super) fn settle(&self, item: &ReviewItem, choice: &Choice) -> Permission {
        let Some(resolution) = merge::resolve(item, choice) else {
            return not_offered();
        };
        let edits = resolution.edits.iter().map(|(entry, writes)| {
            let Some(view) = self.views.find(entry) else {
                return permission(self.permits.may(Action::Create, &self.made_by(writes)));
            };
            self.write(view, writes)
        });
        let decision = resolution.decision.iter().map(|decision| {
            let about = decision.about.as_deref().unwrap_or_default();
            self.decision(decision.common.visibility.clone(), about)
        });
        let all: Vec<Permission> = edits.chain(decision).collect();
        if let Some(refused) = all.iter().find(|may| !may.allowed) {
            return refused.clone();
        }
        let as_proposal = all.iter().any(|may| may.as_proposal);
        // An end that is said again as a proposal proposes what stands already.
        let of_field = item.field.as_deref() != Some(STATUS);
        if as_proposal && of_field && item.code == FlagCode::StatusAgainstEdit {
            return not_offered();
        }
        Permission {
            as_proposal,
            ..ALLOWED
        }
    }

    /// Whether anything that an entry says would be a proposal if it were written otherwise.
    fn proposes_any(&self, view: &EntryView) -> bool {
        merge::proposes_any(view, self.permits.role(), self.permits.person())
    }

    /// Whether these writes are permitted, and whether any of them would be a proposal.
    fn write(&self, view: &EntryView, writes: &[Write]) -> Permission {
        let keys = writes.iter().map(|write| write.key.as_str());
        let may = permission(self.permits.may_write(keys, &view.class()));
        let (role, person) = (self.permits.role(), self.permits.person());
        let proposes = writes
            .iter()
            .any(|write| merge::proposes(view, role, person, &write.key, write.value.as_ref()));
        Permission {
            as_proposal: may.allowed && proposes,
            ..may
        }
    }

    /// The class of an entry that is made by taking up an edit that was held.
    fn made_by(&self, writes: &[Write]) -> EntryClass {
        let written = |key: &str| {
            let write = writes.iter().find(|write| write.key == key);
            write.and_then(|write| write.value.as_ref())
        };
        let yes = |key| written(key) == Some(&Value::Bool(true));
        let kind = written(KIND).and_then(Value::as_text).unwrap_or_default();
        EntryClass {
            kind: kind.to_owned(),
            visibility: Visibility {
                hidden_from_professionals: yes(HIDDEN_FROM_PROFESSIONALS),
                hidden_from_representatives: yes(HIDDEN_FROM_REPRESENTATIVES),
                hidden_from_patient_until: match written(HIDDEN_FROM_PATIENT_UNTIL) {
                    Some(Value::Uint(until)) => Some(Tick(*until)),
                    _ => None,
                },
            },
            ..self.permits.class_of_new(&Kind::OwnNote)
        }
    }

    /// An item is settled by a choice that is offered and permitted to this person, or by an edit
    /// of what it is about.
    fn review(&self, item: &ReviewItem) -> Permission {
        let verdicts = item.verdicts.iter().cloned().map(Choice::Decide);
        let sides = item.claims.iter().map(|side| side.claim.change);
        let sides = sides
            .map(Choice::Take)
            .filter(|take| merge::resolve(item, take).is_some());
        let mut refused = None;
        for choice in verdicts.chain(sides) {
            let may = self.settle(item, &choice);
            if may.allowed {
                return may;
            }
            refused = refused.or(Some(may));
        }
        let answers = |entry: &EntryId| self.edit(entry) && self.answers(item, entry);
        match self.decides(item) && item.entries.iter().any(answers) {
            true => ALLOWED,
            false => refused.unwrap_or_else(not_offered),
        }
    }
}

/// A value, as a claim’s `json` has it.
fn value(json: &str) -> Result<Value, CarnetError> {
    let wrong = |_| Error::Argument { field: "json" };
    let json: serde_json::Value = serde_json::from_str(json).map_err(wrong)?;
    Ok(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(flag),
        serde_json::Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Value::Uint(number),
            (None, Some(number)) => Value::Int(number),
            _ => return Err(Error::Argument { field: "json" }.into()),
        },
        serde_json::Value::String(text) => Value::Text(text),
        structured => Value::Text(structured.to_string()),
    })
}

const ALLOWED: Permission = Permission {
    allowed: true,
    as_proposal: false,
    reason: None,
    words: None,
};

fn denied(reason: &str, en: &str, fr: &str) -> Permission {
    Permission {
        allowed: false,
        reason: Some(reason.to_owned()),
        words: Some(Bilingual {
            en: en.to_owned(),
            fr: fr.to_owned(),
        }),
        ..ALLOWED
    }
}

fn not_offered() -> Permission {
    denied(
        "not-offered",
        "It is for somebody else to settle.",
        "C’est à quelqu’un d’autre de trancher.",
    )
}

fn permission(may: Result<(), Denied>) -> Permission {
    match may {
        Ok(()) => ALLOWED,
        Err(Denied::Because(reason)) => refused(reason),
        Err(Denied::NotSynced) => not_synced(),
    }
}

fn not_synced() -> Permission {
    denied(
        "not-synced",
        "Sync first: this device has not seen the record yet.",
        "Synchronisez d’abord : cet appareil n’a pas encore vu le carnet.",
    )
}

fn refused(reason: Reason) -> Permission {
    let Words { en, fr } = words(reason);
    denied(reason.code(), en, fr)
}

/// Why a rule of the record does not permit something, by its stable word.
pub fn reason(code: &str) -> Option<Words> {
    let mut all = [
        Reason::NoRight,
        Reason::UnknownEntry,
        Reason::KindNotWritable,
        Reason::ReadOnly,
        Reason::MayNotHide,
        Reason::RightsAreTheHolders,
        Reason::LogIsTheHolders,
    ]
    .into_iter();
    all.find(|reason| reason.code() == code).map(words)
}

fn words(reason: Reason) -> Words {
    match reason {
        Reason::NoRight => Words::new(
            "You have no right in this role on this record.",
            "Vous n’avez aucun droit sur ce carnet dans ce rôle.",
        ),
        Reason::UnknownEntry => Words::new(
            "There is no such entry that you may see.",
            "Il n’y a pas d’élément de ce nom que vous puissiez voir.",
        ),
        Reason::KindNotWritable => Words::new(
            "In this role you do not write entries of this kind.",
            "Dans ce rôle, vous n’écrivez pas d’éléments de cette nature.",
        ),
        Reason::ReadOnly => Words::new(
            "You may read this record, not write in it.",
            "Vous pouvez lire ce carnet, mais pas y écrire.",
        ),
        Reason::MayNotHide => Words::new(
            "Who sees this entry is not yours to change.",
            "Il ne vous appartient pas de changer qui voit cet élément.",
        ),
        Reason::RightsAreTheHolders => Words::new(
            "Only the holder gives and takes rights.",
            "Seul le titulaire donne et retire des droits.",
        ),
        Reason::LogIsTheHolders => Words::new(
            "Only the holder reads the access log.",
            "Seul le titulaire lit le journal des accès.",
        ),
    }
}

//! What the person may do now, so that an app greys out what would be held. The server decides in
//! the end, by the same rules.

use std::sync::LazyLock;

use sync_core::entry::{EntryClass, Visibility};
use sync_core::kind::{Kind, Words};
use sync_core::merge::{self, EntryView, ReviewItem, Viewer};
use sync_core::policy::{
    Action, Context, Decision, Flag, Matrix, Reason, RightKind, Rights, Subject, decide,
};
use sync_core::{DeviceTime, PersonId, Tick};

use super::record::entry_id;
use super::{Bilingual, Record};
use crate::error::CarnetError;
use crate::store::{RecordCard, Shelf, Unlocked, Views};

/// What decides until the server has said what it decides by.
static BUILT_IN: LazyLock<Matrix> = LazyLock::new(Matrix::default);

/// Something a person may want to do with a record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Enum)]
pub enum Wish {
    /// Add an entry of this kind: `allergy`, `own-note` …
    Add {
        /// The kind's code.
        kind: String,
    },
    /// Edit an entry, or set its status.
    Edit {
        /// Which.
        entry: String,
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
    /// Settle an item of the to-review list.
    Review {
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
    /// It would stand as a proposal, for a clinician to take up.
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
        let profile = self.profile()?;
        let (card, synced, views, matrix) = {
            let mut store = self.device.store();
            let card = store.record(&profile, &self.record)?;
            let synced = store.head(&profile, &self.record)?.seen_until();
            let views = store.views(&profile, &self.record)?;
            let mut rows = store.rows(&profile, &self.record);
            let matrix: Vec<Matrix> = rows.notes(Shelf::Matrix)?;
            let card = card.ok_or(CarnetError::NotFound)?;
            (card, synced, views, matrix)
        };
        let asked = Asked {
            profile: &profile,
            views: &views,
            matrix: matrix.first().unwrap_or(&BUILT_IN),
            now: self.device.clock().now(),
            synced,
            card,
        };
        match &wish {
            Wish::Review { item } => {
                let items = self.review_items()?;
                let item = items.iter().find(|found| found.key == *item);
                asked.review(item.ok_or(CarnetError::NotFound)?)
            }
            Wish::Add { kind } => Ok(asked.new_entry(&Kind::from(kind.clone()))),
            Wish::Share => Ok(asked.new_entry(&Kind::from(RightKind::Grant))),
            Wish::ReadLog => Ok(asked.decide(Action::ReadLog, &asked.class_of_new(&Kind::OwnNote))),
            Wish::Edit { entry } => {
                let view = asked.view(entry)?;
                let edited = asked.decide(Action::Edit, &view.class());
                let person = profile.card.person;
                let proposes = merge::proposes(view, &asked.card.role, person);
                Ok(Permission {
                    as_proposal: edited.allowed && proposes,
                    ..edited
                })
            }
            Wish::Hide { entry } => asked.hide(entry, Flag::Professionals),
            Wish::HideFromRepresentatives { entry } => asked.hide(entry, Flag::Representatives),
        }
    }
}

impl Record {
    /// Of those an item is assigned to, who may not see it, as far as this person can know.
    pub(super) fn unseen_by<'v>(
        &self,
        profile: &Unlocked,
        views: &'v Views,
    ) -> Result<impl Fn(&ReviewItem) -> Vec<PersonId> + 'v, CarnetError> {
        let mut store = self.device.store();
        let card = store.record(profile, &self.record)?;
        let card = card.ok_or(CarnetError::NotFound)?;
        let synced = store.head(profile, &self.record)?.seen_until();
        let mut rows = store.rows(profile, &self.record);
        let matrix: Vec<Matrix> = rows.notes(Shelf::Matrix)?;
        let matrix = matrix.into_iter().next().unwrap_or_default();
        let now = tick(self.device.clock().now(), synced.unwrap_or(Tick(0)));
        let viewer = Viewer {
            person: profile.card.person,
            role: card.role,
        };
        Ok(move |item: &ReviewItem| merge::assigned_unseen(item, views, &viewer, &matrix, now))
    }
}

/// The record's time by a device's clock, which may be behind what the record has seen already.
fn tick(now: DeviceTime, synced: Tick) -> Tick {
    let millis = u64::try_from(now.0).unwrap_or(0);
    Tick(millis.saturating_mul(1000)).max(synced)
}

/// One question, and what bears on it.
struct Asked<'a> {
    profile: &'a Unlocked,
    card: RecordCard,
    views: &'a Views,
    matrix: &'a Matrix,
    now: DeviceTime,
    synced: Option<Tick>,
}

impl Asked<'_> {
    fn view(&self, entry: &str) -> Result<&EntryView, CarnetError> {
        let found = self.views.find(&entry_id(entry)?);
        found.ok_or(CarnetError::NotFound)
    }

    fn decide(&self, action: Action, class: &EntryClass) -> Permission {
        if !self.card.roles.contains(&self.card.role) {
            return refused(Reason::NoRight);
        }
        let own = self.card.holder == self.profile.card.person;
        let Some(synced) = self.synced.or(own.then_some(Tick(0))) else {
            return not_synced();
        };
        let rights = Rights::new(
            self.card.holder,
            self.views.iter().filter_map(merge::right_fact),
        );
        let context = Context {
            rights: &rights,
            matrix: self.matrix,
            now: tick(self.now, synced),
        };
        let subject = Subject {
            person: self.profile.card.person,
            profession: self.profile.card.profession,
        };
        match decide(&subject, &self.card.role, action, class, &context) {
            Decision::Allow => ALLOWED,
            Decision::Deny(reason) => refused(reason),
        }
    }

    fn class_of_new(&self, kind: &Kind) -> EntryClass {
        EntryClass {
            kind: kind.code().to_owned(),
            visibility: Visibility::default(),
            author: self.profile.card.person,
            concerns: None,
            about: String::new(),
        }
    }

    fn new_entry(&self, kind: &Kind) -> Permission {
        self.decide(Action::Create, &self.class_of_new(kind))
    }

    fn hide(&self, entry: &str, flag: Flag) -> Result<Permission, CarnetError> {
        Ok(self.decide(Action::Hide(flag), &self.view(entry)?.class()))
    }

    /// An item is settled by a decision that is offered to this person, or by an edit of what it
    /// is about.
    fn review(&self, item: &ReviewItem) -> Result<Permission, CarnetError> {
        if !item.verdicts.is_empty() {
            return Ok(self.new_entry(&Kind::ReviewDecision));
        }
        let mut about = item.entries.iter().filter_map(|id| self.views.find(id));
        let may_edit = |view: &EntryView| self.decide(Action::Edit, &view.class()).allowed;
        Ok(match about.any(may_edit) {
            true => ALLOWED,
            false => denied(
                "not-offered",
                "It is for somebody else to settle.",
                "C’est à quelqu’un d’autre de trancher.",
            ),
        })
    }
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

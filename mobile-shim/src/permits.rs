//! What the person of a profile may do with a record, as far as this device knows. The server
//! decides in the end, by the same rules.

use std::sync::Arc;

use sync_core::entry::{EntryClass, Visibility};
use sync_core::kind::Kind;
use sync_core::merge::{self, EntryView, ReviewItem, Viewer};
use sync_core::policy::{Action, Decision, Matrix, Reason, Rights, Role, Standing, Subject};
use sync_core::{PersonId, RecordId, Tick};

use crate::device::Device;
use crate::error::Error;
use crate::store::{Shelf, StoreError, Unlocked, Views};

/// Why something may not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// A rule of the record does not permit it.
    Because(Reason),
    /// This device has not seen the record yet.
    NotSynced,
}

/// What a person may do with a record now, in the role they act in.
#[derive(Debug)]
pub struct Permits {
    subject: Subject,
    role: Role,
    /// Nothing before the first sync of somebody else's record.
    standing: Option<Standing>,
    has_role: bool,
    matrix: Matrix,
    now: Tick,
}

impl Permits {
    /// What bears on it, and the entries as this person sees them.
    ///
    /// # Errors
    /// When the record is not here or the store is broken.
    pub fn of(
        device: &Device,
        profile: &Unlocked,
        record: &RecordId,
    ) -> Result<(Self, Arc<Views>), Error> {
        let (card, synced, views, matrix) = {
            let mut store = device.store();
            let card = store.record(profile, record)?.ok_or(StoreError::Absent)?;
            let synced = store.head(profile, record)?.seen_until();
            let views = store.views(profile, record)?;
            // Until the server has said what it decides by, the built-in one.
            let matrix: Vec<Matrix> = store.rows(profile, record).notes(Shelf::Matrix)?;
            (card, synced, views, matrix)
        };
        let subject = Subject {
            person: profile.card.person,
            profession: profile.card.profession,
        };
        let own = card.holder == subject.person;
        let synced = synced.or(own.then_some(Tick(0)));
        let millis = u64::try_from(device.clock().now().0).unwrap_or(0);
        // The device's clock may be behind what the record has seen already.
        let now = Tick(millis.saturating_mul(1000)).max(synced.unwrap_or(Tick(0)));
        let rights = Rights::new(card.holder, views.iter().filter_map(merge::right_fact));
        let permits = Permits {
            standing: synced.map(|_| rights.standing(&subject, now)),
            has_role: card.roles.contains(&card.role),
            role: card.role,
            subject,
            matrix: matrix.into_iter().next().unwrap_or_default(),
            now,
        };
        Ok((permits, views))
    }

    /// In what role they act.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// Who they are.
    pub fn person(&self) -> PersonId {
        self.subject.person
    }

    /// Of those an item is assigned to, who may not see it, as far as this person can know.
    pub fn unseen_by(&self, item: &ReviewItem, views: &[EntryView]) -> Vec<PersonId> {
        let viewer = Viewer {
            person: self.subject.person,
            role: self.role.clone(),
        };
        merge::assigned_unseen(item, views, &viewer, &self.matrix, self.now)
    }

    /// The moment, on the record's clock.
    pub fn now(&self) -> Tick {
        self.now
    }

    /// Whether they may do this with an entry of this class.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, action: Action, class: &EntryClass) -> Result<(), Denied> {
        let standing = self.standing()?;
        told(standing.decide(&self.role, action, class, &self.matrix, self.now))
    }

    /// Whether they may write these keys of an entry of this class.
    ///
    /// # Errors
    /// Why not.
    pub fn may_write<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k str>,
        class: &EntryClass,
    ) -> Result<(), Denied> {
        let standing = self.standing()?;
        told(standing.decide_edit(&self.role, keys, class, &self.matrix, self.now))
    }

    fn standing(&self) -> Result<&Standing, Denied> {
        if !self.has_role {
            return Err(Denied::Because(Reason::NoRight));
        }
        self.standing.as_ref().ok_or(Denied::NotSynced)
    }

    /// The class of an entry they add.
    pub fn class_of_new(&self, kind: &Kind) -> EntryClass {
        EntryClass {
            kind: kind.code().to_owned(),
            visibility: Visibility::default(),
            author: self.subject.person,
            concerns: None,
            about: String::new(),
        }
    }
}

fn told(decision: Decision) -> Result<(), Denied> {
    match decision {
        Decision::Allow => Ok(()),
        Decision::Deny(reason) => Err(Denied::Because(reason)),
    }
}

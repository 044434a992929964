//! What somebody is to a record at a moment: all of their rights that can decide anything.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Profession, Role};
use crate::{Digest32, Epoch, PersonId};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// The person, as signed in.
    pub person: PersonId,
    /// Their profession, when the server verified it (RPPS, organisation).
    pub profession: Option<Profession>,
}

impl Subject {
    /// The server itself; no session is ever this person's.
    pub const SYSTEM: Subject = Subject {
        person: PersonId(Uuid::nil()),
        profession: None,
    };
}

/// What a subject is to a record at a moment.
///
/// Made by [`super::Rights::standing`]; good for as many decisions at that moment as one likes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub(super) person: PersonId,
    pub(super) roles: BTreeSet<Role>,
    /// Whether it may write as a professional.
    pub(super) writes: bool,
    /// Whether hidden entries exist for it: holder, treating physician, administrators.
    pub(super) sees_hidden: bool,
}

impl Standing {
    pub(super) fn nobody(person: PersonId) -> Self {
        Standing {
            person,
            roles: BTreeSet::new(),
            writes: false,
            sees_hidden: false,
        }
    }

    /// Whose it is.
    pub fn person(&self) -> PersonId {
        self.person
    }

    pub(super) fn with_role(mut self, role: Role) -> Self {
        self.roles.insert(role);
        self
    }

    pub(super) fn writing(mut self) -> Self {
        self.writes = true;
        self
    }

    pub(super) fn seeing_hidden(mut self) -> Self {
        self.sees_hidden = true;
        self
    }

    /// The roles in force.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.iter()
    }

    /// Whether the subject may open the record at all.
    pub fn may_open(&self) -> bool {
        !self.roles.is_empty()
    }

    /// Names this standing: every decision depends on the record's rights through it alone.
    pub fn epoch(&self) -> Epoch {
        shortened(Digest32::of(&[&self.bytes()]))
    }

    /// Names this standing under a matrix.
    pub(super) fn epoch_under(&self, matrix: &Digest32) -> Epoch {
        shortened(Digest32::of(&[&self.bytes(), &matrix.0]))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"carnet/epoch/1".to_vec();
        bytes.extend(self.person.as_bytes());
        bytes.extend([u8::from(self.writes), u8::from(self.sees_hidden)]);
        for role in &self.roles {
            bytes.extend(role.as_str().as_bytes());
            bytes.push(0);
        }
        bytes
    }
}

fn shortened(digest: Digest32) -> Epoch {
    let mut epoch = [0; 8];
    epoch.copy_from_slice(&digest.0[..8]);
    Epoch(epoch)
}

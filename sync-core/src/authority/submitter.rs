//! Who made edits, as far as the keeper of the log knows.

use crate::policy::Subject;
use crate::sign::PublicKey;
use crate::{DeviceId, PersonId};

/// Who made edits: one person on one device. Mostly they hand them in themselves.
#[derive(Clone, Debug)]
pub struct Submitter {
    /// The person, with the profession the server verified.
    pub subject: Subject,
    /// The device of the sign-in.
    pub device: DeviceId,
    /// Its key; of one that is lost any, as the keeper's own signature proves what it made.
    pub key: PublicKey,
    /// What the keeper knows of the device.
    pub registration: Registration,
}

/// What the keeper of a log knows of the device that signed an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// It is registered; or it was revoked, and its own person hands in what it signed, and so
    /// vouches for it.
    Valid,
    /// It was revoked since, and somebody else hands in what it signed: that is for the holder to
    /// decide on.
    Revoked,
    /// The keeper was put back from an older copy and does not know it any more; what it signed is
    /// proven by the keeper's own signature. It may have been revoked in the time that was lost, so
    /// what gives somebody a right is held; what only takes one away is not.
    Lost,
}

impl Submitter {
    /// The person.
    pub fn person(&self) -> PersonId {
        self.subject.person
    }
}

//! Who plays: one holder, those around them, and their devices.

use ed25519_dalek::SigningKey;
use sync_core::authority::{Registration, Submitter};
use sync_core::policy::{Profession, Role, Subject};
use sync_core::replica::Author;
use sync_core::sign::PublicKey;
use sync_core::{DeviceId, PersonId, RecordId};
use uuid::Uuid;

use super::dice::Dice;

/// Somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Whose record it is.
    Holder,
    /// A caregiver.
    Carer,
    /// Another caregiver.
    OtherCarer,
    /// The *médecin traitant*.
    Treating,
    /// A doctor with a grant.
    Doctor,
    /// A nurse of the clinic.
    Nurse,
    /// A pharmacist of the clinic.
    Pharmacist,
    /// A doctor nobody granted anything.
    Stranger,
    /// A doctor with a grant and a block.
    Blocked,
}

impl Who {
    /// Everybody.
    pub const ALL: [Who; 9] = [
        Who::Holder,
        Who::Carer,
        Who::OtherCarer,
        Who::Treating,
        Who::Doctor,
        Who::Nurse,
        Who::Pharmacist,
        Who::Stranger,
        Who::Blocked,
    ];

    /// Their identifier.
    pub fn id(self) -> PersonId {
        PersonId(Uuid::from_u128(0xc000_0000 + self as u128))
    }

    /// Who has this identifier.
    pub fn of(person: PersonId) -> Option<Self> {
        Who::ALL.into_iter().find(|who| who.id() == person)
    }

    /// Their verified profession.
    pub fn profession(self) -> Option<Profession> {
        match self {
            Who::Treating | Who::Doctor | Who::Stranger | Who::Blocked => {
                Some(Profession::Physician)
            }
            Who::Nurse => Some(Profession::Nurse),
            Who::Pharmacist => Some(Profession::Pharmacist),
            Who::Holder | Who::Carer | Who::OtherCarer => None,
        }
    }

    /// The role they act in.
    pub fn role(self) -> Role {
        match (self, self.profession()) {
            (Who::Holder, _) => Role::Holder,
            (_, Some(profession)) => Role::Professional(profession),
            (_, None) => Role::Caregiver,
        }
    }
}

/// One person's profile on one device.
#[derive(Clone)]
pub struct Profile {
    /// What the trace calls it.
    pub name: &'static str,
    /// Which piece of hardware: its power, its clock, its network.
    pub unit: usize,
    /// Whose.
    pub who: Who,
    /// Person, role and key.
    pub author: Author,
}

/// Name, hardware and person of every profile. The clinic's tablet has two.
const PROFILES: [(&str, usize, Who); 11] = [
    ("holder-phone", 0, Who::Holder),
    ("holder-tablet", 1, Who::Holder),
    ("carer", 2, Who::Carer),
    ("other-carer", 3, Who::OtherCarer),
    ("treating", 4, Who::Treating),
    ("doctor", 5, Who::Doctor),
    ("doctor-home", 6, Who::Doctor),
    ("clinic-nurse", 7, Who::Nurse),
    ("clinic-pharmacist", 7, Who::Pharmacist),
    ("stranger", 8, Who::Stranger),
    ("blocked", 9, Who::Blocked),
];

/// Whether a word is what the trace calls a profile.
pub fn is_name(word: &str) -> bool {
    PROFILES.iter().any(|(name, ..)| *name == word)
}

/// How many pieces of hardware there are.
pub const UNITS: usize = 10;

/// All profiles.
pub fn profiles(dice: &mut Dice) -> Vec<Profile> {
    let profile = |(name, unit, who): (&'static str, usize, Who)| {
        let role = who.role();
        let on_behalf_of = role.is_delegate().then(|| Who::Holder.id());
        let author = Author {
            person: who.id(),
            role,
            on_behalf_of,
            key: SigningKey::from_bytes(&dice.bytes()),
        };
        Profile {
            name,
            unit,
            who,
            author,
        }
    };
    PROFILES.into_iter().map(profile).collect()
}

impl Profile {
    /// Who the server takes this profile for.
    pub fn submitter(&self) -> Submitter {
        let key = PublicKey::of(&self.author.key);
        Submitter {
            subject: Subject {
                person: self.who.id(),
                profession: self.who.profession(),
            },
            device: DeviceId::of(&key),
            key,
            registration: Registration::Valid,
        }
    }
}

/// The one record there is.
pub fn record() -> RecordId {
    RecordId(Uuid::from_u128(0xd0_551e))
}

//! Who plays: the holder of a record, those around them, and their devices.
//!
//! The same people play in two records, as they do on a clinic's tablet: whoever holds one helps with
//! the other, and a doctor who is blocked in one is trusted in the other.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use sync_core::authority::{Registration, Submitter};
use sync_core::policy::{Profession, Role, Subject};
use sync_core::replica::Author;
use sync_core::sign::PublicKey;
use sync_core::{DeviceId, PersonId, RecordId};
use uuid::Uuid;

use super::dice::Dice;

/// Somebody, by what they are to a record in the beginning.
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

/// In which of two records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cast {
    /// In the first, and mostly the only one.
    #[default]
    One,
    /// In the other.
    Other,
}

impl Cast {
    /// The record.
    pub fn record(self) -> RecordId {
        RecordId(Uuid::from_u128(0xd0_551e + self as u128))
    }

    /// Who is what to it.
    pub fn id(self, who: Who) -> PersonId {
        let in_one = match (self, who) {
            (Cast::One, who) => who,
            (Cast::Other, Who::Holder) => Who::Carer,
            (Cast::Other, Who::Carer) => Who::Holder,
            (Cast::Other, Who::Treating) => Who::Stranger,
            (Cast::Other, Who::Stranger) => Who::Treating,
            (Cast::Other, Who::Doctor) => Who::Blocked,
            (Cast::Other, Who::Blocked) => Who::Doctor,
            (Cast::Other, who) => who,
        };
        PersonId(Uuid::from_u128(FIRST + in_one as u128))
    }

    fn profiles(self) -> &'static [(&'static str, usize, Who)] {
        match self {
            Cast::One => &IN_ONE,
            Cast::Other => &IN_OTHER,
        }
    }
}

/// The first person's identifier; the others' follow it.
const FIRST: u128 = 0xc000_0000;

/// The verified profession of a person, which is the same in both records.
pub fn profession(person: PersonId) -> Option<Profession> {
    let mut all = Who::ALL.into_iter();
    let who = all.find(|who| Cast::One.id(*who) == person)?;
    who.profession()
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
const IN_ONE: [(&str, usize, Who); 11] = [
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

/// In the other record the same people have the same devices, and others call them otherwise.
const IN_OTHER: [(&str, usize, Who); 12] = [
    ("holder-phone", 2, Who::Holder),
    ("holder-tablet", 10, Who::Holder),
    ("carer", 0, Who::Carer),
    ("carer-tablet", 1, Who::Carer),
    ("other-carer", 3, Who::OtherCarer),
    ("treating", 8, Who::Treating),
    ("doctor", 9, Who::Doctor),
    ("doctor-home", 11, Who::Doctor),
    ("clinic-nurse", 7, Who::Nurse),
    ("clinic-pharmacist", 7, Who::Pharmacist),
    ("stranger", 4, Who::Stranger),
    ("blocked", 5, Who::Blocked),
];

/// Whether a word is what the trace calls a profile.
pub fn is_name(word: &str) -> bool {
    let mut all = IN_ONE.iter().chain(&IN_OTHER);
    all.any(|(name, ..)| *name == word)
}

/// How many pieces of hardware there are.
pub const UNITS: usize = 12;

/// The keys of people's profiles, by person and hardware: one for both records.
pub type Keys = BTreeMap<(PersonId, usize), SigningKey>;

/// All profiles of a record. Keys that are not there yet are made.
pub fn profiles(cast: Cast, keys: &mut Keys, dice: &mut Dice) -> Vec<Profile> {
    let profile = |(name, unit, who): &(&'static str, usize, Who)| {
        let role = who.role();
        let on_behalf_of = role.is_delegate().then(|| cast.id(Who::Holder));
        let person = cast.id(*who);
        let key = keys.entry((person, *unit));
        let author = Author {
            person,
            role,
            on_behalf_of,
            key: key
                .or_insert_with(|| SigningKey::from_bytes(&dice.bytes()))
                .clone(),
        };
        Profile {
            name,
            unit: *unit,
            who: *who,
            author,
        }
    };
    cast.profiles().iter().map(profile).collect()
}

impl Profile {
    /// Who the server takes this profile for.
    pub fn submitter(&self) -> Submitter {
        let key = PublicKey::of(&self.author.key);
        Submitter {
            subject: Subject {
                person: self.author.person,
                profession: self.who.profession(),
            },
            device: DeviceId::of(&key),
            key,
            registration: Registration::Valid,
        }
    }
}

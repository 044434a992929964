//! Generated records, small enough that people meet in them.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::entry::{EntryClass, Visibility};
use crate::kind::Kind;

/// The moment the laws look at.
pub const NOW: Tick = Tick(6);
/// Whose record it is.
pub const HOLDER: PersonId = PersonId(Uuid::from_u128(1));

/// One of the seven people of these records; the first is the holder.
pub fn person(number: u128) -> PersonId {
    PersonId(Uuid::from_u128(number))
}

/// The people, each with the one profession the server knows of.
pub fn people() -> impl Iterator<Item = Subject> {
    (1..8u128).map(|number| Subject {
        person: person(number),
        profession: match number {
            2 => Some(Profession::Physician),
            3 => Some(Profession::Pharmacist),
            4 => Some(Profession::Nurse),
            5 => Some(Profession::Physician),
            _ => None,
        },
    })
}

/// Every role there is, and one there is not.
pub fn roles() -> Vec<Role> {
    let mut roles: Vec<Role> = Profession::ALL.map(Role::Professional).to_vec();
    roles.extend([
        Role::Holder,
        Role::Caregiver,
        Role::Representative,
        Role::Desk,
        Role::System,
        Role::Other("emergency".to_owned()),
    ]);
    roles
}

/// Rights, an entry's class, and the time.
#[derive(Clone, Debug)]
pub struct Case {
    pub rights: Rights,
    pub class: EntryClass,
    pub matrix: Matrix,
    pub now: Tick,
}

impl Case {
    pub fn context(&self) -> Context<'_> {
        Context {
            rights: &self.rights,
            matrix: &self.matrix,
            now: self.now,
        }
    }

    pub fn decide(&self, subject: &Subject, role: &Role, action: Action) -> Decision {
        decide(subject, role, action, &self.class, &self.context())
    }

    /// The same with one more fact.
    pub fn with(&self, fact: RightFact) -> Case {
        let facts = self.rights.facts().iter().cloned().chain([fact]);
        Case {
            rights: Rights::new(self.rights.holder(), facts),
            ..self.clone()
        }
    }
}

pub fn any_subject() -> impl Strategy<Value = Subject> {
    prop::sample::select(people().collect::<Vec<_>>())
}

/// The kinds of this version, documents apart.
fn all_kinds() -> Vec<String> {
    let codes = Kind::ALL.iter().map(Kind::code);
    codes.map(str::to_owned).collect()
}

pub fn any_kind() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(all_kinds()),
        prop::sample::select(vec![
            "advance-directive",
            "organ-donation",
            "trusted-person",
            "document/11502-2",
            "document/68599-0",
            "document/ATTEST-RESID",
            "document/EXPPAT_3",
            "document/of-a-newer-version",
            "of-a-newer-version",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_tick() -> impl Strategy<Value = Option<Tick>> {
    prop::option::weighted(0.3, (0u64..12).prop_map(Tick))
}

fn any_person() -> impl Strategy<Value = PersonId> {
    (1u128..8).prop_map(person)
}

pub fn any_matter() -> impl Strategy<Value = EntryClass> {
    let flags = (any::<bool>(), any_tick(), any::<bool>());
    let named = (any_person(), prop::option::of(any_person()));
    let about = prop::option::of(any_kind());
    (any_kind(), flags, named, about).prop_map(|(kind, flags, (author, concerns), about)| {
        EntryClass {
            visibility: Visibility {
                hidden_from_professionals: flags.0,
                hidden_from_patient_until: flags.1,
                hidden_from_representatives: flags.2,
            },
            author,
            concerns,
            about: about
                .filter(|_| kind == "review-decision")
                .unwrap_or_default(),
            kind,
        }
    })
}

pub fn any_fact() -> impl Strategy<Value = RightFact> {
    let kind = prop::sample::select(vec![
        RightKind::Grant,
        RightKind::Block,
        RightKind::Delegation,
        RightKind::Delegation,
        RightKind::TreatingPhysician,
        RightKind::Administrator,
    ]);
    let delegation_type = prop::sample::select(vec![
        None,
        Some(DelegationType::Caregiver),
        Some(DelegationType::Caregiver),
        Some(DelegationType::Parent),
        Some(DelegationType::Guardian),
        Some(DelegationType::Other("neighbour".to_owned())),
    ]);
    let when = (any_tick(), any_tick(), 0u64..12, any::<u128>());
    let flags = (any::<bool>(), prop::bool::weighted(0.2));
    (kind, delegation_type, any_person(), when, flags).prop_map(
        |(kind, delegation_type, person, (starts, ends, accepted, entry), (write, revoked))| {
            RightFact {
                accepted: Tick(accepted),
                entry: EntryId(Uuid::from_u128(entry)),
                kind,
                person,
                delegation_type,
                starts,
                ends,
                write,
                revoked,
            }
        },
    )
}

pub fn any_case() -> impl Strategy<Value = Case> {
    let matrix = Matrix::default();
    (prop::collection::vec(any_fact(), 0..10), any_matter()).prop_map(move |(facts, class)| Case {
        rights: Rights::new(HOLDER, facts),
        class,
        matrix: matrix.clone(),
        now: NOW,
    })
}

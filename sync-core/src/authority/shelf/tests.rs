use uuid::Uuid;

use super::*;
use crate::EntryId;
use crate::policy::{Profession, RightFact, RightKind, Rights};

const HOLDER: PersonId = PersonId(Uuid::from_u128(1));
const DOCTOR: PersonId = PersonId(Uuid::from_u128(2));
const AUTHOR: PersonId = PersonId(Uuid::from_u128(3));

fn class(hidden: bool, until: Option<u64>) -> EntryClass {
    EntryClass {
        kind: "allergy".to_owned(),
        visibility: Visibility {
            hidden_from_professionals: hidden,
            hidden_from_patient_until: until.map(Tick),
            hidden_from_representatives: false,
        },
        author: AUTHOR,
        concerns: None,
        about: String::new(),
    }
}

fn standing(person: PersonId) -> Standing {
    let grant = |person| RightFact {
        accepted: Tick(1),
        entry: EntryId(Uuid::from_u128(9)),
        kind: RightKind::Grant,
        person,
        delegation_type: None,
        starts: None,
        ends: None,
        write: true,
        revoked: false,
    };
    let rights = Rights::new(HOLDER, [grant(DOCTOR), grant(AUTHOR)]);
    let profession = (person != HOLDER).then_some(Profession::Physician);
    rights.standing(&Subject { person, profession }, Tick(2))
}

/// The ticks at which a viewer meets an entry with this past.
fn meets(person: PersonId, touches: &[(u64, EntryClass)]) -> Vec<u64> {
    let (matrix, standing) = (Matrix::default(), standing(person));
    let touches: Vec<_> = touches
        .iter()
        .map(|(at, c)| (Tick(*at), c.clone()))
        .collect();
    let (present, left) = stands(&touches);
    let all = present.into_iter().chain(left);
    let theirs = all.filter(|(shelf, _)| shelf.is_for(&standing, &matrix));
    theirs.map(|(_, at)| at.0).collect()
}

#[test]
fn what_was_always_hidden_is_met_by_those_only_who_see_it() {
    let touches = [(5, class(true, None)), (8, class(true, None))];
    assert_eq!(meets(HOLDER, &touches), [8]);
    assert_eq!(meets(AUTHOR, &touches), [8]);
    assert!(meets(DOCTOR, &touches).is_empty());
}

#[test]
fn what_is_hidden_later_is_met_when_it_goes_and_never_after() {
    let touches = [
        (5, class(false, None)),
        (8, class(true, None)),
        (9, class(true, None)),
    ];
    assert_eq!(meets(DOCTOR, &touches), [8]);
    assert_eq!(meets(HOLDER, &touches), [9, 8]);
}

#[test]
fn who_must_wait_meets_an_entry_when_its_delay_ends() {
    let kept = [(5, class(false, Some(20))), (8, class(false, Some(30)))];
    assert_eq!(meets(HOLDER, &kept), [30]);
    assert_eq!(meets(DOCTOR, &kept), [8]);
    let put_off = [(5, class(false, Some(6))), (8, class(false, Some(30)))];
    assert_eq!(meets(HOLDER, &put_off), [30, 8]);
    assert_eq!(meets(DOCTOR, &put_off), [8]);
    let shown = [(5, class(false, Some(20))), (8, class(false, None))];
    assert_eq!(meets(HOLDER, &shown), [8]);
}

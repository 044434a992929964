//! The rules one by one, each as a short scene.

use uuid::Uuid;

use super::*;
use crate::entry::{EntryClass, HIDDEN_FROM_PROFESSIONALS, KIND, Visibility};

const HOLDER: Subject = subject(1, None);
const DOCTOR: Subject = subject(2, Some(Profession::Physician));
const NURSE: Subject = subject(3, Some(Profession::Nurse));
const DAUGHTER: Subject = subject(4, None);
const MOTHER: Subject = subject(5, None);

const PHYSICIAN: Role = Role::Professional(Profession::Physician);
const NURSING: Role = Role::Professional(Profession::Nurse);

const fn subject(number: u128, profession: Option<Profession>) -> Subject {
    Subject {
        person: PersonId(Uuid::from_u128(number)),
        profession,
    }
}

fn right(kind: RightKind, who: Subject, accepted: u64) -> RightFact {
    RightFact {
        accepted: Tick(accepted),
        entry: EntryId(Uuid::from_u128(u128::from(accepted))),
        kind,
        person: who.person,
        delegation_type: None,
        starts: None,
        ends: None,
        write: true,
        revoked: false,
    }
}

fn delegation(to: Subject, delegation_type: DelegationType, accepted: u64) -> RightFact {
    RightFact {
        delegation_type: Some(delegation_type),
        ..right(RightKind::Delegation, to, accepted)
    }
}

fn entry(kind: &str, author: Subject) -> EntryClass {
    EntryClass {
        kind: kind.to_owned(),
        visibility: Visibility::default(),
        author: author.person,
        concerns: None,
        about: String::new(),
    }
}

fn scene(facts: impl IntoIterator<Item = RightFact>, class: EntryClass) -> Case {
    Case {
        rights: Rights::new(HOLDER.person, facts),
        class,
        matrix: Matrix::default(),
        now: NOW,
    }
}

#[test]
fn a_caregiver_adds_and_edits_and_shares_nothing() {
    let facts = [delegation(DAUGHTER, DelegationType::Caregiver, 1)];
    let may = |kind, action| {
        scene(facts.clone(), entry(kind, HOLDER)).decide(&DAUGHTER, &Role::Caregiver, action)
    };
    assert_eq!(may("allergy", Action::Edit), Decision::Allow);
    assert_eq!(may("medication-taken", Action::Create), Decision::Allow);
    assert_eq!(may("advance-directive", Action::Read), Decision::Allow);
    let kind = Decision::Deny(Reason::KindNotWritable);
    assert_eq!(may("advance-directive", Action::Create), kind);
    assert_eq!(may("trusted-person", Action::Edit), kind);
    let rights = Decision::Deny(Reason::RightsAreTheHolders);
    assert_eq!(may("grant", Action::Create), rights);
    assert_eq!(may("delegation", Action::SetRight), rights);
    let hide = may("allergy", Action::Hide(Flag::Professionals));
    assert_eq!(hide, Decision::Deny(Reason::MayNotHide));
    let note = may("own-note", Action::Read);
    assert_eq!(note, Decision::Deny(Reason::UnknownEntry));
}

#[test]
fn nobody_adds_an_entry_under_a_flag_they_could_not_raise() {
    let facts = [
        delegation(DAUGHTER, DelegationType::Caregiver, 1),
        right(RightKind::Grant, DOCTOR, 2),
    ];
    let hidden_by = |author: Subject, visibility: Visibility, role: Role| {
        let class = EntryClass {
            visibility,
            ..entry("measurement", author)
        };
        scene(facts.clone(), class).decide(&author, &role, Action::Create)
    };
    let hidden = Visibility {
        hidden_from_professionals: true,
        ..Visibility::default()
    };
    let delayed = Visibility {
        hidden_from_patient_until: Some(Tick(100)),
        ..Visibility::default()
    };
    let not_theirs = Decision::Deny(Reason::MayNotHide);
    let add = |author, visibility: &Visibility, role| hidden_by(author, visibility.clone(), role);
    assert_eq!(add(HOLDER, &hidden, Role::Holder), Decision::Allow);
    assert_eq!(add(DAUGHTER, &hidden, Role::Caregiver), not_theirs);
    assert_eq!(add(DOCTOR, &hidden, PHYSICIAN), not_theirs);
    assert_eq!(add(DOCTOR, &delayed, PHYSICIAN), Decision::Allow);
    assert_eq!(add(HOLDER, &delayed, Role::Holder), not_theirs);
}

#[test]
fn a_professionals_decision_may_be_hidden_with_what_it_is_about_and_stays_so() {
    let facts = [right(RightKind::TreatingPhysician, DOCTOR, 1)];
    let may = |kind, action| {
        let mut class = entry(kind, DOCTOR);
        class.visibility.hidden_from_professionals = true;
        scene(facts.clone(), class).decide(&DOCTOR, &PHYSICIAN, action)
    };
    let not_theirs = Decision::Deny(Reason::MayNotHide);
    assert_eq!(may("review-decision", Action::Create), Decision::Allow);
    assert_eq!(may("allergy", Action::Create), not_theirs);
    let shows = may("review-decision", Action::Hide(Flag::Professionals));
    assert_eq!(shows, not_theirs);
}

#[test]
fn a_delayed_result_shows_by_itself() {
    let facts = [
        right(RightKind::Grant, DOCTOR, 1),
        delegation(DAUGHTER, DelegationType::Caregiver, 2),
    ];
    let mut class = entry("document/11502-2", DOCTOR);
    class.visibility.hidden_from_patient_until = Some(Tick(10));
    let reads = |now, who: &Subject, role: &Role| {
        let case = Case {
            now: Tick(now),
            ..scene(facts.clone(), class.clone())
        };
        case.decide(who, role, Action::Read).is_allowed()
    };
    for (who, role) in [(&HOLDER, Role::Holder), (&DAUGHTER, Role::Caregiver)] {
        assert!(!reads(9, who, &role));
        assert!(reads(10, who, &role));
    }
    assert!(reads(9, &DOCTOR, &PHYSICIAN));
}

#[test]
fn a_minor_hides_acts_from_the_parents() {
    let facts = [
        delegation(MOTHER, DelegationType::Parent, 1),
        right(RightKind::Grant, DOCTOR, 2),
    ];
    let mut case = scene(facts, entry("consultation", DOCTOR));
    assert!(
        case.decide(&MOTHER, &Role::Representative, Action::Read)
            .is_allowed()
    );
    let hide = Action::Hide(Flag::Representatives);
    assert!(case.decide(&DOCTOR, &PHYSICIAN, hide).is_allowed());
    assert!(case.decide(&HOLDER, &Role::Holder, hide).is_allowed());
    case.class.visibility.hidden_from_representatives = true;
    let read = case.decide(&MOTHER, &Role::Representative, Action::Read);
    assert_eq!(read, Decision::Deny(Reason::UnknownEntry));
}

#[test]
fn hidden_entries_for_the_treating_physician_not_for_a_granted_one() {
    let mut class = entry("condition", HOLDER);
    class.visibility.hidden_from_professionals = true;
    let reads = |kind| {
        let case = scene([right(kind, DOCTOR, 1)], class.clone());
        case.decide(&DOCTOR, &PHYSICIAN, Action::Read).is_allowed()
    };
    assert!(reads(RightKind::TreatingPhysician));
    assert!(reads(RightKind::Administrator));
    assert!(!reads(RightKind::Grant));
}

#[test]
fn an_author_sees_what_the_holder_hid() {
    let facts = [
        delegation(DAUGHTER, DelegationType::Caregiver, 1),
        delegation(MOTHER, DelegationType::Caregiver, 2),
    ];
    let mut case = scene(facts, entry("condition", DAUGHTER));
    case.class.visibility.hidden_from_professionals = true;
    let reads = |case: &Case, who| {
        case.decide(who, &Role::Caregiver, Action::Read)
            .is_allowed()
    };
    assert!(reads(&case, &DAUGHTER));
    assert!(!reads(&case, &MOTHER));
    let administrator = case.with(right(RightKind::Administrator, MOTHER, 3));
    assert!(reads(&administrator, &MOTHER));
}

#[test]
fn no_flag_hides_a_right_from_its_holder() {
    let mut case = scene([], entry("grant", HOLDER));
    for flag in [Flag::Professionals, Flag::Patient, Flag::Representatives] {
        let hide = case.decide(&HOLDER, &Role::Holder, Action::Hide(flag));
        assert_eq!(hide, Decision::Deny(Reason::MayNotHide));
    }
    case.class.visibility = Visibility {
        hidden_from_professionals: true,
        hidden_from_patient_until: Some(Tick(100)),
        hidden_from_representatives: true,
    };
    let read = case.decide(&HOLDER, &Role::Holder, Action::Read);
    assert_eq!(read, Decision::Allow);
}

#[test]
fn a_treating_physician_is_a_verified_physician() {
    let rights = Rights::new(
        HOLDER.person,
        [right(RightKind::TreatingPhysician, NURSE, 1)],
    );
    assert_eq!(rights.roles(&NURSE, NOW), []);
    let claims = Subject {
        profession: None,
        ..DOCTOR
    };
    let rights = Rights::new(HOLDER.person, [right(RightKind::Grant, DOCTOR, 1)]);
    assert_eq!(rights.roles(&claims, NOW), []);
    assert_eq!(rights.roles(&DOCTOR, NOW), [PHYSICIAN]);
}

#[test]
fn a_grant_to_read_is_not_one_to_write() {
    let read_only = RightFact {
        write: false,
        ..right(RightKind::Grant, NURSE, 1)
    };
    let case = scene([read_only.clone()], entry("measurement", HOLDER));
    assert!(case.decide(&NURSE, &NURSING, Action::Read).is_allowed());
    let edit = case.decide(&NURSE, &NURSING, Action::Edit);
    assert_eq!(edit, Decision::Deny(Reason::ReadOnly));
    let widened = case.with(right(RightKind::Grant, NURSE, 2));
    assert!(widened.decide(&NURSE, &NURSING, Action::Edit).is_allowed());
}

#[test]
fn rights_are_known_to_the_holder_and_to_whom_they_name() {
    let facts = [
        right(RightKind::Grant, DOCTOR, 1),
        right(RightKind::Grant, NURSE, 2),
        delegation(DAUGHTER, DelegationType::Caregiver, 3),
    ];
    let named = |kind: &str| EntryClass {
        concerns: Some(DOCTOR.person),
        ..entry(kind, HOLDER)
    };
    for kind in [
        "grant",
        "delegation",
        "treating-physician",
        "administrator",
        "block",
    ] {
        let case = scene(facts.clone(), named(kind));
        let reads = |who, role| case.decide(who, role, Action::Read).is_allowed();
        assert!(reads(&HOLDER, &Role::Holder));
        assert!(reads(&Subject::SYSTEM, &Role::System));
        assert_eq!(reads(&DOCTOR, &PHYSICIAN), kind != "block");
        assert!(!reads(&NURSE, &NURSING));
        assert!(!reads(&DAUGHTER, &Role::Caregiver));
        for action in [Action::SetRight, Action::Create, Action::Edit] {
            assert!(case.decide(&HOLDER, &Role::Holder, action).is_allowed());
            assert!(
                case.decide(&Subject::SYSTEM, &Role::System, action)
                    .is_allowed()
            );
            assert!(!case.decide(&DOCTOR, &PHYSICIAN, action).is_allowed());
        }
    }
    let clinical = scene(facts, entry("allergy", HOLDER));
    let paper = clinical.decide(&Subject::SYSTEM, &Role::System, Action::Edit);
    assert_eq!(paper, Decision::Deny(Reason::KindNotWritable));
}

#[test]
fn a_fourth_caregiver_waits_for_a_place() {
    let helper = |number: u64| subject(u128::from(number) + 10, None);
    let mut facts: Vec<RightFact> = (1..=4)
        .rev()
        .map(|number| delegation(helper(number), DelegationType::Caregiver, number))
        .collect();
    let fourth = facts[0].entry;
    let rights = Rights::new(HOLDER.person, facts.clone());
    assert_eq!(rights.waiting_caregivers(NOW), [fourth]);
    assert_eq!(rights.roles(&helper(4), NOW), []);
    assert_eq!(rights.roles(&helper(3), NOW), [Role::Caregiver]);
    let mut blocked = facts.clone();
    blocked.push(right(RightKind::Block, helper(1), 5));
    let rights = Rights::new(HOLDER.person, blocked);
    assert_eq!(rights.roles(&helper(4), NOW), [Role::Caregiver]);
    facts[3].revoked = true;
    let rights = Rights::new(HOLDER.person, facts);
    assert_eq!(rights.waiting_caregivers(NOW), []);
    assert_eq!(rights.roles(&helper(1), NOW), []);
    assert_eq!(rights.roles(&helper(4), NOW), [Role::Caregiver]);
}

#[test]
fn an_edit_is_judged_by_the_keys_it_writes() {
    let facts = [
        right(RightKind::Grant, DOCTOR, 1),
        delegation(DAUGHTER, DelegationType::Caregiver, 2),
    ];
    let case = scene(facts, entry("allergy", HOLDER));
    let edit = |who, role, keys: &[&str]| {
        decide_edit(
            who,
            role,
            keys.iter().copied(),
            &case.class,
            &case.context(),
        )
    };
    assert_eq!(edit(&DOCTOR, &PHYSICIAN, &["criticality"]), Decision::Allow);
    let flag = &["criticality", HIDDEN_FROM_PROFESSIONALS];
    assert_eq!(edit(&HOLDER, &Role::Holder, flag), Decision::Allow);
    let not_theirs = Decision::Deny(Reason::MayNotHide);
    assert_eq!(edit(&DOCTOR, &PHYSICIAN, flag), not_theirs);
    assert_eq!(edit(&DAUGHTER, &Role::Caregiver, flag), not_theirs);
    let kind = edit(&HOLDER, &Role::Holder, &[KIND]);
    assert_eq!(kind, Decision::Deny(Reason::KindNotWritable));
}

#[test]
fn the_log_is_the_holders() {
    let case = scene(
        [
            right(RightKind::TreatingPhysician, DOCTOR, 1),
            delegation(MOTHER, DelegationType::Parent, 2),
        ],
        entry("allergy", HOLDER),
    );
    let reads = |who, role| case.decide(who, role, Action::ReadLog);
    assert_eq!(reads(&HOLDER, &Role::Holder), Decision::Allow);
    let not_theirs = Decision::Deny(Reason::LogIsTheHolders);
    assert_eq!(reads(&DOCTOR, &PHYSICIAN), not_theirs);
    assert_eq!(reads(&MOTHER, &Role::Representative), not_theirs);
    assert_eq!(
        reads(&NURSE, &Role::Holder),
        Decision::Deny(Reason::NoRight)
    );
}

#[test]
fn a_replaced_matrix_is_another_epoch() -> Result<(), MatrixError> {
    let case = scene(
        [right(RightKind::Grant, NURSE, 1)],
        entry("allergy", HOLDER),
    );
    let text = include_str!("../../../data/habilitation.toml");
    let narrowed = Matrix::parse(&text.replacen("= \"rw ", "= \"r ", 1))?;
    let other = Context {
        matrix: &narrowed,
        ..case.context()
    };
    assert_ne!(case.context().epoch(&NURSE), other.epoch(&NURSE));
    Ok(())
}

#[test]
fn reasons_are_written_as_their_codes() -> Result<(), serde_json::Error> {
    for reason in [
        Reason::NoRight,
        Reason::UnknownEntry,
        Reason::KindNotWritable,
        Reason::ReadOnly,
        Reason::MayNotHide,
        Reason::RightsAreTheHolders,
        Reason::LogIsTheHolders,
    ] {
        assert_eq!(
            serde_json::to_string(&reason)?,
            format!("\"{}\"", reason.code())
        );
    }
    Ok(())
}

#[test]
fn a_generous_matrix_cannot_lend_what_is_personal() -> Result<(), MatrixError> {
    let columns = "\"physician\", \"midwife\", \"dentist\", \"pharmacist\", \"nurse\", \
        \"professional\", \"caregiver\", \"representative\"";
    let all = "\"*\" = \"rw rw rw rw rw rw rw rw\"";
    let generous = Matrix::parse(&format!(
        "version = 1\ncolumns = [{columns}]\n[kinds]\n{all}\n[documents]\n{all}\n"
    ))?;
    let facts = [
        delegation(DAUGHTER, DelegationType::Caregiver, 1),
        delegation(MOTHER, DelegationType::Guardian, 2),
    ];
    let acting = [(DAUGHTER, Role::Caregiver), (MOTHER, Role::Representative)];
    for ((who, role), kind) in acting.iter().flat_map(|who| {
        let personal = ["advance-directive", "organ-donation", "trusted-person"];
        personal.map(|kind| (who, kind))
    }) {
        let case = Case {
            matrix: generous.clone(),
            ..scene(facts.clone(), entry(kind, HOLDER))
        };
        assert!(case.decide(who, role, Action::Read).is_allowed());
        let write = case.decide(who, role, Action::Create);
        assert_eq!(write, Decision::Deny(Reason::KindNotWritable), "{kind}");
    }
    let granted = [right(RightKind::Grant, DOCTOR, 1)];
    for (kind, allowed) in [
        ("organ-donation", false),
        ("trusted-person", false),
        ("advance-directive", true),
    ] {
        let case = Case {
            matrix: generous.clone(),
            ..scene(granted.clone(), entry(kind, HOLDER))
        };
        let write = case.decide(&DOCTOR, &PHYSICIAN, Action::Create);
        assert_eq!(write.is_allowed(), allowed, "{kind}");
    }
    Ok(())
}

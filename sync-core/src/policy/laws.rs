//! The laws of access, over generated records.

mod rules;
mod sample;

use proptest::prelude::*;

use self::sample::{Case, NOW, any_case, any_fact, any_kind, any_matter, any_subject, people};
use super::*;
use crate::{EntryId, PersonId, Tick};

/// Every question one could ask of a case.
fn questions() -> impl Iterator<Item = (Role, Action)> {
    let actions = [
        Action::Read,
        Action::Create,
        Action::Edit,
        Action::Hide(Flag::Professionals),
        Action::Hide(Flag::Patient),
        Action::Hide(Flag::Representatives),
        Action::ReadLog,
        Action::SetRight,
    ];
    sample::roles()
        .into_iter()
        .flat_map(move |role| actions.map(|action| (role.clone(), action)))
}

/// The answers to all questions of one subject.
fn answers(case: &Case, subject: &Subject) -> Vec<bool> {
    questions()
        .map(|(role, action)| case.decide(subject, &role, action).is_allowed())
        .collect()
}

/// Whether a delegation in force makes somebody a caregiver, places apart.
fn delegates_to(rights: &Rights, person: PersonId, now: Tick) -> bool {
    let theirs = |fact: &&RightFact| fact.person == person && fact.in_force(now);
    let theirs: Vec<&RightFact> = rights.facts().iter().filter(theirs).collect();
    let blocked = theirs.iter().any(|fact| fact.kind == RightKind::Block);
    person != rights.holder() && !blocked && theirs.iter().any(|fact| fact.is_caregiver())
}

proptest! {
    #[test]
    fn somebody_is_delegated_to_at_the_times_that_are_told(case in any_case()) {
        for subject in people() {
            let person = subject.person;
            let times = case.rights.delegated_times(person);
            for now in (0..14).map(Tick) {
                let told = times.range(..=now).next_back().map(|(_, holds)| *holds);
                prop_assert_eq!(told, Some(delegates_to(&case.rights, person, now)));
            }
        }
    }

    #[test]
    fn an_entry_says_in_the_rights_what_it_said_last(case in any_case(), fact in any_fact(), ended in any::<bool>()) {
        let known = case.rights.facts().first().map(|known| known.entry);
        let entry = known.unwrap_or(fact.entry);
        let fact = RightFact { entry, ..fact };
        let mut rights = case.rights.clone();
        rights.put(entry, (!ended).then(|| fact.clone()));
        let others = case.rights.facts().iter().filter(|other| other.entry != entry).cloned();
        let said = Rights::new(rights.holder(), others.chain((!ended).then_some(fact)));
        prop_assert_eq!(rights, said);
    }

    #[test]
    fn hidden_entries_exist_for_four_only(mut case in any_case(), subject in any_subject()) {
        case.class.visibility.hidden_from_professionals = true;
        let person = subject.person;
        let named = case.rights.facts().iter().any(|fact| {
            fact.person == person && fact.in_force(NOW)
                && matches!(fact.kind, RightKind::TreatingPhysician | RightKind::Administrator)
        });
        let one_of_four = person == case.rights.holder() || person == case.class.author || named;
        for role in sample::roles() {
            let reads = case.decide(&subject, &role, Action::Read).is_allowed();
            prop_assert!(!reads || one_of_four);
            if !reads {
                // Whoever does not see it is answered as if it did not exist.
                let edits = case.decide(&subject, &role, Action::Edit);
                let answered = matches!(edits, Decision::Deny(Reason::NoRight | Reason::UnknownEntry));
                prop_assert!(answered, "{edits:?}");
            }
        }
    }

    #[test]
    fn a_decision_exists_for_those_who_may_read_what_it_is_about(
        mut case in any_case(), subject in any_subject(), about in any_kind(),
    ) {
        case.class.kind = "review-decision".to_owned();
        case.class.about = about.clone();
        let mut entry = case.clone();
        entry.class.kind = about;
        entry.class.about.clear();
        // Of a right only those who may read all rights are sure to be told.
        let holder = subject.person == case.rights.holder();
        for role in sample::roles() {
            let reads = case.decide(&subject, &role, Action::Read).is_allowed();
            let known = entry.decide(&subject, &role, Action::Read).is_allowed();
            prop_assert!(!reads || known || holder);
            prop_assert!(!reads || holder || !is_right(&entry.class.kind));
        }
    }

    #[test]
    fn a_blocked_person_gets_nothing(case in any_case(), subject in any_subject(), block in any_fact()) {
        prop_assume!(subject.person != case.rights.holder());
        let block = RightFact {
            kind: RightKind::Block, person: subject.person, starts: None, ends: None, revoked: false,
            ..block
        };
        let blocked = case.with(block);
        for (role, action) in questions() {
            let answer = blocked.decide(&subject, &role, action);
            prop_assert_eq!(answer, Decision::Deny(Reason::NoRight));
        }
        // Nothing tells the block from the absence of any right.
        let stranger = Rights::new(case.rights.holder(), []);
        prop_assert_eq!(
            blocked.rights.epoch(&subject, NOW),
            stranger.epoch(&subject, NOW)
        );
    }

    #[test]
    fn a_revocation_widens_nobodys_rights(case in any_case(), at in any::<prop::sample::Index>()) {
        let mut facts = case.rights.facts().to_vec();
        prop_assume!(!facts.is_empty());
        let revoked = at.index(facts.len());
        prop_assume!(facts[revoked].kind != RightKind::Block);
        facts[revoked].revoked = true;
        let after = Case { rights: Rights::new(case.rights.holder(), facts), ..case.clone() };
        // Whoever waits for a caregiver's place may get it: the holder gave it to them before.
        let waiting = case.rights.waiting_caregivers(NOW);
        let waits = |person| case.rights.facts().iter()
            .any(|fact| fact.person == person && waiting.contains(&fact.entry));
        for subject in people() {
            if !waits(subject.person) {
                let (before, after) = (answers(&case, &subject), answers(&after, &subject));
                prop_assert!(before.iter().zip(&after).all(|(before, after)| before >= after));
            }
        }
    }

    #[test]
    fn everything_is_answered(
        case in any_case(), subject in any_subject(), role in ".*", kind in ".*", key in ".*",
    ) {
        let mut case = case;
        case.class.kind = kind;
        let role = Role::from(role);
        for (_, action) in questions() {
            let _ = case.decide(&subject, &role, action);
        }
        let _ = decide_edit(&subject, &role, [key.as_str()], &case.class, &case.context());
    }

    #[test]
    fn what_may_be_done_needs_the_role_and_the_sight(case in any_case(), subject in any_subject()) {
        let roles = case.rights.roles(&subject, NOW);
        for (role, action) in questions() {
            if case.decide(&subject, &role, action).is_allowed() {
                prop_assert!(roles.contains(&role));
                if matches!(action, Action::Edit | Action::Hide(_)) {
                    prop_assert!(case.decide(&subject, &role, Action::Read).is_allowed());
                }
            }
        }
        let standing = case.rights.standing(&subject, NOW);
        let reads = sample::roles()
            .iter()
            .any(|role| case.decide(&subject, role, Action::Read).is_allowed());
        prop_assert_eq!(standing.may_read(&case.class, &case.matrix, NOW), reads);
    }

    #[test]
    fn whoever_acts_for_the_holder_stays_within_bounds(case in any_case(), subject in any_subject()) {
        for role in [Role::Caregiver, Role::Representative] {
            let may = |action| case.decide(&subject, &role, action).is_allowed();
            for flag in [Flag::Professionals, Flag::Patient, Flag::Representatives] {
                prop_assert!(!may(Action::Hide(flag)));
            }
            prop_assert!(!may(Action::SetRight) && !may(Action::ReadLog));
            let personal = ["advance-directive", "organ-donation", "trusted-person"]
                .contains(&case.class.kind.as_str());
            if personal || is_right(&case.class.kind) {
                prop_assert!(!may(Action::Create) && !may(Action::Edit));
            }
            if case.class.visibility.hidden_from_representatives {
                prop_assert!(!may(Action::Read));
            }
        }
        for (_, action) in questions() {
            prop_assert!(!case.decide(&subject, &Role::Desk, action).is_allowed());
            prop_assert!(!case.decide(&subject, &Role::System, action).is_allowed());
        }
    }

    #[test]
    fn the_holder_alone_names_a_trusted_person_decides_on_organs_and_sets_the_switches(
        mut case in any_case(), subject in any_subject(),
        kind in prop::sample::select(vec!["trusted-person", "organ-donation", "emergency-switches"]),
    ) {
        case.class.kind = kind.to_owned();
        let holder = subject.person == case.rights.holder();
        for (role, action) in questions() {
            let writes = matches!(action, Action::Create | Action::Edit | Action::SetRight);
            if writes && case.decide(&subject, &role, action).is_allowed() {
                prop_assert!(holder && role == Role::Holder);
            }
        }
        if kind == "emergency-switches" {
            let reads = |role| case.decide(&subject, role, Action::Read).is_allowed();
            prop_assert!(holder || !sample::roles().iter().any(reads));
        }
    }

    #[test]
    fn a_decision_that_differs_has_another_epoch(
        case in any_case(), grant in any_fact(), change in any_fact(), same_person in any::<bool>(),
        later in 0u64..12, matters in prop::collection::vec(any_matter(), 1..12),
    ) {
        let grant = RightFact { kind: RightKind::Grant, starts: None, ends: None, ..grant };
        let person = if same_person { grant.person } else { change.person };
        let case = case.with(grant);
        let changed = Case { now: Tick(later), ..case.with(RightFact { person, ..change }) };
        for subject in people() {
            let same_epoch = case.rights.epoch(&subject, NOW) == changed.rights.epoch(&subject, changed.now);
            for class in matters.iter().filter(|class| class.visibility.hidden_from_patient_until.is_none()) {
                let before = Case { class: class.clone(), ..case.clone() };
                let after = Case { class: class.clone(), ..changed.clone() };
                prop_assert!(!same_epoch || answers(&before, &subject) == answers(&after, &subject));
            }
        }
    }

    #[test]
    fn the_rights_of_others_leave_an_epoch_alone(case in any_case(), subject in any_subject(), other in any_fact()) {
        prop_assume!(other.person != subject.person && other.kind != RightKind::Delegation);
        // A block of a caregiver frees a place, which can be this subject's.
        prop_assume!(other.kind != RightKind::Block);
        let changed = case.with(other);
        prop_assert_eq!(case.rights.epoch(&subject, NOW), changed.rights.epoch(&subject, NOW));
    }

    #[test]
    fn an_epoch_ends_as_a_delegation_starts_and_ends(
        person in 2u128..7, starts in 1u64..50, lasts in 1u64..50, fact in any_fact(), parent in any::<bool>(),
    ) {
        let delegation_type = if parent { DelegationType::Parent } else { DelegationType::Caregiver };
        let delegation = RightFact {
            kind: RightKind::Delegation, delegation_type: Some(delegation_type), revoked: false,
            person: sample::person(person), starts: Some(Tick(starts)), ends: Some(Tick(starts + lasts)),
            ..fact
        };
        let rights = Rights::new(sample::HOLDER, [delegation]);
        let subject = Subject { person: sample::person(person), profession: None };
        let epoch = |tick| rights.epoch(&subject, Tick(tick));
        prop_assert_ne!(epoch(starts - 1), epoch(starts));
        prop_assert_eq!(epoch(starts), epoch(starts + lasts - 1));
        prop_assert_ne!(epoch(starts + lasts - 1), epoch(starts + lasts));
    }

    #[test]
    fn the_order_of_the_facts_does_not_matter(case in any_case(), subject in any_subject()) {
        let reversed = case.rights.facts().iter().rev().cloned();
        let reversed = Rights::new(case.rights.holder(), reversed);
        prop_assert_eq!(reversed.standing(&subject, NOW), case.rights.standing(&subject, NOW));
    }

    #[test]
    fn three_caregivers_at_most(facts in prop::collection::vec(any_fact(), 0..24)) {
        let facts = facts.into_iter().map(|fact| RightFact {
            kind: RightKind::Delegation, delegation_type: Some(DelegationType::Caregiver), ..fact
        });
        let rights = Rights::new(sample::HOLDER, facts);
        let caregivers = people()
            .filter(|subject| rights.roles(subject, NOW).contains(&Role::Caregiver))
            .count();
        prop_assert!(caregivers <= MOST_CAREGIVERS);
        let full = caregivers == MOST_CAREGIVERS;
        prop_assert!(full || rights.waiting_caregivers(NOW).is_empty());
    }

    #[test]
    fn a_kind_without_a_name_is_nobodys(case in any_case(), subject in any_subject()) {
        let mut case = case;
        case.class.kind = String::new();
        for (role, action) in questions().filter(|(_, action)| *action != Action::ReadLog) {
            prop_assert!(!case.decide(&subject, &role, action).is_allowed());
        }
    }

    #[test]
    fn the_matrix_is_a_ceiling_for_professionals(mut case in any_case(), kind in any_kind(), subject in any_subject()) {
        case.class.kind = kind;
        prop_assume!(!is_right(&case.class.kind));
        for profession in Profession::ALL {
            let role = Role::Professional(profession);
            let access = case.matrix.access(&role, &case.class.kind);
            let may = |action| case.decide(&subject, &role, action).is_allowed();
            prop_assert!(!may(Action::Read) || access >= Access::Read);
            prop_assert!(!may(Action::Create) || access == Access::Write);
            let verified = subject.profession == Some(profession);
            prop_assert!(verified || !may(Action::Read));
        }
    }
}

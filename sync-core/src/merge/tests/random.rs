//! Random histories of five people in different roles, who edit entries of all kinds apart, hide
//! some, settle and assign what is to review, and meet the server now and then.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::entry::{
    EntryClass, HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES, Visibility, Write,
};
use crate::kind::tests::samples;
use crate::policy::{
    Action, Decision, DelegationType, Flag as Hides, Matrix, Profession, RightFact, RightKind,
    Rights, Standing as Position, Subject,
};

/// Who plays, by their place.
pub const CAST: usize = 5;

fn role(party: Party) -> Role {
    match party {
        0 => Role::Holder,
        1 => Role::Caregiver,
        2 => DOCTOR,
        3 => PHARMACIST,
        _ => Role::Professional(Profession::Nurse),
    }
}

/// What somebody does: which of the things one can do, to what, and how; those who cannot do it
/// do nothing.
pub type Act = (Party, u8, u8, u8);

/// A history.
pub fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = (0..CAST, 0_u8..18, any::<u8>(), any::<u8>());
    prop::collection::vec(act, 1..32)
}

/// A record that was lived in.
pub struct World {
    pub story: Story,
    matrix: Matrix,
    positions: Vec<Position>,
}

impl World {
    /// Plays a history. In the end everything is with the server.
    pub fn new(acts: &[Act]) -> Self {
        let mut story = Story::default();
        for party in 0..CAST {
            story.party(role(party));
        }
        let rights = Rights::new(Story::person(0), (1..CAST).map(right));
        let subject = |party| Subject {
            person: Story::person(party),
            profession: match role(party) {
                Role::Professional(profession) => Some(profession),
                _ => None,
            },
        };
        let positions = (0..CAST).map(|party| rights.standing(&subject(party), Tick(1)));
        let mut world = World {
            story,
            matrix: Matrix::default(),
            positions: positions.collect(),
        };
        // Something to quarrel about, that all know.
        let medication = MedicationTakenDraft::new(regimen(9));
        world.story.create(0, medication);
        world.story.create(2, penicillin());
        world.story.settle();
        for act in acts {
            world.act(*act);
        }
        world.story.settle();
        world
    }

    fn decides(&self, party: Party, action: Action, class: &EntryClass) -> bool {
        let now = self.story.now();
        let position = &self.positions[party];
        position.decide(&role(party), action, class, &self.matrix, now) == Decision::Allow
    }

    fn class(&self, state: &crate::entry::EntryState) -> EntryClass {
        EntryClass::of(state, self.story.creator(state))
    }

    /// The entries of the record that somebody may not see.
    pub fn hidden_from(&self, party: Party) -> std::collections::BTreeSet<EntryId> {
        let views = self.story.views_by(Rules::ALL);
        let hidden = views.iter().map(|view| view.id);
        hidden
            .filter(|entry| {
                !self.decides(party, Action::Read, &self.class(&self.story.state(*entry)))
            })
            .collect()
    }

    /// Whether an entry was hidden by its first change, and never shown.
    pub fn hidden_since_its_creation(&self, entry: EntryId) -> bool {
        let state = self.story.state(entry);
        let mut history = state.history.iter();
        let hides = |past: &crate::entry::PastChange| {
            past.wrote(HIDDEN_FROM_PROFESSIONALS) == Some(Some(&true.into()))
        };
        let shows = |past: &crate::entry::PastChange| {
            past.wrote(HIDDEN_FROM_PROFESSIONALS) == Some(Some(&false.into()))
        };
        history.next().is_some_and(hides) && !history.any(shows)
    }

    /// What is on somebody's device that they may see.
    fn seen_at(&self, party: Party) -> Vec<EntryView> {
        let mut views = self.story.views_at(party);
        views.retain(|view| {
            let state = self.story.state_at(party, view.id);
            self.decides(party, Action::Read, &self.class(&state))
        });
        views
    }

    fn act(&mut self, (party, what, which, how): Act) {
        match what {
            0..=2 => self.story.sync(party),
            3..=5 => {
                let draft = draft(which, how);
                self.create(party, draft, how);
            }
            6 | 7 => self.hide(party, which, how),
            8 => self.settle(party, which, how),
            9 => self.assign(party, which, how),
            _ => self.edit(party, what, which, how),
        }
    }

    fn create(&mut self, party: Party, draft: Draft, how: u8) {
        let mut writes = draft.writes().expect("a good draft");
        let later = self.story.now().0 + u64::from(how);
        match how % 8 {
            0 => writes.push(Write::set(HIDDEN_FROM_PROFESSIONALS, true)),
            1 => writes.push(Write::set(HIDDEN_FROM_REPRESENTATIVES, true)),
            2 => writes.push(Write::set(
                crate::entry::HIDDEN_FROM_PATIENT_UNTIL,
                crate::entry::Value::Uint(later),
            )),
            _ => {}
        }
        let right = draft.kind().right().is_some();
        let class = EntryClass {
            kind: draft.kind().code().to_owned(),
            visibility: Visibility {
                hidden_from_professionals: how.is_multiple_of(8),
                hidden_from_representatives: how % 8 == 1,
                hidden_from_patient_until: (how % 8 == 2).then_some(Tick(later)),
            },
            author: Story::person(party),
            concerns: None,
            about: String::new(),
        };
        if self.decides(party, Action::Create, &class) && !right {
            let entry = self.story.next_entry();
            self.story.try_write(party, entry, &writes);
        }
    }

    fn target(&self, party: Party, which: u8) -> Option<EntryView> {
        let mut seen = self.seen_at(party);
        seen.retain(|view| view.kind != Kind::ReviewDecision);
        let place = usize::from(which).checked_rem(seen.len())?;
        Some(seen.swap_remove(place))
    }

    fn hide(&mut self, party: Party, which: u8, how: u8) {
        let Some(view) = self.target(party, which) else {
            return;
        };
        let (flag, key) = match how % 2 {
            0 => (Hides::Professionals, HIDDEN_FROM_PROFESSIONALS),
            _ => (Hides::Representatives, HIDDEN_FROM_REPRESENTATIVES),
        };
        let class = self.class(&self.story.state_at(party, view.id));
        if self.decides(party, Action::Hide(flag), &class) {
            let up = !how.is_multiple_of(3);
            let writes = [Write::set(key, up)];
            self.story.try_write(party, view.id, &writes);
        }
    }

    fn list(&self, party: Party) -> Vec<ReviewItem> {
        let seen = self.seen_at(party);
        review(&seen, &[], &self.story.viewer(party))
    }

    fn carry_out(&mut self, party: Party, resolution: Option<Resolution>) {
        let Some(resolution) = resolution else { return };
        for (entry, writes) in &resolution.edits {
            let class = self.class(&self.story.state_at(party, *entry));
            if self.decides(party, Action::Edit, &class) {
                self.story.try_write(party, *entry, writes);
            }
        }
        if let Some(decision) = resolution.decision {
            let visibility = decision.common.visibility.clone();
            let class = EntryClass {
                kind: "review-decision".to_owned(),
                visibility,
                author: Story::person(party),
                concerns: None,
                about: decision.about.clone().unwrap_or_default(),
            };
            let writes = decision.writes().expect("a decision can stand");
            if self.decides(party, Action::Create, &class) {
                let entry = self.story.next_entry();
                self.story.try_write(party, entry, &writes);
            }
        }
    }

    fn settle(&mut self, party: Party, which: u8, how: u8) {
        let list = self.list(party);
        let Some(place) = usize::from(which).checked_rem(list.len()) else {
            return;
        };
        let item = &list[place];
        let sides = item
            .claims
            .iter()
            .map(|side| Choice::Take(side.claim.change));
        let verdicts = item.verdicts.iter().cloned().map(Choice::Decide);
        let choices: Vec<Choice> = verdicts.chain(sides).collect();
        if let Some(choice) = usize::from(how).checked_rem(choices.len()) {
            self.carry_out(party, resolve(item, &choices[choice]));
        }
    }

    fn assign(&mut self, party: Party, which: u8, how: u8) {
        let list = self.list(party);
        if let Some(place) = usize::from(which).checked_rem(list.len()) {
            let to = Some(usize::from(how) % (CAST + 1)).filter(|to| *to < CAST);
            let choice = Choice::Assign(to.map(Story::person));
            self.carry_out(party, resolve(&list[place], &choice));
        }
    }

    fn edit(&mut self, party: Party, what: u8, which: u8, how: u8) {
        let Some(view) = self.target(party, which) else {
            return;
        };
        let class = self.class(&self.story.state_at(party, view.id));
        if !self.decides(party, Action::Edit, &class) {
            return;
        }
        let writes = match (what, &view.kind) {
            (10, _) => CommonPatch {
                status: Some(Status::because(
                    StatusCode::ALL[usize::from(how) % StatusCode::ALL.len()].clone(),
                    format!("{how}"),
                )),
                ..CommonPatch::default()
            }
            .writes(),
            (11, _) => notes(&format!("note {how}")).writes(),
            (12, _) => Ok(vec![Write::set(
                format!("of-tomorrow/{}", how % 4),
                crate::entry::Value::Uint(u64::from(how)),
            )]),
            (13..=15, Kind::Allergy) => allergy(how).writes(),
            (_, Kind::MedicationTaken) => MedicationTakenPatch {
                regimen: Some(regimen(how % 5)),
                ..MedicationTakenPatch::default()
            }
            .writes(),
            (_, Kind::BloodGroup) => BloodGroupPatch {
                blood_group: Some(group(how)),
                ..BloodGroupPatch::default()
            }
            .writes(),
            (_, Kind::EmergencyContact) => EmergencyContactPatch {
                phones: vec![Phone::new(
                    format!("06 00 00 00 {how:02}"),
                    u32::from(how % 3),
                )],
                ..EmergencyContactPatch::default()
            }
            .writes(),
            _ => allergy(how).writes().map(|writes| match view.kind {
                Kind::Condition | Kind::FamilyHistory => verification_of(writes, how),
                _ => Vec::new(),
            }),
        };
        let writes = writes.expect("a good patch");
        if !writes.is_empty() {
            self.story.try_write(party, view.id, &writes);
        }
    }
}

fn right(party: Party) -> RightFact {
    RightFact {
        accepted: Tick(1),
        entry: EntryId(Uuid::from_u128(party as u128)),
        kind: match party {
            1 => RightKind::Delegation,
            _ => RightKind::Grant,
        },
        person: Story::person(party),
        delegation_type: Some(DelegationType::Caregiver),
        starts: None,
        ends: None,
        write: true,
        revoked: false,
    }
}

fn regimen(number: u8) -> Regimen {
    Regimen {
        product: format!("Produit {number}").as_str().into(),
        dose: Some(number.to_string()),
        unit: Some(format!("mg {number}")),
        ..Regimen::default()
    }
}

fn group(how: u8) -> BloodGroup {
    let abo = [Abo::A, Abo::B, Abo::O][usize::from(how) % 3].clone();
    let rhd = [RhD::Positive, RhD::Negative][usize::from(how / 3) % 2].clone();
    BloodGroup::new(abo, rhd, BloodGroupSource::Declared)
}

fn allergy(how: u8) -> AllergyPatch {
    match how % 3 {
        0 => criticality(Criticality::ALL[usize::from(how / 3) % 3].clone()),
        1 => verification(Verification::ALL[usize::from(how / 3) % 3].clone()),
        _ => reaction(&format!("réaction {}", how % 4), None),
    }
}

fn verification_of(_: Vec<Write>, how: u8) -> Vec<Write> {
    let said = &Verification::ALL[usize::from(how) % 3];
    vec![Write::set(common::VERIFICATION, said.code())]
}

/// A new entry: of any kind, and more often of those that can contradict each other.
fn draft(which: u8, how: u8) -> Draft {
    let day = format!("2024-0{}-1{}", 1 + how % 9, which % 9);
    match which % 12 {
        0 => AllergyDraft::none_known("Aucune allergie connue").into(),
        1 | 2 => AllergyDraft {
            substance: ["Pénicilline", "Iode", "Latex"][usize::from(how) % 3].into(),
            ..AllergyDraft::default()
        }
        .into(),
        3 => BloodGroupDraft::new(group(how)).into(),
        4 | 5 => AdvanceDirectiveDraft {
            directive: match which / 12 % 3 {
                0 => DirectiveType::Revocation,
                _ => DirectiveType::Directive,
            },
            text: Some("Mes volontés.".to_owned()),
            common: Common {
                occurred: (!how.is_multiple_of(5)).then(|| samples::date(&day)),
                ..Common::default()
            },
            ..AdvanceDirectiveDraft::new(DirectiveType::Directive)
        }
        .into(),
        6 => MedicationTakenDraft::new(regimen(how % 5)).into(),
        _ => {
            let mut all = crate::kind::tests::samples::more();
            all.push(ConditionDraft::new("Asthme").into());
            all.push(EmergencyContactDraft::new("Luc").into());
            all.push(TrustedPersonDraft::new("Awa").into());
            let place = (usize::from(which) * 7 + usize::from(how)) % all.len();
            all.swap_remove(place)
        }
    }
}

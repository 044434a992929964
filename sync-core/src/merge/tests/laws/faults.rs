//! Each law can fail: without a rule that keeps it, or with a fault planted in what is shown.

use super::super::random::{CAREGIVER, Device, HOLDER, PHYSICIAN, TREATING};
use super::look::{Look, Record};
use super::*;
use crate::entry::{HIDDEN_FROM_PROFESSIONALS, STATUS, Value, Write};
use crate::kind::medication::REGIMEN;
use crate::kind::tests::samples::HASH;

/// In so many histories each law must be broken by each of its faults.
const HISTORIES: u64 = 400;

/// What makes a program go wrong.
#[derive(Clone, Copy)]
pub enum Fault {
    /// It has not this rule.
    Without(Rule),
    /// It shows something else.
    Shows(&'static str, fn(&mut Look<'_>)),
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Fault::Without(rule) => rule.code(),
            Fault::Shows(name, _) => name,
        }
    }
}

/// What a program keeps to which the last edit that arrived is right.
pub fn the_last_arrival_only(look: &mut Look<'_>) {
    for field in look.views.iter_mut().flat_map(|view| &mut view.fields) {
        field.claims.drain(..field.claims.len().saturating_sub(1));
    }
}

/// The product and the number of one regimen with the unit of another.
pub fn mixed_regimens(look: &mut Look<'_>) {
    for fact in &mut look.vital.treatments {
        if let [one, other, ..] = &mut fact.regimens[..] {
            one.unit.clone_from(&other.unit);
        }
    }
}

pub fn one_reaction_only(look: &mut Look<'_>) {
    for fact in &mut look.vital.allergies {
        fact.reactions.truncate(1);
    }
}

/// What is proposed counts.
pub fn proposals_as_claims(look: &mut Look<'_>) {
    for view in &mut look.views {
        let proposed = view.fields.iter_mut().filter(|field| field.key != REGIMEN);
        for field in proposed {
            field.claims.append(&mut field.proposals);
        }
    }
}

/// What is over is shown as if it were not.
pub fn what_is_over(look: &mut Look<'_>) {
    for view in &mut look.views {
        view.standing = Standing::Active;
    }
    look.vital = vital(&look.views);
}

/// What two people settled in two ways is left out.
pub fn nothing_settled_in_two_ways(look: &mut Look<'_>) {
    let settled = |doubts: &[FlagCode]| !doubts.contains(&FlagCode::DecidedDifferently);
    let vital = &mut look.vital;
    vital.allergies.retain(|fact| settled(&fact.doubts));
    vital.treatments.retain(|fact| settled(&fact.doubts));
    vital.conditions.retain(|fact| settled(&fact.doubts));
    vital.pregnancies.retain(|fact| settled(&fact.doubts));
    vital.devices.retain(|fact| settled(&fact.doubts));
}

/// A directive in force is shown as if nothing were open of it.
pub fn no_doubts_of_wishes(look: &mut Look<'_>) {
    let in_force = look.vital.directives.in_force.clone();
    look.vital.directives = crate::merge::Directives {
        in_force,
        ..Default::default()
    };
}

/// A list that begins at its end.
pub fn the_last_first(look: &mut Look<'_>) {
    look.review.reverse();
}

/// What is hidden is shown to everybody.
pub fn all_to_all(look: &mut Look<'_>) {
    for view in &mut look.views {
        view.visibility = crate::entry::Visibility::default();
    }
}

/// Decisions show to everybody.
pub fn open_decisions(look: &mut Look<'_>) {
    let all = look.views.iter_mut();
    for view in all.filter(|view| view.kind == Kind::ReviewDecision) {
        view.visibility = crate::entry::Visibility::default();
    }
}

/// Whether a law is broken for anybody under a fault.
fn breaks(world: &World, law: &Law, fault: Fault) -> bool {
    let rules = match fault {
        Fault::Without(rule) => Rules::ALL.without(rule),
        Fault::Shows(..) => Rules::ALL,
    };
    let record = Record::of(world, rules);
    VIEWERS.iter().any(|viewer| {
        let mut look = record.look(*viewer);
        if let Fault::Shows(_, plant) = fault {
            plant(&mut look);
        }
        (law.judge)(&look).is_some()
    })
}

/// What somebody writes in an entry, by its number: 1 to 4 are there from the start.
type Said = (Device, u128, Vec<Write>);

/// A history as it is told: in each round people write apart, and after it everybody has all.
fn played(rounds: &[&[Said]]) -> World {
    let mut world = World::new(&(0, Vec::new()));
    write(&mut world, rounds);
    world
}

fn write(world: &mut World, rounds: &[&[Said]]) {
    for round in rounds {
        for (device, entry, writes) in *round {
            let entry = EntryId(uuid::Uuid::from_u128(*entry));
            world
                .write(*device, entry, writes)
                .expect("an edit that may stand");
        }
        world.settle();
    }
}

/// Histories that chance seldom makes.
fn rare() -> Vec<World> {
    let over = |code: StatusCode| vec![Write::set(STATUS, Status::from(code).to_value())];
    let reaction = Reaction::new("toux", None);
    let trusted = |name: &str| TrustedPersonDraft::new(name).writes().expect("a name");
    let laboratory = DocumentType::parse("11502-2").expect("a code");
    let content = Content::new(HASH, 9, MediaType::Pdf);
    let document = DocumentDraft::new(laboratory, "NFS", content);
    let document = || document.writes().expect("a document");
    let written = [
        (HOLDER, 5, wish("directive", "2015", None)),
        (HOLDER, 6, wish("directive", "2022", None)),
    ];
    let latex = || {
        let latex = AllergyDraft {
            substance: "Latex".into(),
            ..AllergyDraft::default()
        };
        latex.writes().expect("a substance")
    };
    vec![
        played(&[
            &[(PHYSICIAN, 1, over(StatusCode::Refuted))],
            &[(
                CAREGIVER,
                1,
                vec![Write::set(reaction.key(), reaction.to_value())],
            )],
        ]),
        played(&[
            &[(HOLDER, 5, trusted("Awa"))],
            &[(HOLDER, 6, trusted("Luc"))],
            &[(HOLDER, 6, over(StatusCode::Inactive))],
        ]),
        played(&[&[(PHYSICIAN, 5, document()), (TREATING, 6, document())]]),
        played(&[
            &written,
            &[(HOLDER, 7, wish("revocation", "2023", Some(6)))],
        ]),
        played(&[
            &written,
            &[(PHYSICIAN, 6, over(StatusCode::EnteredInError))],
        ]),
        said_to_go_on(),
        played(&[&[
            (PHYSICIAN, 4, vec![Write::set("ended", "2024-06-01")]),
            (CAREGIVER, 4, vec![Write::set("ended", "2025")]),
        ]]),
        told_apart_and_closed(),
        decided(
            &[&[(HOLDER, 1, vec![Write::set("criticality", "high")])]],
            &[
                (PHYSICIAN, FlagCode::Proposal, Verdict::Discard),
                (TREATING, FlagCode::Proposal, Verdict::Accept),
            ],
            &[],
        ),
        decided(
            &[&[(HOLDER, 5, latex()), (CAREGIVER, 6, latex())]],
            &[(HOLDER, FlagCode::PossibleDuplicate, Verdict::NotADuplicate)],
            &[
                &[(HOLDER, 7, over(StatusCode::Revoked))],
                &[(CAREGIVER, 7, over(StatusCode::Active))],
            ],
        ),
        decided(
            &[
                &[(HOLDER, 5, latex()), (CAREGIVER, 6, latex())],
                &[(
                    HOLDER,
                    5,
                    vec![Write::set("hidden-from-professionals", true)],
                )],
            ],
            &[(HOLDER, FlagCode::PossibleDuplicate, Verdict::NotADuplicate)],
            &[],
        ),
    ]
}

/// An advance directive or a revocation, of a date and perhaps of an entry.
fn wish(what: &str, date: &str, revokes: Option<u128>) -> Vec<Write> {
    let mut writes = vec![
        Write::set("kind", "advance-directive"),
        Write::set("schema", Value::Uint(1)),
        Write::set("directive", what),
        Write::set("text", date),
        Write::set("occurred", date),
    ];
    let named = revokes.map(|entry| EntryId(uuid::Uuid::from_u128(entry)).to_string());
    writes.extend(named.map(|named| Write::set("revokes", named)));
    writes
}

/// The holder says that they go on with what a physician confirmed, while another writes its last day.
fn said_to_go_on() -> World {
    let regimen = Regimen {
        product: "Doliprane".into(),
        ends: Some("2024-09-01".parse().expect("a day")),
        ..Regimen::default()
    };
    let active = Status::because(StatusCode::Active, "toujours");
    played(&[
        &[(PHYSICIAN, 3, vec![Write::set("verification", "confirmed")])],
        &[
            (TREATING, 3, vec![Write::set("regimen", regimen.to_value())]),
            (HOLDER, 3, vec![Write::set(STATUS, active.to_value())]),
        ],
    ])
}

/// The holder tells a hidden allergy from one that is not, which a physician refutes meanwhile.
fn told_apart_and_closed() -> World {
    let allergy = |hidden: bool| {
        let label = Label::from("Aspirine").to_value();
        let hides = hidden.then(|| Write::set(HIDDEN_FROM_PROFESSIONALS, true));
        let plain = [
            Write::set("kind", "allergy"),
            Write::set("schema", Value::Uint(1)),
            Write::set("label", label),
            Write::set("no-known-allergy", false),
        ];
        plain.into_iter().chain(hides).collect::<Vec<_>>()
    };
    // The decision is the next entry.
    let mut world = played(&[&[(HOLDER, 8, allergy(false)), (HOLDER, 9, allergy(true))]]);
    let open = EntryId(uuid::Uuid::from_u128(8));
    let refuted = Status::from(StatusCode::Refuted).to_value();
    world
        .write(PHYSICIAN, open, &[Write::set(STATUS, refuted)])
        .expect("an edit that may stand");
    let code = FlagCode::PossibleDuplicate;
    world.decide(HOLDER, code, open, Verdict::NotADuplicate);
    world.settle();
    world
}

/// A history in which people decide apart on the first item of a code, with what comes after.
fn decided(
    before: &[&[Said]],
    verdicts: &[(Device, FlagCode, Verdict)],
    after: &[&[Said]],
) -> World {
    let mut world = played(before);
    for (device, code, verdict) in verdicts {
        let list = world.list(*device);
        let item = list.iter().find(|item| item.code == *code);
        let choice = Choice::Decide(verdict.clone());
        world.carry_out(*device, item.expect("it is asked"), &choice);
    }
    world.settle();
    write(&mut world, after);
    world
}

#[test]
fn every_law_can_be_broken() {
    let all = LAWS.iter();
    let all = all.flat_map(|law| law.faults.iter().map(move |fault| (law, *fault)));
    let mut left: Vec<(&Law, Fault)> = all.collect();
    assert!(LAWS.iter().all(|law| !law.faults.is_empty()));
    let mut break_by = |world: &World, name: String| {
        left.retain(|(law, fault)| {
            let found = breaks(world, law, *fault);
            if found {
                println!("{}: broken by {name}: {}", law.name, fault.name());
            }
            !found
        });
        left.clone()
    };
    for (number, world) in rare().iter().enumerate() {
        break_by(world, format!("rare history {number}"));
    }
    for seed in 1..=HISTORIES {
        let mut world = World::new(&history(seed).current());
        world.settle();
        if break_by(&world, format!("history {seed}")).is_empty() {
            return;
        }
    }
    let left = left.iter().map(|(law, fault)| (law.name, fault.name()));
    panic!("never broken: {:?}", left.collect::<Vec<_>>());
}

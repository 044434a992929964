//! Laws of the views over generated records: three people add entries of many kinds and change
//! them apart, and meet now and then.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::EntryId;
use crate::kind::medication::REGIMEN;
use crate::kind::*;
use crate::merge::support::{DOCTOR, Party, Story};
use crate::merge::{self, EntryView, FlagCode, Standing};
use crate::policy::{RightKind, Role};

const TODAY: Date = date(2024, 10, 5);

/// What is added; numbers tell one product, person or document from another.
#[derive(Clone, Debug)]
enum What {
    Allergy(u8),
    Condition(Option<Occurred>, Option<Occurred>),
    Taken(u8),
    Prescribed(u8, Occurred),
    /// Perhaps for the how-manieth entry.
    Dispensed(u8, Occurred, Option<usize>),
    Consultation(u8, Option<Occurred>),
    Seen(u8),
    Directive(Option<Occurred>),
    Revocation(Option<Occurred>),
    Document(u8, Option<usize>),
    Right,
    Decision,
}

/// What somebody does next.
#[derive(Clone, Debug)]
enum Step {
    Add(What, bool),
    Status(usize, usize),
    Dose(usize, u8),
    Ended(usize, Option<Occurred>),
    Sync,
}

fn partial() -> impl Strategy<Value = Occurred> {
    let day = (2019_i16..2026, 1_i8..=12, 1_i8..=28);
    (day, 0_u8..4).prop_map(|((year, month, day), exact)| {
        let text = match exact {
            0 => format!("{year}"),
            1 => format!("{year}-{month:02}"),
            2 => format!("{year}-{month:02}-{day:02}"),
            _ => format!("{year}-{month:02}-{day:02}T10:20:30Z"),
        };
        text.parse().expect("a partial date")
    })
}

fn what() -> impl Strategy<Value = What> {
    let one_of_three = 0_u8..3;
    let dated = || prop::option::of(partial());
    let entry = || prop::option::of(0_usize..12);
    prop_oneof![
        one_of_three.clone().prop_map(What::Allergy),
        (dated(), dated()).prop_map(|(since, ended)| What::Condition(since, ended)),
        one_of_three.clone().prop_map(What::Taken),
        (one_of_three.clone(), partial()).prop_map(|(what, when)| What::Prescribed(what, when)),
        (one_of_three.clone(), partial(), entry())
            .prop_map(|(what, when, of)| What::Dispensed(what, when, of)),
        (one_of_three.clone(), dated()).prop_map(|(who, when)| What::Consultation(who, when)),
        one_of_three.clone().prop_map(What::Seen),
        dated().prop_map(What::Directive),
        dated().prop_map(What::Revocation),
        (one_of_three, entry()).prop_map(|(bytes, of)| What::Document(bytes, of)),
        Just(What::Right),
        Just(What::Decision),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let entry = 0_usize..12;
    prop_oneof![
        6 => (what(), any::<bool>()).prop_map(|(what, hidden)| Step::Add(what, hidden)),
        3 => (entry.clone(), 0..StatusCode::ALL.len()).prop_map(|(e, s)| Step::Status(e, s)),
        3 => (entry.clone(), 1_u8..4).prop_map(|(e, dose)| Step::Dose(e, dose)),
        1 => (entry, prop::option::of(partial())).prop_map(|(e, when)| Step::Ended(e, when)),
        3 => Just(Step::Sync),
    ]
}

/// Who does what.
fn steps() -> impl Strategy<Value = Vec<(Party, Step)>> {
    prop::collection::vec((0_usize..3, step()), 1..24)
}

fn product(number: u8) -> Label {
    Label::text(format!("Product {number}"))
}

fn regimen(number: u8, dose: u8) -> Regimen {
    Regimen {
        product: product(number),
        dose: Some(dose.to_string()),
        unit: Some(format!("unit {dose}")),
        ..Regimen::default()
    }
}

fn draft(what: &What, hidden: bool, entries: &[EntryId]) -> Draft {
    let mut common = Common::default();
    common.visibility.hidden_from_professionals = hidden;
    let dated = |occurred: Option<Occurred>| Common {
        occurred,
        ..common.clone()
    };
    let named = |of: &Option<usize>| entries.get((*of)?).copied();
    match what {
        What::Allergy(number) => AllergyDraft {
            substance: product(*number),
            common,
            ..AllergyDraft::default()
        }
        .into(),
        What::Condition(since, ended) => ConditionDraft {
            label: "Asthme".into(),
            ended: ended
                .filter(|ended| since.is_none_or(|since| since.first_day() <= ended.last_day())),
            common: dated(*since),
            ..ConditionDraft::default()
        }
        .into(),
        What::Taken(number) => MedicationTakenDraft {
            regimen: regimen(*number, 9),
            common,
        }
        .into(),
        What::Prescribed(number, when) => MedicationPrescribedDraft {
            common: dated(Some(*when)),
            ..MedicationPrescribedDraft::new(
                Prescription::from_iter([regimen(*number, 8)]),
                "Petit",
            )
        }
        .into(),
        What::Dispensed(number, when, of) => MedicationDispensedDraft {
            for_prescription: named(of),
            common: dated(Some(*when)),
            ..MedicationDispensedDraft::new(Dispensation {
                product: product(*number),
                ..Dispensation::default()
            })
        }
        .into(),
        What::Consultation(who, when) => ConsultationDraft {
            common: dated(*when),
            ..ConsultationDraft::new(format!("Dr {who}").as_str())
        }
        .into(),
        What::Seen(who) => ProfessionalSeenDraft::new(format!("Dr {who}").as_str()).into(),
        What::Directive(when) => AdvanceDirectiveDraft {
            text: Some("No.".into()),
            common: dated(*when),
            ..AdvanceDirectiveDraft::new(DirectiveType::Directive)
        }
        .into(),
        What::Revocation(when) => AdvanceDirectiveDraft {
            common: dated(*when),
            ..AdvanceDirectiveDraft::new(DirectiveType::Revocation)
        }
        .into(),
        What::Document(bytes, of) => {
            let kind = DocumentType::parse("11502-2").expect("a type");
            let content = Content::new(format!("{bytes:064x}"), 9, MediaType::Pdf);
            let mut draft = DocumentDraft::new(kind, "Bilan", content);
            draft.replaces = named(of);
            draft.common = common;
            draft.into()
        }
        What::Right => RightDraft::new(RightKind::Block, Story::person(7)).into(),
        What::Decision => ReviewDecisionDraft::new("some/item", Verdict::Confirm).into(),
    }
}

/// What everybody has in the end.
fn play(steps: &[(Party, Step)]) -> Vec<EntryView> {
    let mut story = Story::default();
    for role in [Role::Holder, Role::Caregiver, DOCTOR] {
        story.party(role);
    }
    story.orders = 1;
    let mut entries: Vec<(EntryId, Kind)> = Vec::new();
    for (number, (party, step)) in steps.iter().enumerate() {
        let known = |entry: &usize| entries.get(*entry).cloned();
        let mine = story.views_at(*party);
        let has = |entry: &EntryId| mine.iter().any(|view| view.id == *entry);
        match step {
            Step::Sync => story.sync(*party),
            Step::Add(what, hidden) => {
                let ids: Vec<EntryId> = entries.iter().map(|(entry, _)| *entry).collect();
                let draft = draft(what, *hidden, &ids);
                let kind = draft.kind();
                entries.push((story.create(*party, draft), kind));
            }
            Step::Status(entry, status) => {
                if let Some((entry, _)) = known(entry).filter(|(entry, _)| has(entry)) {
                    let code = StatusCode::ALL[*status].clone();
                    let patch = CommonPatch {
                        status: Some(Status::because(code, number.to_string())),
                        ..CommonPatch::default()
                    };
                    story.try_edit(*party, entry, patch);
                }
            }
            Step::Dose(entry, dose) => {
                let taken = known(entry).filter(|(_, kind)| *kind == Kind::MedicationTaken);
                if let Some((entry, _)) = taken.filter(|(entry, _)| has(entry)) {
                    let patch = MedicationTakenPatch {
                        regimen: Some(regimen(0, *dose)),
                        ..MedicationTakenPatch::default()
                    };
                    story.try_edit(*party, entry, patch);
                }
            }
            Step::Ended(entry, when) => {
                let condition = known(entry).filter(|(_, kind)| *kind == Kind::Condition);
                if let Some((entry, _)) = condition.filter(|(entry, _)| has(entry)) {
                    let patch = ConditionPatch {
                        ended: when.map_or(Edit::Clear, Edit::Set),
                        ..ConditionPatch::default()
                    };
                    story.try_edit(*party, entry, patch);
                }
            }
        }
    }
    story.settle();
    story.views()
}

fn find(views: &[EntryView], entry: EntryId) -> &EntryView {
    let found = views.iter().find(|view| view.id == entry);
    found.expect("it is one of the record's")
}

fn of<'v>(views: &'v [EntryView], kind: &'v Kind) -> impl Iterator<Item = &'v EntryView> {
    views.iter().filter(move |view| view.kind == *kind)
}

fn sorted(entries: impl IntoIterator<Item = EntryId>) -> Vec<EntryId> {
    let mut entries: Vec<EntryId> = entries.into_iter().collect();
    entries.sort();
    entries
}

fn counting(views: &[EntryView], kind: &Kind) -> Vec<EntryId> {
    sorted(
        of(views, kind)
            .filter(|view| view.counts())
            .map(|view| view.id),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn the_timeline_has_everything_that_happened_once_and_in_order(steps in steps()) {
        let views = play(&steps);
        let moments = timeline(&views);
        let business = |kind: &Kind| kind.right().is_some() || *kind == Kind::ReviewDecision;
        let all = views.iter().filter(|view| !view.in_error() && !business(&view.kind));
        prop_assert_eq!(sorted(moments.iter().map(|one| one.entry)), sorted(all.map(|v| v.id)));
        for pair in moments.windows(2) {
            prop_assert!(pair[0].day >= pair[1].day);
            // Nothing that certainly happened before another comes before it.
            if let (Some(first), Some(second)) = (pair[0].occurred, pair[1].occurred) {
                prop_assert!(first.last_day() >= second.first_day());
            }
        }
        for one in &moments {
            if let Some(when) = one.occurred {
                prop_assert!(when.first_day() <= one.day && one.day <= when.last_day());
            }
            prop_assert_eq!(one.standing, find(&views, one.entry).standing);
            prop_assert!(one.status.status.is_active() || one.standing != Standing::Active);
        }
    }

    #[test]
    fn a_timelines_years_and_kinds_are_parts_of_it(steps in steps(), year in 2019_i16..2027) {
        let moments = timeline(&play(&steps));
        let taken = |filter: TimelineFilter| moments.iter().filter(|m| filter.takes(m)).count();
        let before = TimelineFilter { to: Some(year - 1), ..TimelineFilter::default() };
        let after = TimelineFilter { from: Some(year), ..TimelineFilter::default() };
        prop_assert_eq!(taken(before) + taken(after), moments.len());
        let kinds: BTreeSet<Kind> = moments.iter().map(|one| one.kind.clone()).collect();
        let by_kind = kinds.into_iter().map(|kind| taken(TimelineFilter {
            kinds: vec![kind],
            ..TimelineFilter::default()
        }));
        prop_assert_eq!(by_kind.sum::<usize>(), moments.len());
        let documents = taken(TimelineFilter { documents: true, ..TimelineFilter::default() });
        let papers = moments.iter().filter(|one| matches!(one.kind, Kind::Document(_))).count();
        prop_assert_eq!(documents, papers);
    }

    #[test]
    fn vital_facts_are_made_of_vital_entries_alone(steps in steps()) {
        let views = play(&steps);
        let alone: Vec<EntryView> = views
            .iter()
            .filter(|view| Kind::is_vital(view.kind.code()))
            .cloned()
            .collect();
        prop_assert_eq!(merge::vital(&alone, TODAY), merge::vital(&views, TODAY));
    }

    #[test]
    fn each_problem_is_on_one_part_and_what_stands_is_what_the_vital_facts_have(steps in steps()) {
        let views = play(&steps);
        let told = problems(&views, TODAY);
        let all = told.active.iter().chain(&told.past).map(|one| one.entry);
        let conditions = of(&views, &Kind::Condition).filter(|view| !view.in_error());
        prop_assert_eq!(sorted(all), sorted(conditions.map(|view| view.id)));
        let vital = merge::vital(&views, TODAY).conditions;
        let active = told.active.iter().map(|one| one.entry);
        prop_assert_eq!(sorted(active), sorted(vital.iter().map(|fact| fact.entry)));
        for one in &told.active {
            prop_assert!(find(&views, one.entry).counts());
            prop_assert!(one.ended.is_none_or(|ended| ended.last_day() > TODAY));
        }
        for one in told.past.iter().filter(|one| find(&views, one.entry).counts()) {
            let view = find(&views, one.entry);
            let shown = merge::shown(&views);
            let shown = shown.get(&one.entry).unwrap_or(view);
            prop_assert!(merge::condition_is_over(view, shown, TODAY));
        }
    }

    #[test]
    fn what_is_taken_is_apart_from_what_is_prescribed(steps in steps()) {
        let views = play(&steps);
        let facts = merge::vital(&views, TODAY);
        let told = treatments(&views, &facts, TODAY);
        let taken = told.taken.iter().map(|one| one.taken.entry);
        prop_assert_eq!(sorted(taken), counting(&views, &Kind::MedicationTaken));
        let prescribed: Vec<&PrescribedLine> =
            told.taken.iter().flat_map(|one| &one.prescribed).chain(&told.only_prescribed).collect();
        let known = counting(&views, &Kind::MedicationPrescribed);
        prop_assert!(prescribed.iter().all(|line| known.contains(&line.entry)));
        // What was prescribed within the year is told somewhere.
        for entry in known {
            let when = find(&views, entry).kind.happened(find(&views, entry));
            let lately = when.is_some_and(|when| when.first_day() >= date(2023, 10, 6));
            prop_assert!(!lately || prescribed.iter().any(|line| line.entry == entry));
        }
        let handed = prescribed.iter().flat_map(|line| &line.dispensed);
        let beside = told.taken.iter().flat_map(|one| &one.dispensed);
        let all: Vec<&HandedOver> = handed.chain(beside).chain(&told.only_dispensed).collect();
        let known = counting(&views, &Kind::MedicationDispensed);
        prop_assert!(all.iter().all(|one| known.contains(&one.entry)));
    }

    #[test]
    fn a_disputed_regimen_is_never_shown_as_current_nor_mixed(steps in steps()) {
        let views = play(&steps);
        for one in treatments(&views, &merge::vital(&views, TODAY), TODAY).taken {
            let view = find(&views, one.taken.entry);
            let claims = view.claims(REGIMEN);
            let disputed = view.is_flagged(FlagCode::DoseDisputed);
            let stopped = view.standing == Standing::ToReconcile;
            prop_assert_eq!(one.taken.current.is_none(), disputed || stopped);
            for regimen in one.taken.regimens.iter().chain(&one.taken.current) {
                prop_assert!(claims.iter().any(|claim| claim.value == regimen.to_value()));
            }
        }
    }

    #[test]
    fn each_consultation_that_counts_tells_of_one_professional(steps in steps()) {
        let views = play(&steps);
        let seen = professionals_seen(&views);
        let consultations = seen.iter().flat_map(|one| one.consultations.iter().copied());
        prop_assert_eq!(sorted(consultations), counting(&views, &Kind::Consultation));
        let added = seen.iter().flat_map(|one| one.added.iter().copied());
        prop_assert_eq!(sorted(added), counting(&views, &Kind::ProfessionalSeen));
        let names: BTreeSet<&str> = seen.iter().map(|one| one.professional.name.as_str()).collect();
        prop_assert_eq!(names.len(), seen.len());
        let last = |one: &ProfessionalSeen| one.last.map(|when| when.last_day());
        prop_assert!(seen.windows(2).all(|pair| last(&pair[0]) >= last(&pair[1])));
    }

    #[test]
    fn each_document_that_counts_is_one_line_and_what_is_replaced_comes_last(steps in steps()) {
        let views = play(&steps);
        let lines = documents(&views);
        let kind = Kind::from("document/11502-2");
        let all = lines.iter().flat_map(|line| line.entries.iter().copied());
        prop_assert_eq!(sorted(all), counting(&views, &kind));
        let hashes: BTreeSet<&String> =
            lines.iter().filter_map(|line| Some(&line.content.as_ref()?.hash)).collect();
        prop_assert_eq!(hashes.len(), lines.len());
        prop_assert!(lines.is_sorted_by_key(|line| !line.current));
        for line in lines.iter().filter(|line| !line.current) {
            let replaced = |other: &EntryId| {
                let from: &dyn Read = find(&views, *other);
                let named: Option<EntryId> = from.scalar(crate::kind::document::REPLACES);
                named.is_some_and(|named| line.entries.contains(&named))
            };
            let mut others = lines.iter().flat_map(|line| &line.entries);
            prop_assert!(others.any(replaced));
        }
    }

    #[test]
    fn the_directive_in_force_is_the_latest_by_its_own_date(steps in steps()) {
        let views = play(&steps);
        let lines = directives(&views);
        let (open, closed): (Vec<_>, Vec<_>) =
            lines.iter().partition(|line| find(&views, line.entry).counts());
        let open = open.iter().map(|line| line.entry);
        prop_assert_eq!(sorted(open), counting(&views, &Kind::AdvanceDirective));
        prop_assert!(closed.iter().all(|line| line.state == DirectiveState::InForce));
        prop_assert!(lines.is_sorted_by_key(|line| line.state));
        let standing = [DirectiveState::InForce, DirectiveState::Superseded];
        let standing: Vec<_> = lines.iter().filter(|line| standing.contains(&line.state)).collect();
        for line in standing.iter().filter(|line| line.state == DirectiveState::InForce) {
            let date = line.date.expect("an undated one is never in force");
            let later = |other: &&&DirectiveLine| {
                other.date.is_some_and(|other| other.first_day() > date.last_day())
            };
            prop_assert_eq!(standing.iter().filter(later).count(), 0);
        }
    }

    #[test]
    fn nothing_ended_in_error_or_hidden_is_on_the_card(steps in steps()) {
        let views = play(&steps);
        let card = merge::card(&views, &BTreeSet::new(), TODAY).facts;
        let allergies = card.allergies.iter().map(|fact| fact.entry);
        let treatments = card.treatments.iter().map(|fact| fact.entry);
        let conditions = card.conditions.iter().map(|fact| fact.entry);
        let wishes = card.directives.in_force.iter().copied();
        for entry in allergies.chain(treatments).chain(conditions) {
            let view = find(&views, entry);
            prop_assert!(view.counts());
            prop_assert!(!view.visibility.hidden_from_professionals);
        }
        for entry in wishes {
            let view = find(&views, entry);
            prop_assert!(!view.in_error());
            prop_assert!(view.counts() || card.directives.closed.contains(&entry));
            prop_assert!(!view.visibility.hidden_from_professionals);
        }
    }

    #[test]
    fn no_view_depends_on_the_order_of_the_entries(steps in steps()) {
        let views = play(&steps);
        let mut backwards = views.clone();
        backwards.reverse();
        prop_assert_eq!(timeline(&views), timeline(&backwards));
        prop_assert_eq!(problems(&views, TODAY), problems(&backwards, TODAY));
        let told = |views: &[EntryView]| {
            let mut facts = merge::vital(views, TODAY);
            facts.treatments.sort_by_key(|fact| fact.entry);
            treatments(views, &facts, TODAY)
        };
        prop_assert_eq!(told(&views), told(&backwards));
        prop_assert_eq!(professionals_seen(&views), professionals_seen(&backwards));
        prop_assert_eq!(documents(&views), documents(&backwards));
        prop_assert_eq!(directives(&views), directives(&backwards));
    }
}

#[test]
fn a_year_alone_comes_after_what_is_known_to_the_day_of_it() {
    let dates = ["2023-06-01", "2023", "2022-12", "2023-01-02", "2024"];
    let steps = dates.map(|text| {
        let when: Occurred = text.parse().expect("a date");
        (0, Step::Add(What::Consultation(1, Some(when)), false))
    });
    let told = timeline(&play(&steps));
    let told: Vec<String> = told
        .iter()
        .filter_map(|one| Some(one.occurred?.to_string()))
        .collect();
    assert_eq!(
        told,
        ["2024", "2023-06-01", "2023-01-02", "2023", "2022-12"]
    );
}

#[test]
fn what_is_handed_over_instead_is_told_with_its_prescription() {
    let mut story = Story::default();
    let doctor = story.party(DOCTOR);
    let when = "2024-09-01".parse().ok();
    let mut draft =
        MedicationPrescribedDraft::new(Prescription::from_iter([regimen(1, 1)]), "Petit");
    draft.common.occurred = when;
    let prescription = story.create(doctor, draft);
    let mut handed = MedicationDispensedDraft::new(Dispensation {
        product: product(2),
        instead_of: Some(product(1)),
        ..Dispensation::default()
    });
    handed.for_prescription = Some(prescription);
    handed.common.occurred = when;
    let handed = story.create(doctor, handed);
    story.settle();
    let views = story.views();
    let told = treatments(&views, &merge::vital(&views, TODAY), TODAY);
    let line = &told.only_prescribed[0];
    assert_eq!(
        (line.entry, line.dispensed[0].entry),
        (prescription, handed)
    );
    assert!(told.taken.is_empty() && told.only_dispensed.is_empty());
    // A year later it is no current treatment any more.
    let later = treatments(&views, &merge::vital(&views, TODAY), date(2025, 9, 2));
    assert!(later.only_prescribed.is_empty());
}

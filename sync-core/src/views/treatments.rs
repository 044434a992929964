//! Current treatments: what is taken, and apart from it what was prescribed and handed over.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::EntryId;
use crate::kind::prescription::{DISPENSATION, FOR_PRESCRIPTION, PRESCRIBER, PRESCRIPTION};
use crate::kind::{
    Dispensation, Kind, Label, Occurred, Prescription, PrescriptionLine, Professional, Read,
    Regimen, normalise,
};
use crate::merge::{EntryView, TreatmentFact, VitalFacts};

/// For how many months after its date a prescription may be in force: none is made for longer
/// than twelve (Code de la santé publique, R. 5132-21).
const PRESCRIBED_MONTHS: i32 = 12;

/// A line of a prescription that was not cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrescribedLine {
    /// The prescription.
    pub entry: EntryId,
    /// When it was prescribed.
    pub date: Option<Occurred>,
    /// By whom.
    pub prescriber: Option<Professional>,
    /// What was prescribed.
    pub regimen: Regimen,
    /// What was handed over for it: dispensations that name the prescription, and a product of the
    /// same name or one given instead of it.
    pub dispensed: Vec<HandedOver>,
}

/// What a pharmacist handed over and nobody withdrew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    /// The dispensation.
    pub entry: EntryId,
    /// When it was handed over.
    pub date: Option<Occurred>,
    /// What.
    pub dispensation: Dispensation,
}

/// What is taken of one thing, and what of it was prescribed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatment {
    /// What the person takes.
    pub taken: TreatmentFact,
    /// The prescriptions of it or of one of its substances, the latest first.
    pub prescribed: Vec<PrescribedLine>,
    /// What was handed over of it beside those prescriptions, the latest first.
    pub dispensed: Vec<HandedOver>,
}

/// The treatments of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatments {
    /// What is taken, in doubt or not.
    pub taken: Vec<Treatment>,
    /// Prescribed, in force by its dates, and not said to be taken; the latest first.
    pub only_prescribed: Vec<PrescribedLine>,
    /// Handed over within a year, without a prescription here, and not said to be taken; the latest
    /// first.
    pub only_dispensed: Vec<HandedOver>,
}

/// The treatments among the entries one viewer may see, on a day (UTC). What is taken comes from
/// the vital facts of the same entries, so that both say the same.
pub fn treatments(views: &[EntryView], facts: &VitalFacts, today: Date) -> Treatments {
    let mut handed: Vec<(HandedOver, Option<String>)> = handed_over(views);
    handed.sort_by_key(|(one, _)| (latest(one.date), one.entry));
    let mut lines = prescribed(views, &handed);
    lines.sort_by_key(|(line, _)| (latest(line.date), line.entry));
    let named: BTreeSet<EntryId> = lines
        .iter()
        .flat_map(|(line, _)| &line.dispensed)
        .map(|one| one.entry)
        .collect();
    let beside: Vec<HandedOver> = handed
        .into_iter()
        .map(|(one, _)| one)
        .filter(|one| !named.contains(&one.entry))
        .collect();
    let mut only_lines: BTreeSet<usize> = (0..lines.len()).collect();
    let mut only_handed: BTreeSet<usize> = (0..beside.len()).collect();
    let taken = facts.treatments.iter().map(|fact| {
        let names: BTreeSet<String> = fact.regimens.iter().flat_map(names).collect();
        let of_it = |(place, _): &(usize, &(PrescribedLine, BTreeSet<String>))| {
            !names.is_disjoint(&lines[*place].1)
        };
        let prescribed = lines.iter().enumerate().filter(of_it);
        let prescribed = prescribed.map(|(place, (line, _))| {
            only_lines.remove(&place);
            line.clone()
        });
        let product =
            |one: &HandedOver| called(&one.dispensation.product).any(|n| names.contains(&n));
        let dispensed = beside.iter().enumerate().filter(|(_, one)| product(one));
        let dispensed = dispensed.map(|(place, one)| {
            only_handed.remove(&place);
            one.clone()
        });
        Treatment {
            prescribed: prescribed.collect(),
            dispensed: dispensed.collect(),
            taken: fact.clone(),
        }
    });
    let taken = taken.collect();
    let recent = |date: Option<Occurred>| {
        let until =
            date.and_then(|date| date.last_day().checked_add(PRESCRIBED_MONTHS.months()).ok());
        until.is_none_or(|until| today <= until)
    };
    let in_force = |line: &PrescribedLine| {
        let ends = line.regimen.ends.map(|ends| ends.last_day());
        recent(line.date) && ends.is_none_or(|ends| today <= ends)
    };
    let rest = lines.into_iter().enumerate();
    let rest = rest.filter(|(place, (line, _))| only_lines.contains(place) && in_force(line));
    let left = beside.into_iter().enumerate();
    let left = left.filter(|(place, one)| only_handed.contains(place) && recent(one.date));
    Treatments {
        taken,
        only_prescribed: rest.map(|(_, (line, _))| line).collect(),
        only_dispensed: left.map(|(_, one)| one).collect(),
    }
}

fn latest(date: Option<Occurred>) -> Reverse<Option<Date>> {
    Reverse(date.map(|date| date.first_day()))
}

fn counting(views: &[EntryView], kind: Kind) -> impl Iterator<Item = &EntryView> {
    views
        .iter()
        .filter(move |view| view.kind == kind && view.counts())
}

fn occurred(view: &EntryView) -> Option<Occurred> {
    let from: &dyn Read = view;
    from.scalar("occurred")
}

/// What was handed over, with the prescription it names.
fn handed_over(views: &[EntryView]) -> Vec<(HandedOver, Option<String>)> {
    counting(views, Kind::MedicationDispensed)
        .filter_map(|view| {
            let from: &dyn Read = view;
            let one = HandedOver {
                entry: view.id,
                date: occurred(view),
                dispensation: from.json(DISPENSATION)?,
            };
            Some((one, from.text(FOR_PRESCRIPTION)))
        })
        .collect()
}

/// The lines prescribed, each with what its regimen is recognised by.
fn prescribed(
    views: &[EntryView],
    handed: &[(HandedOver, Option<String>)],
) -> Vec<(PrescribedLine, BTreeSet<String>)> {
    let lines = counting(views, Kind::MedicationPrescribed).flat_map(|view| {
        let from: &dyn Read = view;
        let prescription = from.json::<Prescription>(PRESCRIPTION);
        let prescriber: Option<Professional> = from.json(PRESCRIBER);
        let (date, id) = (occurred(view), view.id.to_string());
        let lines = prescription.into_iter().flat_map(|all| all.lines);
        lines.map(move |PrescriptionLine { regimen, .. }| {
            let product: BTreeSet<String> = called(&regimen.product).collect();
            let of_it = |one: &Dispensation| {
                let wanted = one.instead_of.as_ref().unwrap_or(&one.product);
                called(wanted).any(|name| product.contains(&name))
            };
            let mine = handed.iter().filter(|(_, of)| of.as_ref() == Some(&id));
            let mine = mine.filter(|(one, _)| of_it(&one.dispensation));
            let line = PrescribedLine {
                entry: view.id,
                date,
                prescriber: prescriber.clone(),
                dispensed: mine.map(|(one, _)| one.clone()).collect(),
                regimen,
            };
            let names = names(&line.regimen).collect();
            (line, names)
        })
    });
    lines.collect()
}

/// By what a regimen is recognised: codes and names of its substances and of its product.
fn names(regimen: &Regimen) -> impl Iterator<Item = String> {
    let labels = regimen.substances.iter().chain([&regimen.product]);
    labels.flat_map(called)
}

/// By what a label is recognised: its code and its text in normal form.
fn called(label: &Label) -> impl Iterator<Item = String> {
    let code = label.system.as_ref().zip(label.code.as_ref());
    let code = code.map(|(system, code)| format!("{system}|{code}"));
    let text = Some(normalise(&label.text)).filter(|text| !text.is_empty());
    code.into_iter().chain(text)
}

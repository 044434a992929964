//! Current treatments: what is taken, and beside it what was prescribed and handed over.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::EntryId;
use crate::kind::prescription::{DISPENSATION, FOR_PRESCRIPTION, PRESCRIPTION};
use crate::kind::{
    Dispensation, Kind, Label, Occurred, Prescription, PrescriptionLine, Read, Regimen, normalise,
};
use crate::merge::{EntryView, TreatmentFact, VitalFacts};

/// A line of a prescription that was not cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrescribedLine {
    /// The prescription.
    pub entry: EntryId,
    /// When it was prescribed.
    pub date: Option<Occurred>,
    /// What was prescribed.
    pub regimen: Regimen,
    /// The dispensations that name the prescription and a product of the same name.
    pub dispensed: Vec<EntryId>,
}

/// What is taken of one thing, and what of it was prescribed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatment {
    /// What the person takes.
    pub taken: TreatmentFact,
    /// The prescriptions of one of its substances, the latest first.
    pub prescribed: Vec<PrescribedLine>,
}

/// The treatments of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatments {
    /// What is taken, in doubt or not.
    pub taken: Vec<Treatment>,
    /// Prescribed, and not said to be taken; the latest first.
    pub only_prescribed: Vec<PrescribedLine>,
}

/// The treatments among the entries one viewer may see. What is taken comes from the vital facts
/// of the same entries, so that both say the same.
pub fn treatments(views: &[EntryView], facts: &VitalFacts) -> Treatments {
    let mut lines: Vec<(PrescribedLine, BTreeSet<String>)> = prescribed(views);
    lines.sort_by_key(|(line, _)| {
        let date = line.date.map(|date| date.first_day());
        (std::cmp::Reverse(date), line.entry)
    });
    let mut only: BTreeSet<usize> = (0..lines.len()).collect();
    let taken = facts.treatments.iter().map(|fact| {
        let names: BTreeSet<String> = fact.regimens.iter().flat_map(names).collect();
        let same = lines.iter().enumerate();
        let same = same.filter(|(_, (_, of))| !names.is_disjoint(of));
        let prescribed = same.map(|(place, (line, _))| {
            only.remove(&place);
            line.clone()
        });
        Treatment {
            prescribed: prescribed.collect(),
            taken: fact.clone(),
        }
    });
    let taken = taken.collect();
    let rest = lines.into_iter().enumerate();
    let rest = rest.filter(|(place, _)| only.contains(place));
    Treatments {
        taken,
        only_prescribed: rest.map(|(_, (line, _))| line).collect(),
    }
}

fn prescribed(views: &[EntryView]) -> Vec<(PrescribedLine, BTreeSet<String>)> {
    let of = |kind: Kind| {
        let counting = views.iter().filter(|view| view.counts());
        counting.filter(move |view| view.kind == kind)
    };
    let dispensed: Vec<(EntryId, String, String)> = of(Kind::MedicationDispensed)
        .filter_map(|view| {
            let from: &dyn Read = view;
            let product = from.json::<Dispensation>(DISPENSATION)?.product.text;
            Some((view.id, from.text(FOR_PRESCRIPTION)?, normalise(&product)))
        })
        .collect();
    let lines = of(Kind::MedicationPrescribed).flat_map(|view| {
        let from: &dyn Read = view;
        let prescription = from.json::<Prescription>(PRESCRIPTION);
        let date = from.text("occurred").and_then(|text| text.parse().ok());
        let id = view.id.to_string();
        let dispensed = &dispensed;
        let lines = prescription.into_iter().flat_map(|all| all.lines);
        lines.map(move |PrescriptionLine { regimen, .. }| {
            let product = normalise(&regimen.product.text);
            let handed = dispensed.iter();
            let handed = handed.filter(|(_, of, what)| *of == id && *what == product);
            let line = PrescribedLine {
                entry: view.id,
                date,
                dispensed: handed.map(|(entry, ..)| *entry).collect(),
                regimen,
            };
            let names = names(&line.regimen).collect();
            (line, names)
        })
    });
    lines.collect()
}

/// By what a regimen is recognised: codes and names of its substances, else of its product.
fn names(regimen: &Regimen) -> impl Iterator<Item = String> {
    let labels = regimen.substances_or_product().into_iter();
    let names = |label: &Label| {
        let code = label.system.as_ref().zip(label.code.as_ref());
        let code = code.map(|(system, code)| format!("{system}|{code}"));
        [code, Some(normalise(&label.text))]
    };
    labels
        .flat_map(names)
        .flatten()
        .collect::<Vec<_>>()
        .into_iter()
}

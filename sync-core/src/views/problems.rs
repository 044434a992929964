//! The problem list: conditions, those that stand first.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::EntryId;
use crate::kind::condition::{ENDED, SEVERITY};
use crate::kind::{Kind, Occurred, Read, Severity, Status};
use crate::merge::{self, EntryView, FlagCode, Standing, condition_is_over};

/// A condition on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The entry.
    pub entry: EntryId,
    /// What it is called; several names when disputed.
    pub label: String,
    /// How severe; nothing when nobody said or two disagree.
    pub severity: Option<Severity>,
    /// Since when.
    pub since: Option<Occurred>,
    /// When it was over.
    pub ended: Option<Occurred>,
    /// What stands of it, with the reason.
    pub status: Status,
    /// Whether a clinician's confirmation stands.
    pub confirmed: bool,
    /// What is in doubt.
    pub doubts: Vec<FlagCode>,
}

/// The problems of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problems {
    /// Those that stand, the latest begun first.
    pub active: Vec<Problem>,
    /// Those that are over or were ruled out, the latest begun first.
    pub past: Vec<Problem>,
}

/// The problem list among the entries one viewer may see, on a day (UTC). What is in error is on
/// neither part; what stands is what the vital facts have of conditions.
pub fn problems(views: &[EntryView], today: Date) -> Problems {
    let conditions = views
        .iter()
        .filter(|view| view.kind == Kind::Condition && !view.in_error());
    let mut told = Problems::default();
    let shown = merge::shown(views);
    for view in conditions {
        let told_of = shown.get(&view.id).unwrap_or(view);
        let problem = problem(told_of);
        // What two people settled in two ways is not over.
        let over = view.standing == Standing::Ended || condition_is_over(view, told_of, today);
        let over = over && !told_of.is_contested();
        let part = if over {
            &mut told.past
        } else {
            &mut told.active
        };
        part.push(problem);
    }
    for part in [&mut told.active, &mut told.past] {
        part.sort_by_key(|problem| {
            let since = problem.since.map(|since| since.first_day());
            (std::cmp::Reverse(since), problem.entry)
        });
    }
    told
}

fn problem(view: &EntryView) -> Problem {
    let from: &dyn Read = view;
    let only = |key| match view.field(key)?.current.as_slice() {
        [one] => one.as_text().map(str::to_owned),
        _ => None,
    };
    let date = |key| only(key).and_then(|text: String| text.parse().ok());
    let mut doubts: Vec<FlagCode> = view.flags.iter().map(|flag| flag.code).collect();
    doubts.dedup();
    Problem {
        entry: view.id,
        label: view.label.clone(),
        severity: only(SEVERITY).map(Severity::from),
        since: date("occurred"),
        ended: date(ENDED),
        status: from.json("status").unwrap_or_else(|| view.status.clone()),
        confirmed: view.confirmed,
        doubts,
    }
}

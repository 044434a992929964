//! The timeline: everything that happened, by when it happened as far as anybody knows.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::EntryId;
use crate::kind::{Kind, Occurred, Status};
use crate::merge::{self, EntryView, FlagCode, Standing};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The entry.
    pub entry: EntryId,
    /// Of what kind.
    pub kind: Kind,
    /// What it is called; several names when disputed.
    pub label: String,
    /// When it happened, as exactly as somebody said; nothing when nobody did.
    pub occurred: Option<Occurred>,
    /// The day it is put under: the first it may have happened on, else the day it was recorded.
    pub day: Date,
    /// What became of it.
    pub standing: Standing,
    /// Its status, with the reason: what was ruled out is not what is over.
    pub status: Status,
    /// What is in doubt.
    pub doubts: Vec<FlagCode>,
}

/// The timeline of the entries one viewer may see, the latest first. Rights, decisions, and what
/// should never have been written are not on it.
pub fn timeline(views: &[EntryView]) -> Vec<Moment> {
    let happened = |view: &&EntryView| {
        let business = view.kind.right().is_some()
            || matches!(view.kind, Kind::ReviewDecision | Kind::EmergencySwitches);
        !business && !view.in_error()
    };
    let shown = merge::shown(views);
    let happened = views.iter().filter(happened);
    let happened = happened.map(|view| moment(shown.get(&view.id).unwrap_or(view)));
    let mut moments: Vec<Moment> = happened.collect();
    moments.sort_by_key(|moment| std::cmp::Reverse((moment.day, moment.entry)));
    moments
}

/// Which part of a timeline is asked for; by default all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimelineFilter {
    /// These kinds only; all when empty.
    pub kinds: Vec<Kind>,
    /// Documents of every type, beside the kinds named.
    pub documents: bool,
    /// From this year on.
    pub from: Option<i16>,
    /// Up to the end of this year.
    pub to: Option<i16>,
}

impl TimelineFilter {
    /// Whether a moment is asked for. Its year is that of the day it is put under.
    pub fn takes(&self, moment: &Moment) -> bool {
        let year = moment.day.year();
        let named = self.kinds.contains(&moment.kind);
        let document = self.documents && matches!(moment.kind, Kind::Document(_));
        let every = self.kinds.is_empty() && !self.documents;
        (named || document || every)
            && self.from.is_none_or(|from| from <= year)
            && self.to.is_none_or(|to| year <= to)
    }
}

fn moment(view: &EntryView) -> Moment {
    let occurred = view.kind.happened(view);
    let mut doubts: Vec<FlagCode> = view.flags.iter().map(|flag| flag.code).collect();
    doubts.dedup();
    Moment {
        entry: view.id,
        kind: view.kind.clone(),
        label: view.label.clone(),
        day: occurred.map_or_else(|| recorded(view), |when| when.first_day()),
        occurred,
        standing: view.standing,
        status: view.status.clone(),
        doubts,
    }
}

/// The day the record got it, or the device's when it is not sent yet; UTC.
fn recorded(view: &EntryView) -> Date {
    let ticks = view.recorded.map(|tick| tick.0.cast_signed());
    let own = view
        .created
        .as_ref()
        .map(|stamp| stamp.at.0.saturating_mul(1_000));
    let micros = ticks.or(own).unwrap_or_default();
    let at = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

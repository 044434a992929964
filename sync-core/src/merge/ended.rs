//! Endings that are written as a field: how a pregnancy ended, when a device was taken out, when a
//! condition was over. Against a concurrent edit they count as little as a status that says so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::history::{Field, History, Said};
use super::rules::beside;
use super::{EntryView, FieldClaim, Flag, FlagCode, Rule, Rules};
use crate::ChangeHash;
use crate::entry::{SCHEMA, STATUS, Value};
use crate::kind::{
    JsonScalar as _, Kind, Occurred, PregnancyOutcome, Status, condition, device, pregnancy,
};

/// The fields that say that an entry of a kind is over.
pub(super) fn endings(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pregnancy => &[pregnancy::OUTCOME, pregnancy::ENDED],
        Kind::Device => &[device::REMOVED],
        Kind::Condition => &[condition::ENDED],
        _ => &[],
    }
}

/// Whether writing this under a key ends an entry of a kind; clearing the field does not, nor does
/// an outcome that nobody knows.
pub(super) fn ends(kind: &Kind, key: &str, value: Option<&Value>) -> bool {
    let says = |value: &Value| *value != Value::Null && !is_unknown(key, value);
    endings(kind).contains(&key) && value.is_some_and(says)
}

/// Whether it says of a pregnancy that nobody knows how it ended: then it may not have.
fn is_unknown(key: &str, value: &Value) -> bool {
    key == pregnancy::OUTCOME && value.as_text() == Some(PregnancyOutcome::Unknown.code())
}

/// The endings that stand beside edits whose authors had not seen them, nor were seen: one flag a
/// change, on the field that says it.
pub(super) fn against_edits(
    history: &History<'_>,
    written: &BTreeMap<&str, Field<'_>>,
) -> Vec<Flag> {
    if !history.rules.has(Rule::EndedAgainstEdit) {
        return Vec::new();
    }
    let mut told = BTreeSet::new();
    let mut flags = Vec::new();
    for key in endings(&history.kind) {
        let said = written.get(key).map_or(&[][..], |field| &field.standing);
        let ending = said
            .iter()
            .filter(|said| ends(&history.kind, key, said.value));
        let proposed = written.get(key).map_or(&[][..], |field| &field.proposals);
        for change in ending.map(|said| said.change) {
            let beside = beside(history, change, false);
            // Whether this very field holds anything is in doubt by its own values, but for those
            // that are only proposed.
            let open = |edit: usize| proposed.iter().any(|said| said.change == edit);
            let other = |edit: &usize| !only_clears(history, *edit, key) || open(*edit);
            let beside: Vec<usize> = beside.into_iter().filter(other).collect();
            if !beside.is_empty() && told.insert(change) {
                let all = beside.iter().chain([&change]).map(|one| history.hash(*one));
                flags.push(Flag::new(FlagCode::StatusAgainstEdit, Some(key), all));
            }
        }
    }
    flags
}

fn only_clears(history: &History<'_>, edit: usize, key: &str) -> bool {
    let clears = |value: Option<&Value>| value.is_none_or(|value| *value == Value::Null);
    let mut says = history.says(edit);
    says.all(|write| write.key == SCHEMA || (write.key == key && clears(write.value.as_ref())))
}

/// What says on which day an entry ends, each with the last day that this may be.
pub(super) fn dated_ends(history: &History<'_>) -> Vec<(usize, Date)> {
    let keys = endings(&history.kind);
    let last = |edit: usize| {
        let says = history.says(edit);
        let says = says.filter(|write| keys.contains(&write.key.as_str()));
        let texts = says.filter_map(|write| write.value.as_ref()?.as_text());
        let days = texts.filter_map(|text| text.parse::<Occurred>().ok());
        days.map(|when| when.last_day()).max()
    };
    if keys.is_empty() {
        return Vec::new();
    }
    let dated = (0..history.changes.len()).filter_map(|edit| Some((edit, last(edit)?)));
    dated.collect()
}

/// What says or proposes another end than one that stands, neither author having known of the
/// other's. Who says when a pregnancy ended, and how, or had an outcome in front of them, says that
/// it did.
pub(super) fn other_ends(
    history: &History<'_>,
    written: &BTreeMap<&str, Field<'_>>,
) -> Vec<ChangeHash> {
    if !history.rules.has(Rule::EndedAgainstEdit) {
        return Vec::new();
    }
    let kind = &history.kind;
    let standing = standing_ends(kind, written);
    let mut all = BTreeSet::new();
    for key in endings(kind) {
        let Some(field) = written.get(key) else {
            continue;
        };
        let said = field.standing.iter().chain(&field.proposals);
        let said = said.filter(|said| ends(kind, key, said.value));
        let apart = said.filter(|said| holds_up(history, &standing, said.change));
        all.extend(apart.map(|said| said.change));
    }
    all.into_iter().map(|change| history.hash(change)).collect()
}

/// The changes that say of an entry of a kind, by a field that stands, that it is over.
pub(super) fn standing_ends(kind: &Kind, written: &BTreeMap<&str, Field<'_>>) -> Vec<usize> {
    let ends = endings(kind).iter().flat_map(|key| {
        let said = written.get(key).map_or(&[][..], |field| &field.standing);
        said.iter().filter(|said| ends(kind, key, said.value))
    });
    ends.map(|said| said.change).collect()
}

/// Whether what somebody says of an entry's end holds up one of those that stand: neither author
/// knew of the other's, and they do not say that it is over ([`knows_how`]).
pub(super) fn holds_up(history: &History<'_>, standing: &[usize], change: usize) -> bool {
    let mut standing = standing.iter();
    standing.any(|end| history.concurrent(change, *end)) && !knows_how(history, change)
}

/// Of what says on which day an entry ends, the last word of each author that was written apart from
/// a change: not what they corrected without knowing of that change either. Who ends the entry by a
/// status in the same edit says that it is over; so does who says when a pregnancy ended, and how, or
/// had an outcome in front of them.
pub(super) fn last_apart(
    history: &History<'_>,
    dated: &[(usize, Date)],
    change: usize,
) -> Vec<(usize, Date)> {
    let mut last: Vec<(usize, Date)> = Vec::new();
    let apart = dated
        .iter()
        .filter(|(edit, _)| history.concurrent(change, *edit));
    for (edit, day) in apart {
        let own = |earlier: usize| history.author(earlier) == history.author(*edit);
        last.retain(|(earlier, _)| !(own(*earlier) && history.saw(*edit, *earlier)));
        last.push((*edit, *day));
    }
    last.retain(|(edit, _)| !knows_how(history, *edit) && !closes(history, *edit));
    last
}

/// Whether an edit ends its entry by a status, too.
fn closes(history: &History<'_>, change: usize) -> bool {
    let mut says = history.says(change).filter(|write| write.key == STATUS);
    let status = says.find_map(|write| Status::from_value(write.value.as_ref()?));
    status.is_some_and(|status| !status.status.is_active())
}

/// Whether the last that somebody knew of how a pregnancy ended, with what they say themselves, is an
/// outcome.
fn knows_how(history: &History<'_>, change: usize) -> bool {
    let known = history.last_known(change, pregnancy::OUTCOME);
    let says = |said: &Said<'_>| ends(&history.kind, pregnancy::OUTCOME, said.value);
    !known.is_empty() && known.iter().all(says)
}

/// Whether somebody said under this key that the entry is over by a day: nobody says at the same
/// time that it is not, or only later, nor proposes so without having known, and no edit stands
/// beside it whose author did not know. A partial date counts from its last day on: until then it may
/// not be over.
///
/// Asked of an entry as it is, by whose flags it is known what stands against that, and as it is
/// `shown` ([`super::shown`]): a proposal that was left out holds nothing up.
pub(super) fn is_ended_by(
    rules: Rules,
    (view, shown): (&EntryView, &EntryView),
    key: &str,
    today: Date,
) -> bool {
    let for_certain = rules.has(Rule::EndedForCertain);

    let in_doubt = |flag: &Flag| {
        let field = flag.field.as_deref();
        flag.code == FlagCode::StatusAgainstEdit
            && field.is_some_and(|field| endings(&view.kind).contains(&field))
    };
    let past = |key: &str, claim: &FieldClaim| {
        let date = claim.value.as_text().map(str::parse::<Occurred>);
        let since = |when: Occurred| match for_certain {
            true => when.last_day(),
            false => when.first_day(),
        };
        let past = date.is_some_and(|date| date.is_ok_and(|when| since(when) <= today));
        let unknown = for_certain && is_unknown(key, &claim.value);
        past || (key == pregnancy::OUTCOME && !unknown)
    };
    let mut others = endings(&view.kind).iter().flat_map(|key| {
        let proposed = shown.field(key).map_or(&[][..], |field| &field.proposals);
        let all = view.claims(key).iter().chain(proposed);
        let ends = all.filter(|claim| ends(&view.kind, key, Some(&claim.value)));
        ends.filter(|claim| view.other_ends.contains(&claim.change))
            .map(move |claim| (*key, claim))
    });
    view.is_said(key)
        && view.claims(key).iter().all(|claim| past(key, claim))
        && others.all(|(key, claim)| past(key, claim))
        && !view.flags.iter().any(in_doubt)
}

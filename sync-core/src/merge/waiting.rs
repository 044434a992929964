//! Delegations that do not help anybody yet: there are as many caregivers as a person may have.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{EntryView, FlagCode, Rule, Rules, Viewer, right_fact};
use crate::Tick;
use crate::policy::{Rights, Role};

/// The delegations to caregivers that wait for a place on a day (UTC). To the holder only, who has
/// all rights in front of them.
pub(super) fn for_a_place<'v>(
    rules: Rules,
    views: &'v [EntryView],
    viewer: &Viewer,
    today: Date,
) -> impl Iterator<Item = (FlagCode, &'v EntryView)> {
    let facts = views.iter().filter_map(right_fact);
    let waiting = match viewer.role {
        Role::Holder if rules.has(Rule::CaregiverWaits) => {
            Rights::new(viewer.person, facts).waiting_caregivers(noon(today))
        }
        _ => Vec::new(),
    };
    let waits = move |view: &&EntryView| waiting.contains(&view.id);
    views
        .iter()
        .filter(waits)
        .map(|view| (FlagCode::CaregiverWaits, view))
}

/// The middle of a day: a day is all that is known of the time.
fn noon(today: Date) -> Tick {
    let noon = today.at(12, 0, 0, 0).to_zoned(TimeZone::UTC);
    let micros = noon.map_or(0, |noon| noon.timestamp().as_microsecond());
    Tick(u64::try_from(micros).unwrap_or_default())
}

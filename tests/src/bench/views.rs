//! What a phone derives from a record in its memory: the merge of its entries, the to-review list,
//! and each screen.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use carnet_mobile::face::TimelineQuery;
use serde::Serialize;
use sync_core::EntryId;
use sync_core::merge::{self, EntryView, Viewer};
use sync_core::policy::Role;
use sync_core::views;

use super::figures::{Spread, millis};
use super::world::World;
use crate::life;
use crate::support::SupportError;

/// The most that deriving anything may take, milliseconds.
pub(super) const GOAL: f64 = 20.0;

/// Derives something from all that a person may see.
type Pure<'p> = &'p dyn Fn(&[EntryView]);

/// How long the views of one record take.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ViewTimes {
    /// How many entries it has.
    pub entries: usize,
    /// Each view.
    pub views: Vec<ViewTime>,
}

/// How long one view takes.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ViewTime {
    /// Which.
    pub view: &'static str,
    /// From call to answer.
    pub elapsed: Spread,
    /// This thread's processor time a call, milliseconds; nothing where the system does not tell.
    pub cpu: Option<f64>,
    /// The median as a part of the goal.
    pub ratio: f64,
}

/// Measures them over a life of so many entries, two fifths of them not written by the person.
pub(super) fn measure(
    world: &World,
    entries: usize,
    times: usize,
) -> Result<ViewTimes, SupportError> {
    let holder = world.holder(&world.in_memory("views"))?;
    let copy = &holder.copy;
    let care = entries * 2 / 5;
    let plan = life::Plan::new(1, entries - care);
    let mut names = copy.write_life(&life::Life::generate(&plan), |_| {})?;
    for draft in life::care(1, care) {
        names.push(copy.add(draft)?);
    }
    let held = names.iter().map(|name| Ok((*name, copy.entry(name)?)));
    let held: Vec<(EntryId, _)> = held.collect::<Result<_, SupportError>>()?;
    let states: Vec<_> = held
        .iter()
        .filter_map(|(name, local)| {
            let local = local.as_ref()?;
            Some((*name, local.state(), local.provenance()))
        })
        .collect();
    let all = copy.views()?;
    let today = life::BORN.saturating_add(jiff::Span::new().years(i64::from(life::YEARS)));
    let viewer = Viewer {
        person: copy.person,
        role: Role::Holder,
    };
    let facts = merge::vital(&all, today);
    let record = &copy.record;
    let mut told: Vec<ViewTime> = Vec::new();
    let mut time = |view: &'static str, one: &dyn Fn() -> Result<(), SupportError>| {
        told.push(timed(view, times, one)?);
        Ok::<_, SupportError>(())
    };
    time("merge of every entry", &|| {
        for (name, state, provenance) in &states {
            black_box(merge::view(*name, state, provenance));
        }
        Ok(())
    })?;
    let pure: [(&'static str, Pure<'_>); 10] = [
        ("flags across entries", &|all| {
            drop(black_box(merge::cross_flags(all, today)))
        }),
        ("to-review list", &|all| {
            drop(black_box(merge::review(all, &[], &viewer, today)))
        }),
        ("vital facts", &|all| {
            drop(black_box(merge::vital(all, today)))
        }),
        ("card", &|all| {
            drop(black_box(merge::card(all, &BTreeSet::new(), today)))
        }),
        ("treatments", &|all| {
            drop(black_box(views::treatments(all, &facts, today)))
        }),
        ("problems", &|all| {
            drop(black_box(views::problems(all, today)))
        }),
        ("timeline", &|all| drop(black_box(views::timeline(all)))),
        ("professionals", &|all| {
            drop(black_box(views::professionals_seen(all)))
        }),
        ("documents", &|all| drop(black_box(views::documents(all)))),
        ("directives", &|all| drop(black_box(views::directives(all)))),
    ];
    for (view, one) in pure {
        time(view, &|| {
            one(&all);
            Ok(())
        })?;
    }
    time("screen: list", &|| {
        black_box(record.list(false)?);
        Ok(())
    })?;
    time("screen: treatments", &|| {
        black_box(record.treatments()?);
        Ok(())
    })?;
    time("screen: card", &|| {
        black_box(record.card(Vec::new())?);
        Ok(())
    })?;
    time("screen: timeline, all", &|| {
        black_box(record.timeline(TimelineQuery::default())?);
        Ok(())
    })?;
    Ok(ViewTimes {
        entries: all.len(),
        views: told,
    })
}

fn timed(
    view: &'static str,
    times: usize,
    one: &dyn Fn() -> Result<(), SupportError>,
) -> Result<ViewTime, SupportError> {
    one()?;
    let before = cpu();
    let mut taken: Vec<Duration> = Vec::new();
    for _ in 0..times {
        let started = Instant::now();
        one()?;
        taken.push(started.elapsed());
    }
    let cpu = before
        .zip(cpu())
        .map(|(before, after)| millis(after.saturating_sub(before)) / times as f64);
    let elapsed = Spread::of(&taken);
    Ok(ViewTime {
        view,
        elapsed,
        cpu,
        ratio: elapsed.p50 / GOAL,
    })
}

/// How long this thread has run on a processor, as Linux tells.
fn cpu() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = told.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

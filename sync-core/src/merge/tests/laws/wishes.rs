//! Wishes: the directive in force is the latest by its own date, the trusted person the one named
//! last.

use super::super::random::{Edited, Raw};
use super::ended::{may_be_in_error, sure_error};
use super::look::Look;
use super::*;
use crate::policy::Role;

/// A directive or a revocation as somebody wrote it down.
struct Paper {
    entry: EntryId,
    revocation: bool,
    names: Option<String>,
    /// The first and the last day that its date may stand for.
    date: Option<(String, String)>,
}

fn paper(raw: &Raw<'_>) -> Paper {
    let said = |key: &str| raw.first().wrote_text(key).map(str::to_owned);
    let days = |text: String| match text.len() {
        4 => (format!("{text}-01-01"), format!("{text}-12-31")),
        7 => (format!("{text}-01"), format!("{text}-31")),
        _ => (text.clone(), text),
    };
    Paper {
        entry: raw.entry,
        revocation: said("directive").as_deref() == Some("revocation"),
        names: said("revokes"),
        date: said("occurred").map(days),
    }
}

/// Whether a date is known to the day.
fn is_exact((first, last): &(String, String)) -> bool {
    first == last
}

/// Whether one is certainly of a later date than another.
fn after(one: &Paper, other: &Paper) -> bool {
    let dates = one.date.as_ref().zip(other.date.as_ref());
    dates.is_some_and(|(one, other)| one.0 > other.1)
}

/// Whether a revocation certainly takes a directive back, or perhaps does.
fn takes_back(revocation: &Paper, directive: &Paper) -> (bool, bool) {
    let before = after(directive, revocation);
    match &revocation.names {
        _ if !revocation.revocation || revocation.date.is_none() => (false, false),
        Some(name) if *name == directive.entry.to_string() => (!before, before),
        Some(_) => (false, false),
        None => {
            let later = after(revocation, directive);
            (later, !later && !before)
        }
    }
}

pub fn the_latest_directive_is_in_force(look: &Look<'_>) -> Option<String> {
    let raws = || look.of_kind("advance-directive");
    // Whether something is an error must be certain.
    if raws().any(|raw| may_be_in_error(raw) && sure_error(raw).is_none()) {
        return None;
    }
    let papers: Vec<Paper> = raws()
        .filter(|raw| sure_error(raw).is_none())
        .map(paper)
        .collect();
    let back = |paper: &Paper| papers.iter().any(|one| takes_back(one, paper).0);
    let standing = papers.iter();
    let standing = standing.filter(|one| !one.revocation && one.date.is_some() && !back(one));
    let standing: Vec<&Paper> = standing.collect();
    let latest = standing.iter();
    let latest = latest.filter(|one| !standing.iter().any(|other| after(other, one)));
    let mut in_force: Vec<EntryId> = latest.map(|one| one.entry).collect();
    in_force.sort();
    let told = &look.vital.directives;
    let mut shown = told.in_force.clone();
    shown.sort();
    if shown != in_force {
        return Some(format!("{shown:?} in force, not {in_force:?}"));
    }
    let in_doubt = papers.iter().filter(|one| in_force.contains(&one.entry));
    let perhaps = in_doubt.flat_map(|one| {
        let all = papers.iter();
        all.filter(move |other| takes_back(other, one).1)
    });
    let perhaps: Vec<EntryId> = perhaps.map(|one| one.entry).collect();
    let mut untold = perhaps
        .iter()
        .filter(|entry| !told.unordered.contains(entry));
    let together = [in_force, perhaps.clone()].concat();
    let asked = together.len() < 2 || look.asks(FlagCode::DirectivesSameDate, &together);
    (untold.next().is_some() || !asked).then(|| format!("{together:?} are not in doubt"))
}

/// What is in force asks the holder when one that may be later is not in force because somebody
/// revoked it by name, or says that it should never have been written.
pub fn what_counts_because_another_does_not_asks(look: &Look<'_>) -> Option<String> {
    let raws = || look.of_kind("advance-directive");
    let (wrong, written): (Vec<&Raw<'_>>, Vec<&Raw<'_>>) =
        raws().partition(|raw| sure_error(raw).is_some());
    // Whether something is an error must be certain.
    if written.iter().any(|raw| may_be_in_error(raw)) {
        return None;
    }
    let papers = |raws: &[&Raw<'_>]| -> Vec<Paper> {
        let all = raws.iter().map(|raw| paper(raw));
        all.collect()
    };
    let (wrong, written) = (papers(&wrong), papers(&written));
    let in_force = &look.vital.directives.in_force;
    let in_force = written.iter().filter(|one| in_force.contains(&one.entry));
    let in_force: Vec<&Paper> = in_force.collect();
    let revoked = |paper: &Paper, by_name: bool| {
        let named = |one: &Paper| one.names.is_some() == by_name;
        written
            .iter()
            .any(|one| named(one) && takes_back(one, paper).0)
    };
    let back = written.iter().filter(|paper| revoked(paper, true));
    // What would not be in force anyway needs no question.
    let wrong = wrong.iter().filter(|paper| {
        let overtaken = in_force.iter().any(|one| after(one, paper));
        !overtaken && !revoked(paper, false)
    });
    let gone = back.chain(wrong);
    let mut gone = gone.filter(|paper| !paper.revocation && paper.date.is_some());
    gone.find_map(|paper| {
        let silent = in_force.iter().find(|one| {
            let of_one_day = one.date == paper.date && one.date.as_ref().is_some_and(is_exact);
            let codes = [FlagCode::DirectiveRevived, FlagCode::DirectiveWithdrawn];
            let asked = codes.iter().any(|code| look.asks(*code, &[one.entry]));
            !after(one, paper) && !of_one_day && !asked
        })?;
        Some(format!(
            "{} counts without {} in silence",
            silent.entry, paper.entry
        ))
    })
}

/// Whether the holder had closed a directive, or called it an error, by the last that somebody knew
/// of their words on it.
fn had_ended(raw: &Raw<'_>, by: &Edited) -> bool {
    let said = raw.wrote("status").into_iter();
    let known = said.filter(|own| own.role() == Role::Holder && by.saw(own));
    let known: Vec<&Edited> = known.collect();
    let mut last = known
        .iter()
        .filter(|own| !known.iter().any(|later| later.saw(own)));
    last.any(|own| own.status().is_some_and(|code| code != "active"))
}

/// A status but an error, by somebody else who knew that the holder had ended a directive, stands as
/// their proposal only. Said where the holder takes nothing up.
pub fn what_the_holder_ended_nobody_else_brings_back(look: &Look<'_>) -> Option<String> {
    let errors = ["entered-in-error", "wrong-patient"];
    look.of_kind("advance-directive").find_map(|raw| {
        if raw.edits.iter().any(|edit| edit.accepts_any()) {
            return None;
        }
        let others = raw.wrote("status").into_iter().filter(|edit| {
            let error = edit.status().is_some_and(|code| errors.contains(&&*code));
            edit.role() != Role::Holder && !error
        });
        let claims = look.view(raw.entry).claims("status");
        let mut stands = others.filter(|edit| claims.iter().any(|claim| claim.change == edit.hash));
        let back = stands.find(|edit| had_ended(raw, edit))?;
        Some(format!("edit {} brings {} back", back.place, raw.entry))
    })
}

/// A directive is in force in doubt as long as anybody's last word of it is that it counts no more,
/// and nobody decided on it.
pub fn what_may_not_count_is_in_doubt(look: &Look<'_>) -> Option<String> {
    let told = &look.vital.directives;
    let raws = look.of_kind("advance-directive");
    let mut in_force = raws.filter(|raw| told.in_force.contains(&raw.entry));
    in_force.find_map(|raw| {
        let open = |edit: &&Edited| {
            let mut later = raw.edits.iter().filter(|later| later.saw(edit));
            let ends = edit.status().is_some_and(|code| code != "active");
            ends && !later.any(|later| later.accepts_any())
        };
        let last = raw.last("status").into_iter().find(open)?;
        let silent = told.doubts(&raw.entry).is_empty() && !look.is_decided(raw.entry);
        silent.then(|| format!("{} counts against edit {}", raw.entry, last.place))
    })
}

/// Naming somebody replaces for good whom one knew to be named; two named apart are both shown.
/// Said only of those of whose status nobody ever wrote, and of who replaces them for certain.
pub fn the_trusted_person_is_named_last(look: &Look<'_>) -> Option<String> {
    let raws = || look.of_kind("trusted-person");
    let plain = |raw: &&Raw<'_>| raw.wrote("status").len() == 1 && raw.was_never_ended();
    let shown: Vec<EntryId> = look
        .vital
        .trusted_persons
        .iter()
        .map(|one| one.entry)
        .collect();
    let replaced = raws().filter(plain).find(|raw| {
        let mut others = raws().filter(|other| !may_be_in_error(other));
        others.any(|other| other.first().saw(raw.first())) && shown.contains(&raw.entry)
    });
    if let Some(raw) = replaced {
        return Some(format!("{} was replaced", raw.entry));
    }
    let apart = raws().filter(plain);
    let apart = apart.filter(|raw| !raws().any(|other| other.first().saw(raw.first())));
    let apart: Vec<EntryId> = apart.map(|raw| raw.entry).collect();
    let missing = apart.iter().find(|entry| !shown.contains(entry));
    let asked = apart.len() < 2 || look.asks(FlagCode::TrustedPersonDisputed, &apart);
    (missing.is_some() || !asked).then(|| format!("{shown:?}, not {apart:?}"))
}

//! What counts: nothing leaves the vital facts but by the word of whoever may end it.

use super::super::random::Edited;
use super::ended::{
    edits_beside, ends, is_surely_over, may_be_in_error, must_count, shows_danger, stands_refuted,
    sure_error,
};
use super::look::Look;
use super::*;
use crate::entry::Value;

/// The kinds that are listed among the vital facts as long as they count.
const LISTED: [&str; 5] = [
    "allergy",
    "medication-taken",
    "condition",
    "device",
    "pregnancy",
];

fn facts<'l, 'w>(look: &'l Look<'w>) -> impl Iterator<Item = &'l super::super::random::Raw<'w>> {
    let all = look.raws.iter();
    all.filter(|raw| LISTED.contains(&raw.kind.as_str()) && !raw.states_none())
}

/// A fact that nobody entitled ended, or beside whose end an edit stands, is among the vital facts;
/// in the latter case in doubt.
pub fn what_nobody_rightly_ended_counts(look: &Look<'_>) -> Option<String> {
    facts(look).filter(|raw| must_count(raw)).find_map(|raw| {
        if !look.is_vital(raw.entry) {
            return Some(format!("{} {} is not vital", raw.kind, raw.entry));
        }
        // An end of a clinician's that stands beside an edit is in front of whoever looks.
        let all = ends(raw);
        let last = |key: &str| raw.last(key);
        let mut doubted = all.iter().filter(|end| {
            let stands = last(end.key).iter().any(|edit| edit.place == end.by.place);
            let beside = raw.edits.iter().any(|edit| edits_beside(raw, end, edit));
            raw.confirms(end.by) && stands && beside
        });
        let view = look.view(raw.entry);
        (doubted.next().is_some() && view.flags.is_empty())
            .then(|| format!("{} {} is not in doubt", raw.kind, raw.entry))
    })
}

/// What somebody entitled ended, who knew everything, is gone; so is what a clinician refuted and
/// beside which nobody showed a danger, and a treatment whose only regimen ended long ago.
pub fn what_was_rightly_ended_is_gone(look: &Look<'_>) -> Option<String> {
    facts(look).find_map(|raw| {
        let regimens = raw.wrote("regimen");
        let mut since = raw.edits.iter().skip(1);
        let spent = regimens.len() == 1
            && raw.was_never_ended()
            && since.all(|edit| edit.status().is_none())
            && regimens[0].wrote_text("regimen")?.contains("\"ends\"");
        let refuted = stands_refuted(raw);
        // What somebody decided on apart from that is settled by neither.
        let name = raw.entry.to_string();
        let crossed = look.of_kind("review-decision").any(|decision| {
            let by = decision.first();
            let named = by
                .wrote_text("item")
                .is_some_and(|item| item.contains(&name));
            named && raw.edits.iter().any(|edit| edit.apart(by))
        });
        if !crossed
            && look.is_vital(raw.entry)
            && (spent || refuted.is_some() || is_surely_over(raw))
        {
            return Some(format!("{} {} is over", raw.kind, raw.entry));
        }
        let end = refuted?;
        let mut beside = raw
            .edits
            .iter()
            .filter(|edit| edits_beside(raw, &end, edit));
        let open = beside.next().is_some() && !may_be_in_error(raw);
        (open && !look.asks(FlagCode::RefutedAgainstEdit, &[raw.entry]))
            .then(|| format!("{} {} is refuted in silence", raw.kind, raw.entry))
    })
}

/// A treatment of which somebody says that it is active, by their own word or as a proposal, without
/// knowing of the last day of its regimen nor being known of, and which nobody ended, stays among the
/// vital facts until somebody knows of that.
pub fn what_is_said_to_go_on_counts(look: &Look<'_>) -> Option<String> {
    let open = look.of_kind("medication-taken").filter(|raw| {
        let regimens = raw.last("regimen");
        let unanswered = |edit: &Edited| !raw.edits.iter().any(|later| later.saw(edit));
        let mut goes_on = raw.edits.iter().filter(|edit| {
            edit.status().as_deref() == Some("active")
                && regimens.iter().all(|regimen| edit.apart(regimen))
                && unanswered(edit)
        });
        raw.was_never_ended() && !look.is_decided(raw.entry) && goes_on.next().is_some()
    });
    let mut gone = open.filter(|raw| !look.is_vital(raw.entry));
    gone.next()
        .map(|raw| format!("{} is said to go on, and gone", raw.entry))
}

/// What somebody says or proposes to end on a day to come, who knew of nobody else's word on that nor
/// was known of, and which no status ended for good, is among the vital facts until somebody knows
/// of that.
pub fn what_is_said_to_end_later_counts(look: &Look<'_>) -> Option<String> {
    let kinds = [("condition", "ended"), ("device", "removed")];
    let mut gone = kinds.iter().flat_map(|(kind, key)| {
        look.of_kind(kind).filter(move |raw| {
            let others = raw.wrote(key);
            let unanswered = |edit: &Edited| !raw.edits.iter().any(|later| later.saw(edit));
            let mut later = others.iter().filter(|edit| {
                let to_come = edit.wrote_text(key).is_some_and(|day| day > "2024-11");
                let alone = |other: &&Edited| other.place == edit.place || edit.apart(other);
                to_come && others.iter().all(alone) && unanswered(edit)
            });
            // Nobody knows of the end to come who ends it by a status; a refutation or an error may
            // count all the same.
            let codes = ["active", "inactive", "resolved"];
            let mut statuses = raw.edits.iter().filter_map(|edit| edit.status());
            let open = statuses.all(|code| codes.contains(&code.as_str()));
            let apart = |later: &&&Edited| {
                let mut ends = raw.edits.iter();
                ends.all(|end| end.status().is_none_or(|code| code == "active") || end.apart(later))
            };
            open && !look.is_decided(raw.entry)
                && later.find(apart).is_some()
                && !look.is_vital(raw.entry)
        })
    });
    gone.next()
        .map(|raw| format!("{} {} is to end later, and gone", raw.kind, raw.entry))
}

/// What two people settled in two ways, and nobody since, is among the vital facts, in doubt, unless
/// one of them said that it should never have been written.
pub fn what_was_settled_in_two_ways_counts(look: &Look<'_>) -> Option<String> {
    let facts = facts(look).filter(|raw| !look.view(raw.entry).in_error());
    let mut contested = facts.filter(|raw| {
        let mut items = look.review.iter();
        items.any(|item| {
            item.code == FlagCode::DecidedDifferently && item.entries.contains(&raw.entry)
        })
    });
    contested
        .find(|raw| !look.is_vital(raw.entry))
        .map(|raw| format!("{} {} is gone", raw.kind, raw.entry))
}

/// A danger that somebody wrote into an allergy they had seen ended brings it back or to review.
pub fn a_danger_after_the_end_asks(look: &Look<'_>) -> Option<String> {
    let open = look.of_kind("allergy").filter(|raw| !may_be_in_error(raw));
    let mut open = open.filter(|raw| !look.is_vital(raw.entry) && !raw.states_none());
    open.find_map(|raw| {
        let answered = |end: &Edited| {
            let mut later = raw.edits.iter().filter(|later| later.saw(end));
            later.any(|later| later.wrote("status").is_some() || later.accepts_any())
        };
        let ended = raw.confirming().find(|edit| {
            let over = edit.status().is_some_and(|code| code != "active");
            let mut later = raw.edits.iter().filter(|later| later.saw(edit));
            over && !answered(edit) && later.any(|later| shows_danger(raw, later))
        })?;
        (!look.asks(FlagCode::DangerAfterEnding, &[raw.entry]))
            .then(|| format!("{} ended by edit {}", raw.entry, ended.place))
    })
}

/// What was entered in error is in no view, and what somebody wrote beside it is to review.
pub fn errors_are_out(look: &Look<'_>) -> Option<String> {
    look.raws.iter().find_map(|raw| {
        let error = sure_error(raw)?;
        let view = look.view(raw.entry);
        let groups = match &look.vital.blood_group {
            BloodGroupFact::Discordant(all) => all.iter().any(|(entry, _)| *entry == raw.entry),
            _ => false,
        };
        let directives = &look.vital.directives;
        let shown = look.is_vital(raw.entry)
            || groups
            || directives.in_force.contains(&raw.entry)
            || crate::views::timeline(&look.views)
                .iter()
                .any(|line| line.entry == raw.entry);
        if !view.in_error() || shown {
            return Some(format!("{} {} is an error", raw.kind, raw.entry));
        }
        let end = ends(raw)
            .into_iter()
            .find(|end| end.by.place == error.place)?;
        // A remark on a block is no reason to look at it again.
        let mut edits = raw.edits.iter().filter(|_| raw.kind != "block");
        let beside = edits.any(|edit| edits_beside(raw, &end, edit));
        (beside && !look.asks(FlagCode::EditedWhileInError, &[raw.entry]))
            .then(|| format!("what was written into {} is not to review", raw.entry))
    })
}

/// “No known allergy” is never shown beside an allergy that counts, and is contradicted by one
/// that its author did not know of.
pub fn none_known_beside_no_allergy(look: &Look<'_>) -> Option<String> {
    let all = || look.of_kind("allergy");
    let mut count = all().filter(|raw| !raw.states_none() && must_count(raw));
    if let Some(raw) = count.next()
        && (look.vital.no_known_allergy || look.card.facts.no_known_allergy)
    {
        return Some(format!("none known beside {}", raw.entry));
    }
    // What says nothing of a category is about all of them.
    let plain = |raw: &&super::super::random::Raw<'_>| {
        raw.was_never_ended() && raw.wrote("category").is_empty() && !may_be_in_error(raw)
    };
    let mut statements = all().filter(|raw| raw.states_none()).filter(plain);
    statements.find_map(|none| {
        let unknown = |raw: &&super::super::random::Raw<'_>| {
            let knew = |edit: &&Edited| edit.saw(raw.first());
            !raw.states_none() && !none.edits.iter().any(knew)
        };
        let mut allergies = all().filter(plain).filter(unknown);
        allergies
            .find(|raw| {
                !look.asks(
                    FlagCode::NoKnownAllergyContradicted,
                    &[none.entry, raw.entry],
                )
            })
            .map(|raw| format!("{} does not contradict {}", raw.entry, none.entry))
    })
}

/// A pregnancy counts as one up to the 42nd day after its due date: here until 24 August.
pub fn pregnancies_long_past_are_to_confirm(look: &Look<'_>) -> Option<String> {
    let wrong = look.vital.pregnancies.iter().find(|fact| {
        let raws = look.raws.iter();
        let mut raw = raws.filter(|raw| raw.entry == fact.entry);
        let due = raw.next().map(|raw| raw.wrote("due")).unwrap_or_default();
        let due = due
            .into_iter()
            .filter_map(|edit| edit.wrote("due").flatten());
        let due: Vec<&str> = due.filter_map(Value::as_text).collect();
        let past = |day: &&str| **day < *"2024-08-24";
        let cards = &look.card.facts.pregnancies;
        let carded = cards.iter().any(|one| one.entry == fact.entry);
        let all_past = due.iter().all(past);
        let none_past = !due.iter().any(past);
        (all_past && (!fact.to_confirm || carded)) || (none_past && fact.to_confirm)
    });
    wrong.map(|fact| format!("{fact:?}"))
}

/// A clinician's *wrong patient* destroys, and an author's where nobody else wrote; nobody's else
/// destroys what others wrote.
pub fn only_clinicians_destroy_what_others_wrote(look: &Look<'_>) -> Option<String> {
    let spared = ["review-decision", "emergency-switches"];
    let raws = look.raws.iter();
    let mut raws = raws.filter(|raw| !raw.is_right() && !spared.contains(&raw.kind.as_str()));
    raws.find_map(|raw| {
        let clinicians = |edit: &Edited| edit.role().is_clinician() && raw.confirms(edit);
        let marks = raw
            .edits
            .iter()
            .filter(|edit| edit.status().as_deref() == Some("wrong-patient"));
        let marks: Vec<&Edited> = marks.copied().collect();
        let answered = |mark: &Edited| {
            let mut later = raw.edits.iter().filter(|later| later.saw(mark));
            later.any(|later| later.wrote("status").is_some() || later.accepts_any())
        };
        let author = raw.first().person();
        let alone = raw.edits.iter().all(|edit| edit.person() == author);
        let must = |mark: &&Edited| (clinicians(mark) || alone) && !answered(mark);
        let nobodys = !alone
            && !marks.iter().any(|mark| clinicians(mark))
            && !raw.edits.iter().any(|edit| edit.accepts_any());
        let destroyed = look.destroyed.contains(&raw.entry);
        let wrong = (marks.iter().any(must) && !destroyed) || (nobodys && destroyed);
        wrong.then(|| format!("{} {}: destroyed {destroyed}", raw.kind, raw.entry))
    })
}

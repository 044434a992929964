//! How the trace puts things.

use std::collections::BTreeMap;

use sync_core::EntryId;
use sync_core::authority::Page;
use sync_core::replica::Report;
use sync_core::sync::{SyncAnswer, Verdict};

use crate::checks::short;
use crate::keeper::Judgement;

/// Nothing happened.
pub const NOTHING: &str = "nothing new";

/// What a history calls an entry.
pub fn name(entry: &EntryId, names: &BTreeMap<EntryId, String>) -> String {
    names
        .get(entry)
        .cloned()
        .unwrap_or_else(|| entry.to_string())
}

/// What became of edits.
pub fn judged(judged: &[Judgement], names: &BTreeMap<EntryId, String>) -> String {
    let words = judged.iter().map(|judgement| {
        let verdict = match judgement.verdict {
            Verdict::Accepted(_) => "accepted".to_owned(),
            Verdict::Duplicate(_) => "known".to_owned(),
            Verdict::Held(why) => format!("held, {why:?}"),
            Verdict::Refused(why) => format!("refused, {why:?}"),
        };
        let entry = name(&judgement.edit.entry, names);
        format!("{} of {entry} {verdict}", short(&judgement.change))
    });
    joined(words.collect())
}

/// What an answer tells.
pub fn given(answer: &SyncAnswer, page: &Page, names: &BTreeMap<EntryId, String>) -> String {
    let mut words = Vec::new();
    let given = page.entries.keys().map(|entry| name(entry, names));
    let given: Vec<String> = given.collect();
    if answer.reset {
        words.push("starts over".to_owned());
    }
    if !given.is_empty() {
        words.push(format!("gives {}", given.join(" ")));
    }
    words.extend(forgets(answer, names));
    if answer.more {
        words.push("more to come".to_owned());
    }
    joined(words)
}

/// What an answer changed on a device.
pub fn taken(answer: &SyncAnswer, report: &Report, names: &BTreeMap<EntryId, String>) -> String {
    let listed = |entries: &mut dyn Iterator<Item = &EntryId>| {
        let entries: Vec<String> = entries.map(|entry| name(entry, names)).collect();
        entries.join(" ")
    };
    let mut words = Vec::new();
    if answer.reset {
        words.push("starts over".to_owned());
    }
    if !report.changed.is_empty() {
        words.push(format!("changed {}", listed(&mut report.changed.iter())));
    }
    if !report.gone.is_empty() {
        words.push(format!("gone {}", listed(&mut report.gone.iter())));
    }
    let aside = report.aside.iter();
    words.extend(aside.map(|a| format!("{} set aside, {:?}", short(&a.change), a.why)));
    if answer.more {
        words.push("more to come".to_owned());
    }
    joined(words)
}

fn forgets(answer: &SyncAnswer, names: &BTreeMap<EntryId, String>) -> Option<String> {
    let entries: Vec<String> = answer.forget.iter().map(|e| name(e, names)).collect();
    (!entries.is_empty()).then(|| format!("must forget {}", entries.join(" ")))
}

fn joined(words: Vec<String>) -> String {
    match words.as_slice() {
        [] => NOTHING.to_owned(),
        words => words.join("; "),
    }
}

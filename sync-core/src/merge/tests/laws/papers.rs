//! Documents and contacts: the same bytes are one document, numbers come in order.

use std::collections::BTreeSet;

use super::super::random::Raw;
use super::look::Look;
use super::*;

/// What makes two documents one: their type and their bytes.
fn bytes(raw: &Raw<'_>) -> Option<(String, String)> {
    let content = raw.first().wrote_text("content")?;
    let json: serde_json::Value = serde_json::from_str(content).ok()?;
    Some((raw.kind.clone(), json.get("hash")?.as_str()?.to_owned()))
}

/// Documents of the same bytes are one; it is current unless somebody who knew one of them replaced
/// it. Said of records none of whose documents was ever ended.
pub fn documents_are_one_and_replaced(look: &Look<'_>) -> Option<String> {
    let all = || {
        look.raws
            .iter()
            .filter(|raw| raw.kind.starts_with("document/"))
    };
    if !all().all(Raw::was_never_ended) {
        return None;
    }
    let replaced = |parent: &Raw<'_>| {
        let name = parent.entry.to_string();
        all().any(|child| {
            let names = child.first().wrote_text("replaces") == Some(&name);
            names && child.first().saw(parent.first())
        })
    };
    let expected: BTreeSet<(Vec<EntryId>, bool)> = all()
        .map(|one| {
            let same = || all().filter(|other| bytes(other) == bytes(one));
            let entries = same().map(|raw| raw.entry).collect();
            (entries, !same().any(replaced))
        })
        .collect();
    let shown = look.documents.iter().map(|group| {
        let entries: BTreeSet<EntryId> = group.entries.iter().copied().collect();
        (entries.into_iter().collect(), group.current)
    });
    let shown: BTreeSet<(Vec<EntryId>, bool)> = shown.collect();
    (shown != expected).then(|| format!("{shown:?}, not {expected:?}"))
}

/// The numbers of a contact come in the order in which to call them.
pub fn numbers_come_in_order(look: &Look<'_>) -> Option<String> {
    let contacts = look
        .vital
        .contacts
        .iter()
        .chain(&look.vital.trusted_persons);
    let mut contacts = contacts.filter(|fact| {
        let ranks = fact.phones.iter().map(|phone| phone.rank);
        // Two ranks of one number leave it open.
        let numbers: BTreeSet<&str> = fact.phones.iter().map(|phone| &*phone.number).collect();
        numbers.len() == fact.phones.len() && !ranks.is_sorted()
    });
    contacts.next().map(|fact| format!("{fact:?}"))
}

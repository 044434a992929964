//! Names of people, as far as the server lets this person know them; kept for when it is away.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sync_core::merge::EntryView;
use sync_core::{EntryId, PersonId, RecordId, Tick};

use crate::device::Device;
use crate::driver::{Method, signed_call};
use crate::error::Error;
use crate::store::{RecordRows, Shelf, Store, StoreError, Unlocked};

/// Somebody with their name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The person.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Their verified profession.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profession: Option<String>,
    /// The server is still to be asked for them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asking: bool,
}

impl Named {
    /// Somebody of whom nothing is known yet.
    fn stranger(person: &PersonId) -> Self {
        Named {
            person: *person,
            name: String::new(),
            profession: None,
            asking: true,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct People {
    people: Vec<Named>,
    /// The tick after which there is more.
    #[serde(default)]
    next: Option<u64>,
}

/// The names known on this device, of a record and of the person signed in.
///
/// # Errors
/// When the store is broken.
pub fn names(
    store: &mut Store,
    profile: &Unlocked,
    record: &RecordId,
) -> Result<BTreeMap<PersonId, String>, StoreError> {
    let mut names = BTreeMap::from([(profile.card.person, profile.card.name.clone())]);
    if let Some(card) = store.record(profile, record)? {
        names.insert(card.holder, card.name);
    }
    let named: Vec<Named> = store.rows(profile, record).notes(Shelf::People)?;
    let named = named.into_iter().filter(|named| !named.name.is_empty());
    names.extend(named.map(|named| (named.person, named.name)));
    Ok(names)
}

/// Notes the people whom these entries name and this device does not know. If there is anybody to
/// ask the server for, gives the tick after which the entries that name them were written.
fn note_strangers(
    store: &mut Store,
    profile: &Unlocked,
    record: &RecordId,
    changed: &BTreeSet<EntryId>,
) -> Result<Option<Tick>, Error> {
    let named = names(store, profile, record)?;
    let views = store.views(profile, record)?;
    let changed: Vec<&EntryView> = changed.iter().filter_map(|id| views.find(id)).collect();
    let met = people_in(changed.iter().copied());
    let mut rows = store.rows(profile, record);
    let noted: Vec<Named> = rows.notes(Shelf::People)?;
    let known: BTreeSet<PersonId> = noted.iter().map(|named| named.person).collect();
    let is_new = |person: &&PersonId| !named.contains_key(person) && !known.contains(person);
    let strangers: Vec<Named> = met.iter().filter(is_new).map(Named::stranger).collect();
    if noted.iter().any(|named| named.asking) {
        store.with_replica(profile, record, |_, rows| put(rows, &strangers))?;
        return Ok(Some(Tick(0)));
    }
    let unknown: BTreeSet<PersonId> = strangers.iter().map(|named| named.person).collect();
    let since = changed
        .into_iter()
        .filter(|view| !people_in(std::iter::once(*view)).is_disjoint(&unknown))
        .map(|view| view.edited.as_ref().and_then(|stamp| stamp.accepted))
        .map(|written| Tick(written.map_or(0, |tick| tick.0.saturating_sub(1))))
        .min();
    if since.is_some() {
        store.with_replica(profile, record, |_, rows| put(rows, &strangers))?;
    }
    Ok(since)
}

fn put(rows: &mut RecordRows<'_>, people: &[Named]) -> Result<(), Error> {
    for named in people {
        rows.put_note(Shelf::People, named.person.as_bytes(), 0, named)?;
    }
    Ok(())
}

/// Asks the server for names when entries that changed name somebody new. The server logs the
/// question, so it is not asked for nothing; its failing is no error, a name being a comfort, and
/// it is asked again after the next sync.
///
/// # Errors
/// When the store is broken.
pub async fn learn_names(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
    changed: &BTreeSet<EntryId>,
) -> Result<(), Error> {
    let Some(since) = note_strangers(&mut device.store(), profile, record, changed)? else {
        return Ok(());
    };
    let (mut told, mut next) = (Vec::new(), Some(since.0));
    while let Some(since) = next {
        let path = format!("/v1/records/{record}/people?since={since}");
        let asked = signed_call::<(), People>(device, profile, Method::Get, &path, None);
        let Ok(People { people, next: on }) = asked.await else {
            return Ok(());
        };
        told.extend(people);
        // It only goes on.
        next = on.filter(|on| *on > since);
    }
    device.store().with_replica(profile, record, |_, rows| {
        put(rows, &told)?;
        // Whom the server does not know stays without a name, and is not asked for again.
        let told: BTreeSet<PersonId> = told.iter().map(|named| named.person).collect();
        let mut noted: Vec<Named> = rows.notes(Shelf::People)?;
        noted.retain(|named| named.asking && !told.contains(&named.person));
        noted.iter_mut().for_each(|named| named.asking = false);
        put(rows, &noted)
    })
}

fn people_in<'v>(views: impl Iterator<Item = &'v EntryView> + Clone) -> BTreeSet<PersonId> {
    let stamps = views.clone().flat_map(|view| {
        let claims = view.fields.iter().flat_map(|field| &field.claims);
        let by = claims.filter_map(|claim| claim.by.as_ref());
        by.chain(&view.created).chain(&view.edited)
    });
    let authors = stamps.flat_map(|stamp| [Some(stamp.author), stamp.on_behalf_of]);
    let named = views.filter_map(|view| {
        let person = &view.claims(sync_core::entry::PERSON).first()?.value;
        person.as_text()?.parse().ok()
    });
    authors.flatten().chain(named).collect()
}

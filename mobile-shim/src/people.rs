//! Names of people, as far as the server lets this person know them; kept for when it is away.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sync_core::merge::EntryView;
use sync_core::{PersonId, RecordId};

use crate::device::Device;
use crate::driver::{Method, json_call, token};
use crate::error::Error;
use crate::store::{Shelf, Store, StoreError, Unlocked};

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
}

#[derive(Deserialize)]
struct People {
    people: Vec<Named>,
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

/// The people that entries name and this device has not asked the server for yet.
fn strangers(
    store: &mut Store,
    profile: &Unlocked,
    record: &RecordId,
) -> Result<BTreeSet<PersonId>, StoreError> {
    let known = names(store, profile, record)?;
    let mut rows = store.rows(profile, record);
    let asked: Vec<Named> = rows.notes(Shelf::People)?;
    let asked: BTreeSet<PersonId> = asked.into_iter().map(|named| named.person).collect();
    let people = people_in(&rows.views()?).into_iter();
    Ok(people
        .filter(|person| !known.contains_key(person) && !asked.contains(person))
        .collect())
}

/// Asks the server for names when an entry names somebody new. The server logs the question,
/// so it is not asked for nothing; its failing is no error, a name being a comfort.
///
/// # Errors
/// When the store is broken.
pub async fn learn_names(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
) -> Result<(), Error> {
    let strangers = strangers(&mut device.store(), profile, record)?;
    if strangers.is_empty() {
        return Ok(());
    }
    let Ok(token) = token(device, profile) else {
        return Ok(());
    };
    let path = format!("/v1/records/{record}/people");
    let asked = json_call::<(), People>(
        device.transport(),
        Method::Get,
        &profile.card.server,
        &path,
        Some(&token),
        None,
    );
    let Ok(told) = asked.await else {
        return Ok(());
    };
    let mut store = device.store();
    store.with_replica(profile, record, |_, rows| {
        for named in &told.people {
            rows.put_note(Shelf::People, named.person.as_bytes(), 0, named)?;
        }
        // Whom the server does not know is noted without a name, so as not to be asked for again.
        let told: BTreeSet<PersonId> = told.people.iter().map(|named| named.person).collect();
        for person in strangers.difference(&told) {
            let nameless = Named {
                person: *person,
                name: String::new(),
                profession: None,
            };
            rows.put_note(Shelf::People, person.as_bytes(), 0, &nameless)?;
        }
        Ok::<_, Error>(())
    })
}

fn people_in(views: &[EntryView]) -> BTreeSet<PersonId> {
    let stamps = views.iter().flat_map(|view| {
        let claims = view.fields.iter().flat_map(|field| &field.claims);
        let by = claims.filter_map(|claim| claim.by.as_ref());
        by.chain(&view.created).chain(&view.edited)
    });
    let authors = stamps.flat_map(|stamp| [Some(stamp.author), stamp.on_behalf_of]);
    let named = views.iter().filter_map(|view| {
        let person = &view.claims(sync_core::entry::PERSON).first()?.value;
        person.as_text()?.parse().ok()
    });
    authors.flatten().chain(named).collect()
}

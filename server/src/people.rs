//! The directory of people: holders, caregivers, professionals. All that identifies somebody is
//! sealed; an INS or RPPS number finds its person by a blind index.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sync_core::identity::{IdentityTraits, Ins, Rpps};
use sync_core::policy::Profession;
use sync_core::{PersonId, Tick};
use uuid::Uuid;

use crate::fault::Fault;
use crate::keys::{Keys, Place};
use crate::storage::schema::identity::people;

/// What is known of a person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Family name, as the person is called.
    pub family_name: String,
    /// Given names.
    pub given_names: String,
    /// National health identity, of somebody who has a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ins: Option<Ins>,
    /// The traits that go with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traits: Option<IdentityTraits>,
    /// What makes them a health professional, if they are one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub professional: Option<Professional>,
}

/// A verified health professional.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Professional {
    /// Number in the shared directory of professionals.
    pub rpps: Rpps,
    /// The verified profession.
    pub profession: Profession,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(..)")
    }
}

impl Person {
    /// The name to show: given names, then family name.
    pub fn name(&self) -> String {
        format!("{} {}", self.given_names, self.family_name)
    }
}

/// Adds a person. Whoever calls has looked first whether the person is there: a second one with
/// the same INS or RPPS is refused by the store.
pub fn add(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    person: &Person,
) -> Result<PersonId, Fault> {
    let mut random = [0; 10];
    getrandom::fill(&mut random)?;
    let id = PersonId(uuid::Builder::from_unix_timestamp_millis(now.0 / 1000, &random).into_uuid());
    add_as(connection, keys, now, id, person)?;
    Ok(id)
}

/// As [`add`], under an identifier that is there already.
pub(crate) fn add_as(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    id: PersonId,
    person: &Person,
) -> Result<(), Fault> {
    diesel::insert_into(people::table)
        .values((
            people::person_id.eq(id.as_bytes().as_slice()),
            people::sealed.eq(seal(keys, id, person)?),
            people::created.eq(now.0.cast_signed()),
            indexes(keys, person),
        ))
        .execute(connection)?;
    Ok(())
}

/// Replaces what is known of a person who is there.
pub fn update(
    connection: &mut SqliteConnection,
    keys: &Keys,
    id: PersonId,
    person: &Person,
) -> Result<(), Fault> {
    diesel::update(people::table.find(id.as_bytes().as_slice()))
        .set((
            people::sealed.eq(seal(keys, id, person)?),
            indexes(keys, person),
        ))
        .execute(connection)?;
    Ok(())
}

/// A person.
pub fn find(
    connection: &mut SqliteConnection,
    keys: &Keys,
    id: PersonId,
) -> Result<Option<Person>, Fault> {
    Ok(find_all(connection, keys, &[id])?
        .pop()
        .map(|(_, person)| person))
}

/// Those of the people asked for that exist, in no order.
pub fn find_all(
    connection: &mut SqliteConnection,
    keys: &Keys,
    ids: &[PersonId],
) -> Result<Vec<(PersonId, Person)>, Fault> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(500) {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = people::table
            .filter(people::person_id.eq_any(some.iter().map(|id| id.as_bytes().as_slice())))
            .select((people::person_id, people::sealed))
            .load(connection)?;
        for (id, sealed) in rows {
            let id = person_id(&id)?;
            found.push((id, open(keys, id, &sealed)?));
        }
    }
    Ok(found)
}

/// The people after one, in the order of their names.
pub fn after(
    connection: &mut SqliteConnection,
    after: Option<PersonId>,
    limit: u32,
) -> Result<Vec<PersonId>, Fault> {
    let after = after.map_or_else(Vec::new, |person| person.as_bytes().to_vec());
    let found: Vec<Vec<u8>> = people::table
        .filter(people::person_id.gt(after))
        .order(people::person_id)
        .limit(limit.into())
        .select(people::person_id)
        .load(connection)?;
    found.iter().map(|id| person_id(id)).collect()
}

/// Whether a person is filed under the numbers and the profession that are theirs.
pub fn is_filed(
    connection: &mut SqliteConnection,
    keys: &Keys,
    id: PersonId,
    person: &Person,
) -> Result<bool, Fault> {
    let filed: (Option<Vec<u8>>, Option<Vec<u8>>, Option<String>) = people::table
        .find(id.as_bytes().as_slice())
        .select((people::ins_blind, people::rpps_blind, people::profession))
        .first(connection)?;
    let theirs = indexes(keys, person);
    Ok(filed == (theirs.ins_blind, theirs.rpps_blind, theirs.profession))
}

/// The verified profession of a person; none for those who have none, or do not exist.
pub fn profession(
    connection: &mut SqliteConnection,
    id: PersonId,
) -> Result<Option<Profession>, Fault> {
    let text: Option<Option<String>> = people::table
        .find(id.as_bytes().as_slice())
        .select(people::profession)
        .first(connection)
        .optional()?;
    text.flatten()
        .map(|text| {
            serde_json::from_value(serde_json::Value::String(text))
                .map_err(|_| Fault::malformed("people.profession"))
        })
        .transpose()
}

/// Whether there is such a person.
pub fn is_known(connection: &mut SqliteConnection, id: PersonId) -> Result<bool, Fault> {
    let found = diesel::select(diesel::dsl::exists(
        people::table.find(id.as_bytes().as_slice()),
    ));
    Ok(found.get_result(connection)?)
}

/// The person with this INS.
pub fn find_by_ins(
    connection: &mut SqliteConnection,
    keys: &Keys,
    ins: &Ins,
) -> Result<Option<PersonId>, Fault> {
    find_where(connection, people::ins_blind.eq(Some(ins_blind(keys, ins))))
}

/// The professional with this RPPS number.
pub fn find_by_rpps(
    connection: &mut SqliteConnection,
    keys: &Keys,
    rpps: &Rpps,
) -> Result<Option<PersonId>, Fault> {
    find_where(
        connection,
        people::rpps_blind.eq(Some(rpps_blind(keys, rpps))),
    )
}

fn find_where<P>(connection: &mut SqliteConnection, wanted: P) -> Result<Option<PersonId>, Fault>
where
    P: diesel::BoxableExpression<
            people::table,
            diesel::sqlite::Sqlite,
            SqlType = diesel::sql_types::Nullable<diesel::sql_types::Bool>,
        > + 'static,
{
    let found: Option<Vec<u8>> = people::table
        .filter(Box::new(wanted) as Box<dyn BoxableExpression<_, _, SqlType = _>>)
        .select(people::person_id)
        .first(connection)
        .optional()?;
    found.map(|id| person_id(&id)).transpose()
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = people, treat_none_as_null = true)]
struct Indexes {
    ins_blind: Option<Vec<u8>>,
    rpps_blind: Option<Vec<u8>>,
    profession: Option<String>,
}

fn indexes(keys: &Keys, person: &Person) -> Indexes {
    let professional = person.professional.as_ref();
    Indexes {
        ins_blind: person.ins.as_ref().map(|ins| ins_blind(keys, ins)),
        rpps_blind: professional.map(|p| rpps_blind(keys, &p.rpps)),
        profession: professional.and_then(|p| profession_text(p.profession)),
    }
}

/// The name of a profession at rest: the one it has on the wire.
fn profession_text(profession: Profession) -> Option<String> {
    match serde_json::to_value(profession) {
        Ok(serde_json::Value::String(text)) => Some(text),
        _ => None,
    }
}

fn ins_blind(keys: &Keys, ins: &Ins) -> Vec<u8> {
    let value = format!("{}|{}", ins.domain().oid(), ins.expose());
    keys.blind_index("people/ins", value.as_bytes()).to_vec()
}

fn rpps_blind(keys: &Keys, rpps: &Rpps) -> Vec<u8> {
    keys.blind_index("people/rpps", rpps.expose().as_bytes())
        .to_vec()
}

fn seal(keys: &Keys, id: PersonId, person: &Person) -> Result<Vec<u8>, Fault> {
    let plain = serde_json::to_vec(person).map_err(|_| Fault::malformed("person"))?;
    Ok(keys.system_key().seal(&place(&[id.as_bytes()]), &plain)?)
}

fn open(keys: &Keys, id: PersonId, sealed: &[u8]) -> Result<Person, Fault> {
    let plain = keys.system_key().open(&place(&[id.as_bytes()]), sealed)?;
    serde_json::from_slice(&plain).map_err(|_| Fault::malformed("people.sealed"))
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place {
        table: "people",
        column: "sealed",
        row,
    }
}

/// A stored identifier of a person.
pub fn person_id(bytes: &[u8]) -> Result<PersonId, Fault> {
    Uuid::from_slice(bytes)
        .map(PersonId)
        .map_err(|_| Fault::malformed("a person's identifier"))
}

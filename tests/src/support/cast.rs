//! The people of a story, entered as an administrator enters them.

use std::sync::Arc;

use serde::Deserialize;
use server::app::App;
use server::clock::SystemClock;
use server::config::{Config, Places, Settings};
use server::people::Person;
use server::records::{self, OpenError, Opening};
use server::webauthn::codes::{self, Purpose};
use sync_core::identity::{Departement, IdentityTraits, Ins, InsDomain, Rpps};
use sync_core::policy::Profession;
use sync_core::{PersonId, RecordId};

use super::{Server, SupportError};

/// How many records are opened in one job of the store, for which the server's own wait.
const AT_ONCE: usize = 50;

/// Whose record is opened: a made-up identity.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Family name at birth.
    pub family_name: &'a str,
    /// Given names.
    pub given_names: &'a str,
    /// `F` or `M`.
    pub sex: &'a str,
    /// Tells people apart, below 12,000: the order number of the NIR, and above 1,000 the month of
    /// birth with it.
    pub order: u16,
}

impl Identity<'_> {
    /// Born on the 14th of a month of 1966: in March, of the first thousand.
    fn month(&self) -> u16 {
        (2 + self.order / 1_000) % 12 + 1
    }

    fn birth_date(&self) -> String {
        format!("1966-{:02}-14", self.month())
    }

    /// The NIR of somebody born then in Lille, with its key (INSEE: 97 − n mod 97).
    fn nir(&self) -> String {
        let sex = if self.sex == "M" { 1_u64 } else { 2 };
        let born = 660_000_000_000 + u64::from(self.month()) * 100_000_000;
        let number = sex * 1_000_000_000_000 + born + 59_350_000 + u64::from(self.order % 1_000);
        format!("{number}{:02}", 97 - number % 97)
    }

    fn person(&self) -> Option<Person> {
        let (family, given) = (self.family_name, self.given_names);
        let traits =
            IdentityTraits::parse(family, given, &self.birth_date(), self.sex, "59350").ok()?;
        Some(Person {
            family_name: family.to_owned(),
            given_names: given.to_owned(),
            ins: Some(Ins::parse(&self.nir(), InsDomain::Nir).ok()?),
            traits: Some(traits),
            professional: None,
        })
    }
}

/// A record that was opened, and the code with which its holder enrols.
#[derive(Clone, Debug, Deserialize)]
pub struct Opened {
    /// The record.
    pub record: RecordId,
    /// Its holder.
    pub person: PersonId,
    /// The holder's enrolment code.
    pub code: String,
}

/// Somebody who was entered, and the code with which they enrol.
#[derive(Clone, Debug, Deserialize)]
pub struct Entered {
    /// The person.
    pub person: PersonId,
    /// Their enrolment code.
    pub code: String,
}

/// Opens a record at an insurance desk in Lille, for somebody born there.
///
/// # Errors
/// When the server refuses.
pub fn open_record(server: &Server, holder: &Identity<'_>) -> Result<Opened, SupportError> {
    let (ins, born) = (holder.nir(), holder.birth_date());
    told(server.carnet(&[
        "admin",
        "open-record",
        "--ins",
        &ins,
        "--family-name",
        holder.family_name,
        "--given-names",
        holder.given_names,
        "--birth-date",
        &born,
        "--sex",
        holder.sex,
        "--birthplace",
        "59350",
        "--channel",
        "desk",
        "--departement",
        "59",
        "--consent",
        "signed at the desk",
        "--proof",
        "identity card",
    ])?)
}

/// Opens many records, in the order of their holders, as [`open_record`] does: in this process, beside
/// the server, without starting a program for each.
///
/// # Errors
/// When one is refused.
pub fn open_records(
    server: &Server,
    holders: &[Identity<'_>],
) -> Result<Vec<Opened>, SupportError> {
    let refused = |said: String| SupportError::Server {
        command: "opening records".to_owned(),
        said,
    };
    let people = holders.iter().map(Identity::person);
    let people: Option<Vec<Person>> = people.collect();
    let mut people = people.ok_or(SupportError::Missing("an identity"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(SupportError::io("a runtime"))?;
    runtime.block_on(async {
        let settings = Settings {
            places: Places {
                data: Some(server.data().to_owned()),
                master_key: None,
            },
            ..Settings::default()
        };
        let config = Config::resolve(settings).map_err(|error| refused(error.to_string()))?;
        let app = App::open(config, Arc::new(SystemClock));
        let app = app.map_err(|error| refused(error.to_string()))?;
        let mut opened = Vec::new();
        while !people.is_empty() {
            let rest = people.split_off(people.len().min(AT_ONCE));
            let some = std::mem::replace(&mut people, rest);
            opened.extend(
                open_some(&app, some)
                    .await
                    .map_err(|e| refused(e.to_string()))?,
            );
        }
        app.db.close().await;
        Ok(opened)
    })
}

async fn open_some(app: &App, people: Vec<Person>) -> Result<Vec<Opened>, OpenError> {
    let (keys, now, lasts) = (app.keys.clone(), app.clock.now(), app.config.enrolment_code);
    let opening = Opening {
        channel: records::Channel::Desk,
        departement: Departement::parse("59").expect("Nord is one"),
        opened_by: "the desk".to_owned(),
        consent: "signed at the desk".to_owned(),
        proof: "identity card".to_owned(),
    };
    let open = move |connection: &mut diesel::SqliteConnection| -> Result<Vec<Opened>, OpenError> {
        let one = |person: Person| -> Result<Opened, OpenError> {
            let opened = records::open(connection, &keys, now, &person, None, &opening)?;
            let (holder, proof) = (opened.holder, &opening.proof);
            let (code, _) =
                codes::issue(connection, &keys, now, holder, Purpose::First, proof, lasts)?;
            Ok(Opened {
                record: opened.record,
                person: holder,
                code: code.expose(),
            })
        };
        people.into_iter().map(one).collect()
    };
    app.db.write(open).await
}

/// Enters somebody who looks after another person's record.
///
/// # Errors
/// When the server refuses.
pub fn add_caregiver(
    server: &Server,
    family_name: &str,
    given_names: &str,
) -> Result<Entered, SupportError> {
    told(server.carnet(&[
        "admin",
        "add-person",
        "--caregiver",
        "--family-name",
        family_name,
        "--given-names",
        given_names,
    ])?)
}

/// Enters a health professional; `number` makes their RPPS number.
///
/// # Errors
/// When the server refuses.
pub fn add_professional(
    server: &Server,
    family_name: &str,
    given_names: &str,
    profession: Profession,
    number: u32,
) -> Result<Entered, SupportError> {
    let rpps = rpps(number).ok_or(SupportError::Missing("a key of an RPPS number"))?;
    told(server.carnet(&[
        "admin",
        "add-person",
        "--professional",
        "--rpps",
        &rpps,
        "--profession",
        profession.as_str(),
        "--family-name",
        family_name,
        "--given-names",
        given_names,
    ])?)
}

fn told<T: for<'de> Deserialize<'de>>(answer: serde_json::Value) -> Result<T, SupportError> {
    let said = answer.to_string();
    serde_json::from_value(answer).map_err(|_| SupportError::Server {
        command: "admin".to_owned(),
        said,
    })
}

/// An RPPS number with its key.
fn rpps(number: u32) -> Option<String> {
    let numbers = (0..10).map(|key| format!("10{:08}{key}", number % 100_000_000));
    numbers.into_iter().find(|text| Rpps::parse(text).is_ok())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn made_up_numbers_are_well_formed_and_nobody_has_anothers() {
        let orders = [1, 77, 999, 1_000, 1_001, 9_999, 10_001, 11_999];
        let numbers = orders.map(|order| {
            let somebody = Identity {
                family_name: "DURAND",
                given_names: "PAULE",
                sex: "F",
                order,
            };
            assert!(somebody.person().is_some(), "{order}");
            assert!(rpps(u32::from(order)).is_some());
            somebody.nir()
        });
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), orders.len());
        assert!(numbers[0].starts_with("2660359350001"), "{}", numbers[0]);
    }
}

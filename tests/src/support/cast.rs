//! The people of a story, entered as an administrator enters them.

use serde::Deserialize;
use sync_core::identity::Rpps;
use sync_core::policy::Profession;
use sync_core::{PersonId, RecordId};

use super::{Server, SupportError};

/// Whose record is opened: a made-up identity.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Family name at birth.
    pub family_name: &'a str,
    /// Given names.
    pub given_names: &'a str,
    /// `F` or `M`.
    pub sex: &'a str,
    /// Tells apart people with the same traits: the order number of the NIR, below 1,000.
    pub order: u16,
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

/// Opens a record at an insurance desk in Lille, for somebody born there on 14 March 1966.
///
/// # Errors
/// When the server refuses.
pub fn open_record(server: &Server, holder: &Identity<'_>) -> Result<Opened, SupportError> {
    let ins = nir(holder.sex, holder.order);
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
        "1966-03-14",
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

/// The NIR of somebody born in Lille in March 1966, with its key (INSEE: 97 − n mod 97).
fn nir(sex: &str, order: u16) -> String {
    let sex = if sex == "M" { 1 } else { 2 };
    let number = sex * 1_000_000_000_000_u64 + 660_359_350_000 + u64::from(order % 1_000);
    format!("{number}{:02}", 97 - number % 97)
}

/// An RPPS number with its key.
fn rpps(number: u32) -> Option<String> {
    let numbers = (0..10).map(|key| format!("10{:08}{key}", number % 100_000_000));
    numbers.into_iter().find(|text| Rpps::parse(text).is_ok())
}

#[cfg(test)]
mod tests {
    use sync_core::identity::{Ins, InsDomain};

    use super::*;

    #[test]
    fn made_up_numbers_are_well_formed() {
        for order in [1, 77, 999] {
            assert!(Ins::parse(&nir("F", order), InsDomain::Nir).is_ok());
            assert!(rpps(u32::from(order)).is_some());
        }
    }
}

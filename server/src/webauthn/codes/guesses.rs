//! How often a code may be guessed at.
//!
//! A code bears [`TRIES`](super::TRIES) wrong tries in all, whoever makes them, so each code that is given out is
//! guessed with a chance of at most 5 in 2³⁰, about one in 200 million, whatever else happens. To
//! use these tries somebody must also meet the selectors in use, 20 bits, among which wrong answers
//! do not tell them: one pass over them is a million requests.
//!
//! A desk or a clinic is one network, and so is everybody behind a mobile operator's. So wrong
//! guesses never keep a good code from being taken: they only make the server *wary*. It is wary of
//! a network after [`GUESSES_AN_HOUR`] wrong guesses from there in an hour, and of everybody after
//! [`GUESSES_IN_ALL`]. From those it is wary of
//!
//! - a code is looked at while more than [`RESERVE`] of its tries are left. Guesses cannot use up
//!   the rest, so whoever hammers at the server does not spoil the codes that others hold, and a
//!   code that nobody has guessed at yet is taken at once;
//! - every wrong answer is the same, `too-many`, whether there is such a code, whether it was
//!   looked at, and whether it was right but has only its reserve left. What is learnt from it is
//!   what a try tells, and tries are counted.
//!
//! To keep a good code from being taken, from within its own network and for the rest of the hour,
//! somebody there has to guess its selector twice among a million. The bound on all guesses keeps
//! many networks together from using up everybody's codes: in an hour they meet a given selector
//! with a chance of 3 in 1,000 before the reserve is kept.

use std::net::IpAddr;

use diesel::prelude::*;
use subtle::ConstantTimeEq as _;
use sync_core::{PersonId, Tick};

use super::{Code, HOUR, usable};
use crate::fault::Fault;
use crate::http::limits::network;
use crate::keys::Keys;
use crate::people::person_id;
use crate::storage::schema::identity::{code_guesses, enrolment_codes};

/// Wrong guesses an hour from one network that make the server wary of it.
pub const GUESSES_AN_HOUR: i32 = 30;

/// Wrong guesses an hour from everywhere that make the server wary of everybody.
pub const GUESSES_IN_ALL: i32 = 3_000;

/// Tries of a code that those the server is wary of cannot use.
pub const RESERVE: i32 = 3;

/// A code that is good.
pub struct Good {
    /// Whose it is.
    pub person: PersonId,
    /// By which it is found again when the ceremony is finished.
    pub selector: Vec<u8>,
}

/// Why a code is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeRefused {
    /// Wrong, used, expired, or guessed at too often: the same answer for all.
    #[error("check the code; if it is right, it was used or has expired: ask for a new one")]
    NotGood,
    /// Not good, as for [`CodeRefused::NotGood`], or not looked at, after too many wrong guesses.
    #[error("too many wrong codes; check the code and wait, or try it on another network")]
    TooMany {
        /// When the server is no longer wary, in seconds.
        retry_after: u64,
    },
}

/// Looks at a code somebody gave. What it costs to be wrong is counted in the store, so the
/// caller must keep the transaction also when the answer is no.
pub fn check(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    peer: Option<IpAddr>,
    given: &str,
) -> Result<Result<Good, CodeRefused>, Fault> {
    let hour = now.0 / HOUR;
    let peer = peer.map_or_else(|| "none".to_owned(), |ip| network(ip).to_string());
    let peer = keys.blind_index("codes/peer", peer.as_bytes());
    let all = keys.blind_index("codes/all-peers", &[]);
    let wary = guesses(connection, &peer, hour)? >= GUESSES_AN_HOUR
        || guesses(connection, &all, hour)? >= GUESSES_IN_ALL;
    let reserve = if wary { RESERVE } else { 0 };
    let good = match Code::parse(given) {
        Some(code) => try_code(connection, keys, now, &code, reserve)?,
        None => None,
    };
    if let Some(good) = good {
        return Ok(Ok(good));
    }
    count_guess(connection, &[peer, all], hour)?;
    if !wary {
        return Ok(Err(CodeRefused::NotGood));
    }
    let left = (hour + 1) * HOUR - now.0;
    Ok(Err(CodeRefused::TooMany {
        retry_after: left / 1_000_000 + 1,
    }))
}

/// Tries a code if more than the reserve of its tries is left.
fn try_code(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    code: &Code,
    reserve: i32,
) -> Result<Option<Good>, Fault> {
    let selector = code.selector(keys).to_vec();
    let row: Option<(Vec<u8>, Vec<u8>)> = usable(&selector, now)
        .filter(enrolment_codes::tries_left.gt(reserve))
        .select((enrolment_codes::secret_hash, enrolment_codes::person_id))
        .first(connection)
        .optional()?;
    let Some((secret_hash, person)) = row else {
        return Ok(None);
    };
    if bool::from(secret_hash.ct_eq(&code.secret_hash(keys)[..])) {
        return Ok(Some(Good {
            person: person_id(&person)?,
            selector,
        }));
    }
    diesel::update(enrolment_codes::table.find(&selector))
        .set(enrolment_codes::tries_left.eq(enrolment_codes::tries_left - 1))
        .execute(connection)?;
    Ok(None)
}

fn guesses(connection: &mut SqliteConnection, peer: &[u8; 32], hour: u64) -> Result<i32, Fault> {
    let count = code_guesses::table
        .find((peer.as_slice(), hour.cast_signed()))
        .select(code_guesses::guesses)
        .first(connection)
        .optional()?;
    Ok(count.unwrap_or(0))
}

fn count_guess(
    connection: &mut SqliteConnection,
    counters: &[[u8; 32]],
    hour: u64,
) -> Result<(), Fault> {
    let hour = hour.cast_signed();
    diesel::delete(code_guesses::table.filter(code_guesses::hour.lt(hour))).execute(connection)?;
    for counter in counters {
        diesel::insert_into(code_guesses::table)
            .values((
                code_guesses::peer_blind.eq(counter.as_slice()),
                code_guesses::hour.eq(hour),
                code_guesses::guesses.eq(1),
            ))
            .on_conflict((code_guesses::peer_blind, code_guesses::hour))
            .do_update()
            .set(code_guesses::guesses.eq(code_guesses::guesses + 1))
            .execute(connection)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Purpose, issue};
    use super::*;
    use crate::people::{self, Person};
    use crate::records::world::{START, World};

    /// A store with one code, and a guesser.
    struct Desk {
        world: World,
        code: String,
    }

    impl Desk {
        async fn new() -> Self {
            let world = World::new();
            let keys = world.records.keys.clone();
            let job = move |c: &mut SqliteConnection| -> Result<String, Fault> {
                let person = Person {
                    family_name: "Roux".into(),
                    given_names: "Ana".into(),
                    ins: None,
                    traits: None,
                    professional: None,
                };
                let id = people::add(c, &keys, START, &person)?;
                let day = std::time::Duration::from_secs(86_400);
                let (code, _) = issue(c, &keys, START, id, Purpose::First, "seen", day)?;
                Ok(code.expose())
            };
            let code = world.records.db.write(job).await.expect("issued");
            Desk { world, code }
        }

        /// A code that begins like the one given out.
        fn near(&self) -> String {
            let last = if self.code.ends_with('0') { '1' } else { '0' };
            format!("{}{last}", &self.code[..self.code.len() - 1])
        }

        /// A code that does not.
        fn far(&self) -> String {
            let first = if self.code.starts_with('0') { '1' } else { '0' };
            format!("{first}{}", &self.code[1..])
        }

        async fn guess(&self, network: u32, code: &str) -> Result<(), CodeRefused> {
            let (keys, code) = (self.world.records.keys.clone(), code.to_owned());
            let peer = Some(IpAddr::from(network.to_be_bytes()));
            let job = move |c: &mut SqliteConnection| check(c, &keys, START, peer, &code);
            let said = self.world.records.db.write(job).await.expect("counts");
            said.map(|_| ())
        }

        /// Makes the server wary of a network.
        async fn hammer(&self, network: u32) {
            for _ in 0..GUESSES_AN_HOUR {
                let said = self.guess(network, &self.far()).await;
                assert_eq!(said, Err(CodeRefused::NotGood));
            }
        }
    }

    fn is_wary(said: &Result<(), CodeRefused>) -> bool {
        matches!(said, Err(CodeRefused::TooMany { .. }))
    }

    #[actix_web::test]
    async fn a_good_code_is_taken_from_a_network_that_guessed_too_often() {
        let desk = Desk::new().await;
        desk.hammer(1).await;
        assert!(is_wary(&desk.guess(1, &desk.far()).await));
        assert_eq!(desk.guess(1, &desk.code).await, Ok(()));
        assert_eq!(desk.guess(2, &desk.far()).await, Err(CodeRefused::NotGood));
    }

    #[actix_web::test]
    async fn guesses_from_there_leave_a_code_its_reserve() {
        let desk = Desk::new().await;
        desk.hammer(1).await;
        for _ in 0..10 {
            assert!(is_wary(&desk.guess(1, &desk.near()).await));
        }
        // The right one is refused like a wrong one there, and taken from elsewhere.
        let said = desk.guess(1, &desk.code).await;
        assert_eq!(said, desk.guess(1, &desk.far()).await);
        assert!(is_wary(&said));
        for _ in 1..RESERVE {
            let said = desk.guess(2, &desk.near()).await;
            assert_eq!(said, Err(CodeRefused::NotGood));
        }
        assert_eq!(desk.guess(2, &desk.code).await, Ok(()));
        assert_eq!(desk.guess(2, &desk.near()).await, Err(CodeRefused::NotGood));
        assert_eq!(desk.guess(2, &desk.code).await, Err(CodeRefused::NotGood));
    }

    #[actix_web::test]
    async fn guesses_from_many_networks_make_the_server_wary_of_all() {
        let desk = Desk::new().await;
        let enough = GUESSES_IN_ALL / GUESSES_AN_HOUR;
        for network in 0..enough.cast_unsigned() {
            desk.hammer(network).await;
        }
        let calm = u32::MAX;
        assert!(is_wary(&desk.guess(calm, &desk.near()).await));
        assert_eq!(desk.guess(calm, &desk.code).await, Ok(()));
    }
}

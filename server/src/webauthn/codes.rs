//! One-time codes that let somebody make a passkey: given out at a desk after identity proofing,
//! or by somebody signed in to themself, for another device.
//!
//! A code is ten characters that people can read to each other (Crockford's base 32). The first
//! four find it, the other six are guessed at: 30 bits, [`TRIES`] tries a code, and a bound on
//! wrong guesses an hour from one peer. Both parts are kept as keyed digests.

use std::net::IpAddr;
use std::time::Duration;

use diesel::prelude::*;
use subtle::ConstantTimeEq as _;
use sync_core::{PersonId, Tick};

use crate::fault::Fault;
use crate::http::limits::network;
use crate::keys::{Keys, Place};
use crate::people::person_id;
use crate::sessions::after;
use crate::storage::schema::identity::{code_guesses, enrolment_codes};

/// Wrong guesses that a code bears.
pub const TRIES: i32 = 5;

/// Wrong guesses an hour that are heard from one peer.
pub const GUESSES_AN_HOUR: i32 = 30;

/// How long a code for another device of one's own is good for.
pub const INVITATION_LASTS: Duration = Duration::from_secs(10 * 60);

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 10;
const SELECTOR: usize = 4;

/// How long the trace of a code is kept after it expired.
const KEPT: u64 = 30 * 24 * HOUR;

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A person's first passkey.
    First,
    /// A new start for somebody who lost their passkeys and proved who they are.
    Recovery,
    /// Another passkey, for somebody who is signed in.
    Another,
}

impl Purpose {
    fn text(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Recovery => "recovery",
            Self::Another => "another",
        }
    }
}

/// A code, to be shown once.
#[derive(Clone)]
pub struct Code([u8; LENGTH]);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code")
    }
}

impl Code {
    fn random() -> Result<Self, Fault> {
        let mut code = [0; LENGTH];
        getrandom::fill(&mut code)?;
        Ok(Self(code.map(|byte| ALPHABET[usize::from(byte % 32)])))
    }

    /// Reads what somebody typed: case, spaces and hyphens do not matter, and letters that look
    /// like digits are taken for them.
    pub fn parse(text: &str) -> Option<Self> {
        let mut code = Vec::with_capacity(LENGTH);
        for character in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let character = match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let byte = u8::try_from(character).ok()?;
            if code.len() == LENGTH || !ALPHABET.contains(&byte) {
                return None;
            }
            code.push(byte);
        }
        code.try_into().ok().map(Self)
    }

    /// The code as it is shown: two groups of five.
    pub fn expose(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        format!("{}-{}", &text[..LENGTH / 2], &text[LENGTH / 2..])
    }

    fn selector(&self, keys: &Keys) -> [u8; 32] {
        keys.blind_index("codes/selector", &self.0[..SELECTOR])
    }

    fn secret_hash(&self, keys: &Keys) -> [u8; 32] {
        keys.blind_index("codes/secret", &self.0)
    }
}

/// Makes a code for a person. Codes made earlier for the same purpose and not used are void.
///
/// `note` says how the person proved who they are, for whoever has to look into it later; it is
/// sealed.
pub fn issue(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    person: PersonId,
    purpose: Purpose,
    note: &str,
    lasts: Duration,
) -> Result<(Code, Tick), Fault> {
    let unused = enrolment_codes::table
        .filter(enrolment_codes::person_id.eq(person.as_bytes().as_slice()))
        .filter(enrolment_codes::purpose.eq(purpose.text()))
        .filter(enrolment_codes::used.is_null());
    diesel::delete(unused).execute(connection)?;
    let old = now.0.saturating_sub(KEPT).cast_signed();
    diesel::delete(enrolment_codes::table.filter(enrolment_codes::expires.lt(old)))
        .execute(connection)?;
    let expires = after(now, lasts);
    loop {
        let code = Code::random()?;
        let selector = code.selector(keys);
        let sealed = keys
            .system_key()
            .seal(&place(&[&selector]), note.as_bytes())?;
        let inserted = diesel::insert_or_ignore_into(enrolment_codes::table)
            .values((
                enrolment_codes::selector.eq(selector.to_vec()),
                enrolment_codes::secret_hash.eq(code.secret_hash(keys).to_vec()),
                enrolment_codes::person_id.eq(person.as_bytes().as_slice()),
                enrolment_codes::purpose.eq(purpose.text()),
                enrolment_codes::sealed.eq(sealed),
                enrolment_codes::created.eq(now.0.cast_signed()),
                enrolment_codes::expires.eq(expires.0.cast_signed()),
                enrolment_codes::tries_left.eq(TRIES),
            ))
            .execute(connection)?;
        // Not inserted: another code begins with the same four characters.
        if inserted > 0 {
            return Ok((code, expires));
        }
    }
}

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
    /// Too many wrong guesses from this peer.
    #[error("too many wrong codes from here")]
    TooMany {
        /// When guesses are heard again, in seconds.
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
    if guesses(connection, &peer, hour)? >= GUESSES_AN_HOUR {
        let left = (hour + 1) * HOUR - now.0;
        return Ok(Err(CodeRefused::TooMany {
            retry_after: left / 1_000_000 + 1,
        }));
    }
    let good = match Code::parse(given) {
        Some(code) => try_code(connection, keys, now, &code)?,
        None => None,
    };
    match good {
        Some(good) => Ok(Ok(good)),
        None => {
            count_guess(connection, &peer, hour)?;
            Ok(Err(CodeRefused::NotGood))
        }
    }
}

fn try_code(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    code: &Code,
) -> Result<Option<Good>, Fault> {
    let selector = code.selector(keys).to_vec();
    let row: Option<(Vec<u8>, Vec<u8>)> = usable(&selector, now)
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

#[diesel::dsl::auto_type(no_type_alias)]
fn usable<'a>(selector: &'a [u8], now: Tick) -> _ {
    let now: i64 = now.0.cast_signed();
    enrolment_codes::table
        .filter(enrolment_codes::selector.eq(selector))
        .filter(enrolment_codes::used.is_null())
        .filter(enrolment_codes::expires.gt(now))
        .filter(enrolment_codes::tries_left.gt(0_i32))
}

/// Uses a code up; answers whether it still was good.
pub fn consume(
    connection: &mut SqliteConnection,
    now: Tick,
    selector: &[u8],
) -> Result<bool, Fault> {
    let left: i64 = usable(selector, now).count().get_result(connection)?;
    if left > 0 {
        diesel::update(enrolment_codes::table.find(selector))
            .set(enrolment_codes::used.eq(now.0.cast_signed()))
            .execute(connection)?;
    }
    Ok(left > 0)
}

/// Microseconds of an hour.
const HOUR: u64 = 3_600_000_000;

fn guesses(connection: &mut SqliteConnection, peer: &[u8; 32], hour: u64) -> Result<i32, Fault> {
    let count = code_guesses::table
        .find((peer.as_slice(), hour.cast_signed()))
        .select(code_guesses::guesses)
        .first(connection)
        .optional()?;
    Ok(count.unwrap_or(0))
}

fn count_guess(connection: &mut SqliteConnection, peer: &[u8; 32], hour: u64) -> Result<(), Fault> {
    let hour = hour.cast_signed();
    diesel::delete(code_guesses::table.filter(code_guesses::hour.lt(hour))).execute(connection)?;
    diesel::insert_into(code_guesses::table)
        .values((
            code_guesses::peer_blind.eq(peer.as_slice()),
            code_guesses::hour.eq(hour),
            code_guesses::guesses.eq(1),
        ))
        .on_conflict((code_guesses::peer_blind, code_guesses::hour))
        .do_update()
        .set(code_guesses::guesses.eq(code_guesses::guesses + 1))
        .execute(connection)?;
    Ok(())
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place {
        table: "enrolment_codes",
        column: "sealed",
        row,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = Code::random().expect("random");
        let shown = code.expose();
        assert_eq!(shown.len(), LENGTH + 1);
        for typed in [
            shown.to_lowercase(),
            shown.replace('-', " "),
            shown.replace('-', ""),
        ] {
            assert_eq!(Code::parse(&typed).expect("reads").0, code.0);
        }
        assert_eq!(Code::parse("oil00-00000").expect("reads").0, *b"0110000000");
        for wrong in ["", "0000", "00000-0000U", "00000-000000", "00000-0000é"] {
            assert!(Code::parse(wrong).is_none(), "{wrong}");
        }
    }
}

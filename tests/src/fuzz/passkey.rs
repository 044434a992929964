//! Passkeys: what an authenticator made or signed, as a server reads it and as a phone checks it
//! away from any network.

use carnet_mobile::passkeys::{Passkeys, Unlocking};
use ed25519_dalek::{Signer as _, SigningKey};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use server::config::Config;
use server::webauthn::RelyingParty;
use sha2::{Digest as _, Sha256};
use sync_core::Bytes;
use webauthn_rs::prelude::{DiscoverableAuthentication, Passkey, PasskeyRegistration};
use webauthn_rs_proto::{PublicKeyCredential, RegisterPublicKeyCredential};

use super::mutate;
use super::seeds;
use super::target::Verdict;

const CHALLENGE: [u8; 32] = [42; 32];
const CREDENTIAL: [u8; 16] = [21; 16];
const RP: &str = "localhost";
const ORIGIN: &str = "http://localhost:8080";
/// User present, verified; attested credential data follows.
const FLAGS: u8 = 0x45;

/// Ceremonies that have begun, at a server and on a phone.
pub(super) struct Ceremonies {
    party: RelyingParty,
    enrolment: PasskeyRegistration,
    sign_in: DiscoverableAuthentication,
    passkey: Option<Passkey>,
    unlocking: Unlocking,
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[77; 32])
}

fn client(kind: &str) -> Bytes {
    let challenge = Bytes::from(&CHALLENGE[..]);
    let said =
        json!({ "type": kind, "challenge": challenge, "origin": ORIGIN, "crossOrigin": false });
    said.to_string().into_bytes().into()
}

fn authenticator(flags: u8) -> Vec<u8> {
    let mut data = Sha256::digest(RP).to_vec();
    data.push(flags);
    data.extend([0, 0, 0, 1]);
    data
}

/// As an authenticator makes a passkey, without an attestation. The public key is the curve's base
/// point: there is nothing to sign.
fn attested() -> Vec<u8> {
    let x = "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY";
    let y = "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
    let point = |text: &str| serde_json::from_value::<Bytes>(json!(text)).unwrap_or_default();
    let mut data = authenticator(FLAGS);
    data.extend([0; 16]);
    data.extend([0, 16]);
    data.extend(CREDENTIAL);
    data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
    data.extend(&point(x)[..]);
    data.extend([0x22, 0x58, 32]);
    data.extend(&point(y)[..]);
    data
}

/// A state of the library's, with a challenge that is known beforehand.
fn known<T: Serialize + DeserializeOwned>(state: &T) -> T {
    fn set(at: &mut Json) {
        match at {
            Json::Object(members) => {
                members
                    .iter_mut()
                    .for_each(|(name, inner)| match name == "challenge" {
                        true => *inner = json!(Bytes::from(&CHALLENGE[..])),
                        false => set(inner),
                    })
            }
            Json::Array(all) => all.iter_mut().for_each(set),
            _ => {}
        }
    }
    let mut state = serde_json::to_value(state).expect("a state can be stored");
    set(&mut state);
    serde_json::from_value(state).expect("what was stored is read")
}

impl Ceremonies {
    pub fn new(config: &Config) -> Self {
        let party = RelyingParty::new(config).expect("a local party");
        let begun = party.start_enrolment(seeds::person(0), "Jeanne Martin", Vec::new());
        let enrolment = known(&begun.expect("an enrolment").1);
        let sign_in = known(&party.start_sign_in().expect("a sign-in").1);
        let passkey =
            serde_json::from_slice(&registration(&client("webauthn.create"), &attested()))
                .ok()
                .and_then(|made| party.finish_enrolment(&made, &enrolment).ok());
        let known = json!({ "rp_id": RP, "known": [{
            "credential_id": Bytes::from(&CREDENTIAL[..]),
            "public_key": {
                "kty": "OKP", "crv": "Ed25519",
                "x": Bytes::from(&key().verifying_key().to_bytes()[..]),
            },
        }] });
        let passkeys: Passkeys = serde_json::from_value(known).expect("a passkey");
        let unlocking = Unlocking::with_challenge([0; 16], seeds::person(0), passkeys, CHALLENGE);
        Ceremonies {
            party,
            enrolment,
            sign_in,
            passkey,
            unlocking,
        }
    }
}

fn registration(client: &[u8], authenticator: &[u8]) -> Vec<u8> {
    let mut object = Vec::new();
    object.extend(b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58");
    object.push(u8::try_from(authenticator.len()).unwrap_or(u8::MAX));
    object.extend(authenticator);
    let made = json!({
        "id": Bytes::from(&CREDENTIAL[..]),
        "rawId": Bytes::from(&CREDENTIAL[..]),
        "type": "public-key",
        "response": {
            "attestationObject": Bytes::from(&object[..]),
            "clientDataJSON": Bytes::from(client),
        },
        "extensions": {},
    });
    made.to_string().into_bytes()
}

fn assertion(client: &[u8], authenticator: &[u8]) -> Vec<u8> {
    let signed = [authenticator, &Sha256::digest(client)].concat();
    let made = json!({
        "id": Bytes::from(&CREDENTIAL[..]),
        "rawId": Bytes::from(&CREDENTIAL[..]),
        "type": "public-key",
        "response": {
            "authenticatorData": Bytes::from(authenticator),
            "clientDataJSON": Bytes::from(client),
            "signature": Bytes::from(&key().sign(&signed).to_bytes()[..]),
            "userHandle": Bytes::from(&seeds::person(0).as_bytes()[..]),
        },
        "extensions": {},
    });
    made.to_string().into_bytes()
}

/// A credential that was made, or an assertion: parts of it changed and what signs them put right,
/// or its text.
pub(super) fn credential(makes: bool, dice: &mut ChaCha8Rng) -> Vec<u8> {
    let kind = if makes {
        "webauthn.create"
    } else {
        "webauthn.get"
    };
    let mut client = client(kind).0;
    let mut data = match makes {
        true => attested(),
        false => authenticator(FLAGS & 0x0f),
    };
    let how = dice.random_range(0..4);
    if how == 0 || how == 2 {
        client = mutate::text(dice, &String::from_utf8_lossy(&client));
    }
    if how == 1 || how == 2 {
        mutate::bytes(dice, &mut data);
    }
    let whole = match makes {
        true => registration(&client, &data),
        false => assertion(&client, &data),
    };
    match how {
        3 => mutate::text(dice, &String::from_utf8_lossy(&whole)),
        _ => whole,
    }
}

/// Checks a credential as the server does.
pub(super) fn at_server(ceremonies: &Ceremonies, makes: bool, bytes: &[u8]) -> Verdict {
    let passed = match makes {
        true => serde_json::from_slice::<RegisterPublicKeyCredential>(bytes)
            .ok()
            .and_then(|made| {
                let begun = &ceremonies.enrolment;
                ceremonies.party.finish_enrolment(&made, begun).ok()
            })
            .is_some(),
        false => serde_json::from_slice::<PublicKeyCredential>(bytes)
            .ok()
            .and_then(|signed| {
                let begun = ceremonies.sign_in.clone();
                let passkey = ceremonies.passkey.as_ref()?;
                ceremonies
                    .party
                    .finish_sign_in(&signed, begun, passkey)
                    .ok()
            })
            .is_some(),
    };
    match passed {
        // Nobody has the key of the passkey that assertions are checked against.
        true if !makes => Verdict::Poison("an assertion is the passkey's"),
        true => Verdict::Passed,
        false => Verdict::Refused,
    }
}

/// Checks an assertion as a phone does.
pub(super) fn on_phone(ceremonies: &Ceremonies, bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Verdict::Refused;
    };
    if ceremonies.unlocking.finish(text).is_err() {
        return Verdict::Refused;
    }
    match asserts(text) {
        Some(true) => Verdict::Passed,
        _ => Verdict::Poison("who unlocks was verified, for this challenge and this domain"),
    }
}

fn asserts(text: &str) -> Option<bool> {
    let credential: Json = serde_json::from_str(text).ok()?;
    let part = |name: &str| {
        let part = credential.pointer("/response")?.get(name)?.clone();
        serde_json::from_value::<Bytes>(part).ok()
    };
    let client: Json = serde_json::from_slice(&part("clientDataJSON")?).ok()?;
    let data = part("authenticatorData")?;
    let challenge = json!(Bytes::from(&CHALLENGE[..]));
    Some(
        client["type"] == "webauthn.get"
            && client["challenge"] == challenge
            && client["crossOrigin"] != true
            && data.get(..32)? == Sha256::digest(RP).as_slice()
            && data.get(32)? & 5 == 5,
    )
}

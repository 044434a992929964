//! Assertions of a real authenticator, whole and tampered with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sync_core::codec;
use uuid::Uuid;

use super::*;
use crate::terminal::SoftwareAuthenticator;

const SERVER: &str = "http://localhost:8080";
const ROW: RowKey = [7; 16];
const ANA: PersonId = PersonId(Uuid::from_u128(0x51c0_9e7d_2b34_4f86_a9d1_60e8_37f2_4b95));
const EVA: PersonId = PersonId(Uuid::from_u128(0x8e2f_6a13_d570_4c9b_b604_f1a2_95c8_3d7e));

/// Makes a passkey of a person, and says what a device knows of it.
fn make(authenticator: &SoftwareAuthenticator, person: PersonId) -> KnownPasskey {
    let options = json!({ "publicKey": {
        "rp": { "id": "localhost", "name": "Carnet" },
        "user": {
            "id": Bytes::from(&person.as_bytes()[..]), "name": "a", "displayName": "A",
        },
        "challenge": "AAAAAAAAAAAAAAAAAAAAAA",
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
        "authenticatorSelection": { "userVerification": "required", "residentKey": "required" },
    } });
    let made = authenticator.create(SERVER, &options.to_string()).unwrap();
    let made: Value = serde_json::from_str(&made).unwrap();
    let object: Bytes =
        serde_json::from_value(made["response"]["attestationObject"].clone()).unwrap();
    let object: ciborium::Value = codec::from_cbor(&object).unwrap();
    let member = |name: &str| {
        let members = object.as_map().unwrap().iter();
        let mut named = members.filter(|(key, _)| key.as_text() == Some(name));
        named.next().unwrap().1.clone()
    };
    let data = member("authData").into_bytes().unwrap();
    let id = usize::from(u16::from_be_bytes([data[53], data[54]]));
    let key: ciborium::Value = ciborium::from_reader(&data[55 + id..]).unwrap();
    let coordinate = |label: i64| {
        let mut members = key.as_map().unwrap().iter();
        let found = members.find(|(key, _)| *key == ciborium::Value::from(label));
        Some(Bytes::from(found.unwrap().1.as_bytes().unwrap().as_slice()))
    };
    KnownPasskey {
        credential_id: Bytes::from(&data[55..55 + id]),
        public_key: Jwk {
            kty: "EC".to_owned(),
            crv: Some("P-256".to_owned()),
            x: coordinate(-2),
            y: coordinate(-3),
            ..Jwk::default()
        },
    }
}

fn started(person: PersonId, known: Vec<KnownPasskey>) -> Unlocking {
    let rp_id = "localhost".to_owned();
    Unlocking::start(ROW, person, Passkeys { rp_id, known }).unwrap()
}

fn asserted(authenticator: &SoftwareAuthenticator, unlocking: &Unlocking) -> Value {
    let person = unlocking.person.as_bytes();
    let credential = authenticator.assert(SERVER, &unlocking.options, Some(person));
    serde_json::from_str(&credential.unwrap()).unwrap()
}

fn refused(unlocking: &Unlocking, credential: &Value) -> bool {
    let refused = unlocking.finish(&credential.to_string());
    matches!(
        refused,
        Err(Error::NotPermitted {
            reason: "passkey-refused"
        })
    )
}

#[test]
fn a_persons_own_passkey_unlocks_and_nobody_elses() {
    let authenticator = SoftwareAuthenticator::in_memory();
    let anas = make(&authenticator, ANA);
    let evas = make(&authenticator, EVA);
    let unlocking = started(ANA, vec![anas]);
    let by_ana = asserted(&authenticator, &unlocking);
    unlocking.finish(&by_ana.to_string()).unwrap();

    // Eva signs the same challenge with hers.
    let hers = Unlocking {
        person: EVA,
        passkeys: Passkeys {
            known: vec![evas],
            ..unlocking.passkeys.clone()
        },
        options: unlocking.options.replace("allowCredentials", "ignored"),
        challenge: unlocking.challenge.clone(),
        row: ROW,
    };
    let by_eva = asserted(&authenticator, &hers);
    hers.finish(&by_eva.to_string()).unwrap();
    assert!(refused(&unlocking, &by_eva));
    // Nor does it help her to say that it is Ana's.
    let mut claimed = by_eva;
    claimed["rawId"] = by_ana["rawId"].clone();
    assert!(refused(&unlocking, &claimed));
}

#[test]
fn an_assertion_counts_for_the_ceremony_it_was_made_for() {
    let authenticator = SoftwareAuthenticator::in_memory();
    let anas = make(&authenticator, ANA);
    let first = started(ANA, vec![anas.clone()]);
    let by_ana = asserted(&authenticator, &first);
    let second = started(ANA, vec![anas]);
    assert!(refused(&second, &by_ana), "another challenge");
    let mut elsewhere = started(ANA, first.passkeys.known.clone());
    elsewhere.challenge = first.challenge.clone();
    elsewhere.passkeys.rp_id = "carnet.example".to_owned();
    assert!(refused(&elsewhere, &by_ana), "another domain");
    first.finish(&by_ana.to_string()).unwrap();
}

#[test]
fn what_was_not_verified_or_was_changed_unlocks_nothing() {
    let authenticator = SoftwareAuthenticator::in_memory();
    let known = vec![make(&authenticator, ANA)];
    let unlocking = started(ANA, known);
    let by_ana = asserted(&authenticator, &unlocking);
    let changed = |part: &str, at: usize, flip: u8| {
        let mut credential = by_ana.clone();
        let text = credential["response"][part].as_str().unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        bytes[at] ^= flip;
        credential["response"][part] = URL_SAFE_NO_PAD.encode(bytes).into();
        credential
    };
    assert!(refused(
        &unlocking,
        &changed("authenticatorData", 32, USER_VERIFIED)
    ));
    assert!(refused(&unlocking, &changed("authenticatorData", 36, 1)));
    assert!(refused(&unlocking, &changed("signature", 10, 1)));
    assert!(refused(&unlocking, &changed("userHandle", 0, 1)));
    assert!(unlocking.finish("{}").is_err());
}

/// Found by `cargo fuzz-carnet`: bytes that are no text, where nothing is read, went by.
#[test]
fn client_data_that_is_no_text_unlocks_nothing() {
    let key = SigningKey::from_bytes(&[5; 32]);
    let known = KnownPasskey {
        credential_id: Bytes::from(&[1; 16][..]),
        public_key: Jwk {
            kty: "OKP".to_owned(),
            crv: Some("Ed25519".to_owned()),
            x: Some(Bytes::from(&key.verifying_key().to_bytes()[..])),
            ..Jwk::default()
        },
    };
    let unlocking = started(ANA, vec![known]);
    let said = |origin: &[u8]| {
        let challenge = json!(unlocking.challenge);
        let text = format!(r#"{{"type":"webauthn.get","challenge":{challenge},"origin":"#);
        [text.as_bytes(), b"\"", origin, b"\"}"].concat()
    };
    let signed = |client: Vec<u8>| {
        let mut data = Sha256::digest("localhost").to_vec();
        data.extend([USER_PRESENT | USER_VERIFIED, 0, 0, 0, 1]);
        let signature = key.sign(&[&data[..], &Sha256::digest(&client)].concat());
        json!({
            "rawId": Bytes::from(&[1; 16][..]),
            "response": {
                "clientDataJSON": Bytes::from(client),
                "authenticatorData": Bytes::from(data),
                "signature": Bytes::from(&signature.to_bytes()[..]),
            },
        })
    };
    let whole = signed(said(SERVER.as_bytes()));
    assert!(unlocking.finish(&whole.to_string()).is_ok());
    assert!(refused(
        &unlocking,
        &signed(said(b"http://localhost:8\x90"))
    ));
}

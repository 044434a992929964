//! Enrolling and signing in: passkey options out, the credential back in; the device key and its
//! proof are handled here.

use ed25519_dalek::SigningKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sync_core::policy::{Matrix, Profession, Role};
use sync_core::sign::{self, PublicKey, SignatureBytes};
use sync_core::{Bytes, PersonId, RecordId, Tick};
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::device::Device;
use crate::driver::{Method, json_call, signed_call};
use crate::error::Error;
use crate::passkeys::{KnownPasskey, Passkeys};
use crate::seal::{self, RowKey};
use crate::store::{Kept, ProfileCard, RecordCard, Secrets, Session, Shelf, Unlocked};

/// For how many days after the server was put back from a copy a right that is missing may still be
/// handed back by somebody else.
const MISSING_DAYS: u64 = 30;

/// More records than a person opens; a server that goes on naming more is not believed.
const MOST_RECORDS: usize = 100_000;

const PASSKEYS: &str = "/v1/me/passkeys";

const DEVICE: &[u8] = b"carnet/device/1";

/// A ceremony between its start and its finish. It is kept in memory only: an app that was killed
/// meanwhile starts another.
pub struct Begun {
    server: String,
    purpose: Purpose,
    ceremony: Bytes,
    /// What the platform's passkey call is given, JSON.
    pub options: String,
    person: Option<PersonId>,
    /// The domain that the server's passkeys are bound to.
    rp_id: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Enrol,
    SignIn,
}

/// How this device and its passkey are called in the person's lists.
#[derive(Clone, Debug)]
pub struct Names<'n> {
    /// The device.
    pub device: &'n str,
    /// The passkey; only when enrolling.
    pub passkey: &'n str,
}

#[derive(Serialize)]
struct Code<'c> {
    code: &'c str,
}

#[derive(Deserialize)]
pub(crate) struct Started {
    ceremony: Bytes,
    options: serde_json::Value,
}

#[derive(Serialize)]
struct Finish<'f> {
    ceremony: &'f Bytes,
    credential: &'f serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    passkey_name: Option<&'f str>,
    device: DeviceProof<'f>,
}

#[derive(Serialize)]
struct DeviceProof<'f> {
    public_key: PublicKey,
    name: &'f str,
    proof: SignatureBytes,
}

#[derive(Deserialize)]
pub(crate) struct SignedIn {
    token: String,
    person: PersonId,
    /// Milliseconds since the Unix epoch.
    expires: i64,
    server_keys: Vec<ServerKey>,
}

#[derive(Deserialize)]
struct ServerKey {
    public_key: PublicKey,
}

#[derive(Deserialize)]
pub(crate) struct Records {
    records: Vec<RecordSummary>,
    /// Those that the server cannot read now.
    #[serde(default)]
    unreadable: Vec<RecordId>,
    /// Where the next page starts, if there is one.
    #[serde(default)]
    next: Option<RecordId>,
    /// When the server was put back from an older copy last.
    #[serde(default)]
    restored: Option<Tick>,
}

#[derive(Deserialize)]
struct RecordSummary {
    record: RecordId,
    holder: PersonId,
    holder_name: String,
    roles: Vec<Role>,
}

impl RecordSummary {
    /// The card of a record, in the first of the roles unless another was chosen; nothing without
    /// any.
    fn card(self) -> Option<RecordCard> {
        Some(RecordCard {
            record: self.record,
            holder: self.holder,
            name: self.holder_name,
            role: self.roles.first()?.clone(),
            roles: self.roles,
            in_doubt: false,
        })
    }
}

/// Begins making a passkey with a one-time enrolment code.
///
/// # Errors
/// When the address cannot be used, there is no way to the server, or it refuses the code.
pub async fn enrol_start(device: &Device, server: &str, code: &str) -> Result<Begun, Error> {
    begin(device, Purpose::Enrol, server, "enrolment", &Code { code }).await
}

/// Begins signing in with a passkey of whoever is there.
///
/// # Errors
/// When the address cannot be used or there is no way to the server.
pub async fn sign_in_start(device: &Device, server: &str) -> Result<Begun, Error> {
    let nothing = serde_json::json!({});
    begin(device, Purpose::SignIn, server, "sign-in", &nothing).await
}

async fn begin<Q: Serialize>(
    device: &Device,
    purpose: Purpose,
    server: &str,
    path: &str,
    body: &Q,
) -> Result<Begun, Error> {
    let server = address(server)?;
    let path = format!("/v1/{path}/start");
    let transport = device.transport();
    let started: Started =
        json_call(transport, Method::Post, &server, &path, None, Some(body)).await?;
    let option = |at: &str| started.options.pointer(at);
    let rp_id = option("/publicKey/rp/id").or_else(|| option("/publicKey/rpId"));
    let rp_id = rp_id.and_then(serde_json::Value::as_str);
    let user = option("/publicKey/user/id");
    Ok(Begun {
        rp_id: rp_id.unwrap_or_default().to_owned(),
        person: user.and_then(person_of),
        server,
        purpose,
        ceremony: started.ceremony,
        options: started.options.to_string(),
    })
}

/// Ends a ceremony with what the platform's passkey call gave, and opens the person's profile.
///
/// # Errors
/// When the credential cannot be read, there is no way to the server, or it refuses.
pub async fn finish(
    device: &Device,
    begun: Begun,
    credential: &str,
    names: &Names<'_>,
) -> Result<RowKey, Error> {
    let credential: serde_json::Value =
        serde_json::from_str(credential).map_err(|_| Error::Argument {
            field: "credential",
        })?;
    let handle = credential.pointer("/response/userHandle");
    let person = begun.person.or_else(|| handle.and_then(person_of));
    let mut key = device_key(device, &begun.server, person.as_ref())?;
    let mut signed_in = hand_in(device, &begun, &credential, names, &key).await;
    // The server no longer takes this key: the person removed the device. The ceremony stands, for
    // another key.
    if signed_in.as_ref().is_err_and(is_device_refused) {
        key = fresh_key()?;
        signed_in = hand_in(device, &begun, &credential, names, &key).await;
    }
    settle(device, begun, &key, signed_in?).await
}

async fn hand_in(
    device: &Device,
    begun: &Begun,
    credential: &serde_json::Value,
    names: &Names<'_>,
    key: &SigningKey,
) -> Result<SignedIn, Error> {
    let finish = Finish {
        ceremony: &begun.ceremony,
        credential,
        passkey_name: (begun.purpose == Purpose::Enrol).then_some(names.passkey),
        device: DeviceProof {
            public_key: PublicKey::of(key),
            name: names.device,
            proof: sign::sign(key, &[DEVICE, &begun.ceremony]),
        },
    };
    let path = match begun.purpose {
        Purpose::Enrol => "/v1/enrolment/finish",
        Purpose::SignIn => "/v1/sign-in/finish",
    };
    json_call(
        device.transport(),
        Method::Post,
        &begun.server,
        path,
        None,
        Some(&finish),
    )
    .await
}

async fn settle(
    device: &Device,
    begun: Begun,
    key: &SigningKey,
    signed_in: SignedIn,
) -> Result<RowKey, Error> {
    let Begun { server, rp_id, .. } = begun;
    let session = Session {
        token: signed_in.token,
        expires: signed_in.expires,
    };
    let mut card = known_card(device, server, signed_in.person)?;
    let (server, token) = (&card.server, &session.token);
    // What was known of them does as well, so the lack of an answer is no error.
    let me: Option<Me> = ask(device, server, token, "/v1/me").await;
    let passkeys: Option<Vec<PasskeySummary>> = ask(device, server, token, PASSKEYS).await;
    if let Some(me) = me {
        (card.name, card.profession) = (me.name, me.profession);
    }
    if let Some(passkeys) = passkeys {
        let passkeys = passkeys.into_iter();
        let known = passkeys.filter_map(PasskeySummary::known).collect();
        card.passkeys = Passkeys { rp_id, known };
    }
    let server_keys = signed_in.server_keys.into_iter();
    let secrets = Secrets::new(
        key,
        Some(session),
        server_keys.map(|key| key.public_key).collect(),
    );
    let row = keep_profile(device, &card, &secrets)?;
    let profile = device.profile(&row)?;
    match refresh_records(device, &profile).await {
        // Signed in all the same; the list comes with the next look.
        Err(error) if error.is_transient() => Ok(row),
        refreshed => refreshed.map(|()| row),
    }
}

/// What is known of a profile, or of one yet to be made.
fn known_card(device: &Device, server: String, person: PersonId) -> Result<ProfileCard, Error> {
    let mut store = device.store();
    let row = store.profile_row(&server, &person);
    let known = store.profile_card(&row)?;
    Ok(known.unwrap_or(ProfileCard {
        server,
        person,
        name: String::new(),
        profession: None,
        passkeys: Passkeys::default(),
    }))
}

fn keep_profile(device: &Device, card: &ProfileCard, secrets: &Secrets) -> Result<RowKey, Error> {
    let profile = device.store().put_profile(card, secrets, device.vault())?;
    let row = profile.row;
    device.admit(profile)?;
    Ok(row)
}

/// Who somebody is, as the server says.
#[derive(Deserialize)]
pub(crate) struct Me {
    name: String,
    #[serde(default)]
    profession: Option<Profession>,
}

/// One of somebody's passkeys, as the server says.
#[derive(Deserialize)]
pub(crate) struct PasskeySummary {
    #[serde(flatten)]
    known: KnownPasskey,
    #[serde(default)]
    revoked: Option<i64>,
}

impl PasskeySummary {
    fn known(self) -> Option<KnownPasskey> {
        self.revoked.is_none().then_some(self.known)
    }
}

/// What the server answers to whoever has this token; nothing when it does not.
async fn ask<A: DeserializeOwned>(
    device: &Device,
    server: &str,
    token: &str,
    path: &str,
) -> Option<A> {
    let transport = device.transport();
    let asked = json_call::<(), A>(transport, Method::Get, server, path, Some(token), None);
    asked.await.ok()
}

/// Makes a profile without a server, with one record that stays on this device.
///
/// # Errors
/// When the store is broken.
pub fn try_out(device: &Device, name: String) -> Result<RowKey, Error> {
    let person = PersonId(device.new_entry_id()?.0);
    let record = RecordCard {
        record: RecordId(device.new_entry_id()?.0),
        holder: person,
        name: name.clone(),
        roles: vec![Role::Holder],
        role: Role::Holder,
        in_doubt: false,
    };
    let secrets = Secrets::new(&fresh_key()?, None, Vec::new());
    let card = ProfileCard {
        name,
        ..known_card(device, String::new(), person)?
    };
    let row = keep_profile(device, &card, &secrets)?;
    let profile = device.profile(&row)?;
    device.store().put_records(&profile, &[record])?;
    Ok(row)
}

/// Asks the server anew which records a profile may open.
///
/// # Errors
/// When there is no way to the server or it refuses.
pub async fn refresh_records(device: &Device, profile: &Unlocked) -> Result<(), Error> {
    let mut cards: Vec<RecordCard> = Vec::new();
    let mut kept = Kept::default();
    let mut path = "/v1/records".to_owned();
    // All pages or nothing: a record that is not named has ended.
    loop {
        let asked = signed_call::<(), Records>(device, profile, Method::Get, &path, None);
        let Records {
            records,
            unreadable,
            next,
            restored,
        } = asked.await?;
        kept.unreadable.extend(unreadable);
        cards.extend(records.into_iter().filter_map(RecordSummary::card));
        match next {
            Some(after) if cards.len() + kept.unreadable.len() < MOST_RECORDS => {
                path = format!("/v1/records?after={after}");
            }
            Some(_) => return Err(Error::Unreadable),
            None => {
                let now = device.clock().now();
                kept.restored = restored.filter(|at| now.0 < at.plus_days(MISSING_DAYS).millis());
                return Ok(device.store().put_records_but(profile, &cards, &kept)?);
            }
        }
    }
}

/// By what the server decides what each profession reads and writes.
#[derive(Deserialize)]
pub(crate) struct Habilitation {
    matrix: Matrix,
}

/// Asks the server for the habilitation matrix by which it decides on a record, and keeps it. Its
/// not answering is no error: the matrix that this library comes with does until it does.
///
/// # Errors
/// When the store is broken.
pub async fn refresh_matrix(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
) -> Result<(), Error> {
    let path = "/v1/habilitation";
    let asked = signed_call::<(), Habilitation>(device, profile, Method::Get, path, None);
    let Ok(Habilitation { matrix }) = asked.await else {
        return Ok(());
    };
    device.store().with_replica(profile, record, |_, rows| {
        Ok(rows.put_note(Shelf::Matrix, b"matrix", 0, &matrix)?)
    })
}

/// The key a person's profile on this device signs with: the one it has, else a fresh one.
fn device_key(
    device: &Device,
    server: &str,
    person: Option<&PersonId>,
) -> Result<SigningKey, Error> {
    let mut store = device.store();
    if let Some(person) = person {
        let row = store.profile_row(server, person);
        let known = store.profiles()?.iter().any(|(at, _)| *at == row);
        if known {
            let profile = store.unlock(&row, device.vault())?;
            return Ok(store.secrets(&profile)?.device_key()?);
        }
    }
    fresh_key()
}

fn fresh_key() -> Result<SigningKey, Error> {
    let mut seed = Zeroizing::new([0; 32]);
    seal::fill(&mut *seed)?;
    Ok(SigningKey::from_bytes(&seed))
}

fn is_device_refused(error: &Error) -> bool {
    matches!(error, Error::Problem { problem, .. } if problem == "device-refused")
}

/// The person a WebAuthn user handle names.
fn person_of(handle: &serde_json::Value) -> Option<PersonId> {
    let bytes: Bytes = serde_json::from_value(handle.clone()).ok()?;
    PersonId::from_slice(&bytes)
}

/// A server's address in its one form: scheme, host, port. Clear text only to this very machine.
fn address(text: &str) -> Result<String, Error> {
    let wrong = Error::Argument { field: "server" };
    let Ok(url) = Url::parse(text.trim()) else {
        return Err(wrong);
    };
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(wrong),
    };
    match url.scheme() {
        "https" => {}
        "http" if here => {}
        _ => return Err(wrong),
    }
    Ok(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form_and_travel_encrypted() {
        let good = |text: &str| address(text).unwrap();
        assert_eq!(good("https://carnet.example/"), "https://carnet.example");
        assert_eq!(
            good(" https://carnet.example:443/x?y"),
            "https://carnet.example"
        );
        assert_eq!(good("http://localhost:8080/"), "http://localhost:8080");
        assert_eq!(good("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
        for wrong in [
            "http://carnet.example",
            "carnet.example",
            "ftp://localhost",
            "",
        ] {
            assert!(matches!(
                address(wrong),
                Err(Error::Argument { field: "server" })
            ));
        }
    }
}

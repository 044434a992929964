//! What somebody gets who signed in.

use actix_web::{HttpRequest, HttpResponse, web};
use diesel::SqliteConnection;
use serde::Serialize;
use sync_core::sign::{KeyId, PublicKey};
use sync_core::{DeviceId, PersonId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::reply_encoding;
use super::settle::look;
use super::{Problem, ProblemType};
use crate::app::App;
use crate::devices::{self, DeviceOffer, DeviceRefused, Vetted};
use crate::records::{RECORDS_A_PAGE, RecordSummary, SignInChange};
use crate::sessions::{self, Session, Token, session_cookie};
use crate::webauthn::ceremonies::CeremonyId;

/// A session that was opened.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionAnswer {
    /// What to send as `Authorization: Bearer`; absent when a cookie was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The session's name, by which it is listed and ended.
    session: Uuid,
    /// Who signed in.
    #[schema(value_type = Uuid)]
    person: PersonId,
    /// The device that was registered, or found to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Byte)]
    device: Option<DeviceId>,
    /// When the session ends at the latest, milliseconds since 1970.
    expires: i64,
    /// The keys by which the server signs, to be kept.
    server_keys: Vec<ServerKeyAnswer>,
    /// The records that the person may open, their own first; absent when they could not be looked
    /// up: `GET /v1/records` lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Vec<RecordSummary>>,
}

/// A key by which the server signs.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerKey)]
pub struct ServerKeyAnswer {
    /// Names the key: the first 8 bytes of its SHA-256.
    #[schema(value_type = String, format = Byte)]
    key_id: KeyId,
    /// Ed25519 public key.
    #[schema(value_type = String, format = Byte)]
    public_key: PublicKey,
}

/// A session just opened, with its token.
pub struct Opened(Token, Session);

/// Looks at the device key that was offered, if one was; writes nothing.
pub fn vet_device(
    app: &App,
    connection: &mut SqliteConnection,
    person: PersonId,
    ceremony: &CeremonyId,
    offer: Option<&DeviceOffer>,
) -> Result<Result<Option<Vetted>, Problem>, Problem> {
    let Some(offer) = offer else {
        return Ok(Ok(None));
    };
    let vetted = devices::vet(connection, &app.keys, person, ceremony, offer)?;
    let problem = |refused: DeviceRefused| {
        Problem::new(ProblemType::DeviceRefused).detail(refused.to_string())
    };
    match vetted {
        Ok(vetted) => Ok(Ok(Some(vetted))),
        // This undoes the job: the ceremony stands, to be finished with another key.
        Err(refused @ DeviceRefused::Key) => Err(problem(refused)),
        Err(refused) => Ok(Err(problem(refused))),
    }
}

/// Registers the device and opens a session.
pub fn open(
    app: &App,
    connection: &mut SqliteConnection,
    person: PersonId,
    passkey: Uuid,
    device: Option<Vetted>,
) -> Result<Opened, Problem> {
    let now = app.clock.now();
    let is_new = device.as_ref().is_some_and(|vetted| !vetted.is_known());
    let device = device
        .map(|vetted| devices::register(connection, &app.keys, now, person, vetted))
        .transpose()?;
    if let Some(device) = device.filter(|_| is_new) {
        let change = SignInChange::DeviceAdded;
        app.records
            .note_sign_in(connection, person, Some(device.id), change)?;
    }
    sessions::forget_expired(connection, now)?;
    let lasts = app.config.session;
    let (token, session) = sessions::begin(connection, now, lasts, person, passkey, device)?;
    Ok(Opened(token, session))
}

/// Answers with the token, or with a cookie that a browser keeps where no script reads it, and with
/// the records that the person may open. These are looked up by a reader: there may be many. That
/// they cannot be is no reason to keep the token back: the ceremony is over, its code used up.
pub async fn answer(
    app: &web::Data<App>,
    request: &HttpRequest,
    Opened(token, session): Opened,
    as_cookie: bool,
) -> Result<HttpResponse, Problem> {
    let person = session.person;
    let page = look(app, move |app, connection| {
        let records = &app.records;
        Ok(records.of_person(connection, person, None, RECORDS_A_PAGE)?)
    })
    .await;
    if page.is_err() {
        tracing::warn!("signed in, and the records to open could not be listed");
    }
    let records = page.ok().map(|page| page.records);
    let key = app.keys.server_signing_key();
    let body = SessionAnswer {
        token: (!as_cookie).then(|| token.expose()),
        session: session.id,
        person: session.person,
        device: session.device.map(|device| device.id),
        expires: session.expires.millis(),
        server_keys: vec![ServerKeyAnswer {
            key_id: key.key_id,
            public_key: key.public_key,
        }],
        records,
    };
    let mut response = HttpResponse::Ok();
    if as_cookie {
        response.cookie(session_cookie(&token, &session));
    }
    let encoding = reply_encoding(request);
    Ok(response
        .insert_header(("Cache-Control", "no-store"))
        .content_type(encoding.media_type())
        .body(encoding.write(&body)))
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;
    use diesel::connection::SimpleConnection as _;
    use diesel::prelude::*;

    use super::*;
    use crate::records::world::World;
    use crate::storage::schema::identity::passkeys;
    use crate::storage::sqlite::open_connection;

    /// The ceremony is over by then: whoever was told to try again would have no code left.
    #[actix_web::test]
    async fn whose_records_cannot_be_listed_is_signed_in() {
        let (world, running) = World::serving().await;
        let app = running.shared();
        let phone = world.holder(1).await;
        let person = phone.author.person;
        let mut store = open_connection(app.db.path()).expect("opens");
        let passkey: Vec<u8> = passkeys::table
            .select(passkeys::passkey_id)
            .filter(passkeys::person_id.eq(person.as_bytes().as_slice()))
            .first(&mut store)
            .expect("has one");
        let passkey = Uuid::from_slice(&passkey).expect("an identifier");
        let mut answers = Vec::new();
        for statement in ["SELECT 1", "ALTER TABLE parties RENAME TO elsewhere"] {
            store.batch_execute(statement).expect("done");
            let (now, lasts) = (app.clock.now(), app.config.session);
            let begun = sessions::begin(&mut store, now, lasts, person, passkey, None);
            let (token, session) = begun.expect("begins");
            let opened = Opened(token, session);
            let request = TestRequest::default().to_http_request();
            let answer = answer(&app, &request, opened, false).await;
            let answer = answer.expect("answers");
            let body = to_bytes(answer.into_body()).await.expect("a body");
            answers.push(serde_json::from_slice::<serde_json::Value>(&body).expect("JSON"));
        }
        let records = |at: usize| answers[at].get("records");
        let listed = records(0).and_then(|records| records.as_array());
        assert_eq!(listed.map(Vec::len), Some(1));
        assert_eq!(records(1), None);
        assert!(answers.iter().all(|answer| answer["token"].is_string()));
        running.stop().await;
    }
}

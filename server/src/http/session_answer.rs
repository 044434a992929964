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
    /// The records that the person may open, their own first.
    records: Vec<RecordSummary>,
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
/// the records that the person may open. These are looked up by a reader: there may be many.
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
    .await?;
    let records = page.records;
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

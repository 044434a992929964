use actix_web::{HttpRequest, HttpResponse, post, web};
use diesel::SqliteConnection;
use serde::Deserialize;
use sync_core::Bytes;
use utoipa::ToSchema;
use webauthn_rs_proto::RegisterPublicKeyCredential;

use crate::app::App;
use crate::devices::{DeviceOffer, NAME_RULE, clean_name};
use crate::http::problem::ProblemBody;
use crate::http::session_answer::{self, Opened, SessionAnswer, vet_device};
use crate::http::settle::settle;
use crate::http::{JsonBody, Problem, ProblemType};
use crate::records::SignInChange;
use crate::sessions::from_own_page;
use crate::webauthn::ceremonies::{self, Ceremony};
use crate::webauthn::codes::{self, CodeRefused};
use crate::webauthn::{CeremonyRefused, passkeys};

/// What the authenticator made.
#[derive(Deserialize, ToSchema)]
pub struct EnrolmentFinish {
    /// The ceremony, as it was named at the start.
    #[schema(value_type = String, format = Byte)]
    ceremony: Bytes,
    /// The credential, as WebAuthn's JSON has it.
    #[schema(value_type = Object)]
    credential: RegisterPublicKeyCredential,
    /// What the owner calls the passkey, 1 to 60 characters.
    passkey_name: String,
    /// The key of the device, if it is to sign edits.
    device: Option<DeviceOffer>,
    /// Whether to answer with a cookie instead of a token.
    #[serde(default)]
    cookie: bool,
}

/// Makes the passkey, uses the code up, and signs in.
#[utoipa::path(
    tag = "Signing in",
    request_body = EnrolmentFinish,
    responses(
        (status = 200, body = SessionAnswer),
        (
            status = 403,
            description = "`ceremony-refused`, `code-refused`, `device-refused`, `wrong-origin` (if a \
                           cookie is asked for)",
            body = ProblemBody
        ),
    )
)]
#[post("/v1/enrolment/finish")]
pub async fn handle(
    app: web::Data<App>,
    request: HttpRequest,
    body: JsonBody<EnrolmentFinish>,
) -> Result<HttpResponse, Problem> {
    let finish = body.0;
    let as_cookie = finish.cookie;
    if as_cookie {
        from_own_page(&app, &request)?;
    }
    let opened = settle(&app, move |app, connection| {
        settle_enrolment(app, connection, &finish)
    })
    .await?;
    session_answer::answer(&app, &request, opened, as_cookie).await
}

fn settle_enrolment(
    app: &App,
    connection: &mut SqliteConnection,
    finish: &EnrolmentFinish,
) -> Result<Result<Opened, Problem>, Problem> {
    let now = app.clock.now();
    let Some(name) = clean_name(&finish.passkey_name) else {
        let detail = format!("passkey_name has {NAME_RULE}");
        return Ok(Err(Problem::new(ProblemType::Malformed).detail(detail)));
    };
    let Ok(id) = finish.ceremony[..].try_into() else {
        return Ok(Err(CeremonyRefused::Unknown.into()));
    };
    let Some(Ceremony::Enrolment {
        person,
        selector,
        state,
    }) = ceremonies::take(connection, &app.keys, now, &id)?
    else {
        return Ok(Err(CeremonyRefused::Unknown.into()));
    };
    let passkey = match app
        .relying_party
        .finish_enrolment(&finish.credential, &state)
    {
        Ok(passkey) => passkey,
        Err(refused) => return Ok(Err(refused.into())),
    };
    let device = match vet_device(app, connection, person, &id, finish.device.as_ref())? {
        Ok(device) => device,
        Err(problem) => return Ok(Err(problem)),
    };
    if !codes::consume(connection, &app.keys, now, &selector)? {
        return Ok(Err(CodeRefused::NotGood.into()));
    }
    let Some(passkey) = passkeys::add(connection, &app.keys, now, person, &name, passkey)? else {
        return Ok(Err(CeremonyRefused::Refused.into()));
    };
    let change = SignInChange::PasskeyAdded;
    app.records.note_sign_in(connection, person, None, change)?;
    session_answer::open(app, connection, person, passkey, device).map(Ok)
}

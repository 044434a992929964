use actix_web::{HttpRequest, HttpResponse, post, web};
use diesel::SqliteConnection;
use serde::Deserialize;
use sync_core::Bytes;
use utoipa::ToSchema;
use uuid::Uuid;
use webauthn_rs_proto::PublicKeyCredential;

use crate::app::App;
use crate::devices::DeviceOffer;
use crate::http::problem::ProblemBody;
use crate::http::session_answer::{self, Opened, SessionAnswer, vet_device};
use crate::http::settle::settle;
use crate::http::{JsonBody, Problem};
use crate::sessions::from_own_page;
use crate::webauthn::ceremonies::{self, Ceremony};
use crate::webauthn::{CeremonyRefused, passkeys};

/// What the authenticator answered.
#[derive(Deserialize, ToSchema)]
pub struct SignInFinish {
    /// The ceremony, as it was named at the start.
    #[schema(value_type = String, format = Byte)]
    ceremony: Bytes,
    /// The assertion, as WebAuthn's JSON has it.
    #[schema(value_type = Object)]
    credential: PublicKeyCredential,
    /// The key of the device, if it is to sign edits.
    device: Option<DeviceOffer>,
    /// Whether to answer with a cookie instead of a token.
    #[serde(default)]
    cookie: bool,
}

/// Signs in.
#[utoipa::path(
    tag = "Signing in",
    request_body = SignInFinish,
    responses(
        (status = 200, body = SessionAnswer),
        (
            status = 403,
            description = "`ceremony-refused`, `device-refused`, `wrong-origin` (if a \
                           cookie is asked for)",
            body = ProblemBody
        ),
    )
)]
#[post("/v1/sign-in/finish")]
pub async fn handle(
    app: web::Data<App>,
    request: HttpRequest,
    body: JsonBody<SignInFinish>,
) -> Result<HttpResponse, Problem> {
    let finish = body.0;
    let as_cookie = finish.cookie;
    if as_cookie {
        from_own_page(&app, &request)?;
    }
    let opened = settle(&app, move |app, connection| {
        settle_sign_in(app, connection, &finish)
    })
    .await?;
    session_answer::answer(&app, &request, opened, as_cookie).await
}

fn settle_sign_in(
    app: &App,
    connection: &mut SqliteConnection,
    finish: &SignInFinish,
) -> Result<Result<Opened, Problem>, Problem> {
    let now = app.clock.now();
    let refused = |why: CeremonyRefused| Ok(Err(why.into()));
    let Ok(id) = finish.ceremony[..].try_into() else {
        return refused(CeremonyRefused::Unknown);
    };
    let Some(Ceremony::SignIn { state }) = ceremonies::take(connection, &app.keys, now, &id)?
    else {
        return refused(CeremonyRefused::Unknown);
    };
    let credential = finish.credential.get_credential_id();
    let found = passkeys::find_by_credential(connection, &app.keys, credential)?;
    // The user handle must name the owner: it is what the authenticator showed to its user.
    let named = finish.credential.get_user_unique_id();
    let named = named.and_then(|bytes| Uuid::from_slice(bytes).ok());
    let Some(mut enrolled) = found.filter(|enrolled| Some(enrolled.person.0) == named) else {
        return refused(CeremonyRefused::Refused);
    };
    let checked = app
        .relying_party
        .finish_sign_in(&finish.credential, *state, &enrolled.passkey);
    match checked {
        Ok(result) => enrolled.passkey.update_credential(&result),
        Err(why) => return refused(why),
    };
    let (person, passkey) = (enrolled.person, enrolled.id);
    let device = match vet_device(app, connection, person, &id, finish.device.as_ref())? {
        Ok(device) => device,
        Err(problem) => return Ok(Err(problem)),
    };
    passkeys::used(connection, &app.keys, now, enrolled)?;
    session_answer::open(app, connection, person, passkey, device).map(Ok)
}

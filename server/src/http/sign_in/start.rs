use actix_web::{Responder, post, web};
use serde::{Deserialize, Serialize};
use sync_core::Bytes;
use utoipa::ToSchema;
use webauthn_rs_proto::RequestChallengeResponse;

use crate::app::App;
use crate::http::settle::settle;
use crate::http::{JsonBody, Problem, Reply};
use crate::webauthn::CeremonyRefused;
use crate::webauthn::ceremonies::{self, Ceremony};

/// Nothing is told before signing in: who it is, the passkey says.
#[derive(Deserialize, ToSchema)]
pub struct SignInStart {}

/// A ceremony that was begun.
#[derive(Serialize, ToSchema)]
pub struct SignInStarted {
    /// Names the ceremony: 16 bytes.
    #[schema(value_type = String, format = Byte)]
    ceremony: Bytes,
    /// For `navigator.credentials.get()`, as WebAuthn's JSON has it.
    #[schema(value_type = Object)]
    options: RequestChallengeResponse,
}

/// Begins to sign in.
#[utoipa::path(
    tag = "Signing in",
    request_body = SignInStart,
    responses((status = 200, body = SignInStarted))
)]
#[post("/v1/sign-in/start")]
pub async fn handle(
    app: web::Data<App>,
    _: JsonBody<SignInStart>,
) -> Result<impl Responder, Problem> {
    let (options, state) = app
        .relying_party
        .start_sign_in()
        .map_err(CeremonyRefused::from)?;
    let state = Box::new(state);
    let id = settle(&app, move |app, connection| {
        let ceremony = Ceremony::SignIn { state };
        Ok(Ok(ceremonies::put(
            connection,
            &app.keys,
            app.clock.now(),
            &ceremony,
        )?))
    })
    .await?;
    Ok(Reply(SignInStarted {
        ceremony: id[..].into(),
        options,
    }))
}

use actix_web::{Responder, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::settle::settle;
use crate::http::{Problem, Reply};
use crate::sessions::Signed;
use crate::webauthn::codes::{self, Code, INVITATION_LASTS, Purpose};

/// A code for another passkey of one's own, to be shown to the other device as a QR code.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    /// The code, to be typed.
    code: String,
    /// When it ends, milliseconds since 1970.
    expires: i64,
    /// What the QR code holds. The code is in the fragment, which browsers send to nobody.
    link: String,
}

/// Invites another device.
#[utoipa::path(
    tag = "Oneself",
    responses((status = 200, body = Invitation)),
    security(("session" = []))
)]
#[post("/v1/me/invitations")]
pub async fn handle(app: web::Data<App>, signed: Signed) -> Result<impl Responder, Problem> {
    let (code, expires) = settle(&app, move |app, connection| {
        Ok(Ok(codes::issue(
            connection,
            &app.keys,
            app.clock.now(),
            signed.person,
            Purpose::Another,
            "invited by themself",
            INVITATION_LASTS,
        )?))
    })
    .await?;
    Ok(Reply(Invitation {
        link: link(&app, &code),
        code: code.expose(),
        expires: expires.millis(),
    }))
}

/// The address of the enrolment page with the code.
pub fn link(app: &App, code: &Code) -> String {
    let mut url = app.config.public_url().clone();
    url.set_path("/enrol");
    url.set_fragment(Some(&code.expose()));
    url.into()
}

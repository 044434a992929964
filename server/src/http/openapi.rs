//! The description of the interface, made from the handlers.

use actix_web::{HttpResponse, get};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{
    enrolment, habilitation, health, live, log, me, people, professionals, records, sign_in, sync,
};

/// The whole interface.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Carnet",
        description = "A shared medical record kept convergent between phones and a server. \
            Bodies are `application/json`, with bytes as unpadded base64url text, or \
            `application/cbor`, with bytes as byte strings. Errors are `application/problem+json` \
            (RFC 9457).",
        license(name = "Apache-2.0")
    ),
    paths(
        enrolment::start::handle,
        enrolment::finish::handle,
        sign_in::start::handle,
        sign_in::finish::handle,
        sign_in::out::handle,
        me::who::handle,
        me::passkeys::list,
        me::passkeys::rename,
        me::passkeys::revoke,
        me::devices::list,
        me::devices::rename,
        me::devices::revoke,
        me::sessions::list,
        me::sessions::end,
        me::invitations::handle,
        professionals::handle,
        habilitation::handle,
        records::handle,
        sync::handle,
        live::handle,
        log::handle,
        people::handle,
        health::healthz,
        health::readyz,
        health::metrics,
    ),
    modifiers(&Session)
)]
pub struct Api;

struct Session;

impl Modify for Session {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        api.components
            .get_or_insert_default()
            .add_security_scheme("session", scheme);
    }
}

/// Serves the description.
#[get("/openapi.json")]
pub async fn handle() -> HttpResponse {
    HttpResponse::Ok().json(Api::openapi())
}

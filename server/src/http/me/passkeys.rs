use actix_web::{HttpResponse, Responder, delete, get, patch, web};
use serde::Serialize;
use sync_core::Bytes;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Rename, change};
use crate::app::App;
use crate::http::problem::ProblemBody;
use crate::http::settle::{look, settle};
use crate::http::{Body, Problem, ProblemType, Reply};
use crate::records::SignInChange;
use crate::sessions::Signed;
use crate::webauthn::jwk::Jwk;
use crate::webauthn::passkeys::{self, Revocation};

/// A passkey of one's own.
#[derive(Serialize, ToSchema)]
#[schema(as = Passkey)]
pub struct PasskeyAnswer {
    /// Names it.
    id: Uuid,
    /// What its owner calls it.
    name: String,
    /// The credential's identifier, as WebAuthn has it.
    #[schema(value_type = String, format = Byte)]
    credential_id: Bytes,
    /// Its public key: a device whose person is away from any network checks by it that it is
    /// them, and opens their profile.
    public_key: Jwk,
    /// When it was enrolled, milliseconds since 1970.
    created: i64,
    /// When it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<i64>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<i64>,
}

/// One's passkeys.
#[utoipa::path(
    tag = "Oneself",
    responses((status = 200, body = Vec<PasskeyAnswer>)),
    security(("session" = []))
)]
#[get("/v1/me/passkeys")]
pub async fn list(app: web::Data<App>, signed: Signed) -> Result<impl Responder, Problem> {
    let found = look(&app, move |app, connection| {
        Ok(passkeys::list(connection, &app.keys, signed.person)?)
    })
    .await?;
    let answer: Vec<PasskeyAnswer> = found
        .into_iter()
        .map(|one| PasskeyAnswer {
            id: one.id,
            name: one.name,
            credential_id: Bytes::from(&one.passkey.cred_id()[..]),
            public_key: one.passkey.get_public_key().into(),
            created: one.created.millis(),
            last_used: one.last_used.map(|time| time.millis()),
            revoked: one.revoked.map(|time| time.millis()),
        })
        .collect();
    Ok(Reply(answer))
}

/// Names a passkey.
#[utoipa::path(
    tag = "Oneself",
    request_body = Rename,
    responses((status = 204), (status = 404, body = ProblemBody)),
    security(("session" = []))
)]
#[patch("/v1/me/passkeys/{id}")]
pub async fn rename(
    app: web::Data<App>,
    signed: Signed,
    id: web::Path<Uuid>,
    body: Body<Rename>,
) -> Result<HttpResponse, Problem> {
    let name = body.0.clean()?;
    change(&app, move |app, connection| {
        let (keys, person) = (&app.keys, signed.person);
        Ok(passkeys::rename(connection, keys, person, *id, &name)?)
    })
    .await
}

/// Revokes a passkey: it signs nobody in any more, and the sessions it opened end.
#[utoipa::path(
    tag = "Oneself",
    responses(
        (status = 204),
        (status = 404, body = ProblemBody),
        (status = 409, description = "`last-passkey`", body = ProblemBody),
    ),
    security(("session" = []))
)]
#[delete("/v1/me/passkeys/{id}")]
pub async fn revoke(
    app: web::Data<App>,
    signed: Signed,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let revocation = settle(&app, move |app, connection| {
        let now = app.clock.now();
        let id = id.into_inner();
        let revocation = passkeys::revoke(connection, &app.keys, now, signed.person, id)?;
        if matches!(revocation, Revocation::Done) {
            let device = signed.device.map(|device| device.id);
            let change = SignInChange::PasskeyRevoked;
            app.records
                .note_sign_in(connection, signed.person, device, change)?;
        }
        Ok(Ok(revocation))
    })
    .await?;
    match revocation {
        Revocation::Done => Ok(HttpResponse::NoContent().finish()),
        Revocation::Unknown => Err(ProblemType::NotFound.into()),
        Revocation::Last => Err(Problem::new(ProblemType::LastPasskey)
            .detail("enrol another first; without any, only a desk could let you in again")),
    }
}

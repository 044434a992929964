use actix_web::{HttpResponse, Responder, delete, get, patch, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use sync_core::DeviceId;
use sync_core::sign::PublicKey;
use utoipa::ToSchema;

use super::{Rename, change};
use crate::app::App;
use crate::devices;
use crate::http::problem::ProblemBody;
use crate::http::settle::look;
use crate::http::{Body, Problem, ProblemType, Reply};
use crate::records::SignInChange;
use crate::sessions::Signed;

/// A device of one's own.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub struct DeviceAnswer {
    /// Names it: 16 bytes.
    #[schema(value_type = String, format = Byte)]
    id: DeviceId,
    /// What its owner calls it.
    name: String,
    /// The Ed25519 key it signs with.
    #[schema(value_type = String, format = Byte)]
    public_key: PublicKey,
    /// When it was registered, milliseconds since 1970.
    created: i64,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<i64>,
}

/// One's devices.
#[utoipa::path(
    tag = "Oneself",
    responses((status = 200, body = Vec<DeviceAnswer>)),
    security(("session" = []))
)]
#[get("/v1/me/devices")]
pub async fn list(app: web::Data<App>, signed: Signed) -> Result<impl Responder, Problem> {
    let found = look(&app, move |app, connection| {
        Ok(devices::list(connection, &app.keys, signed.person)?)
    })
    .await?;
    let answer: Vec<DeviceAnswer> = found
        .into_iter()
        .map(|one| DeviceAnswer {
            id: one.id,
            name: one.name,
            public_key: one.public_key,
            created: one.created.millis(),
            revoked: one.revoked.map(|time| time.millis()),
        })
        .collect();
    Ok(Reply(answer))
}

/// Names a device.
#[utoipa::path(
    tag = "Oneself",
    params(("id" = String, Path, description = "base64url of the 16 bytes")),
    request_body = Rename,
    responses((status = 204), (status = 404, body = ProblemBody)),
    security(("session" = []))
)]
#[patch("/v1/me/devices/{id}")]
pub async fn rename(
    app: web::Data<App>,
    signed: Signed,
    id: web::Path<String>,
    body: Body<Rename>,
) -> Result<HttpResponse, Problem> {
    let id = device_id(&id)?;
    let name = body.0.clean()?;
    change(&app, move |app, connection| {
        let (keys, person) = (&app.keys, signed.person);
        Ok(devices::rename(connection, keys, person, id, &name)?)
    })
    .await
}

/// Revokes a device: nothing it signs from now on is taken, and its sessions end.
#[utoipa::path(
    tag = "Oneself",
    params(("id" = String, Path, description = "base64url of the 16 bytes")),
    responses((status = 204), (status = 404, body = ProblemBody)),
    security(("session" = []))
)]
#[delete("/v1/me/devices/{id}")]
pub async fn revoke(
    app: web::Data<App>,
    signed: Signed,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = device_id(&id)?;
    change(&app, move |app, connection| {
        let now = app.clock.now();
        let done = devices::revoke(connection, &app.keys, now, signed.person, id)?;
        if done {
            let revoked = SignInChange::DeviceRevoked;
            app.records
                .note_sign_in(connection, signed.person, Some(id), revoked)?;
        }
        Ok(done)
    })
    .await
}

fn device_id(text: &str) -> Result<DeviceId, Problem> {
    URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| DeviceId::from_slice(&bytes))
        .ok_or_else(|| ProblemType::NotFound.into())
}

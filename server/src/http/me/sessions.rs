use actix_web::{HttpResponse, Responder, delete, get, web};
use serde::Serialize;
use sync_core::DeviceId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::change;
use crate::app::App;
use crate::http::problem::ProblemBody;
use crate::http::settle::look;
use crate::http::{Problem, Reply};
use crate::sessions::{self, Signed};

/// A session of one's own.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedSession)]
pub struct ListedSession {
    /// Names it.
    id: Uuid,
    /// The device it was opened on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Byte)]
    device: Option<DeviceId>,
    /// When it was opened, milliseconds since 1970.
    created: i64,
    /// When it ends at the latest.
    expires: i64,
    /// When it was last used, to within half a day.
    last_seen: i64,
    /// Whether it is the one that asks.
    current: bool,
}

/// One's sessions that stand.
#[utoipa::path(
    tag = "Oneself",
    responses((status = 200, body = Vec<ListedSession>)),
    security(("session" = []))
)]
#[get("/v1/me/sessions")]
pub async fn list(app: web::Data<App>, signed: Signed) -> Result<impl Responder, Problem> {
    let found = look(&app, move |app, connection| {
        let (now, idle) = (app.clock.now(), app.config.session_idle);
        Ok(sessions::list(connection, now, idle, signed.person)?)
    })
    .await?;
    let answer: Vec<ListedSession> = found
        .into_iter()
        .map(|one| ListedSession {
            id: one.id,
            device: one.device.map(|device| device.id),
            created: one.created.millis(),
            expires: one.expires.millis(),
            last_seen: one.last_seen.millis(),
            current: one.id == signed.session,
        })
        .collect();
    Ok(Reply(answer))
}

/// Ends a session.
#[utoipa::path(
    tag = "Oneself",
    responses((status = 204), (status = 404, body = ProblemBody)),
    security(("session" = []))
)]
#[delete("/v1/me/sessions/{id}")]
pub async fn end(
    app: web::Data<App>,
    signed: Signed,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    change(&app, move |app, connection| {
        let (keys, now) = (&app.keys, app.clock.now());
        Ok(sessions::end(connection, keys, now, signed.person, *id)?)
    })
    .await
}

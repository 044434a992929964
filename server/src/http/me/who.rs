use actix_web::{Responder, get, web};
use serde::Serialize;
use sync_core::policy::Profession;
use sync_core::{DeviceId, PersonId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::http::settle::look;
use crate::http::{Problem, ProblemType, Reply};
use crate::people;
use crate::sessions::Signed;

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// The person.
    #[schema(value_type = Uuid)]
    person: PersonId,
    /// The name to show.
    name: String,
    /// The verified profession of a health professional.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    profession: Option<Profession>,
    /// This session.
    session: Uuid,
    /// The device it was opened on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Byte)]
    device: Option<DeviceId>,
}

/// Who is signed in.
#[utoipa::path(tag = "Oneself", responses((status = 200, body = Me)), security(("session" = [])))]
#[get("/v1/me")]
pub async fn handle(app: web::Data<App>, signed: Signed) -> Result<impl Responder, Problem> {
    let me = look(&app, move |app, connection| {
        let person =
            people::find(connection, &app.keys, signed.person)?.ok_or(ProblemType::NotFound)?;
        Ok(Me {
            person: signed.person,
            name: person.name(),
            profession: person.professional.map(|p| p.profession),
            session: signed.session,
            device: signed.device.map(|device| device.id),
        })
    })
    .await?;
    Ok(Reply(me))
}

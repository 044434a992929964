use actix_web::{Responder, get, web};
use serde::Serialize;
use sync_core::RecordId;
use sync_core::audit::AccessAction;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::problem::ProblemBody;
use crate::http::{Problem, Reply};
use crate::records::{AccessError, KnownPerson, Visitor};
use crate::sessions::Signed;

/// People of a record.
#[derive(Serialize, ToSchema)]
#[schema(as = RecordPeople)]
pub struct PeopleAnswer {
    /// In no order that means anything.
    people: Vec<KnownPerson>,
}

/// Names the people of a record whom the visitor may know of: the holder, the authors of what they
/// may see, and whom the rights they may see name.
#[utoipa::path(
    tag = "Records",
    params(("record" = uuid::Uuid, Path, description = "The record")),
    responses(
        (status = 200, body = PeopleAnswer),
        (status = 404, description = "`not-found`: no such record, or not for you", body = ProblemBody),
    ),
    security(("session" = []))
)]
#[get("/v1/records/{record}/people")]
pub async fn handle(
    app: web::Data<App>,
    signed: Signed,
    record: web::Path<uuid::Uuid>,
) -> Result<impl Responder, Problem> {
    let record = RecordId(*record);
    let visitor = Visitor::from(&signed);
    let records = app.records.clone();
    let people = app
        .db
        .read(move |connection| records.people_of(connection, record, &visitor))
        .await?;
    let records = app.records.clone();
    app.db
        .write(move |connection| {
            records.note(connection, record, &visitor, AccessAction::ReadPeople)?;
            Ok::<_, AccessError>(())
        })
        .await?;
    Ok(Reply(PeopleAnswer { people }))
}

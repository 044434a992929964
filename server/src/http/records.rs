use actix_web::{Responder, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::{Problem, ProblemType, Reply};
use crate::records::{AccessError, RecordSummary};
use crate::sessions::Signed;

/// Records that somebody may open.
#[derive(Serialize, ToSchema)]
#[schema(as = Records)]
pub struct RecordsAnswer {
    /// Their own first.
    records: Vec<RecordSummary>,
}

/// Lists the records that the person signed in may open now, with their roles.
#[utoipa::path(
    tag = "Records",
    responses((status = 200, body = RecordsAnswer)),
    security(("session" = []))
)]
#[get("/v1/records")]
pub async fn handle(app: web::Data<App>, signed: Signed) -> Result<impl Responder, Problem> {
    let records = app.records.clone();
    let person = signed.person;
    let records = app
        .db
        .read(move |connection| records.of_person(connection, person))
        .await?;
    Ok(Reply(RecordsAnswer { records }))
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotYours => Problem::new(ProblemType::NotFound),
            AccessError::Request(what) => Problem::new(ProblemType::Malformed).detail(what),
            AccessError::Device => Problem::new(ProblemType::DeviceRefused)
                .detail("sync from the device that signed in, with its key"),
            AccessError::Changing => Problem::new(ProblemType::Unavailable)
                .detail("the rights on this record are changing; try again")
                .retry_after(1),
            AccessError::Fault(fault) => fault.into(),
        }
    }
}

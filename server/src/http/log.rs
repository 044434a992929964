use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use sync_core::RecordId;
use sync_core::audit::{AccessAction, AccessEvent, ChainedEvent, LogHead};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::audit;
use crate::http::Problem;
use crate::http::held_body::held_reply;
use crate::http::problem::ProblemBody;
use crate::records::{AccessError, Visitor};
use crate::sessions::Signed;

/// The most events in one page.
const MOST: u32 = 1_000;

/// Which part of the log.
#[derive(Deserialize, IntoParams)]
pub struct Part {
    /// The number of the last event known; 0 for the beginning.
    #[serde(default)]
    after: u64,
    /// At most so many events.
    limit: Option<u32>,
}

/// A part of a record's access log.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessLog)]
pub struct LogAnswer {
    /// The events in order, each as the bytes that were hashed (`e`) and the chain's hash with it
    /// (`h`).
    #[schema(value_type = Vec<Object>)]
    events: Vec<ChainedEvent>,
    /// There are later ones.
    more: bool,
    /// The head of the chain when this was answered.
    #[schema(value_type = Object)]
    head: LogHead,
}

/// Reads the record's access log; the holder only.
#[utoipa::path(
    tag = "Records",
    params(("record" = uuid::Uuid, Path, description = "The record"), Part),
    responses(
        (status = 200, body = LogAnswer),
        (status = 404, description = "`not-found`: no such record, or not for you", body = ProblemBody),
    ),
    security(("session" = []))
)]
#[get("/v1/records/{record}/log")]
pub async fn handle(
    app: web::Data<App>,
    signed: Signed,
    record: web::Path<uuid::Uuid>,
    part: web::Query<Part>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let record = RecordId(*record);
    let visitor = Visitor::from(&signed);
    let limit = part.limit.unwrap_or(MOST).clamp(1, MOST);
    let after = part.after;
    let records = app.records.clone();
    let turn = app.turn(visitor.person).await?;
    let answer: LogAnswer = app
        .db
        .read(move |connection| {
            let _turn = turn;
            let admitted = records.admit(connection, record, visitor.person)?;
            if !admitted.is_holder() {
                return Err(AccessError::NotYours);
            }
            let events = audit::page(connection, &admitted.vault, after, limit)?;
            let head = audit::head(&admitted.row.clock);
            let read = after.saturating_add(events.len() as u64);
            Ok(LogAnswer {
                events,
                more: read < head.seq,
                head,
            })
        })
        .await?;
    if after == 0 || answer.events.iter().any(tells_more_than_reading) {
        let records = app.records.clone();
        app.db
            .write(move |connection| {
                records.note(connection, record, &visitor, AccessAction::ReadLog)
            })
            .await?;
    }
    held_reply(&request, &answer, app.load.begin(visitor.person))
}

/// Reading the log is logged; reading only that it was read is not, or the log would grow each
/// time a phone looks whether it has.
fn tells_more_than_reading(event: &ChainedEvent) -> bool {
    AccessEvent::decode(&event.event).map_or(true, |event| event.action != AccessAction::ReadLog)
}

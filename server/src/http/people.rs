use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use sync_core::audit::AccessAction;
use sync_core::{RecordId, Tick};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::http::Problem;
use crate::http::held_body::held_reply;
use crate::http::problem::ProblemBody;
use crate::records::{AccessError, KnownPerson, Visitor};
use crate::sessions::Signed;

/// People of a record.
#[derive(Serialize, ToSchema)]
#[schema(as = RecordPeople)]
pub struct PeopleAnswer {
    /// In no order that means anything.
    people: Vec<KnownPerson>,
    /// There may be more: ask again with this as `since`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// Which people.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PeopleQuery {
    /// Those of entries written or fallen due after this tick; others may be among them.
    #[serde(default)]
    since: u64,
}

/// Names the people of a record whom the visitor may know of: the holder, the authors of what they
/// may see, and whom the rights they may see name.
#[utoipa::path(
    tag = "Records",
    params(("record" = uuid::Uuid, Path, description = "The record"), PeopleQuery),
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
    query: web::Query<PeopleQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (record, since) = (RecordId(*record), Tick(query.since));
    let visitor = Visitor::from(&signed);
    let records = app.records.clone();
    let turn = app.turn(visitor.person).await?;
    let (people, next) = app
        .db
        .read(move |connection| {
            let _turn = turn;
            records.people_of(connection, record, &visitor, since)
        })
        .await?;
    let records = app.records.clone();
    app.db
        .write(move |connection| {
            records.note(connection, record, &visitor, AccessAction::ReadPeople)?;
            Ok::<_, AccessError>(())
        })
        .await?;
    let next = next.map(|tick| tick.0);
    let answer = PeopleAnswer { people, next };
    held_reply(&request, &answer, app.load.begin(visitor.person))
}

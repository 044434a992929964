use actix_web::{HttpRequest, HttpResponse, post, web};
use sync_core::RecordId;

use crate::app::App;
use crate::http::Problem;
use crate::http::body::read_sync;
use crate::http::held_body::held_reply;
use crate::http::problem::ProblemBody;
use crate::records::Visitor;
use crate::sessions::Signed;

/// Hands edits in and fetches what is new, in one round trip.
///
/// The messages are described in `docs/wire.md`.
#[utoipa::path(
    tag = "Records",
    params(("record" = uuid::Uuid, Path, description = "The record")),
    request_body(content = Object, description = "A request, `docs/wire.md`"),
    responses(
        (status = 200, description = "An answer, `docs/wire.md`"),
        (status = 400, description = "`malformed`", body = ProblemBody),
        (status = 403, description = "`device-refused`", body = ProblemBody),
        (status = 404, description = "`not-found`: no such record, or not for you", body = ProblemBody),
        (status = 413, description = "`too-large`: send less at once", body = ProblemBody),
        (status = 429, description = "`too-many`: you have too much under way", body = ProblemBody),
        (status = 503, description = "`unavailable`: try again", body = ProblemBody),
        (status = 507, description = "`no-room`: its edits wait; what is new is told without them", body = ProblemBody),
    ),
    security(("session" = []))
)]
#[post("/v1/records/{record}/sync")]
pub async fn handle(
    app: web::Data<App>,
    signed: Signed,
    record: web::Path<uuid::Uuid>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let mut held = app.load.begin(signed.person);
    let asked = read_sync(&request, body.into_inner(), &mut held).await?;
    let turn = app.wait_for(held).await?;
    let (record, visitor) = (RecordId(*record), Visitor::from(&signed));
    let answer = app.records.sync(record, visitor, asked, turn).await?;
    held_reply(&request, &answer, app.load.begin(signed.person))
}

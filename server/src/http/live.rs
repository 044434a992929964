use actix_web::{HttpRequest, HttpResponse, get, web};
use sync_core::RecordId;
use sync_core::sync::limits::MAX_LIVE_FRAME;

use crate::app::App;
use crate::http::problem::ProblemBody;
use crate::http::{Problem, ProblemType};
use crate::live::{Connected, serve};
use crate::records::{AccessError, Visitor};
use crate::sessions::Signed;

/// Opens a WebSocket that carries the messages of sync, and tells of changes unasked.
#[utoipa::path(
    tag = "Records",
    params(("record" = uuid::Uuid, Path, description = "The record")),
    responses(
        (status = 101, description = "A WebSocket; `docs/wire.md`"),
        (status = 400, description = "`malformed`: not a WebSocket", body = ProblemBody),
        (status = 404, description = "`not-found`: no such record, or not for you", body = ProblemBody),
        (status = 429, description = "`too-many`: you have too many of them open", body = ProblemBody),
    ),
    security(("session" = []))
)]
#[get("/v1/records/{record}/live")]
pub async fn handle(
    app: web::Data<App>,
    signed: Signed,
    record: web::Path<uuid::Uuid>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let record = RecordId(*record);
    let records = app.records.clone();
    let person = signed.person;
    app.db
        .read(move |connection| {
            records.admit(connection, record, person)?;
            Ok::<_, AccessError>(())
        })
        .await?;
    let place = app.live.take(signed.person).ok_or_else(|| {
        Problem::new(ProblemType::TooMany).detail("close another of your connections first")
    })?;
    let held = app.load.begin(signed.person);
    let (response, session, messages) = actix_ws::handle(&request, body)
        .map_err(|_| Problem::new(ProblemType::Malformed).detail("open a WebSocket here"))?;
    let messages = messages.max_frame_size(MAX_LIVE_FRAME);
    let connected = Connected {
        app,
        record,
        visitor: Visitor::from(&signed),
        session: signed.session,
        place,
        held,
    };
    actix_web::rt::spawn(serve(connected, session, messages));
    Ok(response)
}

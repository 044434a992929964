use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use sync_core::{RecordId, Tick};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::http::held_body::held_reply;
use crate::http::{Problem, ProblemType};
use crate::records::{AccessError, RECORDS_A_PAGE, RecordPage, RecordSummary};
use crate::sessions::Signed;

/// Records that somebody may open.
#[derive(Serialize, ToSchema)]
#[schema(as = Records)]
pub struct RecordsAnswer {
    /// Their own first, then the others by their names.
    records: Vec<RecordSummary>,
    /// Records that the server cannot read now. They have not ended for that: keep what is known of
    /// them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<uuid::Uuid>, required = false)]
    unreadable: Vec<RecordId>,
    /// There may be more: ask again with this as `after`. A page may be empty and not the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    next: Option<RecordId>,
    /// When the server was put back from an older copy last, in microseconds since 1970. Rights
    /// given before may be missing: a record that is not listed has not ended for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    restored: Option<Tick>,
}

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
pub struct Part {
    /// What `next` said in the page before; left out for the first.
    after: Option<uuid::Uuid>,
    /// Look at no more than so many records; 1,000 at most and if left out.
    limit: Option<u32>,
}

/// Lists the records that the person signed in may open now, with their roles.
#[utoipa::path(
    tag = "Records",
    params(Part),
    responses((status = 200, body = RecordsAnswer)),
    security(("session" = []))
)]
#[get("/v1/records")]
pub async fn handle(
    app: web::Data<App>,
    signed: Signed,
    part: web::Query<Part>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let records = app.records.clone();
    let (person, after) = (signed.person, part.after.map(RecordId));
    let limit = part.limit.unwrap_or(RECORDS_A_PAGE);
    let turn = app.turn(person).await?;
    let page = app
        .db
        .read(move |connection| {
            let _turn = turn;
            records.of_person(connection, person, after, limit)
        })
        .await?;
    let RecordPage {
        records,
        unreadable,
        next,
        restored,
    } = page;
    let answer = RecordsAnswer {
        records,
        unreadable,
        next,
        restored,
    };
    held_reply(&request, &answer, app.load.begin(person))
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotYours => Problem::new(ProblemType::NotFound),
            AccessError::SignedOut => Problem::new(ProblemType::NotSignedIn)
                .detail("the session has ended; sign in again"),
            AccessError::Request(what) => Problem::new(ProblemType::Malformed).detail(what),
            AccessError::TooLarge => Problem::new(ProblemType::TooLarge)
                .detail("send fewer edits at once: at most 1,000, and 4 MiB of them"),
            AccessError::Harmful => Problem::new(ProblemType::TooLarge)
                .detail("too many of its edits cannot be tried: send fewer at once, and again"),
            AccessError::Device => Problem::new(ProblemType::DeviceRefused)
                .detail("sync from the device that signed in, with its key"),
            AccessError::Changing => Problem::new(ProblemType::Unavailable)
                .detail("the rights on this record are changing; try again")
                .retry_after(1),
            AccessError::NoGuard => Problem::new(ProblemType::Unavailable)
                .detail("its edits cannot be checked at the moment; try again")
                .retry_after(1),
            AccessError::NoRoom => Problem::from(ProblemType::NoRoom)
                .detail("its disk is nearly full: the edits wait on their device; try again later")
                .retry_after(60),
            AccessError::Fault(fault) => fault.into(),
        }
    }
}

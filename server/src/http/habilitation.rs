use actix_web::{Responder, get, web};
use serde::Serialize;
use sync_core::Digest32;
use sync_core::policy::Matrix;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::{Problem, Reply};
use crate::sessions::Signed;

/// The habilitation matrix in force.
#[derive(Serialize, ToSchema)]
#[schema(as = Habilitation)]
pub struct HabilitationAnswer {
    /// Names what the matrix says: another one has another digest.
    #[schema(value_type = String)]
    digest: Digest32,
    /// Version, columns and rows, as in the operator's file.
    #[schema(value_type = Object)]
    matrix: Matrix,
}

/// Says what each profession may read and write here, so that an app can tell people before they
/// try. The server decides by the same matrix, whatever an app has.
#[utoipa::path(
    tag = "Records",
    responses((status = 200, body = HabilitationAnswer)),
    security(("session" = []))
)]
#[get("/v1/habilitation")]
pub async fn handle(app: web::Data<App>, _signed: Signed) -> Result<impl Responder, Problem> {
    let matrix = app.records.matrix.clone();
    Ok(Reply(HabilitationAnswer {
        digest: matrix.digest(),
        matrix,
    }))
}

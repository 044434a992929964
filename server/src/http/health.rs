//! What the operator's machines ask: alive, ready, figures.

use actix_web::{HttpResponse, get, web};
use diesel::prelude::*;

use crate::app::App;
use crate::fault::Fault;
use crate::http::{Problem, ProblemType};
use crate::storage::schema::identity::settings;
use crate::telemetry;

/// Whether the process answers at all.
#[utoipa::path(tag = "Operation", responses((status = 200)))]
#[get("/healthz")]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// Whether the server can serve: its store answers and takes what is written, its disks have room, its
/// clock was not set far ahead, and it is not stopping.
#[utoipa::path(tag = "Operation", responses((status = 200), (status = 503)))]
#[get("/readyz")]
pub async fn readyz(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    if *app.stopping().borrow() {
        return Err(Problem::new(ProblemType::Unavailable).detail("the server is stopping"));
    }
    if app.clock.is_astray() {
        let detail = "the machine's clock was set ahead by more than an hour";
        return Err(Problem::new(ProblemType::Unavailable).detail(detail));
    }
    app.db
        .read(|connection| -> Result<i64, Fault> {
            Ok(settings::table.count().get_result(connection)?)
        })
        .await?;
    if app.records.disk.is_short() {
        return Err(Problem::new(ProblemType::Unavailable).detail("the disk is nearly full"));
    }
    if let Err(error) = app.db.can_write(&app.clock).await {
        tracing::error!(%error, "the store cannot be written to");
        let problem = Problem::new(ProblemType::Unavailable).retry_after(5);
        return Err(problem.detail("the store cannot be written to"));
    }
    Ok(HttpResponse::Ok()
        .content_type("text/plain")
        .body("ready\n"))
}

/// Figures in Prometheus' text format. Nothing in them says who.
#[utoipa::path(tag = "Operation", responses((status = 200)))]
#[get("/metrics")]
pub async fn metrics() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(telemetry::metrics().render())
}

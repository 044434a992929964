use actix_web::{HttpResponse, post, web};

use crate::app::App;
use crate::http::Problem;
use crate::http::settle::settle;
use crate::sessions::{self, Signed, ended_cookie};

/// Ends the session that asks.
#[utoipa::path(tag = "Signing in", responses((status = 204)), security(("session" = [])))]
#[post("/v1/sign-out")]
pub async fn handle(app: web::Data<App>, signed: Signed) -> Result<HttpResponse, Problem> {
    settle(&app, move |app, connection| {
        let (keys, now) = (&app.keys, app.clock.now());
        sessions::end(connection, keys, now, signed.person, signed.session)?;
        Ok(Ok(()))
    })
    .await?;
    Ok(HttpResponse::NoContent().cookie(ended_cookie()).finish())
}

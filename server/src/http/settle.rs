//! How handlers work with the store.

use actix_web::web;
use diesel::SqliteConnection;

use super::Problem;
use crate::app::App;

/// Runs a job that writes and may refuse. The inner answer is given after the commit, a refusal
/// too: what it cost (a used ceremony, a counted guess) is kept. An outer error undoes the job.
pub async fn settle<T, F>(app: &web::Data<App>, job: F) -> Result<T, Problem>
where
    F: FnOnce(&App, &mut SqliteConnection) -> Result<Result<T, Problem>, Problem> + Send + 'static,
    T: Send + 'static,
{
    let shared = app.clone();
    app.db
        .write(move |connection| job(&shared, connection))
        .await?
}

/// Runs a job that only reads.
pub async fn look<T, F>(app: &web::Data<App>, job: F) -> Result<T, Problem>
where
    F: FnOnce(&App, &mut SqliteConnection) -> Result<T, Problem> + Send + 'static,
    T: Send + 'static,
{
    let shared = app.clone();
    app.db
        .read(move |connection| job(&shared, connection))
        .await
}

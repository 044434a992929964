//! What people see and change of themselves: who they are, passkeys, devices, sessions,
//! invitations of another device.

pub mod devices;
pub mod invitations;
pub mod passkeys;
pub mod sessions;
pub mod who;

use actix_web::{HttpResponse, web};
use diesel::SqliteConnection;
use serde::Deserialize;
use utoipa::ToSchema;

use super::settle::settle;
use super::{Problem, ProblemType};
use crate::app::App;
use crate::devices::{NAME_RULE, clean_name};

/// A new name.
#[derive(Deserialize, ToSchema)]
pub struct Rename {
    /// 1 to 60 characters.
    name: String,
}

impl Rename {
    pub(super) fn clean(&self) -> Result<String, Problem> {
        clean_name(&self.name).ok_or_else(|| {
            Problem::new(ProblemType::Malformed).detail(format!("name has {NAME_RULE}"))
        })
    }
}

/// Changes something of one's own. The job says whether there was such a thing; so does the answer.
async fn change<F>(app: &web::Data<App>, job: F) -> Result<HttpResponse, Problem>
where
    F: FnOnce(&App, &mut SqliteConnection) -> Result<bool, Problem> + Send + 'static,
{
    let done = settle(app, move |app, connection| job(app, connection).map(Ok)).await?;
    if done {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ProblemType::NotFound.into())
    }
}

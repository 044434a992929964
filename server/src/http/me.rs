//! What people see and change of themselves: who they are, passkeys, devices, sessions,
//! invitations of another device.

pub mod devices;
pub mod invitations;
pub mod passkeys;
pub mod sessions;
pub mod who;

use serde::Deserialize;
use utoipa::ToSchema;

use super::{Problem, ProblemType};
use crate::devices::clean_name;

/// A new name.
#[derive(Deserialize, ToSchema)]
pub struct Rename {
    /// 1 to 60 characters.
    name: String,
}

impl Rename {
    fn clean(&self) -> Result<String, Problem> {
        clean_name(&self.name).ok_or_else(|| {
            Problem::new(ProblemType::Malformed).detail("name has 1 to 60 characters")
        })
    }
}

/// What a change answers: done, or there is no such thing of this person's.
fn found(done: bool) -> Result<(), Problem> {
    if done {
        Ok(())
    } else {
        Err(ProblemType::NotFound.into())
    }
}

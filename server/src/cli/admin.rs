//! What an administrator does at the desk or the machine.

mod add_person;
mod enrolment_code;
mod keys;
mod open_record;

use clap::Subcommand;
use sync_core::PersonId;

use super::{CommandError, open};
use crate::app::App;
use crate::config::{CodeDays, Config};
use crate::webauthn::codes::{self, Purpose};

#[derive(Subcommand)]
pub(super) enum Admin {
    /// Open a record with its holder's consent, and print an enrolment code
    OpenRecord(Box<open_record::OpenRecord>),
    /// Enter a health professional or a caregiver, and print an enrolment code
    AddPerson(add_person::AddPerson),
    /// Print a new enrolment code for somebody whose identity was proofed
    EnrolmentCode(enrolment_code::EnrolmentCode),
    /// Look after the keys
    #[command(subcommand)]
    Keys(keys::Keys),
}

impl Admin {
    /// How long the code is good for that the command makes, if it makes one.
    pub(super) fn codes(&self) -> CodeDays {
        match self {
            Admin::OpenRecord(command) => command.codes.clone(),
            Admin::AddPerson(command) => command.codes.clone(),
            Admin::EnrolmentCode(command) => command.codes.clone(),
            Admin::Keys(_) => CodeDays::default(),
        }
    }
}

pub(super) async fn run(command: Admin, config: Config) -> Result<(), CommandError> {
    let app = open(config).await?;
    match command {
        Admin::OpenRecord(command) => command.run(&app).await,
        Admin::AddPerson(command) => command.run(&app).await,
        Admin::EnrolmentCode(command) => command.run(&app).await,
        Admin::Keys(keys::Keys::Rotate) => keys::rotate(&app),
        Admin::Keys(keys::Keys::GiveUp(command)) => command.run(&app).await,
    }?;
    app.db.close().await;
    Ok(())
}

/// Makes an enrolment code, as it is shown.
fn issue_code(
    app: &CodeMaker,
    connection: &mut diesel::SqliteConnection,
    person: PersonId,
    purpose: Purpose,
    proof: &str,
) -> Result<String, CommandError> {
    let (code, _) = codes::issue(
        connection, &app.keys, app.now, person, purpose, proof, app.lasts,
    )?;
    Ok(code.expose())
}

/// What making a code takes, to be moved into a job of the store.
struct CodeMaker {
    keys: crate::keys::Keys,
    now: sync_core::Tick,
    lasts: std::time::Duration,
}

impl CodeMaker {
    fn of(app: &App) -> Self {
        Self {
            keys: app.keys.clone(),
            now: app.clock.now(),
            lasts: app.config.enrolment_code,
        }
    }
}

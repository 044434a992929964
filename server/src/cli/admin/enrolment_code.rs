use clap::Args;
use serde_json::json;
use sync_core::PersonId;

use super::{CodeMaker, issue_code};
use crate::app::App;
use crate::cli::{CommandError, output};
use crate::config::CodeDays;
use crate::people;
use crate::webauthn::codes::Purpose;

#[derive(Args)]
pub(in crate::cli) struct EnrolmentCode {
    #[command(flatten)]
    pub(super) codes: CodeDays,
    /// The person, as opening or adding printed it
    #[arg(long, value_name = "ID")]
    person: PersonId,
    /// How the person proved who they are
    #[arg(long)]
    proof: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl EnrolmentCode {
    pub(super) async fn run(self, app: &App) -> Result<(), CommandError> {
        let maker = CodeMaker::of(app);
        let person = self.person;
        let proof = self.proof;
        let code = app
            .db
            .write(move |connection| -> Result<String, CommandError> {
                if people::find(connection, &maker.keys, person)?.is_none() {
                    return Err(CommandError::Input("there is no such person".into()));
                }
                issue_code(&maker, connection, person, Purpose::Recovery, &proof)
            })
            .await?;
        output::print(
            self.json,
            &json!({ "person": person, "code": code }),
            &[("enrolment code", code.clone())],
        )
    }
}

use clap::Args;
use serde_json::json;
use sync_core::identity::Rpps;
use sync_core::policy::Profession;

use super::{CodeMaker, issue_code};
use crate::app::App;
use crate::cli::{CommandError, output};
use crate::config::CodeDays;
use crate::devices::{NAME_RULE, clean_name};
use crate::people::{self, Person, Professional};
use crate::webauthn::codes::Purpose;

#[derive(Args)]
#[command(group(clap::ArgGroup::new("who").required(true).args(["professional", "caregiver"])))]
pub(in crate::cli) struct AddPerson {
    #[command(flatten)]
    pub(super) codes: CodeDays,
    /// A health professional who was verified
    #[arg(long, requires_all = ["rpps", "profession"])]
    professional: bool,
    /// Somebody who looks after another person's record
    #[arg(long, conflicts_with_all = ["rpps", "profession"])]
    caregiver: bool,
    /// Number in the shared directory of professionals
    #[arg(long)]
    rpps: Option<String>,
    /// physician, midwife, dentist, pharmacist, nurse or other
    #[arg(long)]
    profession: Option<String>,
    /// Family name
    #[arg(long)]
    family_name: String,
    /// Given names
    #[arg(long)]
    given_names: String,
    /// How the person proved who they are
    #[arg(long, default_value = "verified by the administrator")]
    proof: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl AddPerson {
    pub(super) async fn run(self, app: &App) -> Result<(), CommandError> {
        let name = |text: &str, what: &str| {
            clean_name(text).ok_or_else(|| CommandError::Input(format!("{what} has {NAME_RULE}")))
        };
        let person = Person {
            family_name: name(&self.family_name, "family-name")?,
            given_names: name(&self.given_names, "given-names")?,
            ins: None,
            traits: None,
            professional: self.professional()?,
        };
        let maker = CodeMaker::of(app);
        let proof = self.proof;
        let (id, code) = app
            .db
            .write(move |connection| -> Result<_, CommandError> {
                if let Some(professional) = &person.professional
                    && people::find_by_rpps(connection, &maker.keys, &professional.rpps)?.is_some()
                {
                    return Err(CommandError::Input(
                        "a professional with this RPPS number is there already: use \
                         enrolment-code"
                            .into(),
                    ));
                }
                let id = people::add(connection, &maker.keys, maker.now, &person)?;
                let code = issue_code(&maker, connection, id, Purpose::First, &proof)?;
                Ok((id, code))
            })
            .await?;
        output::print(
            self.json,
            &json!({ "person": id, "code": code }),
            &[("person", id.to_string()), ("enrolment code", code.clone())],
        )
    }

    fn professional(&self) -> Result<Option<Professional>, CommandError> {
        let (Some(rpps), Some(profession)) = (&self.rpps, &self.profession) else {
            return Ok(None);
        };
        let rpps = Rpps::parse(rpps).map_err(|e| CommandError::Input(format!("rpps: {e}")))?;
        let text = serde_json::Value::String(profession.clone());
        let profession: Profession = serde_json::from_value(text).map_err(|_| {
            CommandError::Input(
                "profession: one of physician, midwife, dentist, pharmacist, nurse, other".into(),
            )
        })?;
        Ok(Some(Professional { rpps, profession }))
    }
}

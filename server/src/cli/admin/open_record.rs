use clap::Args;
use serde_json::json;
use sync_core::PersonId;
use sync_core::identity::{Departement, IdentityTraits, Ins, InsDomain};

use super::{CodeMaker, issue_code};
use crate::app::App;
use crate::cli::{CommandError, output};
use crate::config::CodeDays;
use crate::devices::{NAME_RULE, clean_name};
use crate::people::Person;
use crate::records::{self, OpenError, Opening};
use crate::webauthn::codes::Purpose;

#[derive(Args)]
pub(in crate::cli) struct OpenRecord {
    #[command(flatten)]
    pub(super) codes: CodeDays,
    /// Somebody who is entered already, as a professional or caregiver: the record is theirs, and
    /// they sign in as before
    #[arg(long, value_name = "ID")]
    person: Option<PersonId>,
    /// The holder's INS: 15 characters
    #[arg(long)]
    ins: String,
    /// OID of the authority that gave the INS out
    #[arg(long, value_name = "OID", default_value = "1.2.250.1.213.1.4.8")]
    ins_authority: String,
    /// Family name at birth
    #[arg(long)]
    family_name: String,
    /// Given names at birth, in order
    #[arg(long)]
    given_names: String,
    /// Family name the holder goes by, if it is another
    #[arg(long)]
    used_name: Option<String>,
    /// Date of birth, like 1966-03-14
    #[arg(long, value_name = "DATE")]
    birth_date: String,
    /// M, F or I
    #[arg(long)]
    sex: String,
    /// INSEE code of the place of birth
    #[arg(long)]
    birthplace: String,
    /// Through whom it is opened: online, professional, pharmacist, desk or facility
    #[arg(long)]
    channel: String,
    /// Département where it is opened
    #[arg(long)]
    departement: String,
    /// Who opens it
    #[arg(long, default_value = "the administrator")]
    opened_by: String,
    /// Who consented, and how
    #[arg(long)]
    consent: String,
    /// How the holder's identity was proofed
    #[arg(long)]
    proof: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl OpenRecord {
    pub(super) async fn run(self, app: &App) -> Result<(), CommandError> {
        let holder = self.holder()?;
        let opening = Opening {
            channel: self.channel.parse().map_err(CommandError::Input)?,
            departement: Departement::parse(&self.departement).map_err(wrong("departement"))?,
            opened_by: stated(&self.opened_by, "opened-by")?,
            consent: stated(&self.consent, "consent")?,
            proof: stated(&self.proof, "proof")?,
        };
        let existing = self.person;
        let maker = CodeMaker::of(app);
        let (opened, code) = app
            .db
            .write(move |connection| -> Result<_, CommandError> {
                let (keys, now) = (&maker.keys, maker.now);
                let opened = records::open(connection, keys, now, &holder, existing, &opening)?;
                if existing.is_some() {
                    return Ok((opened, None));
                }
                let person = opened.holder;
                let code = issue_code(&maker, connection, person, Purpose::First, &opening.proof)?;
                Ok((opened, Some(code)))
            })
            .await?;
        let mut said = json!({ "record": opened.record, "person": opened.holder });
        let mut lines = vec![
            ("record", opened.record.to_string()),
            ("person", opened.holder.to_string()),
        ];
        if let Some(code) = code {
            said["code"] = json!(code);
            lines.push(("enrolment code", code));
        }
        output::print(self.json, &said, &lines)
    }

    fn holder(&self) -> Result<Person, CommandError> {
        let name = |text: &str, what: &str| {
            clean_name(text).ok_or_else(|| CommandError::Input(format!("{what} has {NAME_RULE}")))
        };
        let domain = InsDomain::from_oid(&self.ins_authority).ok_or_else(|| {
            CommandError::Input("ins-authority: no OID that gives out an INS".into())
        })?;
        let traits = IdentityTraits::parse(
            &self.family_name,
            &self.given_names,
            &self.birth_date,
            &self.sex,
            &self.birthplace,
        );
        let used_name = self.used_name.as_deref().unwrap_or(&self.family_name);
        Ok(Person {
            family_name: name(used_name, "family-name")?,
            given_names: name(&self.given_names, "given-names")?,
            ins: Some(Ins::parse(&self.ins, domain).map_err(wrong("ins"))?),
            traits: Some(traits.map_err(wrong("identity"))?),
            professional: None,
        })
    }
}

/// What has to be said in words, and kept.
fn stated(text: &str, what: &str) -> Result<String, CommandError> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(CommandError::Input(format!("{what}: say it in words")));
    }
    Ok(text.to_owned())
}

fn wrong<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> CommandError {
    move |error| CommandError::Input(format!("{what}: {error}"))
}

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Fault(fault) => fault.into(),
            OpenError::AlreadyOpen(opened) => CommandError::Input(format!(
                "this person ({}) has a record already: {}; for a new code use enrolment-code",
                opened.holder, opened.record
            )),
            other => CommandError::Input(other.to_string()),
        }
    }
}

//! The commands.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::assign::Review;
use super::enter::{Add, Change};
use super::here::{Choices, Here};
use super::output::{Language, Output};
use super::screens::{CardOf, Timeline};
use super::settle::{Resolve, Share};
use super::sign_ins::{End, Manage, May};
use super::{Phone, PhoneError};
use crate::error::CarnetError;

/// A phone in a terminal, to try Carnet out.
///
/// Its passkeys are those of a software authenticator, kept in plain files: never for a real
/// person's record.
#[derive(Parser)]
#[command(name = "carnet-phone", version)]
struct Cli {
    /// The folder of this phone; each folder is a device of its own.
    #[arg(
        long,
        global = true,
        env = "CARNET_PHONE",
        default_value = ".carnet-phone"
    )]
    store: PathBuf,
    /// Answer in JSON.
    #[arg(long, global = true)]
    json: bool,
    /// The language of what is said (not of this help).
    #[arg(
        long,
        global = true,
        value_enum,
        env = "CARNET_LANGUAGE",
        default_value = "en"
    )]
    lang: Language,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a passkey with a one-time enrolment code, and sign in.
    Enrol {
        /// The server, e.g. http://localhost:8080
        server: String,
        /// The code.
        code: String,
    },
    /// Look around with a record that stays on this phone.
    TryOut {
        /// Whose it is.
        name: String,
    },
    /// Sign in with a passkey of this phone.
    SignIn {
        /// The server; that of the current profile if left out.
        server: Option<String>,
        /// Whose passkey: a name or identifier among the profiles.
        #[arg(long = "as")]
        person: Option<String>,
    },
    /// End the sign-in; what is on this phone stays.
    SignOut,
    /// Who is signed in, and where the record stands.
    Whoami,
    /// The profiles on this phone.
    Profiles,
    /// Go over to another profile: its person's passkey unlocks it, and the others are locked.
    Switch {
        /// A name or identifier, or enough of it.
        profile: String,
    },
    /// Lock the profile: only its person's passkey opens it again.
    Lock,
    /// A code for another passkey, on another device.
    Invite,
    /// One's passkeys.
    Passkeys {
        #[command(subcommand)]
        manage: Option<Manage>,
    },
    /// One's devices.
    Devices {
        #[command(subcommand)]
        manage: Option<Manage>,
    },
    /// One's sign-ins that stand.
    Sessions {
        #[command(subcommand)]
        manage: Option<End>,
    },
    /// The records this profile may open.
    Records,
    /// Choose the record the other commands work on.
    Use {
        /// The holder's name or the record's identifier, or enough of it.
        record: String,
        /// In this role, for somebody with several: caregiver, physician …
        #[arg(long)]
        role: Option<String>,
    },
    /// Whether one may do something now; fails if not.
    May(May),
    /// Add an entry.
    #[command(subcommand)]
    Add(Box<Add>),
    /// Edit an entry.
    Edit(Box<Change>),
    /// What can be added: the kinds, or the options of one.
    Kinds {
        /// Which: a code, a short name or a title.
        kind: Option<String>,
    },
    /// What is taken, and apart from it what was prescribed and handed over.
    Treatments,
    /// The problem list.
    Problems,
    /// All that happened, the latest first.
    Timeline(Timeline),
    /// The emergency card as it stands today.
    Card(CardOf),
    /// Professionals seen.
    Professionals,
    /// Documents, the current ones first.
    Documents,
    /// Advance directives and organ donation: what is in force.
    Directives,
    /// List entries.
    List {
        /// Only of this kind, e.g. allergy.
        #[arg(long)]
        kind: Option<String>,
        /// Those entered in error too.
        #[arg(long)]
        errors: bool,
    },
    /// Show an entry in full.
    Show {
        /// The end of its identifier, or enough of its label.
        entry: String,
    },
    /// What has to be settled, and who looks after it.
    Review(Review),
    /// Settle an item of the to-review list.
    Resolve(Resolve),
    /// Give somebody a right.
    #[command(subcommand)]
    Share(Share),
    /// Take a right back.
    Revoke {
        /// The end of the right's identifier, or a person.
        right: String,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Hide an entry from professionals.
    Hide {
        /// Which.
        entry: String,
    },
    /// Show a hidden entry again.
    Unhide {
        /// Which.
        entry: String,
    },
    /// Edits that are not part of the record, and why.
    Held {
        /// Drop for good this edit of yours, whose entry was destroyed: by the name before it.
        #[arg(long, value_name = "EDIT")]
        drop: Option<String>,
    },
    /// Stay offline, or stop doing so.
    Offline {
        /// on or off
        #[arg(action = clap::ArgAction::Set, value_parser = on_off)]
        on: bool,
    },
    /// Sync the record.
    Sync,
    /// Follow the record until Enter or Ctrl-C.
    Live,
    /// The access log.
    Log {
        /// Check that nothing was removed from it or changed.
        #[arg(long)]
        verify: bool,
    },
    /// Destroy all that is on this phone.
    Wipe {
        /// Edits not yet sent are lost too.
        #[arg(long)]
        yes: bool,
    },
}

fn on_off(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off"),
    }
}

/// Runs a command line.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let output = Output {
        json: cli.json,
        language: cli.lang,
    };
    match obey(cli, &output) {
        Ok(code) => code,
        Err(error) => {
            let said = output.error(&error);
            if output.json {
                note!("{}", serde_json::json!({ "error": said }));
            } else {
                note!("carnet-phone: {said}");
            }
            ExitCode::FAILURE
        }
    }
}

fn obey(cli: Cli, output: &Output) -> Result<ExitCode, PhoneError> {
    let folder = cli.store;
    let mut phone = match (Phone::open(&folder), &cli.command) {
        (Ok(phone), _) => phone,
        (Err(_), Command::Wipe { yes }) => return wipe(&folder, *yes, output),
        (Err(error), _) => return Err(error),
    };
    if std::io::stdin().is_terminal() {
        phone = phone.ask_owner(match output.language {
            Language::En => asked_in_english,
            Language::Fr => asked_in_french,
        });
    }
    if let Command::Wipe { yes } = cli.command {
        drop(phone);
        return wipe(&folder, yes, output);
    }
    let mut here = Here {
        choices: Choices::load(&folder),
        folder: &folder,
        phone: &phone,
        output,
    };
    let obeyed = here.obey(cli.command);
    obeyed.map_err(|error| match error {
        PhoneError::Carnet(CarnetError::Offline) if phone.carnet.is_offline() => {
            PhoneError::StayingOffline
        }
        PhoneError::Carnet(CarnetError::SignInNeeded) if here.is_to_look_around() => {
            PhoneError::NoServer
        }
        error => error,
    })
}

impl Here<'_> {
    fn obey(&mut self, command: Command) -> Result<ExitCode, PhoneError> {
        let here = self;
        match command {
            Command::Enrol { server, code } => here.enrol(&server, &code)?,
            Command::TryOut { name } => {
                let profile = here.phone.carnet.try_out(name)?;
                here.chose_profile(&profile)?;
            }
            Command::SignIn { server, person } => here.sign_in(server, person)?,
            Command::SignOut => {
                here.profile()?.sign_out()?;
                here.done((
                    "Signed out; what is on this phone stays.",
                    "Déconnecté ; ce qui est sur ce téléphone y reste.",
                ));
            }
            Command::Whoami => here.whoami()?,
            Command::Profiles => here.profiles()?,
            Command::Switch { profile } => here.switch(&profile)?,
            Command::Lock => {
                here.profile()?.lock()?;
                here.done(("Locked.", "Verrouillé."));
            }
            Command::Invite => here.invite()?,
            Command::Passkeys { manage } => here.passkeys(manage)?,
            Command::Devices { manage } => here.devices(manage)?,
            Command::Sessions { manage } => here.sessions(manage)?,
            Command::Records => here.records()?,
            Command::Use { record, role } => here.choose(&record, role)?,
            Command::May(may) => return here.may(&may),
            Command::Add(add) => here.add(*add)?,
            Command::Edit(change) => here.change(*change)?,
            Command::Kinds { kind } => here.kinds(kind.as_deref())?,
            Command::Treatments => here.treatments()?,
            Command::Problems => here.problems()?,
            Command::Timeline(asked) => here.timeline(&asked)?,
            Command::Card(card) => here.card(&card)?,
            Command::Professionals => here.professionals()?,
            Command::Documents => here.documents()?,
            Command::Directives => here.directives()?,
            Command::List { kind, errors } => here.list(kind.as_deref(), errors)?,
            Command::Show { entry } => here.show(&entry)?,
            Command::Review(review) => here.review(&review)?,
            Command::Resolve(resolve) => here.resolve(&resolve)?,
            Command::Share(share) => here.share(share)?,
            Command::Revoke { right, reason } => here.revoke(&right, reason)?,
            Command::Hide { entry } => here.hide(&entry, true)?,
            Command::Unhide { entry } => here.hide(&entry, false)?,
            Command::Held { drop } => here.held(drop.as_deref())?,
            Command::Offline { on } => {
                here.phone.carnet.set_offline(on)?;
                here.done(match on {
                    true => (
                        "Offline until told otherwise.",
                        "Hors ligne jusqu’à nouvel ordre.",
                    ),
                    false => ("Online again.", "De nouveau en ligne."),
                });
            }
            Command::Sync => here.sync()?,
            Command::Live => here.live()?,
            Command::Log { verify } => return here.log(verify),
            // It needs no phone that opens.
            Command::Wipe { .. } => {}
        }
        Ok(ExitCode::SUCCESS)
    }

    fn is_to_look_around(&self) -> bool {
        let info = self.profile().and_then(|profile| Ok(profile.info()?));
        info.is_ok_and(|info| info.server.is_empty())
    }

    /// Says that something was done of which there is nothing to show.
    pub(super) fn done(&self, (en, fr): (&str, &str)) {
        let done = serde_json::json!({ "done": true });
        self.output
            .print(&done, |output| out!("{}", output.say(en, fr)));
    }
}

fn asked_in_english(owner: &str) -> bool {
    says_yes(format_args!(
        "Use the passkey of {owner} in the test authenticator? [y/N]"
    ))
}

fn asked_in_french(owner: &str) -> bool {
    says_yes(format_args!(
        "Utiliser le passkey de {owner} dans l’authentificateur d’essai ? [o/N]"
    ))
}

fn says_yes(question: std::fmt::Arguments<'_>) -> bool {
    note!("{question}");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && ["y", "yes", "o", "oui"].contains(&answer.trim().to_lowercase().as_str())
}

fn wipe(folder: &Path, yes: bool, output: &Output) -> Result<ExitCode, PhoneError> {
    if !yes {
        let say = output.say(
            "Everything on this phone will be destroyed. Say --yes.",
            "Tout sera détruit sur ce téléphone. Ajoutez --yes.",
        );
        note!("{say}");
        return Ok(ExitCode::FAILURE);
    }
    Phone::wipe(folder)?;
    let done = serde_json::json!({ "done": true });
    output.print(&done, |output| {
        out!("{}", output.say("All is destroyed.", "Tout est détruit."));
    });
    Ok(ExitCode::SUCCESS)
}

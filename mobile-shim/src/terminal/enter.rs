//! Commands that add and edit: their options are those of the kinds' tables.

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, Subcommand};
use sync_core::kind::{DocumentType, Kind, StatusCode, XdsType, normalise};

use super::PhoneError;
use super::fill::Given;
use super::here::Here;
use super::kinds::{KINDS_TOLD, kind_titles, option_help};
use super::options::{Opt, Takes, options, short_name};
use super::read::find_among;
use crate::face::{Wish, may_be_added};

/// How documents are added: of which type is an option.
const DOCUMENT: &str = "document";

/// What to add.
pub enum Add {
    /// An entry of a kind, by its options.
    Entry {
        /// The kind.
        kind: Kind,
        /// What was given.
        given: Given,
    },
    /// A document, by its options.
    Document {
        /// Of which type, by code or title.
        kind: String,
        /// What was given.
        given: Given,
    },
    /// Any kind, from a JSON draft.
    Json(String),
}

/// What to change of an entry.
pub struct Change {
    entry: String,
    status: Option<String>,
    reason: Option<String>,
    /// Of the status wrong-patient: that what comes of it is wanted.
    yes: bool,
    patch: Option<String>,
    clear: Vec<String>,
    given: Given,
}

impl Change {
    /// Whether it marks the entry as another patient's.
    fn is_wrong_patient(&self) -> bool {
        let patch = self.patch.as_deref().unwrap_or_default();
        let patch: serde_json::Value = serde_json::from_str(patch).unwrap_or_default();
        let said = [self.status.as_deref(), patch["status"]["status"].as_str()];
        said.contains(&Some(StatusCode::WrongPatient.code()))
    }
}

/// The kinds that are added by their options, documents apart.
pub(super) fn addable() -> impl Iterator<Item = &'static Kind> {
    Kind::ALL.iter().filter(|kind| may_be_added(kind))
}

/// The kind under which documents of any type have their options.
pub(super) fn any_document() -> Kind {
    Kind::documents().next().unwrap_or(Kind::OwnNote)
}

/// The document type of a code, or of enough of its title.
pub(super) fn document_type(named: &str) -> Result<Kind, PhoneError> {
    let meant = normalise(named);
    let titles = |known: &XdsType| [known.title.en, known.title.fr].map(normalise);
    let types = || XdsType::all().filter(|_| !meant.is_empty());
    let found: Vec<XdsType> = types()
        .filter(|known| known.code == named || titles(known).contains(&meant))
        .collect();
    let found = match found.is_empty() {
        false => found,
        true => types()
            .filter(|known| titles(known).iter().any(|title| title.contains(&meant)))
            .collect(),
    };
    match found.as_slice() {
        [one] => DocumentType::parse(one.code)
            .map(Kind::Document)
            .ok_or(PhoneError::UnknownKind),
        [] => DocumentType::parse(named)
            .filter(|_| named.bytes().any(|byte| byte.is_ascii_digit()))
            .map(Kind::Document)
            .ok_or(PhoneError::UnknownDocumentType),
        several => Err(PhoneError::Several {
            which: several
                .iter()
                .map(|known| format!("{}  {} · {}", known.code, known.title.en, known.title.fr))
                .collect(),
        }),
    }
}

fn argument(opt: &Opt) -> Arg {
    let mut arg = Arg::new(opt.name.clone())
        .help(option_help(opt))
        .value_name(opt.name.to_uppercase());
    if opt.positional {
        return arg.required(true);
    }
    arg = arg.long(opt.name.clone());
    if let Some(also) = &opt.also {
        arg = arg.visible_alias(also.clone());
    }
    by_type(arg, opt)
}

fn by_type(arg: Arg, opt: &Opt) -> Arg {
    let arg = match opt.takes {
        Takes::Flag => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("yes")
            .value_name("YES|NO"),
        Takes::Decimal(true) => arg.allow_hyphen_values(true),
        _ => arg,
    };
    match opt.many {
        true => arg.action(ArgAction::Append),
        false => arg,
    }
}

impl Subcommand for Add {
    fn augment_subcommands(command: Command) -> Command {
        let mut command = command
            .subcommand_required(true)
            .arg_required_else_help(true);
        for kind in addable() {
            let mut add = Command::new(kind.code().to_owned()).about(kind_titles(kind));
            if let Some(short) = short_name(kind) {
                add = add.visible_alias(short);
            }
            let french = normalise(kind.title().fr).replace(' ', "-");
            if addable().all(|other| other.code() != french) {
                add = add.alias(french);
            }
            command = command.subcommand(add.args(options(kind).iter().map(argument)));
        }
        let kind = Arg::new("type")
            .long("type")
            .required(true)
            .value_name("TYPE")
            .help("The XDS type code, or enough of its title; `kinds document` lists them");
        let document = Command::new(DOCUMENT)
            .about("A document: of its file, digest, size and type are kept here")
            .arg(kind)
            .args(options(&any_document()).iter().map(argument));
        let draft = Arg::new("draft")
            .required(true)
            .value_name("DRAFT")
            .help("The draft");
        let json = Command::new("json")
            .about("Any kind, from a JSON draft")
            .arg(draft);
        command
            .subcommand(document)
            .subcommand(json)
            .after_help(KINDS_TOLD)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        let short = addable().filter_map(short_name).any(|short| short == name);
        short || [DOCUMENT, "json"].contains(&name) || addable().any(|kind| kind.code() == name)
    }
}

impl FromArgMatches for Add {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let text = |id: &str| matches.get_one::<String>(id).cloned().unwrap_or_default();
        Ok(match name {
            "json" => Add::Json(text("draft")),
            DOCUMENT => Add::Document {
                kind: text("type"),
                given: given(matches, &options(&any_document())),
            },
            name => {
                let kind = addable()
                    .find(|kind| kind.code() == name)
                    .ok_or_else(missing)?;
                Add::Entry {
                    given: given(matches, &options(kind)),
                    kind: kind.clone(),
                }
            }
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What was given of some options, in their order.
fn given(matches: &ArgMatches, options: &[Opt]) -> Given {
    let mut given = Given::default();
    for opt in options {
        let values = matches.try_get_many::<String>(&opt.name).ok().flatten();
        if let Some(values) = values {
            given.add(&opt.name, values.cloned().collect());
        }
    }
    given
}

/// The options of all kinds, one a name.
fn all_options() -> Vec<Opt> {
    let mut all: Vec<Opt> = Vec::new();
    for kind in addable().cloned().chain([any_document()]) {
        for opt in options(&kind) {
            if all.iter().all(|known| known.name != opt.name) {
                all.push(opt);
            }
        }
    }
    all
}

/// The members of sets that can be taken back, by the set's name.
const SETS: [&str; 2] = ["phone", "reaction"];

impl clap::Args for Change {
    fn augment_args(command: Command) -> Command {
        let value = |name: &'static str, help: &'static str| {
            Arg::new(name)
                .long(name)
                .value_name(name.to_uppercase())
                .help(help)
        };
        let mut command = command
            .arg(
                Arg::new("entry")
                    .required(true)
                    .value_name("ENTRY")
                    .help("The end of its identifier, or enough of its label"),
            )
            .arg(value("status", "What stands of it: active, inactive, resolved, refuted, stopped, cancelled, entered-in-error, wrong-patient"))
            .arg(value("reason", "Why it has that status").requires("status"))
            .arg(
                Arg::new("yes")
                    .long("yes")
                    .action(ArgAction::SetTrue)
                    .help("Of the status wrong-patient: that what comes of it is wanted, be it that the entry is destroyed for good and everywhere"),
            )
            .arg(value("clear", "A field to empty").action(ArgAction::Append))
            .arg(value("label", "Call it otherwise").hide(true))
            .arg(value("patch", "Any change, as a JSON patch").conflicts_with_all(["label", "status"]));
        for set in SETS {
            let (name, help) = (format!("remove-{set}"), format!("A {set} to take back"));
            let arg = Arg::new(name.clone())
                .long(name)
                .value_name(set.to_uppercase());
            command = command.arg(arg.help(help).action(ArgAction::Append));
        }
        for opt in all_options().iter().filter(|opt| opt.name != "label") {
            let common =
                opt.member.is_none() && ["when", "from", "notes"].contains(&opt.name.as_str());
            let arg = Arg::new(opt.name.clone()).long(opt.name.clone());
            let mut arg = arg.value_name(opt.name.to_uppercase()).hide(!common);
            if let Some(also) = opt.also.as_ref().filter(|also| *also != "label") {
                arg = arg.alias(also.clone());
            }
            let help = if common {
                option_help(opt)
            } else {
                String::new()
            };
            command = command.arg(by_type(arg.help(help), opt));
        }
        command.after_help(
            "What else can be changed depends on the kind of the entry: the options are those of \
             `add`, and `carnet-phone kinds KIND` lists them.",
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Change {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let text = |id: &str| matches.get_one::<String>(id).cloned();
        let all = |id: &str| -> Vec<String> {
            let values = matches.get_many::<String>(id);
            values
                .map(|values| values.cloned().collect())
                .unwrap_or_default()
        };
        let mut given = given(matches, &all_options());
        if let Some(label) = text("label") {
            given.add("label", vec![label]);
        }
        for set in SETS {
            given.take_back(set, all(&format!("remove-{set}")));
        }
        Ok(Change {
            entry: text("entry").unwrap_or_default(),
            status: text("status"),
            reason: text("reason"),
            yes: matches.get_flag("yes"),
            patch: text("patch"),
            clear: all("clear"),
            given,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Here<'_> {
    pub(super) fn add(&self, add: Add) -> Result<(), PhoneError> {
        let record = self.record()?;
        let (kind, given) = match add {
            Add::Json(draft) => {
                self.may_add(&record, kind_of(&draft).as_deref())?;
                return self.shown(&record, record.add_json(draft)?);
            }
            Add::Document { kind, given } => (document_type(&kind)?, given),
            Add::Entry { kind, given } => (kind, given),
        };
        self.may_add(&record, Some(kind.code()))?;
        let filled = self.new_entry(&record, &kind, &given)?;
        let draft = filled.draft().map_err(crate::error::Error::from);
        let draft = draft.map_err(crate::error::CarnetError::from)?;
        self.shown(&record, record.add(&draft)?.to_string())
    }

    pub(super) fn change(&self, change: Change) -> Result<(), PhoneError> {
        let record = self.record()?;
        let entry = find_among(&record, &change.entry, |entry| {
            change.given.fits(&Kind::from(entry.kind.as_str()))
        })?;
        let id = entry.id.clone();
        self.allowed(&record, Wish::Edit { entry: id })?;
        if change.is_wrong_patient() && !change.yes {
            let outcome = record.wrong_patient(entry.id.clone())?;
            return Err(PhoneError::WrongPatient(outcome));
        }
        if let Some(patch) = change.patch {
            record.edit_json(entry.id.clone(), patch)?;
            return self.shown(&record, entry.id);
        }
        let mut filled = self.edited(&record, &entry, &change.given, &change.clear)?;
        if let Some(status) = &change.status {
            filled.set_status(&super::fill::status(status, change.reason)?);
        }
        if filled.is_empty() {
            return Err(PhoneError::NothingNamed);
        }
        let id = entry.id.parse().map_err(|_| PhoneError::NoneCalled)?;
        record.write_form(id, &filled)?;
        self.shown(&record, entry.id)
    }

    /// A draft that names no kind is refused for that.
    fn may_add(&self, record: &crate::face::Record, kind: Option<&str>) -> Result<(), PhoneError> {
        let kind = kind.map(str::to_owned);
        kind.map_or(Ok(()), |kind| self.allowed(record, Wish::Add { kind }))
    }

    fn shown(&self, record: &crate::face::Record, id: String) -> Result<(), PhoneError> {
        let entry = record.entry(id)?;
        self.output.print(&entry, |output| output.entry(&entry));
        Ok(())
    }
}

/// The kind that a JSON draft names.
fn kind_of(draft: &str) -> Option<String> {
    let draft: serde_json::Value = serde_json::from_str(draft).ok()?;
    Some(draft.get("kind")?.as_str()?.to_owned())
}

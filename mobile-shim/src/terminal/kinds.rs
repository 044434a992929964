//! What can be entered: the kinds, and of each its options, what they take and what they mean.

use serde::Serialize;
use sync_core::kind::{Codes, Kind, MemberShape, Structure, Words, XdsType, normalise};

use super::PhoneError;
use super::enter::{addable, any_document};
use super::here::Here;
use super::options::{Opt, Takes, options, short_name};
use super::output::Output;
use super::phone::DOCUMENTS;
use crate::face::{Bilingual, CodeInfo, document_types, kinds};

/// Where the options are told in the reader's language.
pub(super) const KINDS_TOLD: &str =
    "`carnet-phone kinds KIND` tells of each option what it takes, in English or in French.";

/// What documents are called together: each type has a title of its own.
const ANY_DOCUMENT: Words = Words::new("A document of any type", "Un document de tout type");

/// Both titles of a kind.
pub(super) fn kind_titles(kind: &Kind) -> String {
    both(&kind.title().into())
}

fn both(words: &Bilingual) -> String {
    match words.en == words.fr {
        true => words.en.clone(),
        false => format!("{} · {}", words.en, words.fr),
    }
}

/// What an option is, in both languages, for the command line's own help.
pub(super) fn option_help(opt: &Opt) -> String {
    let title = both(&opt.title.into());
    let takes = match opt.takes {
        Takes::Code(codes) => codes.codes.join(", "),
        Takes::Date => "2024, 2024-05 or 2024-05-03".to_owned(),
        Takes::Day => "2024-05-03".to_owned(),
        Takes::Group => "A+, AB- …".to_owned(),
        Takes::Number(u32::MAX) => "a number".to_owned(),
        Takes::Number(most) => format!("0 to {most}"),
        Takes::Entry => "an entry".to_owned(),
        Takes::Parts(structure) if is_file(structure) => "a file".to_owned(),
        Takes::Parts(structure) if structure.name != "label" => parts_typed(structure),
        _ => String::new(),
    };
    let mut help = title;
    if !takes.is_empty() {
        help = format!("{help}: {takes}");
    }
    match opt.required && !opt.positional && opt.name != "group-source" {
        true => format!("{help} (required)"),
        false => help,
    }
}

fn is_file(structure: &Structure) -> bool {
    ["content", "attachment"].contains(&structure.name)
}

/// How parts are typed together: `NAME; profession=…; rpps=…`.
fn parts_typed(structure: &Structure) -> String {
    let mut names = Vec::new();
    part_names(structure, &mut names);
    let mut names = names.into_iter();
    let first = names.next().unwrap_or_default().to_uppercase();
    let rest = names.map(|name| format!("; {name}=…"));
    format!("\"{first}{}\"", rest.collect::<String>())
}

fn part_names(structure: &Structure, names: &mut Vec<&'static str>) {
    for member in structure.members {
        match member.shape {
            MemberShape::Value(inner) if inner.name != "label" => part_names(inner, names),
            // Taking back is an option of its own.
            _ if member.name == "removed" => {}
            _ => names.push(member.name),
        }
    }
}

/// An option, as it is told.
#[derive(Serialize)]
struct OptionTold {
    option: String,
    positional: bool,
    title: Bilingual,
    takes: Bilingual,
    codes: Vec<CodeInfo>,
    required: bool,
    many: bool,
    only_when_added: bool,
}

/// A kind, as it is told.
#[derive(Serialize)]
struct KindTold {
    kind: String,
    short: Option<&'static str>,
    title: Bilingual,
    options: Vec<OptionTold>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    types: Vec<CodeInfo>,
}

/// The kind that somebody means: by its code, by what people call it for short, or by its title in
/// either language.
pub(super) fn kind_named(name: &str) -> Result<Kind, PhoneError> {
    let kind = Kind::from(name);
    if !matches!(kind, Kind::Unknown(_)) {
        return Ok(kind);
    }
    let meant = normalise(name);
    let mut all = Kind::ALL.iter().cloned().chain(Kind::documents());
    all.find(|kind| {
        let title = kind.title();
        let titles = [title.en, title.fr].map(normalise);
        short_name(kind) == Some(name) || titles.contains(&meant)
    })
    .ok_or(PhoneError::UnknownKind)
}

impl Here<'_> {
    pub(super) fn kinds(&self, name: Option<&str>) -> Result<(), PhoneError> {
        let Some(name) = name else {
            let all = kinds();
            self.output.print(&all, |output| {
                for kind in addable() {
                    let short = short_name(kind).unwrap_or(kind.code());
                    out!("{short:<20} {}", output.words(kind.title()));
                }
                out!("{DOCUMENTS:<20} {}", output.words(ANY_DOCUMENT));
            });
            return Ok(());
        };
        let any = name == DOCUMENTS;
        let kind = if any {
            any_document()
        } else {
            kind_named(name)?
        };
        if !crate::face::may_be_added(&kind) {
            return Err(PhoneError::UnknownKind);
        }
        let told = KindTold {
            kind: if any {
                DOCUMENTS.to_owned()
            } else {
                kind.code().to_owned()
            },
            short: short_name(&kind),
            title: if any { ANY_DOCUMENT } else { kind.title() }.into(),
            options: options(&kind).iter().map(told).collect(),
            types: if any { document_types() } else { Vec::new() },
        };
        self.output.print(&told, |output| output.kind(&told, any));
        Ok(())
    }
}

fn told(opt: &Opt) -> OptionTold {
    let mut codes = Vec::new();
    match opt.takes {
        Takes::Code(list) => codes_told(list, "", &mut codes),
        Takes::Parts(structure) => coded_parts(structure, &mut codes),
        _ => {}
    }
    OptionTold {
        option: opt.name.clone(),
        positional: opt.positional,
        title: opt.title.into(),
        takes: typed(opt.takes),
        codes,
        required: opt.required && opt.name != "group-source",
        many: opt.many,
        only_when_added: opt.spec.fixed,
    }
}

fn codes_told(list: &Codes, before: &str, told: &mut Vec<CodeInfo>) {
    let codes = list.codes.iter().zip(list.words);
    told.extend(codes.map(|(code, words)| CodeInfo {
        code: format!("{before}{code}"),
        title: (*words).into(),
    }));
}

/// The codes of the parts that are codes, each after the part's name; a file tells its own.
fn coded_parts(structure: &Structure, told: &mut Vec<CodeInfo>) {
    for member in structure.members.iter().filter(|_| !is_file(structure)) {
        match member.shape {
            MemberShape::Code(list) => codes_told(list, &format!("{}=", member.name), told),
            MemberShape::Value(inner) => coded_parts(inner, told),
            _ => {}
        }
    }
}

/// What an option takes, in words.
fn typed(what: Takes) -> Bilingual {
    let (en, fr) = match what {
        Takes::Flag => (
            "alone: yes; or =no".to_owned(),
            "seule : oui ; ou =non".to_owned(),
        ),
        Takes::Number(u32::MAX) => ("a whole number".to_owned(), "un nombre entier".to_owned()),
        Takes::Number(most) => (format!("0 to {most}"), format!("de 0 à {most}")),
        Takes::Text => ("text".to_owned(), "texte".to_owned()),
        Takes::Decimal(_) => (
            "a number, e.g. 0.5".to_owned(),
            "un nombre, p. ex. 0,5".to_owned(),
        ),
        Takes::Code(_) => ("one of:".to_owned(), "au choix :".to_owned()),
        Takes::Date => (
            "2024, 2024-05 or 2024-05-03".to_owned(),
            "2024, 2024-05 ou 2024-05-03".to_owned(),
        ),
        Takes::Day => ("2024-05-03".to_owned(), "2024-05-03".to_owned()),
        Takes::Person => ("an identifier".to_owned(), "un identifiant".to_owned()),
        Takes::Entry => (
            "an entry: the end of its identifier, or enough of its label".to_owned(),
            "un élément : la fin de son identifiant, ou assez de son libellé".to_owned(),
        ),
        Takes::Group => ("A+, A-, B+ … O-".to_owned(), "A+, A-, B+ … O-".to_owned()),
        Takes::Parts(structure) if is_file(structure) => (
            "a file; its bytes stay where they are".to_owned(),
            "un fichier ; son contenu reste où il est".to_owned(),
        ),
        Takes::Parts(structure) if structure.name == "label" => (
            "text; with a code: \"TEXT; code=…; system=…\"".to_owned(),
            "texte ; avec un code : \"TEXTE; code=…; system=…\"".to_owned(),
        ),
        Takes::Parts(structure) => (parts_typed(structure), parts_typed(structure)),
    };
    Bilingual { en, fr }
}

impl Output {
    fn kind(&self, told: &KindTold, document: bool) {
        let name = told.short.unwrap_or(&told.kind);
        out!("{}", self.of(&told.title));
        let main = told.options.iter().find(|opt| opt.positional);
        let main = main.map(|opt| format!(" {}", opt.option.to_uppercase()));
        let kind = if document { " --type TYPE" } else { "" };
        out!(
            "  carnet-phone add {name}{kind}{} [options]",
            main.unwrap_or_default()
        );
        for opt in &told.options {
            let option = match opt.positional {
                true => opt.option.to_uppercase(),
                false => format!("--{}", opt.option),
            };
            let mut marks = Vec::new();
            if opt.required {
                marks.push(self.say("required", "obligatoire"));
            }
            if opt.many {
                marks.push(self.say("may be repeated", "peut se répéter"));
            }
            if opt.only_when_added {
                marks.push(self.say("fixed once added", "fixé à l’ajout"));
            }
            let marks = match marks.is_empty() {
                true => String::new(),
                false => format!("  [{}]", marks.join(", ")),
            };
            out!(
                "  {option:<30} {}{}{}{marks}",
                self.of(&opt.title),
                self.say(": ", " : "),
                self.of(&opt.takes)
            );
            for code in &opt.codes {
                out!("      {:<26} {}", code.code, self.of(&code.title));
            }
        }
        if document {
            out!("{}", self.say("Types:", "Types :"));
            for known in XdsType::all() {
                out!("  {:<20} {}", known.code, self.words(known.title));
            }
        }
    }
}

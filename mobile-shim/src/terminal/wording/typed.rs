//! Why what was typed cannot stand.

use sync_core::kind::{Kind, Shape, Words, common};

use super::{Language, Output, Unfit};
use crate::error::{field_in_words, invalid_in_words};

impl Output {
    /// Why what was typed is no value.
    pub(super) fn unfit(&self, why: &Unfit) -> String {
        let words = match why {
            Unfit::Code(codes) => {
                let one_of = self.say("is one of:", "se choisit parmi :");
                return format!("{one_of} {}", codes.join(", "));
            }
            Unfit::Number(u32::MAX) => Words::new("is a whole number", "est un nombre entier"),
            Unfit::Number(most) => {
                return match self.language {
                    Language::En => format!("is a whole number, {most} at most"),
                    Language::Fr => format!("est un nombre entier, {most} au plus"),
                };
            }
            Unfit::Date => Words::new(
                "is a date: 2024, 2024-05 or 2024-05-03",
                "est une date : 2024, 2024-05 ou 2024-05-03",
            ),
            Unfit::Day => Words::new(
                "is a whole day, like 2024-05-03",
                "est un jour entier, comme 2024-05-03",
            ),
            Unfit::Decimal => Words::new(
                "is a number like 1 or 0.5; of a blood pressure two, like 128/79",
                "est un nombre comme 1 ou 0,5 ; d’une pression artérielle deux, comme 128/79",
            ),
            Unfit::Flag => Words::new("is yes or no", "est oui ou non"),
            Unfit::Group => Words::new(
                "is a blood group: A+, A-, B+, B-, AB+, AB-, O+ or O-",
                "est un groupe sanguin : A+, A-, B+, B-, AB+, AB-, O+ ou O-",
            ),
            Unfit::NoRhesus(abo) => {
                return match self.language {
                    Language::En => format!("lacks the rhesus: say {abo}+ or {abo}-"),
                    Language::Fr => format!("n’a pas de rhésus : dites {abo}+ ou {abo}-"),
                };
            }
            Unfit::Json => Words::new("is no JSON object", "n’est pas un objet JSON"),
            Unfit::File => Words::new(
                "names no file that can be read, or one that is empty or too large",
                "ne désigne pas de fichier lisible, ou il est vide ou trop grand",
            ),
            Unfit::FileType => Words::new(
                "names a file by its ending: pdf, png, jpg, dcm, xml or txt",
                "désigne un fichier par son extension : pdf, png, jpg, dcm, xml ou txt",
            ),
        };
        self.words(words).to_owned()
    }

    pub(super) fn invalid(&self, field: &str, problem: &str) -> String {
        let title = self.known(field_in_words(field), field);
        let said = self.known(invalid_in_words(problem), problem);
        let option = match field {
            "occurred" => " (--when)",
            "source" => " (--from)",
            "blood-group" => " (--group)",
            _ => "",
        };
        let values = match problem {
            "unknown-code" => values(field),
            _ => None,
        };
        let values = values.map(|values| format!("{}{}", self.say(": ", " : "), values.join(", ")));
        format!("{title}{option} {said}{}", values.unwrap_or_default())
    }
}

/// The values that a field may have, if they are few.
fn values(field: &str) -> Option<&'static [&'static str]> {
    let own = Kind::ALL.iter().flat_map(|kind| kind.own_fields());
    let mut specs = own.chain(common::FIELDS).filter(|spec| spec.key == field);
    specs.find_map(|spec| match spec.shape {
        Shape::Code(list) => Some(list.codes),
        _ => None,
    })
}

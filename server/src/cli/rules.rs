//! `carnet rules`: what joins, what is one value, what is flagged, and who may confirm.

use clap::Args;
use serde::Serialize;
use sync_core::kind::{FieldSpec, Join, Kind, common};
use sync_core::merge::{Rule, confirmers};
use sync_core::policy::Profession;

use super::{CommandError, output};

/// The rules of merging, for people who must judge them.
#[derive(Args)]
pub(super) struct Rules {
    /// Only what concerns this kind of entry
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Language of the sentences: en or fr
    #[arg(long, default_value = "en")]
    lang: String,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told {
    rules: Vec<Sentence>,
    kinds: Vec<OfKind>,
}

#[derive(Serialize)]
struct Sentence {
    code: &'static str,
    about: &'static str,
    says: &'static str,
}

#[derive(Serialize)]
struct OfKind {
    kind: String,
    title: &'static str,
    confirmed_by: Vec<Profession>,
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    key: &'static str,
    title: &'static str,
    fixed: bool,
    concurrent: &'static str,
}

impl Rules {
    pub(super) fn run(&self) -> Result<(), CommandError> {
        let kind = self.kind.as_deref().map(Kind::from);
        if let Some(Kind::Unknown(name)) = &kind {
            let known: Vec<&str> = Kind::ALL.iter().map(Kind::code).collect();
            return Err(CommandError::Input(format!(
                "{name:?} is no kind of entry; there are {}, and document/ with a type code",
                known.join(", ")
            )));
        }
        let told = self.told(kind.as_ref());
        if self.json {
            return output::print(true, &told, &[]);
        }
        let french = self.french();
        for rule in &told.rules {
            output::line(&format!(
                "{:<26} {:<22} {}",
                rule.code, rule.about, rule.says
            ))?;
        }
        for kind in &told.kinds {
            output::line("")?;
            output::line(&format!("{} ({})", kind.title, kind.kind))?;
            let confirmed = if french {
                "confirmé par"
            } else {
                "confirmed by"
            };
            if !kind.confirmed_by.is_empty() {
                let colon = if french { " :" } else { ":" };
                output::line(&format!("  {confirmed}{colon} {}", self.confirmers(kind)))?;
            }
            for field in &kind.fields {
                output::line(&format!(
                    "  {:<28} {:<34} {}",
                    field.key, field.title, field.concurrent
                ))?;
            }
        }
        Ok(())
    }

    fn french(&self) -> bool {
        self.lang.to_lowercase().starts_with("fr")
    }

    fn told(&self, kind: Option<&Kind>) -> Told {
        let about = |rule: &&Rule| {
            kind.is_none_or(|kind| {
                let of = rule.about();
                let document = of == "document/*" && kind.code().starts_with("document/");
                let right = of == "rights" && kind.right().is_some();
                of == "*" || of == kind.code() || document || right
            })
        };
        let rules = Rule::ALL.iter().filter(about).map(|rule| Sentence {
            code: rule.code(),
            about: rule.about(),
            says: rule.words().for_language(&self.lang),
        });
        let kinds: Vec<Kind> = match kind {
            Some(kind) => vec![kind.clone()],
            None => {
                let document = Kind::from("document/11502-2");
                Kind::ALL.iter().cloned().chain([document]).collect()
            }
        };
        Told {
            rules: rules.collect(),
            kinds: kinds.iter().map(|kind| self.of_kind(kind)).collect(),
        }
    }

    /// Who confirms, in words.
    fn confirmers(&self, kind: &OfKind) -> String {
        let words = kind
            .confirmed_by
            .iter()
            .map(|profession| profession.words().for_language(&self.lang));
        words.collect::<Vec<_>>().join(", ")
    }

    fn of_kind(&self, kind: &Kind) -> OfKind {
        let own = kind.own_fields();
        let shared = common::FIELDS
            .iter()
            .filter(|spec| !own.iter().any(|mine| mine.key == spec.key));
        let confirmed_by = if kind.is_clinical() {
            confirmers(kind).to_vec()
        } else {
            Vec::new()
        };
        OfKind {
            kind: kind.code().to_owned(),
            title: kind.title().for_language(&self.lang),
            confirmed_by,
            fields: own
                .iter()
                .chain(shared)
                .map(|spec| self.field(spec))
                .collect(),
        }
    }

    fn field(&self, spec: &FieldSpec) -> Field {
        let (en, fr) = match spec.join {
            _ if spec.fixed => ("never changed", "jamais modifié"),
            Join::Both => ("both kept, flagged", "les deux conservées, signalées"),
            Join::Status => ("by the rules of status", "selon les règles du statut"),
            Join::Highest(_) => ("the highest, flagged", "la plus élevée, signalée"),
            Join::Union => ("all members kept", "tous les membres conservés"),
            Join::NeverMixed => (
                "one value: neither current, flagged",
                "une seule valeur : aucune en vigueur, signalées",
            ),
            Join::YesWins => ("yes wins, flagged", "oui l’emporte, signalé"),
            Join::NoWins => ("no wins, flagged", "non l’emporte, signalé"),
            Join::Earlier => (
                "the earlier wins, flagged",
                "le plus tôt l’emporte, signalé",
            ),
            Join::Later => ("the later wins, flagged", "le plus tard l’emporte, signalé"),
        };
        Field {
            key: spec.key,
            title: spec.title.for_language(&self.lang),
            fixed: spec.fixed,
            concurrent: if self.french() { fr } else { en },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(lang: &str) -> Rules {
        Rules {
            kind: None,
            lang: lang.to_owned(),
            json: false,
        }
    }

    #[test]
    fn every_rule_and_every_key_is_told() {
        let told = rules("fr").told(None);
        assert_eq!(told.rules.len(), Rule::ALL.len());
        assert_eq!(told.kinds.len(), Kind::ALL.len() + 1);
        for kind in &told.kinds {
            let of = Kind::from(kind.kind.as_str());
            for spec in of.own_fields().iter().chain(common::FIELDS) {
                assert!(kind.fields.iter().any(|field| field.key == spec.key));
            }
        }
    }

    #[test]
    fn who_confirms_is_told_in_the_readers_language() {
        let confirmers = |lang: &str| {
            let rules = rules(lang);
            let told = rules.told(Some(&Kind::BloodGroup));
            rules.confirmers(&told.kinds[0])
        };
        assert_eq!(confirmers("en"), "physician, midwife");
        assert_eq!(confirmers("fr"), "médecin, sage-femme");
    }

    #[test]
    fn of_one_kind_only_its_rules_are_told() {
        let told = rules("en").told(Some(&Kind::BloodGroup));
        assert!(
            told.rules
                .iter()
                .all(|rule| ["*", "blood-group"].contains(&rule.about))
        );
        assert_eq!(told.kinds.len(), 1);
    }
}

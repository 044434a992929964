//! Codes and errors in the words of the chosen language.

mod typed;

use sync_core::audit::AccessAction;
use sync_core::kind::{StatusCode, Verdict, Words};
use sync_core::merge::FlagCode;
use sync_core::policy::Role;

use super::output::{Language, Output};
use super::phone::kinds;
use super::values::Unfit;
use super::{AuthenticatorError, PhoneError};
use crate::error::{
    CarnetError, problem_in_words, reason_in_words, storage_in_words, wrong_in_words,
};
use crate::face::{WrongPatient, reason};

impl Output {
    /// Words in the language chosen.
    pub(super) fn words(&self, words: Words) -> &'static str {
        match self.language {
            Language::En => words.en,
            Language::Fr => words.fr,
        }
    }

    /// The words of a code; the code itself when it is of a newer version.
    fn known<'c>(&self, words: Option<Words>, code: &'c str) -> &'c str {
        words.map_or(code, |words| self.words(words))
    }

    /// In what role.
    pub(super) fn role<'c>(&self, code: &'c str) -> &'c str {
        self.known(Role::from(code).words(), code)
    }

    /// What was done.
    pub(super) fn action<'c>(&self, code: &'c str) -> &'c str {
        self.known(AccessAction::from(code.to_owned()).words(), code)
    }

    /// Why, as the access log says it: what is a code has words, the rest was written by somebody.
    pub(super) fn why<'c>(&self, code: &'c str) -> &'c str {
        match StatusCode::from(code.to_owned()) {
            wrong @ StatusCode::WrongPatient => self.known(wrong.words(), code),
            _ => code,
        }
    }

    /// What is flagged, in a few words.
    pub(super) fn flag<'c>(&self, code: &'c str) -> &'c str {
        let flag = FlagCode::ALL.iter().find(|flag| flag.code() == code);
        self.known(flag.map(|flag| flag.title()), code)
    }

    /// What is decided.
    pub(super) fn verdict<'c>(&self, code: &'c str) -> &'c str {
        self.known(Verdict::from(code).words(), code)
    }

    /// What was decided of a held edit.
    pub(super) fn settled<'c>(&self, code: &'c str) -> &'c str {
        let words = match code {
            "released" => Words::new("taken up", "reprise"),
            "discarded" => Words::new("discarded", "écartée"),
            _ => return code,
        };
        self.words(words)
    }

    /// What went wrong, and what to do about it.
    pub(super) fn error(&self, error: &PhoneError) -> String {
        let said = self.what_went_wrong(error);
        match hint(error) {
            Some(hint) => format!("{said}\n  {}", self.words(hint)),
            None => said,
        }
    }

    fn what_went_wrong(&self, error: &PhoneError) -> String {
        let words = match error {
            PhoneError::Carnet(error) => return self.carnet(error),
            PhoneError::Ended { waiting, set_aside } => {
                return match self.language {
                    Language::En => error.to_string(),
                    Language::Fr => format!(
                        "votre droit sur ce carnet a pris fin ; vos modifications en attente : \
                         {waiting}, non reprises : {set_aside}"
                    ),
                };
            }
            PhoneError::Several { which } => {
                let several = self.say(
                    "several are called so; name one by its identifier:",
                    "plusieurs portent ce nom ; désignez l’un d’eux par son identifiant :",
                );
                return format!("{several}\n  {}", which.join("\n  "));
            }
            PhoneError::UnknownKind => {
                let none = self.say(
                    "there is no such kind of entry; there are:",
                    "ce type d’élément n’existe pas ; il y a :",
                );
                return format!("{none} {}", kinds());
            }
            PhoneError::Authenticator(error) => authenticator(*error),
            PhoneError::Folder(_) => Words::new(
                "the folder of this phone cannot be used",
                "le dossier de ce téléphone est inutilisable",
            ),
            PhoneError::Empty => Words::new(
                "nobody is on this phone yet",
                "personne n’est encore sur ce téléphone",
            ),
            PhoneError::NoRecord => Words::new(
                "no record has been shared with you yet",
                "aucun carnet n’a encore été partagé avec vous",
            ),
            PhoneError::NotAPerson => Words::new(
                "that names nobody: a person is named by their identifier, as whoami shows it to \
                 them, or a professional by the 11 digits of their RPPS number",
                "cela ne désigne personne : une personne se désigne par son identifiant, que \
                 whoami lui indique, ou un professionnel par les 11 chiffres de son numéro RPPS",
            ),
            PhoneError::NoneCalled => {
                Words::new("nothing here is called so", "rien ici ne s’appelle ainsi")
            }
            PhoneError::NoItem => Words::new(
                "there is no such item, or no such side of it",
                "il n’y a pas de tel point, ou il n’a pas ce côté",
            ),
            PhoneError::NoServer => Words::new(
                "this profile is to look around with: nothing of it leaves this phone",
                "ce profil sert à découvrir : rien n’en quitte ce téléphone",
            ),
            PhoneError::StayingOffline => Words::new("offline by choice", "hors ligne par choix"),
            PhoneError::NothingNamed => Words::new(
                "say what to change, e.g. --label or --status",
                "dites quoi modifier, par exemple --label ou --status",
            ),
            PhoneError::WrongPatient(WrongPatient::Destroys) => Words::new(
                "the entry will be destroyed for good, here, on the server and on all devices; \
                 say --yes",
                "l’élément sera détruit définitivement, ici, sur le serveur et sur tous les \
                 appareils ; ajoutez --yes",
            ),
            PhoneError::WrongPatient(WrongPatient::Withdraws) => Words::new(
                "nothing will be destroyed: the entry goes out of everybody’s view and is kept, \
                 for somebody to review; say --yes",
                "rien ne sera détruit : l’élément disparaîtra des vues de tous et sera conservé, \
                 à vérifier par quelqu’un ; ajoutez --yes",
            ),
            PhoneError::WrongPatient(WrongPatient::Proposes) => Words::new(
                "nothing will be destroyed: this only proposes it, and the entry stays as it is \
                 until a clinician takes it up; say --yes",
                "rien ne sera détruit : ce n’est qu’une proposition, et l’élément reste tel quel \
                 jusqu’à ce qu’un clinicien la reprenne ; ajoutez --yes",
            ),
            PhoneError::NotAPersonButEntry => Words::new(
                "that is an entry of the record, not a person: whoever it is finds their \
                 identifier with whoami",
                "c’est un élément du carnet, pas une personne : chacun trouve son identifiant \
                 avec whoami",
            ),
            PhoneError::NotForThisKind { option, kind } => {
                return match self.language {
                    Language::En => format!(
                        "an entry of this kind has no --{option}; carnet-phone kinds {kind} \
                         lists what it has"
                    ),
                    Language::Fr => format!(
                        "un élément de cette nature n’a pas de --{option} ; carnet-phone \
                         --lang fr kinds {kind} énumère ce qu’il a"
                    ),
                };
            }
            PhoneError::Unfit { option, why } => {
                return format!("--{option} {}", self.unfit(why));
            }
            PhoneError::Missing { options } => {
                let missing = self.say("still missing:", "il manque encore :");
                return format!("{missing} {}", options.join(", "));
            }
            PhoneError::UnknownDocumentType => Words::new(
                "there is no such type of document; carnet-phone kinds document lists them",
                "ce type de document n’existe pas ; carnet-phone --lang fr kinds document les \
                 énumère",
            ),
        };
        self.words(words).to_owned()
    }

    fn carnet(&self, error: &CarnetError) -> String {
        let colon = self.say(": ", " : ");
        let with = |words: Words, more: &str| format!("{}{colon}{more}", self.words(words));
        match error {
            CarnetError::Invalid { field, problem } => self.invalid(field, problem),
            CarnetError::NotPermitted { reason: code } => {
                let words = reason_in_words(code).or_else(|| reason(code));
                let not = Words::new("not permitted", "non autorisé");
                with(not, self.known(words, code))
            }
            CarnetError::ServerProblem {
                problem,
                title,
                detail,
                ..
            } => {
                let refused = Words::new("the server refused", "le serveur a refusé");
                let named = problem_in_words(problem).filter(|_| problem != "unnamed");
                let title = title.as_deref().unwrap_or(problem);
                let said = with(refused, self.known(named, title));
                match (detail, self.language) {
                    (None, _) => said,
                    (Some(detail), Language::En) => format!("{said}\n  {detail}"),
                    (Some(detail), Language::Fr) => format!("{said}\n  (en anglais) {detail}"),
                }
            }
            CarnetError::ServerWrong { problem } => {
                let not_taken = Words::new(
                    "the server’s answer was not taken",
                    "la réponse du serveur n’a pas été acceptée",
                );
                with(not_taken, self.known(wrong_in_words(problem), problem))
            }
            CarnetError::Storage { problem } => {
                let store = Words::new(
                    "the local store cannot be used",
                    "les données de ce téléphone sont inutilisables",
                );
                with(store, self.known(storage_in_words(problem), problem))
            }
            CarnetError::NotWiped { files } => {
                let left = Words::new("could not be deleted", "n’ont pas pu être supprimés");
                with(left, &files.join(", "))
            }
            plain => self.words(plain_words(plain)).to_owned(),
        }
    }
}

fn authenticator(error: AuthenticatorError) -> Words {
    match error {
        AuthenticatorError::Options => Words::new(
            "the server’s passkey options cannot be read",
            "les options de passkey du serveur sont illisibles",
        ),
        AuthenticatorError::NoPasskey => Words::new(
            "the test authenticator has no passkey of this person for this server",
            "l’authentificateur d’essai n’a pas de passkey de cette personne pour ce serveur",
        ),
        AuthenticatorError::Denied => Words::new(
            "the passkey was not used: its owner did not say yes",
            "le passkey n’a pas été utilisé : la personne n’a pas dit oui",
        ),
        AuthenticatorError::Failed => Words::new(
            "the passkey ceremony failed",
            "l’opération avec le passkey a échoué",
        ),
        AuthenticatorError::File => Words::new(
            "the file of the test authenticator cannot be used",
            "le fichier de l’authentificateur d’essai est inutilisable",
        ),
    }
}

/// Errors without particulars. Those with them are said above.
fn plain_words(error: &CarnetError) -> Words {
    match error {
        CarnetError::Offline => Words::new(
            "no connection to the server",
            "pas de connexion avec le serveur",
        ),
        CarnetError::SignInNeeded => Words::new("sign in first", "connectez-vous d’abord"),
        CarnetError::Locked => Words::new("the profile is locked", "le profil est verrouillé"),
        CarnetError::NothingToChange => Words::new("nothing would change", "rien ne changerait"),
        CarnetError::NotFound => Words::new(
            "there is no such thing on this device",
            "il n’y a rien de tel sur cet appareil",
        ),
        CarnetError::NotSynced => Words::new(
            "sync first: this device has not seen the record yet",
            "synchronisez d’abord : cet appareil n’a pas encore vu le carnet",
        ),
        CarnetError::Cancelled => Words::new("cancelled", "annulé"),
        CarnetError::NotPermitted { .. }
        | CarnetError::Invalid { .. }
        | CarnetError::ServerProblem { .. }
        | CarnetError::ServerWrong { .. }
        | CarnetError::Storage { .. }
        | CarnetError::NotWiped { .. } => Words::new("it failed", "échec"),
    }
}

fn hint(error: &PhoneError) -> Option<Words> {
    Some(match error {
        PhoneError::Empty => Words::new(
            "try: carnet-phone enrol SERVER CODE, or carnet-phone try-out NAME",
            "essayez : carnet-phone enrol SERVEUR CODE, ou carnet-phone try-out NOM",
        ),
        PhoneError::Carnet(CarnetError::SignInNeeded) => Words::new(
            "try: carnet-phone sign-in",
            "essayez : carnet-phone sign-in",
        ),
        PhoneError::Carnet(CarnetError::Locked) => Words::new(
            "its person unlocks it: carnet-phone switch NAME",
            "la personne l’ouvre : carnet-phone switch NOM",
        ),
        PhoneError::Carnet(CarnetError::NotSynced) => {
            Words::new("try: carnet-phone sync", "essayez : carnet-phone sync")
        }
        PhoneError::NoRecord => Words::new(
            "once the holder has: carnet-phone sync",
            "une fois que le titulaire l’aura fait : carnet-phone sync",
        ),
        PhoneError::NoItem => Words::new("see: carnet-phone review", "voyez : carnet-phone review"),
        PhoneError::NoServer => Words::new(
            "with a code from the desk: carnet-phone enrol SERVER CODE",
            "avec un code du guichet : carnet-phone enrol SERVEUR CODE",
        ),
        PhoneError::StayingOffline => Words::new(
            "to go online again: carnet-phone offline off",
            "pour revenir en ligne : carnet-phone offline off",
        ),
        PhoneError::Carnet(CarnetError::Offline) => Words::new(
            "your edits are kept and go out with the next sync",
            "vos modifications sont gardées et partiront à la prochaine synchronisation",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;

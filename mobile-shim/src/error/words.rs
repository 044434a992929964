//! What the stable words of [`super::CarnetError`] mean, for people.

use sync_core::kind::{FieldSpec, Kind, Words, common};

/// What is wrong with a field, by the stable word of [`super::CarnetError::Invalid`].
pub fn invalid_in_words(problem: &str) -> Option<Words> {
    of(&INVALID, problem)
}

/// What is wrong with the local store, by the stable word of [`super::CarnetError::Storage`].
pub fn storage_in_words(problem: &str) -> Option<Words> {
    of(&STORAGE, problem)
}

/// What the server refused, by the last part of a problem's type.
pub fn problem_in_words(problem: &str) -> Option<Words> {
    of(&PROBLEMS, problem)
}

/// What was wrong with an answer, by the stable word of [`super::CarnetError::ServerWrong`].
pub fn wrong_in_words(problem: &str) -> Option<Words> {
    of(&WRONG, problem)
}

/// Why something is not permitted, where it is no rule of the record that says so.
pub fn reason_in_words(reason: &str) -> Option<Words> {
    of(&REASONS, reason)
}

/// What people call a field, by its key or by the name of an argument.
pub fn field_in_words(key: &str) -> Option<Words> {
    let own = Kind::ALL.iter().flat_map(|kind| kind.own_fields());
    let found = common::FIELDS
        .iter()
        .chain(own)
        .find(|spec| spec.key == key);
    let title = |spec: &FieldSpec| spec.title;
    found.map(title).or_else(|| of(&ARGUMENTS, key))
}

fn of(table: &[(&str, Words)], word: &str) -> Option<Words> {
    let found = table.iter().find(|(known, _)| *known == word);
    found.map(|(_, words)| *words)
}

const INVALID: [(&str, Words); 13] = [
    ("missing", Words::new("is missing", "manque")),
    ("too-long", Words::new("is too long", "est trop long")),
    (
        "too-many",
        Words::new("has too many members", "a trop d’éléments"),
    ),
    (
        "wrong-type",
        Words::new("is not of the right type", "n’est pas du bon type"),
    ),
    ("malformed", Words::new("cannot be read", "est illisible")),
    (
        "unknown-code",
        Words::new(
            "is none of the values there are",
            "n’est pas une valeur connue",
        ),
    ),
    (
        "not-a-date",
        Words::new(
            "is not a date: 2024, 2024-05 or 2024-05-03",
            "n’est pas une date : 2024, 2024-05 ou 2024-05-03",
        ),
    ),
    (
        "fixed",
        Words::new(
            "stands from the creation of the entry on and cannot be changed",
            "est fixé à la création et ne peut plus changer",
        ),
    ),
    (
        "excluded",
        Words::new(
            "cannot stand in this entry beside what else it says",
            "ne peut figurer dans cet élément avec le reste",
        ),
    ),
    (
        "control-character",
        Words::new(
            "holds a control character, or a line end in a short text",
            "contient un caractère de contrôle, ou une fin de ligne dans un texte court",
        ),
    ),
    (
        "out-of-bounds",
        Words::new(
            "is out of bounds, or ends before it begins",
            "est hors limites, ou finit avant de commencer",
        ),
    ),
    ("unusable", Words::new("cannot be used", "est inutilisable")),
    ("too-large", Words::new("is too large", "est trop grand")),
];

const ARGUMENTS: [(&str, Words); 19] = [
    ("clear", Words::new("A field to empty", "Un champ à vider")),
    (
        "credential",
        Words::new("The passkey’s answer", "La réponse du passkey"),
    ),
    ("dose", Words::new("Dose", "Dose")),
    ("draft", Words::new("The JSON draft", "Le brouillon JSON")),
    ("edit", Words::new("The edit", "La modification")),
    ("form", Words::new("Form", "Forme")),
    ("frequency", Words::new("Frequency", "Fréquence")),
    ("key", Words::new("The field’s key", "La clé du champ")),
    ("kind", Words::new("The kind", "La nature")),
    ("patch", Words::new("The JSON patch", "Le correctif JSON")),
    ("reason", Words::new("The reason", "Le motif")),
    (
        "person",
        Words::new("The person’s identifier", "L’identifiant de la personne"),
    ),
    ("product", Words::new("Product", "Produit")),
    (
        "roots",
        Words::new("The root certificates", "Les certificats racine"),
    ),
    ("route", Words::new("Route", "Voie d’administration")),
    ("rpps", Words::new("The RPPS number", "Le numéro RPPS")),
    (
        "server",
        Words::new("The server’s address", "L’adresse du serveur"),
    ),
    ("unit", Words::new("Unit", "Unité")),
    ("until", Words::new("The end", "La fin")),
];

const STORAGE: [(&str, Words); 8] = [
    (
        "damaged",
        Words::new("it is damaged", "elles sont endommagées"),
    ),
    (
        "foreign",
        Words::new(
            "it was made on another device",
            "elles viennent d’un autre appareil",
        ),
    ),
    (
        "newer",
        Words::new(
            "a newer version made it",
            "une version plus récente les a écrites",
        ),
    ),
    (
        "vault-denied",
        Words::new(
            "the vault of keys stays closed",
            "le coffre des clés reste fermé",
        ),
    ),
    (
        "vault-broken",
        Words::new(
            "the vault of keys does not work",
            "le coffre des clés ne fonctionne pas",
        ),
    ),
    (
        "folder",
        Words::new("its folder cannot be used", "leur dossier est inutilisable"),
    ),
    (
        "no-randomness",
        Words::new(
            "the system gives no random numbers",
            "le système ne donne pas de nombres aléatoires",
        ),
    ),
    (
        "database",
        Words::new("its database failed", "leur base a échoué"),
    ),
];

const WRONG: [(&str, Words); 7] = [
    (
        "protocol-version",
        Words::new(
            "it speaks another version of the protocol",
            "il parle une autre version du protocole",
        ),
    ),
    (
        "went-back",
        Words::new(
            "it is older than what the server signed before",
            "elle est antérieure à ce que le serveur avait signé",
        ),
    ),
    (
        "other-record",
        Words::new("it is of another record", "elle concerne un autre carnet"),
    ),
    (
        "frame",
        Words::new("its frame is damaged", "sa trame est endommagée"),
    ),
    (
        "malformed",
        Words::new("it is malformed", "elle est mal formée"),
    ),
    (
        "unreadable",
        Words::new("it cannot be read", "elle est illisible"),
    ),
    (
        "access-log",
        Words::new(
            "the access log does not check",
            "le journal des accès ne concorde pas",
        ),
    ),
];

const REASONS: [(&str, Words); 3] = [
    (
        "passkey-refused",
        Words::new(
            "that was no passkey of this person, or they were not verified",
            "ce n’était pas un passkey de cette personne, ou elle n’a pas été vérifiée",
        ),
    ),
    (
        "not-offered",
        Words::new(
            "it cannot be settled so, or is for somebody else to settle",
            "ce point ne se tranche pas ainsi, ou pas par vous",
        ),
    ),
    (
        "not-synced",
        Words::new(
            "this device has not seen the record yet",
            "cet appareil n’a pas encore vu le carnet",
        ),
    ),
];

const PROBLEMS: [(&str, Words); 17] = [
    (
        "malformed",
        Words::new("the request cannot be read", "la demande est illisible"),
    ),
    (
        "unsupported-media",
        Words::new(
            "the body is of a kind not taken here",
            "ce type de contenu n’est pas accepté",
        ),
    ),
    (
        "too-large",
        Words::new("the request is too large", "la demande est trop grande"),
    ),
    (
        "too-slow",
        Words::new(
            "the request took too long",
            "la demande a pris trop de temps",
        ),
    ),
    (
        "too-many",
        Words::new(
            "too many requests: try again later",
            "trop de demandes : réessayez plus tard",
        ),
    ),
    (
        "not-signed-in",
        Words::new("nobody is signed in", "personne n’est connecté"),
    ),
    (
        "wrong-origin",
        Words::new(
            "the page may not do this",
            "cette page n’y est pas autorisée",
        ),
    ),
    (
        "not-found",
        Words::new(
            "there is no such thing, or not for you",
            "cela n’existe pas, ou pas pour vous",
        ),
    ),
    (
        "method-not-allowed",
        Words::new(
            "the server does not know this request",
            "le serveur ne connaît pas cette demande",
        ),
    ),
    (
        "code-refused",
        Words::new(
            "the enrolment code is not good, or no longer",
            "le code d’enrôlement n’est pas valable, ou ne l’est plus",
        ),
    ),
    (
        "ceremony-refused",
        Words::new(
            "the passkey ceremony did not succeed",
            "la vérification du passkey a échoué",
        ),
    ),
    (
        "device-refused",
        Words::new(
            "the key of this device is not accepted",
            "la clé de cet appareil n’est pas acceptée",
        ),
    ),
    (
        "last-passkey",
        Words::new(
            "the last passkey cannot be revoked",
            "le dernier passkey ne peut être révoqué",
        ),
    ),
    (
        "unavailable",
        Words::new(
            "the server cannot do this at the moment",
            "le serveur ne peut le faire pour l’instant",
        ),
    ),
    (
        "no-room",
        Words::new(
            "the server has no room for new edits: they wait on this device",
            "le serveur n’a plus de place pour de nouvelles modifications : elles attendent sur cet appareil",
        ),
    ),
    (
        "internal",
        Words::new("the server failed", "le serveur a échoué"),
    ),
    (
        "unnamed",
        Words::new(
            "the server refused without saying why",
            "le serveur a refusé sans dire pourquoi",
        ),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_french_wording_of_its_own() {
        let tables: [&[(&str, Words)]; 6] =
            [&INVALID, &ARGUMENTS, &STORAGE, &WRONG, &REASONS, &PROBLEMS];
        for (code, words) in tables.into_iter().flatten() {
            assert!(!words.fr.is_empty() && words.fr != *code, "{code}");
        }
    }

    #[test]
    fn every_field_has_a_title() {
        for kind in Kind::ALL {
            for spec in kind.own_fields().iter().chain(common::FIELDS) {
                let title = field_in_words(spec.key).unwrap();
                assert!(title.fr != spec.key, "{}", spec.key);
            }
        }
    }
}

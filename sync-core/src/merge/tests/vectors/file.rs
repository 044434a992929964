//! A vector as its file says it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value as Json;

/// One story: what each party wrote having seen what, and what each viewer must find.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// The code of the rule.
    pub rule: String,
    /// The sentence of the rule.
    pub says: String,
    /// The people, by name.
    pub parties: BTreeMap<String, Person>,
    /// The edits, in the order in which the server accepted them.
    pub edits: Vec<Edit>,
    /// The day on which it is looked at; 2024-10-05 when left out.
    #[serde(default)]
    pub today: Option<Date>,
    /// The hidden entries that the holder chose for the card.
    #[serde(default)]
    pub chosen: Vec<String>,
    /// What must be found, by who looks: roles separated by spaces.
    pub expect: BTreeMap<String, Expected>,
}

/// Somebody with a device of their own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The party whose other device this is.
    #[serde(default)]
    pub also: Option<String>,
    /// In what role they edit and look.
    pub role: String,
    /// Whether they are the treating physician.
    #[serde(default)]
    pub treating: bool,
}

/// One edit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// What later edits and the expectations call it.
    pub name: String,
    /// Whose.
    pub by: String,
    /// The last edit of the record that their device knew; nothing but its own when left out.
    #[serde(default)]
    pub knew: Option<String>,
    /// The name of the entry.
    #[serde(default)]
    pub entry: Option<String>,
    /// What it writes: a value of the record under each key.
    #[serde(default)]
    pub writes: BTreeMap<String, Json>,
    /// The keys it removes, as no client of ours does: these say "nothing" by a null.
    #[serde(default)]
    pub removes: Vec<String>,
    /// The code of an item of this party's to-review list, settled instead of an entry written.
    #[serde(default)]
    pub settles: Option<String>,
    /// How: a verdict.
    #[serde(default)]
    pub verdict: Option<String>,
    /// How: the edit whose side is taken.
    #[serde(default)]
    pub takes: Option<String>,
    /// How: by an assignment, to a party or to `nobody`.
    #[serde(default)]
    pub assigns: Option<String>,
    /// Why the server holds it, when it does.
    #[serde(default)]
    pub held: Option<String>,
    /// The field for which it is refused as invalid, when it is.
    #[serde(default)]
    pub refused: Option<String>,
}

/// What one viewer must find.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// All entries they see, by name, and what must be found in each.
    pub entries: BTreeMap<String, Json>,
    /// Their to-review list, whole and in order.
    #[serde(default)]
    pub review: Vec<Json>,
    /// What must be found among the vital facts.
    #[serde(default)]
    pub vital: Json,
    /// What must be found on the card.
    #[serde(default)]
    pub card: Json,
    /// What must be found on the problem list.
    #[serde(default)]
    pub problems: Json,
    /// The documents, whole and in order.
    #[serde(default)]
    pub documents: Json,
    /// The advance directives.
    #[serde(default)]
    pub directives: Json,
}

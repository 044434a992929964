//! The test vectors of `vectors/merge`: one file a rule, run under every order of arrival, and each
//! shown to fail when its rule is switched off. `vectors/README.md` says how a file is read.

mod file;
mod play;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::super::{Rule, Rules};
use file::Vector;

/// All vectors, by the name of their file.
fn vectors() -> BTreeMap<String, Vector> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/merge");
    let files = std::fs::read_dir(folder).expect("the vectors are beside the code");
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let name = path.file_stem().expect("a name").to_string_lossy();
            let vector = serde_json::from_str(&text);
            let vector = vector.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (name.into_owned(), vector)
        })
        .collect()
}

#[test]
fn every_vector_holds_under_every_order_of_arrival() {
    let mut wrong = Vec::new();
    for (name, vector) in vectors() {
        for mismatch in play::play(&vector, None) {
            wrong.push(format!("{name}: {mismatch}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_vector_that_says_its_sentence() {
    let vectors = vectors();
    let named: BTreeSet<&str> = vectors.values().map(|v| v.rule.as_str()).collect();
    let rules: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.code()).collect();
    assert_eq!(named, rules);
    for (name, vector) in &vectors {
        let rule = Rule::ALL.iter().find(|rule| rule.code() == vector.rule);
        let rule = rule.expect("compared above");
        assert_eq!(vector.says, rule.words().en, "{name}");
    }
}

/// Each rule switched off makes a vector that names it fail.
#[test]
fn no_rule_can_be_switched_off_unnoticed() {
    let vectors = vectors();
    let mut unnoticed = Vec::new();
    for rule in Rule::ALL {
        let mut own = vectors.values().filter(|one| one.rule == rule.code());
        if !own.any(|vector| !play::play(vector, Some(*rule)).is_empty()) {
            unnoticed.push(rule.code());
        }
    }
    assert!(unnoticed.is_empty(), "no vector notices: {unnoticed:?}");
}

/// The rules in force when one is left out.
fn rules_without(rule: Option<Rule>) -> Rules {
    rule.map_or(Rules::ALL, |rule| Rules::ALL.without(rule))
}

//! What is told before something is done, and of what was done.

use super::{Tried, phone};

/// The identifiers of entries, decisions too, as the list in JSON has them.
fn ids(tried: &Tried) -> Vec<String> {
    let ran = phone(&tried.store, &["--json", "list"]).output().unwrap();
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&ran.stdout).unwrap();
    let id = |entry: &serde_json::Value| entry["id"].as_str().unwrap().to_owned();
    listed.iter().map(id).collect()
}

#[test]
fn what_comes_of_a_wrong_patient_is_told_and_nothing_is_done_until_it_is_confirmed() {
    let phone = Tried::new();
    phone.says(&["add", "allergy", "Arachide"]);
    let before = phone.says(&["show", "arachide"]);
    let mark = ["edit", "arachide", "--status", "wrong-patient"];
    let refused = phone.refuses(&mark);
    assert!(
        refused.contains("destroyed for good") && refused.contains("--yes"),
        "{refused}"
    );
    let french = phone.refuses(&[&["--lang", "fr"], &mark[..]].concat());
    assert!(
        french.contains("détruit définitivement") && french.contains("--yes"),
        "{french}"
    );
    let patch = r#"{"kind":"any","status":{"status":"wrong-patient"}}"#;
    let by_patch = phone.refuses(&["edit", "arachide", "--patch", patch]);
    assert!(by_patch.contains("destroyed for good"), "{by_patch}");
    assert_eq!(phone.says(&["show", "arachide"]), before);
    let reason = ["--reason", "dossier de Jean", "--yes"];
    let marked = phone.says(&[&mark[..], &reason].concat());
    assert!(marked.contains("wrong patient"), "{marked}");
    assert_eq!(phone.says(&["list"]), "Nothing here yet.");
    // A right is about nobody's health: it is taken back, and kept.
    let person = "0191d6a0-0000-7000-8000-00000000000a";
    phone.says(&["share", "block", person]);
    let right = phone.refuses(&["edit", person, "--status", "wrong-patient"]);
    assert!(right.contains("nothing will be destroyed"), "{right}");
}

#[test]
fn an_end_of_an_identifier_names_an_entry_before_what_was_decided_on_it() {
    let phone = Tried::new();
    for _ in 0..2 {
        phone.says(&["add", "allergy", "Latex"]);
    }
    let [one, _] = &ids(&phone)[..] else {
        panic!("two were added");
    };
    phone.says(&["review", "--assign", "1", "--to", "me"]);
    // Longer and shorter than what the lists show.
    for length in [8, 5] {
        let end = &one[one.len() - length..];
        let shown = phone.says(&["show", end]);
        assert!(shown.starts_with("Allergy — Latex"), "{shown}");
    }
    let decision = phone.says(&["show", "possible-duplicate"]);
    assert!(decision.starts_with("Review decision"), "{decision}");
}

#[test]
fn documents_are_told_of_under_what_they_are_called_together() {
    let phone = Tried::new();
    for (language, heading) in [
        ("en", "A document of any type\n"),
        ("fr", "Un document de tout type\n"),
    ] {
        let told = phone.says(&["--lang", language, "kinds", "document"]);
        assert!(told.starts_with(heading), "{told}");
    }
    let json = phone.says(&["--json", "kinds", "document"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["title"]["en"], "A document of any type");
}

#[test]
fn a_right_that_does_not_stand_says_what_that_means_whatever_its_status() {
    for status in ["revoked", "refuted", "entered-in-error"] {
        let phone = Tried::new();
        let person = "0191d6a0-0000-7000-8000-00000000000a";
        let block = phone.says(&["share", "block", person]);
        assert!(!block.contains("lifted"), "{block}");
        let lifted = phone.says(&["edit", person, "--status", status]);
        let said = "  The block is lifted: this person is no longer kept out.";
        assert!(lifted.lines().any(|line| line == said), "{lifted}");
        let french = phone.says(&["--lang", "fr", "show", person]);
        assert!(french.contains("Le blocage est levé"), "{french}");
    }
    let phone = Tried::new();
    let person = "0191d6a0-0000-7000-8000-00000000000b";
    phone.says(&["share", "delegate", person]);
    let ended = phone.says(&["revoke", person]);
    assert!(ended.contains("it gives nothing any more"), "{ended}");
}

#[test]
fn an_entry_is_not_taken_for_a_person() {
    let phone = Tried::new();
    phone.says(&["add", "allergy", "Latex"]);
    let entry = ids(&phone).remove(0);
    let refused = phone.refuses(&["share", "block", &entry]);
    assert!(refused.contains("not a person"), "{refused}");
    let french = phone.refuses(&["--lang", "fr", "share", "block", &entry]);
    assert!(french.contains("pas une personne"), "{french}");
    assert_eq!(ids(&phone), [entry]);
}

#[test]
fn a_blood_group_without_its_rhesus_asks_for_it() {
    let phone = Tried::new();
    let refused = phone.refuses(&["add", "blood-group", "AB"]);
    assert!(refused.contains("rhesus: say AB+ or AB-"), "{refused}");
    let french = phone.refuses(&["--lang", "fr", "add", "blood-group", "o"]);
    assert!(french.contains("rhésus : dites O+ ou O-"), "{french}");
    assert!(ids(&phone).is_empty());
}

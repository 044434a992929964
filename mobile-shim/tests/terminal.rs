//! The phone in the terminal, as a process of its own.

use std::path::Path;
use std::process::{Command, Stdio};

fn phone(store: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carnet-phone"));
    command.arg("--store").arg(store).args(arguments);
    command.stdin(Stdio::null());
    command
}

#[test]
fn a_closed_pipe_is_no_error_and_the_command_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("phone");
    let unread = |arguments: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = phone(&store, arguments).stdout(writer).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.success() && said.is_empty(), "{said}");
    };
    unread(&["try-out", "Jeanne Martin"]);
    unread(&["add", "allergy", "Arachide"]);
    unread(&["list"]);
    unread(&["--json", "list"]);
    let listed = phone(&store, &["list"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("Arachide"), "{listed}");
}

#[test]
fn a_phone_whose_store_is_damaged_can_be_wiped() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("phone");
    let run = |arguments: &[&str]| phone(&store, arguments).output().unwrap();
    assert!(run(&["try-out", "Jeanne Martin"]).status.success());
    std::fs::write(store.join("carnet.sqlite"), [7; 5_000]).unwrap();
    assert!(!run(&["list"]).status.success());
    assert!(!run(&["wipe"]).status.success());
    let wiped = run(&["wipe", "--yes"]);
    assert!(wiped.status.success(), "{wiped:?}");
    assert_eq!(std::fs::read_dir(&store).unwrap().count(), 0);
    assert!(run(&["try-out", "Jeanne Martin"]).status.success());
}

#[test]
fn what_steers_a_terminal_is_never_printed_raw() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("phone");
    let run = |arguments: &[&str]| phone(&store, arguments).output().unwrap();
    let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    // Nobody checks the name of whoever only looks around.
    let name = "Zo\u{202e}é \u{1b}[2J\u{9b}";
    assert!(run(&["try-out", name]).status.success());
    for arguments in [
        &["records"][..],
        &["--json", "records"],
        &["add", "allergy", name],
    ] {
        let ran = run(arguments);
        let (out, err) = (said(ran.stdout), said(ran.stderr));
        assert!(out.contains("Zo") || err.contains("control"), "{out}{err}");
        let raw = |c: char| sync_core::text::steers(c) && c != '\n';
        assert!(!out.contains(raw) && !err.contains(raw), "{out:?} {err:?}");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&run(&["--json", "records"]).stdout).unwrap();
    assert_eq!(json[0]["holder_name"], name);
}

#[test]
fn what_is_wrong_with_a_field_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("phone");
    let run = |arguments: &[&str]| phone(&store, arguments).output().unwrap();
    assert!(run(&["try-out", "Jeanne Martin"]).status.success());
    let odd = [
        "add",
        "allergy",
        "Aucune",
        "--none-known",
        "--criticality",
        "high",
    ];
    let said = String::from_utf8(run(&odd).stderr).unwrap();
    assert!(
        said.contains("criticality cannot stand in this entry"),
        "{said}"
    );
}

#[test]
fn what_one_may_do_is_answered_in_words_and_by_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("phone");
    let run = |arguments: &[&str]| phone(&store, arguments).output().unwrap();
    assert!(run(&["try-out", "Jeanne Martin"]).status.success());
    let may = run(&["may", "add", "own-note"]);
    assert_eq!(String::from_utf8(may.stdout).unwrap(), "yes\n");
    assert!(may.status.success());
    assert!(!run(&["may", "edit", "nothing"]).status.success());
    assert!(!run(&["may", "edit"]).status.success());
    let records = String::from_utf8(run(&["records"]).stdout).unwrap();
    assert!(records.contains("Jeanne Martin (holder)"), "{records}");
}

#[test]
fn a_name_that_two_entries_share_picks_neither() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("phone");
    let run = |arguments: &[&str]| phone(&store, arguments).output().unwrap();
    assert!(run(&["try-out", "Jeanne Martin"]).status.success());
    for label in ["Paracétamol", "Paracétamol", "Ibuprofène"] {
        assert!(run(&["add", "medication", label]).status.success());
    }
    let refused = run(&["hide", "paracétamol"]);
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("several are called so"), "{said}");
    let ids: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("Paracétamol"))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(ids.len(), 2, "{said}");
    assert!(!run(&["hide", ""]).status.success());
    let hidden = || {
        let listed = String::from_utf8(run(&["list"]).stdout).unwrap();
        listed
            .lines()
            .filter(|line| line.contains("hidden"))
            .count()
    };
    assert_eq!(hidden(), 0);
    assert!(run(&["hide", ids[1]]).status.success());
    assert_eq!(hidden(), 1);
}

#[test]
fn a_kind_that_there_is_not_is_refused_and_those_there_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("phone");
    let run = |arguments: &[&str]| phone(&store, arguments).output().unwrap();
    assert!(run(&["try-out", "Jeanne Martin"]).status.success());
    let refused = run(&["list", "--kind", "allergie"]);
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("no such kind") && said.contains("allergy"),
        "{said}"
    );
    assert!(run(&["list", "--kind", "allergy"]).status.success());
}

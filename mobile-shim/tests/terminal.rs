//! The phone in the terminal, as a process of its own.

#[path = "terminal/entering.rs"]
mod entering;
#[path = "terminal/screens.rs"]
mod screens;
#[path = "terminal/telling.rs"]
mod telling;

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
        said.contains("Criticality cannot stand in this entry"),
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
    let refused = run(&["list", "--kind", "maladies"]);
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("no such kind") && said.contains("allergy"),
        "{said}"
    );
    assert!(run(&["list", "--kind", "allergy"]).status.success());
}

/// A phone to look around with, and what its commands say: identifiers as `…`, times as `<time>`.
struct Tried {
    store: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Tried {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tried = Tried {
            store: folder.path().join("phone"),
            _folder: folder,
        };
        tried.says(&["try-out", "Jeanne Martin"]);
        tried
    }

    fn ran(&self, arguments: &[&str]) -> (bool, String) {
        let ran = phone(&self.store, arguments).output().unwrap();
        let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
        let lines: Vec<_> = said.lines().map(without_ids_and_times).collect();
        (ran.status.success(), lines.join("\n"))
    }

    fn says(&self, arguments: &[&str]) -> String {
        let (done, said) = self.ran(arguments);
        assert!(done, "{arguments:?}: {said}");
        said
    }

    fn refuses(&self, arguments: &[&str]) -> String {
        let (done, said) = self.ran(arguments);
        assert!(!done, "{arguments:?}: {said}");
        said
    }
}

fn without_ids_and_times(line: &str) -> String {
    let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    let is_time = |at: usize| {
        let time = line.get(at..at + 16).unwrap_or_default();
        let digits = time.bytes().filter(u8::is_ascii_digit).count();
        (digits == 12 && time.as_bytes()[10] == b' ').then_some(16)
    };
    let is_id = |at: usize| {
        let begins = at == 0 || !line.as_bytes()[at - 1].is_ascii_alphanumeric();
        let length = line[at..].find(|c| !hex(c)).unwrap_or(line.len() - at);
        // One in some hundred identifiers has letters only.
        let mut found = line[at..at + length].bytes();
        let digits =
            found.clone().any(|b| b.is_ascii_digit()) || found.all(|b| (b'a'..=b'f').contains(&b));
        let ends = !line[at + length..].starts_with(char::is_alphanumeric);
        (begins && ends && digits && [6, 8, 36].contains(&length)).then_some(length)
    };
    let (mut said, mut at) = (String::new(), 0);
    while let Some(c) = line[at..].chars().next() {
        if let Some(length) = is_time(at) {
            (said, at) = (said + "<time>", at + length);
        } else if let Some(length) = is_id(at) {
            (said, at) = (said + "…", at + length);
        } else {
            said.push(c);
            at += c.len_utf8();
        }
    }
    said
}

#[test]
fn an_entry_is_listed_and_shown() {
    let phone = Tried::new();
    assert_eq!(phone.says(&["list"]), "Nothing here yet.");
    let allergy = ["add", "allergy", "Arachide", "--criticality", "high"];
    let reaction = ["--reaction", "urticaire:mild", "--from", "carnet de santé"];
    let added = phone.says(&[&allergy[..], &reaction].concat());
    let expected = "\
Allergy — Arachide  [not sent yet]
  …
  Substance                Arachide
  Criticality              high
  Reactions                urticaire (mild)
  Status                   active
  Source                   carnet de santé
  created (Jeanne Martin, holder, <time>, not sent yet)";
    assert_eq!(added, expected);
    assert_eq!(phone.says(&["show", "arachide"]), expected);
    assert_eq!(
        phone.says(&["list"]),
        "Allergy\n  …  Arachide  [not sent yet]"
    );
    let french = phone.says(&["--lang", "fr", "show", "arachide"]);
    assert_eq!(
        french,
        "\
Allergie — Arachide  [pas encore envoyé]
  …
  Substance                Arachide
  Criticité                élevée
  Réactions                urticaire (légère)
  Statut                   actif
  Source                   carnet de santé
  créé (Jeanne Martin, titulaire, <time>, pas encore envoyé)"
    );
}

#[test]
fn what_is_to_review_says_how_to_settle_it() {
    let phone = Tried::new();
    assert_eq!(phone.says(&["review"]), "Nothing to review.");
    phone.says(&["add", "blood-group", "A+", "--group-source", "laboratory"]);
    phone.says(&["add", "blood-group", "O-"]);
    for _ in 0..2 {
        phone.says(&["add", "allergy", "Latex"]);
    }
    let review = phone.says(&["review"]);
    for said in [
        "1. [critical] A+ (laboratory) | O− (declared)",
        "   → edit … --status entered-in-error --reason …: if this is the wrong one",
        "2. [low] Latex | Latex",
        "   → resolve 2 --decide not-a-duplicate: these are two",
    ] {
        assert!(review.lines().any(|line| line == said), "{said}\n{review}");
    }
    let french = phone.says(&["--lang", "fr", "review"]);
    for said in [
        "1. [critique] A+ (laboratoire) | O− (déclaré)",
        "   → edit … --status entered-in-error --reason … : si c’est celui-ci qui est faux",
        "   → resolve 2 --decide not-a-duplicate : ce sont deux choses",
    ] {
        assert!(french.lines().any(|line| line == said), "{said}\n{french}");
    }
    let assigned = phone.says(&["review", "--assign", "2", "--to", "me"]);
    let to = "   Assigned to: Jeanne Martin  (Jeanne Martin, holder, <time>, not sent yet)";
    assert!(assigned.lines().any(|line| line == to), "{assigned}");
    let mine = phone.says(&["review", "--mine"]);
    assert!(mine.starts_with("2. [low] Latex"), "{mine}");
    phone.says(&["review", "--assign", "2", "--to", "nobody"]);
    assert_eq!(phone.says(&["review", "--mine"]), "Nothing to review.");
    let settled = phone.says(&["resolve", "2", "--decide", "not-a-duplicate"]);
    assert!(!settled.contains("2."), "{settled}");
    assert!(
        phone
            .says(&["list"])
            .contains("⚠ not sent yet · discordant blood groups")
    );
    let list = phone.says(&["--lang", "fr", "list"]);
    assert!(list.contains("groupes sanguins discordants"), "{list}");
}

#[test]
fn who_says_a_blood_group_is_not_where_one_has_it_from() {
    let phone = Tried::new();
    let add = ["add", "blood-group", "a+", "--group-source", "laboratory"];
    let added = phone.says(&[&add[..], &["--from", "laboratory"]].concat());
    assert!(
        added.contains("Blood group              A+ (laboratory)"),
        "{added}"
    );
    assert!(
        added.contains("Source                   laboratory"),
        "{added}"
    );
    // In French, words are not taken for a code.
    let shown = phone.says(&["--lang", "fr", "show", "a+"]);
    assert!(shown.contains("A+ (laboratoire)"), "{shown}");
    assert!(
        shown.contains("Source                   laboratory"),
        "{shown}"
    );
    // A group that is corrected keeps who says so.
    let corrected = phone.says(&["edit", "a+", "--group", "B+"]);
    assert!(corrected.contains("B+ (laboratory)"), "{corrected}");
    let declared = phone.says(&["edit", "b+", "--group-source", "declared"]);
    assert!(declared.contains("B+ (declared)"), "{declared}");
    phone.refuses(&["add", "blood-group", "A+", "--source", "laboratory"]);
}

#[test]
fn nothing_is_held_and_nobody_logs_on_a_phone_without_a_server() {
    let phone = Tried::new();
    assert_eq!(phone.says(&["held"]), "No edit is held.");
    let held = phone.says(&["--lang", "fr", "held"]);
    assert_eq!(held, "Aucune modification retenue.");
    let log = phone.refuses(&["log"]);
    assert!(log.contains("to look around with"), "{log}");
    let whoami = phone.says(&["whoami"]);
    assert!(
        whoami.contains("Jeanne Martin · on this phone only"),
        "{whoami}"
    );
    assert!(whoami.contains("entries: 0 · waiting: 0 · not taken: 0"));
    let may = phone.says(&["--lang", "fr", "may", "add", "own-note"]);
    assert_eq!(may, "oui");
}

#[test]
fn what_cannot_be_done_is_explained() {
    let phone = Tried::new();
    phone.says(&["add", "allergy", "Arachide"]);
    for (arguments, said) in [
        (&["edit", "arachide"][..], "say what to change"),
        (&["edit", "arachide", "--dose", "4"], "has no --dose"),
        (
            &["add", "condition", "Asthme", "--when", "1999-13"],
            "is a date: 2024",
        ),
        (
            &["add", "allergy", "X", "--criticality", "extreme"],
            "low, high",
        ),
        (&["add", "blood-group", "Q+"], "A+, A-"),
        (&["may", "add", "allergie"], "no such kind"),
        (
            &["edit", "arachide", "--when", "2024-02-30"],
            "is a date: 2024",
        ),
        (
            &["add", "medication", "X", "--dose", "dix"],
            "is a number like",
        ),
        (&["show", "zzz"], "nothing here is called so"),
        (
            &["resolve", "9", "--decide", "confirm"],
            "carnet-phone review",
        ),
        (&["sync"], "nothing of it leaves this phone"),
        (&["add", "json", "{"], "The JSON draft cannot be used"),
    ] {
        let explained = phone.refuses(arguments);
        assert!(explained.contains(said), "{said}: {explained}");
    }
    phone.says(&["offline", "on"]);
    let sync = phone.refuses(&["sync"]);
    assert!(
        sync.contains("offline by choice") && sync.contains("offline off"),
        "{sync}"
    );
    let none_known = [
        "add",
        "allergy",
        "Aucune",
        "--none-known",
        "--criticality",
        "high",
    ];
    let french = phone.refuses(&[&["--lang", "fr"], &none_known[..]].concat());
    assert!(french.contains("Criticité ne peut figurer"), "{french}");
}

#[test]
fn a_phone_that_nobody_uses_yet_says_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["list"][..], &["sign-in"], &["sync"]] {
        let ran = phone(folder.path(), arguments).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(!ran.status.success() && said.contains("try-out"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_phones_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("phone");
    let run = |arguments: &[&str]| assert!(phone(&store, arguments).status().unwrap().success());
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files = || -> Vec<_> {
        let entries = std::fs::read_dir(&store).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_file()).collect()
    };
    let is_closed = || {
        assert!(files().len() >= 2, "{:?}", files());
        mode(&store) == 0o700 && files().iter().all(|file| mode(file) == 0o600)
    };
    run(&["try-out", "Jeanne Martin"]);
    assert!(is_closed());
    // As an earlier version left it.
    std::fs::write(store.join("test-authenticator.cbor"), [0x80]).unwrap();
    set(&store, 0o755);
    for file in files() {
        set(&file, 0o644);
    }
    run(&["list"]);
    assert!(is_closed());
    // A folder that is not a phone's alone is left as it is.
    std::fs::write(store.join("letter"), "").unwrap();
    for path in [&store, &store.join("letter"), &store.join("terminal.json")] {
        set(path, 0o755);
    }
    run(&["list"]);
    assert_eq!((mode(&store), mode(&store.join("letter"))), (0o755, 0o755));
    assert_eq!(mode(&store.join("terminal.json")) & 0o077, 0);
}

#[test]
fn the_help_says_what_it_is_and_that_it_is_for_trying_out() {
    let folder = tempfile::tempdir().unwrap();
    let help = phone(folder.path(), &["--help"]).output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    assert!(
        help.starts_with("A phone in a terminal, to try Carnet out"),
        "{help}"
    );
    assert!(help.contains("software authenticator"), "{help}");
}

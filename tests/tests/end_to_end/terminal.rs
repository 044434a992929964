//! What people see who use `carnet-phone` with a server.

use std::path::PathBuf;

use carnet_tests::support::phone_in_terminal;
use server::http::ProblemType;
use sync_core::policy::Profession;

use super::stage::{Stage, program};

/// A phone in the terminal.
struct Terminal(PathBuf);

impl Terminal {
    /// What a command says, and whether it succeeded.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let ran = phone_in_terminal(&program(), &self.0, arguments).output();
        let ran = ran.expect("it starts");
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8(said).expect("UTF-8");
        (ran.status.success(), said)
    }

    fn done(&self, arguments: &[&str]) -> String {
        let (done, said) = self.run(arguments);
        assert!(done, "{arguments:?}: {said}");
        said
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let (done, said) = self.run(arguments);
        assert!(!done, "{arguments:?}: {said}");
        said
    }
}

#[test]
fn going_over_to_somebody_takes_their_passkey_and_no_network() {
    let stage = Stage::new();
    let server = stage.server().url().to_owned();
    let tablet = Terminal(stage.place("tablet"));
    for (name, profession) in [
        ("Morel", Profession::Physician),
        ("Lefèvre", Profession::Nurse),
    ] {
        let entered = stage.professional(name, profession);
        tablet.done(&["enrol", &server, &entered.code]);
    }
    let profiles = tablet.done(&["profiles"]);
    let locked = |profiles: &str, name: &str| {
        let mut lines = profiles.lines();
        let line = lines.find(|line| line.to_lowercase().contains(name));
        line.expect("is listed").contains("[locked]")
    };
    assert!(locked(&profiles, "morel") && !locked(&profiles, "lefèvre"));

    tablet.done(&["offline", "on"]);
    let switched = tablet.done(&["switch", "morel"]);
    assert!(switched.to_lowercase().contains("morel"), "{switched}");
    assert!(locked(&tablet.done(&["profiles"]), "lefèvre"));

    // Without her passkey nobody is the nurse.
    std::fs::remove_file(stage.place("tablet").join("test-authenticator.cbor")).expect("gone");
    let said = tablet.refused(&["switch", "lefèvre"]);
    assert!(said.contains("no passkey of this person"), "{said}");
    // Whoever leaves locks; then nothing is read.
    tablet.done(&["lock"]);
    let said = tablet.refused(&["whoami"]);
    assert!(said.contains("the profile is locked"), "{said}");
    assert!(said.contains("carnet-phone switch"), "{said}");
}

#[test]
fn a_sign_in_is_listed_and_ended() {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    let server = stage.server().url().to_owned();
    let (phone, tablet) = (
        Terminal(stage.place("phone")),
        Terminal(stage.place("tablet")),
    );
    phone.done(&["enrol", &server, &opened.code]);
    let invited = phone.done(&["invite"]);
    let code = invited.lines().next().expect("a code");
    tablet.done(&["enrol", &server, code]);
    let listed = phone.done(&["sessions"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("tablet") && listed.contains("[this phone]"));

    let ended = phone.done(&["sessions", "end", "tablet"]);
    assert!(ended.contains("must sign in again"), "{ended}");
    assert_eq!(phone.done(&["sessions"]).lines().count(), 1);
    let said = tablet.refused(&["sync"]);
    assert!(said.contains("sign in first"), "{said}");
    tablet.done(&["sign-in"]);
    tablet.done(&["sync"]);
    let own = phone.done(&["sessions", "end", "phone"]);
    assert!(own.contains("must sign in again"), "{own}");
    assert!(phone.done(&["whoami"]).contains("sign in to sync"));
}

/// A holder and a caregiver who are enrolled, each on a phone in the terminal, and the caregiver's
/// identifier.
fn holder_and_caregiver(stage: &Stage) -> (Terminal, Terminal, String) {
    let server = stage.server().url().to_owned();
    let (hers, theirs) = (
        Terminal(stage.place("hers")),
        Terminal(stage.place("theirs")),
    );
    hers.done(&["enrol", &server, &stage.desk("Durand").code]);
    theirs.done(&["enrol", &server, &stage.enter_caregiver("Diallo").code]);
    let who = theirs.done(&["whoami"]);
    let id = who.lines().nth(1).expect("an identifier").to_owned();
    (hers, theirs, id)
}

#[test]
fn whoever_has_no_record_yet_is_told_so() {
    let stage = Stage::new();
    let (hers, theirs, _) = holder_and_caregiver(&stage);
    for command in [&["list"][..], &["sync"], &["add", "allergy", "Latex"]] {
        let said = theirs.refused(command);
        assert!(
            said.contains("no record has been shared with you yet"),
            "{said}"
        );
    }
    let said = theirs.done(&["--lang", "fr", "records"]);
    assert!(
        said.contains("Aucun carnet n’a encore été partagé"),
        "{said}"
    );
    let said = hers.refused(&["share", "delegate", "nonsense"]);
    assert!(said.contains("that names nobody"), "{said}");
}

#[test]
fn what_one_may_not_do_is_not_shown_as_done() {
    let stage = Stage::new();
    let (hers, theirs, caregiver) = holder_and_caregiver(&stage);
    hers.done(&["add", "allergy", "Latex"]);
    hers.done(&["share", "delegate", &caregiver]);
    hers.done(&["sync"]);
    let said = theirs.refused(&["add", "allergy", "Iode"]);
    assert!(said.contains("carnet-phone sync"), "{said}");
    theirs.done(&["sync"]);
    theirs.done(&["add", "allergy", "Iode"]);
    for command in [
        &["add", "note", "Journal"][..],
        &["add", "json", r#"{"kind":"own-note","title":"Journal"}"#],
        &["hide", "Latex"],
        &["unhide", "Latex"],
        &["share", "delegate", &caregiver],
    ] {
        let said = theirs.refused(command);
        assert!(said.contains("not permitted: "), "{command:?}: {said}");
        assert!(
            !said.contains("not-") && !said.contains("-writable"),
            "{said}"
        );
    }
    let synced = theirs.done(&["sync"]);
    assert!(
        synced.contains("sent 1") && synced.contains("held 0"),
        "{synced}"
    );
    let listed = theirs.done(&["list"]);
    assert!(
        !listed.contains("hidden") && !listed.contains("Journal"),
        "{listed}"
    );
}

#[test]
fn what_the_server_refuses_it_explains() {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    let server = stage.server().url().to_owned();
    let phone = Terminal(stage.place("phone"));
    let said = phone.refused(&["enrol", &server, "AAAAA-AAAAA"]);
    assert!(said.contains("the enrolment code is not good"), "{said}");
    phone.done(&["enrol", &server, &opened.code]);
    let said = phone.refused(&["passkeys", "revoke", "test"]);
    assert!(
        said.contains("the last passkey cannot be revoked"),
        "{said}"
    );
    assert!(said.contains("enrol another first"), "{said}");
    let said = phone.refused(&["--lang", "fr", "passkeys", "revoke", "test"]);
    assert!(
        said.contains("le dernier passkey ne peut être révoqué"),
        "{said}"
    );
}

#[test]
fn every_problem_of_the_servers_is_known_to_the_phone_in_french() {
    for problem in ProblemType::ALL {
        let words = carnet_mobile::error::problem_in_words(problem.slug());
        let words = words.unwrap_or_else(|| panic!("{} has no words", problem.slug()));
        assert!(words.fr != problem.slug() && words.fr != words.en);
    }
}

#[test]
fn the_log_is_read_and_checked_in_the_chosen_language() {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    let server = stage.server().url().to_owned();
    let phone = Terminal(stage.place("phone"));
    phone.done(&["enrol", &server, &opened.code]);
    let early = phone.refused(&["log", "--verify"]);
    assert!(
        early.contains("sync first") && early.contains("carnet-phone sync"),
        "{early}"
    );
    phone.done(&["add", "allergy", "Latex"]);
    phone.done(&["sync"]);
    let log = phone.done(&["log"]);
    for said in ["opened the record", "passkey added", "wrote", "(holder)"] {
        assert!(log.contains(said), "{said}: {log}");
    }
    let log = phone.done(&["--lang", "fr", "log"]);
    for said in [
        "ouverture du carnet",
        "passkey ajouté",
        "écriture",
        "(titulaire)",
    ] {
        assert!(log.contains(said), "{said}: {log}");
    }
    let checked = phone.done(&["log", "--verify"]);
    assert!(checked.starts_with("✓ Nothing was removed"), "{checked}");
    let checked = phone.done(&["--lang", "fr", "log", "--verify"]);
    assert!(checked.starts_with("✓ Rien n’a été retiré"), "{checked}");
}

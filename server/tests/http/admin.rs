//! The administrator's commands, beside a running server; and the binary that serves.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::{Value, json};
use server::people::{Person, Professional};
use sync_core::PersonId;
use sync_core::identity::Rpps;
use sync_core::policy::Profession;

use super::authenticator::Authenticator;
use super::world::{World, token};

fn carnet(world: &World, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_carnet"))
        .args(arguments)
        .arg("--data")
        .arg(world.config().data)
        .output()
        .expect("runs")
}

fn answer(output: Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).expect("is JSON")
}

fn says(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complaint(output: Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const OPEN: [&str; 25] = [
    "admin",
    "open-record",
    "--json",
    "--ins",
    "279035121518989",
    "--ins-authority",
    "1.2.250.1.213.1.4.10",
    "--family-name",
    "Nessi",
    "--given-names",
    "Ruth Isabelle",
    "--birth-date",
    "1979-03-31",
    "--sex",
    "F",
    "--birthplace",
    "51215",
    "--channel",
    "desk",
    "--departement",
    "51",
    "--consent",
    "signed by the holder",
    "--proof",
    "identity card",
];

/// Opens a record by the command; answers what it says.
pub fn open_record(world: &World) -> Value {
    answer(carnet(world, &OPEN))
}

#[tokio::test]
async fn a_record_is_opened_and_its_holder_enrols() {
    let world = World::new().await;
    let opened = answer(carnet(&world, &OPEN));
    let mut phone = Authenticator::default();
    let code = opened["code"].as_str().expect("a code");
    let finish = world.begin_enrolment(code, &mut phone).await;
    let session = world.post("/v1/enrolment/finish", &finish).await.ok();
    assert_eq!(session["person"], opened["person"]);
    assert_eq!(session["records"][0]["record"], opened["record"]);

    let again = complaint(carnet(&world, &OPEN));
    let record = opened["record"].as_str().expect("an id");
    assert!(again.contains(record), "{again}");

    // Every passkey lost: a desk proofs the identity again.
    let person = opened["person"].as_str().expect("an id");
    let recover = [
        "admin",
        "enrolment-code",
        "--json",
        "--person",
        person,
        "--proof",
        "passport",
    ];
    let recovery = answer(carnet(&world, &recover));
    let code = recovery["code"].as_str().expect("a code");
    let finish = world
        .begin_enrolment(code, &mut Authenticator::default())
        .await;
    world.post("/v1/enrolment/finish", &finish).await.ok();
}

#[tokio::test]
async fn a_professional_opens_a_record_of_their_own() {
    let world = World::new().await;
    let professional = Person {
        family_name: "Roux".into(),
        given_names: "Ali".into(),
        ins: None,
        traits: None,
        professional: Some(Professional {
            rpps: Rpps::parse("10101010105").expect("a number"),
            profession: Profession::Physician,
        }),
    };
    let person = world.add(professional).await;
    let mut phone = Authenticator::default();
    let code = world.code(person).await;
    let finish = world.begin_enrolment(&code, &mut phone).await;
    let session = world.post("/v1/enrolment/finish", &finish).await.ok();
    assert_eq!(session["records"], json!([]));

    let open = |id: PersonId| {
        let id = id.to_string();
        carnet(&world, &[&OPEN[..], &["--person", &id]].concat())
    };
    let nobody = complaint(open(PersonId(uuid::Uuid::nil())));
    assert!(nobody.contains("no such person"), "{nobody}");
    let opened = answer(open(person));
    assert_eq!(opened["person"], json!(person));
    assert!(opened.get("code").is_none());
    let me = world.get("/v1/me", token(&session)).await.ok();
    assert_eq!(me["profession"], json!("physician"));
    let records = world.get("/v1/records", token(&session)).await.ok();
    assert_eq!(records["records"][0]["record"], opened["record"]);
    assert_eq!(records["records"][0]["roles"], json!(["holder"]));

    // One record a person, one person an identity.
    let again = complaint(carnet(&world, &OPEN));
    let record = opened["record"].as_str().expect("an id");
    assert!(again.contains(record), "{again}");
    let other = world.person("Ana").await;
    let another = complaint(open(other));
    assert!(another.contains(&person.to_string()), "{another}");
}

#[tokio::test]
async fn people_are_added_once_and_keys_rotate_under_a_running_server() {
    let world = World::new().await;
    let add = [
        "admin",
        "add-person",
        "--json",
        "--professional",
        "--rpps",
        "10101010105",
        "--profession",
        "physician",
        "--family-name",
        "Roux",
        "--given-names",
        "Ali",
    ];
    let added = answer(carnet(&world, &add));
    assert!(complaint(carnet(&world, &add)).contains("enrolment-code"));
    let rotated = carnet(&world, &["admin", "keys", "rotate"]);
    assert!(rotated.status.success());

    let code = added["code"].as_str().expect("a code");
    let finish = world
        .begin_enrolment(code, &mut Authenticator::default())
        .await;
    let session = world.post("/v1/enrolment/finish", &finish).await.ok();
    let me = world.get("/v1/me", token(&session)).await.ok();
    assert_eq!(me["profession"], json!("physician"));
    answer(carnet(&world, &OPEN));

    let mut wrong = add;
    wrong[5] = "10101010108";
    assert!(complaint(carnet(&world, &wrong)).contains("rpps"));
}

#[tokio::test]
async fn the_binary_serves_until_told_to_stop() {
    let world = World::new().await;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut serving = Command::new(env!("CARGO_BIN_EXE_carnet"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut line = String::new();
    let out = serving.stdout.take().expect("is piped");
    BufReader::new(out).read_line(&mut line).expect("a line");
    let url = line
        .trim()
        .strip_prefix("listening on ")
        .expect("says where");
    let health = world.http.get(format!("{url}/healthz")).send().await;
    assert_eq!(health.expect("answers").status(), 200);
    let told = Command::new("kill").arg(serving.id().to_string()).status();
    assert!(told.expect("runs").success());
    assert!(serving.wait().expect("ends").success());
}

fn on(store: &std::path::Path, statement: &str) {
    let mut store = SqliteConnection::establish(store.to_str().expect("text")).expect("opens");
    store.batch_execute(statement).expect("done");
}

/// Something is in the key store's place that has not the keys of what was made since.
const LOSE_RECORD_KEYS: &str = "DELETE FROM record_keys";

/// What has no key is said, with what cannot be given up and why; and nothing is given up while a copy
/// is left that has the key.
#[tokio::test]
async fn a_missing_key_of_a_record_is_said_and_not_given_up() {
    let give_up = ["admin", "keys", "give-up"];
    let for_good = ["admin", "keys", "give-up", "--for-good"];
    let mut world = World::new().await;
    let record = open_record(&world)["record"]
        .as_str()
        .expect("an id")
        .to_owned();
    let nothing = says(carnet(&world, &give_up));
    assert!(nothing.contains("without a key: 0 records"), "{nothing}");
    assert!(complaint(carnet(&world, &for_good)).contains("already serves"));
    world.stop().await;
    let keys = world.config().keys().join("keys.sqlite");
    let kept = tempfile::tempdir().expect("a temporary directory");
    let copy = kept.path().join("copy.sqlite");
    for folder in [kept.path().to_owned(), world.config().keys()] {
        let copied = folder.join("copy.sqlite");
        on(&keys, &format!("VACUUM INTO '{}'", copied.display()));
    }
    on(&keys, LOSE_RECORD_KEYS);
    assert!(complaint(carnet(&world, &["verify"])).contains("does not verify"));
    // One lies beside it.
    let refused = complaint(carnet(&world, &for_good));
    for said in [
        "has 1 of the 1 keys",
        "Keep the other elsewhere",
        "docs/operating.md",
    ] {
        assert!(refused.contains(said), "{refused}");
    }
    std::fs::remove_file(world.config().keys().join("copy.sqlite")).expect("removed");
    let named = copy.to_str().expect("text");
    let with_copy = [&for_good[..], &["--copy", named]].concat();
    let refused = complaint(carnet(&world, &with_copy));
    assert!(refused.contains("has 1 of the 1 keys"), "{refused}");
    let other = world.config().database();
    let with_other = [&for_good[..], &["--copy", other.to_str().expect("text")]].concat();
    assert!(complaint(carnet(&world, &with_other)).contains("no copy"));
    // No copy is left.
    for _ in 0..2 {
        let said = says(carnet(&world, &give_up));
        for wanted in [&*record, "why no record", "nothing of this can be given up"] {
            assert!(said.contains(wanted), "{said}");
        }
        assert!(!said.contains("why no right"), "{said}");
        let refused = complaint(carnet(&world, &for_good));
        assert!(refused.contains("1 records and 0 rights"), "{refused}");
    }
    // Nothing was changed: with its key it opens again.
    for left in ["keys.sqlite-wal", "keys.sqlite-shm"] {
        let left = keys.with_file_name(left);
        if left.exists() {
            std::fs::remove_file(left).expect("removed");
        }
    }
    std::fs::copy(&copy, &keys).expect("put back");
    let verified = answer(carnet(&world, &["verify", "--json"]));
    assert_eq!(verified["wrong"], json!([]));
    let nothing = says(carnet(&world, &give_up));
    assert!(nothing.contains("without a key: 0 records"), "{nothing}");
}

/// Of what has no key, rights stay and the other entries go.
#[tokio::test]
async fn missing_keys_of_entries_are_given_up_and_those_of_rights_stay() {
    let give_up = ["admin", "keys", "give-up"];
    let for_good = ["admin", "keys", "give-up", "--for-good"];
    let mut world = World::new().await;
    open_record(&world);
    world.stop().await;
    for (tick, right, changes) in [(1, 1, 5), (2, 0, 2), (3, 0, 1)] {
        let row = format!(
            "INSERT INTO entries (record_id, entry_id, key_id, touched, is_right, changes, bytes,
                 class)
             SELECT record_id, randomblob(16), randomblob(16), {tick}, {right}, {changes}, 1,
                 x'01' FROM records"
        );
        on(&world.config().database(), &row);
    }
    let said = says(carnet(&world, &give_up));
    for wanted in [
        "0 records, 1 rights, and 2 other entries, of 3 changes",
        "why no right",
        "nothing was changed",
    ] {
        assert!(said.contains(wanted), "{said}");
    }
    assert!(!said.contains("why no record"), "{said}");
    let said = says(carnet(&world, &for_good));
    for wanted in [
        "given up: 2 entries, of 3 changes",
        "stay 0 records and 1 rights",
        "open the app",
    ] {
        assert!(said.contains(wanted), "{said}");
    }
    let refused = complaint(carnet(&world, &for_good));
    assert!(refused.contains("nothing was changed"), "{refused}");
    let said = says(carnet(&world, &give_up));
    assert!(said.contains("1 rights, and 0 other entries"), "{said}");
    assert!(complaint(carnet(&world, &["verify"])).contains("does not verify"));
}

#[tokio::test]
async fn a_command_without_a_store_says_so() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let output = Command::new(env!("CARGO_BIN_EXE_carnet"))
        .args(["admin", "keys", "rotate", "--data"])
        .arg(dir.path())
        .output()
        .expect("runs");
    assert!(complaint(output).contains("start the server once"));
    let output = Command::new(env!("CARGO_BIN_EXE_carnet"))
        .args(["serve", "--listen", "nowhere"])
        .output()
        .expect("runs");
    assert!(complaint(output).contains("listen"));
}

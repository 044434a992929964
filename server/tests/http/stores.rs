//! The files of the stores: damage that is found, and copies that are whole or not there.

use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use server::app::{StartError, run_with};
use server::storage::sqlite::open_connection;
use sync_core::RecordId;

use super::admin::open_record;
use super::authenticator::Authenticator;
use super::world::World;

/// Runs a command on a world's directory, through a shell that sets limits first.
fn carnet_within(limits: &str, data: &Path, arguments: &[&str]) -> Output {
    Command::new("sh")
        .args(["-c", &format!("{limits}\nexec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_carnet"))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .output()
        .expect("runs")
}

fn carnet(data: &Path, arguments: &[&str]) -> Output {
    carnet_within("", data, arguments)
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = BigInt)]
    root: i64,
    #[diesel(sql_type = BigInt)]
    page_size: i64,
}

/// Makes an index empty, as a page that an old copy of itself took the place of.
fn empty_index(store: &Path, name: &str) {
    let mut connection = open_connection(store).expect("opens");
    let index: Index = sql_query(
        "SELECT rootpage AS root, page_size FROM sqlite_schema, pragma_page_size WHERE name = ?",
    )
    .bind::<Text, _>(name)
    .get_result(&mut connection)
    .expect("there");
    connection
        .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
        .expect("folded");
    drop(connection);
    let page_size = u64::try_from(index.page_size).expect("a size");
    let at = u64::try_from(index.root - 1).expect("a page") * page_size;
    let [high, low] = u16::try_from(page_size).expect("small").to_be_bytes();
    let mut file = OpenOptions::new().write(true).open(store).expect("opens");
    file.seek(SeekFrom::Start(at)).expect("there");
    // A leaf of an index, without a cell.
    file.write_all(&[0x0a, 0, 0, 0, 0, high, low, 0])
        .expect("written");
}

#[tokio::test]
async fn what_sqlite_finds_damaged_does_not_verify() {
    for (store, index) in [
        ("carnet.sqlite", "sessions_expires"),
        ("carnet.sqlite", "sqlite_autoindex_sessions_2"),
        ("keys/keys.sqlite", "record_keys_generation"),
    ] {
        let mut world = World::new().await;
        world.enrol("Ana", &mut Authenticator::default()).await;
        open_record(&world);
        world.stop().await;
        let data = world.config().data;
        let sound = carnet(&data, &["verify"]);
        assert!(sound.status.success(), "{}", complaint(&sound));
        empty_index(&data.join(store), index);
        let wrong = carnet(&data, &["verify"]);
        complaint(&wrong);
        let said = String::from_utf8_lossy(&wrong.stdout);
        let names_it = format!("missing from index {index}");
        assert!(said.contains(&names_it), "{said}");
    }
}

#[tokio::test]
async fn a_reference_to_nothing_does_not_verify() {
    let mut world = World::new().await;
    world.enrol("Ana", &mut Authenticator::default()).await;
    world.stop().await;
    let data = world.config().data;
    let mut store = open_connection(&data.join("carnet.sqlite")).expect("opens");
    store
        .batch_execute("PRAGMA foreign_keys = OFF; DELETE FROM passkeys")
        .expect("deleted");
    drop(store);
    let wrong = carnet(&data, &["verify", "--json"]);
    complaint(&wrong);
    let said = String::from_utf8_lossy(&wrong.stdout);
    let names_it = "a row of sessions names one of passkeys that is not there";
    assert!(said.contains(names_it), "{said}");
}

#[tokio::test]
async fn a_backup_is_whole_and_for_its_owner_alone() {
    let world = World::new().await;
    open_record(&world);
    let data = world.config().data;
    let to = data.join("backup");
    let made = carnet(&data, &["backup", to.to_str().expect("text"), "--keys"]);
    assert!(made.status.success(), "{}", complaint(&made));
    let names = |dir: &Path| {
        let listed = std::fs::read_dir(dir).expect("listed");
        let name = |file: std::io::Result<std::fs::DirEntry>| file.expect("listed").file_name();
        let mut names: Vec<_> = listed.map(name).collect();
        names.sort();
        names
    };
    assert_eq!(names(&to), ["carnet.sqlite", "keys"]);
    assert_eq!(names(&to.join("keys")), ["keys.sqlite"]);
    for file in ["carnet.sqlite", "keys/keys.sqlite"] {
        let metadata = std::fs::metadata(to.join(file)).expect("there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_backup_that_fails_leaves_nothing_and_says_so() {
    let mut world = World::new().await;
    open_record(&world);
    world.stop().await;
    let data = world.config().data;
    let to = data.join("backup");
    let backup = ["backup", to.to_str().expect("text"), "--keys"];
    // No file may be larger than 64 KiB, or 128 where the shell counts so; the store is.
    assert!(
        std::fs::metadata(data.join("carnet.sqlite"))
            .expect("there")
            .len()
            > 128 * 1024
    );
    let full = carnet_within("trap '' XFSZ; ulimit -f 128", &data, &backup);
    let said = complaint(&full);
    assert!(said.contains("no backup was made"), "{said}");
    assert!(!to.exists());
    let made = carnet(&data, &backup);
    assert!(made.status.success(), "{}", complaint(&made));

    // A backup that is there is not touched.
    let said = complaint(&carnet(&data, &backup));
    assert!(said.contains("backup"), "{said}");
    assert!(to.join("carnet.sqlite").exists());
}

#[tokio::test]
async fn a_damaged_store_is_not_copied() {
    let mut world = World::new().await;
    world.enrol("Ana", &mut Authenticator::default()).await;
    world.stop().await;
    let data = world.config().data;
    let mut store = open_connection(&data.join("carnet.sqlite")).expect("opens");
    store
        .batch_execute(
            "PRAGMA ignore_check_constraints = ON;
             UPDATE sessions SET token_hash = x'00'",
        )
        .expect("written");
    drop(store);
    let to = data.join("backup");
    let said = complaint(&carnet(&data, &["backup", to.to_str().expect("text")]));
    assert!(said.contains("the copy is damaged"), "{said}");
    assert!(!to.exists());
}

#[tokio::test]
async fn a_store_of_a_later_release_is_not_copied() {
    for store in ["carnet.sqlite", "keys/keys.sqlite"] {
        let mut world = World::new().await;
        world.stop().await;
        let data = world.config().data;
        let mut connection = open_connection(&data.join(store)).expect("opens");
        connection
            .batch_execute(
                "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')",
            )
            .expect("written");
        drop(connection);
        let to = data.join("backup");
        let said = complaint(&carnet(&data, &["backup", to.to_str().expect("text")]));
        assert!(said.contains("newer"), "{said}");
        assert!(!to.exists());
    }
}

#[tokio::test]
async fn keys_that_went_missing_are_not_begun_anew() {
    let mut world = World::new().await;
    let keys = &world.running().app().keys;
    keys.create_record_key(RecordId(uuid::Uuid::from_u128(7)))
        .expect("a key");
    world.stop().await;
    let config = world.config();
    let keys = config.keys().join("keys.sqlite");
    std::fs::remove_file(&keys).expect("removes");
    let refused = run_with(config, world.clock.clone()).await.map(|_| ());
    assert!(
        matches!(refused, Err(StartError::KeysMissing { .. })),
        "{refused:?}"
    );
    assert!(!keys.exists());
}

//! The live schema of the server's stores: what the design needs of keys, indexes, triggers and
//! cascades is there, and migrations go up, down and up again to the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};

/// Every foreign key of the data store: table, columns, what they refer to, what becomes of the
/// row when that is deleted. What a record holds is never deleted with anything: it loses its key.
const FOREIGN_KEYS: &[(&str, &str, &str, &str)] = &[
    ("audit", "record_id", "records", "NO ACTION"),
    ("audit_apart", "record_id", "records", "NO ACTION"),
    ("ceremonies", "person_id", "people", "CASCADE"),
    ("ceremonies", "selector", "enrolment_codes", "CASCADE"),
    ("contents", "record_id,entry_id", "entries", "NO ACTION"),
    ("departures", "record_id,shelf", "shelves", "NO ACTION"),
    ("destroyed", "record_id", "records", "NO ACTION"),
    ("devices", "person_id", "people", "CASCADE"),
    ("doomed", "record_id", "records", "NO ACTION"),
    ("enrolment_codes", "person_id", "people", "CASCADE"),
    ("entries", "record_id", "records", "NO ACTION"),
    ("given_up", "record_id", "records", "NO ACTION"),
    ("held", "record_id", "records", "NO ACTION"),
    ("lives", "record_id", "records", "NO ACTION"),
    ("log", "record_id,entry_id", "entries", "NO ACTION"),
    ("parties", "record_id,entry_id", "entries", "NO ACTION"),
    ("passkeys", "person_id", "people", "CASCADE"),
    ("places", "record_id,shelf", "shelves", "NO ACTION"),
    ("records", "holder", "people", "NO ACTION"),
    ("sessions", "device_id", "devices", "CASCADE"),
    ("sessions", "passkey_id", "passkeys", "CASCADE"),
    ("sessions", "person_id", "people", "CASCADE"),
    ("shelves", "record_id", "records", "NO ACTION"),
];

/// What is unique beyond primary keys: nobody is in the store twice, no change is in a log twice,
/// and no actor's number names two changes.
const UNIQUE: &[(&str, &str)] = &[
    ("devices", "public_key"),
    ("log", "record_id,change_blind"),
    ("log", "record_id,entry_id,actor_blind,seq"),
    ("passkeys", "credential_id"),
    ("people", "ins_blind"),
    ("people", "rpps_blind"),
    ("records", "holder"),
    ("sessions", "token_hash"),
];

/// What refuses to be rewritten.
const TRIGGERS: &[(&str, &str)] = &[
    ("audit", "audit_delete"),
    ("audit", "audit_order"),
    ("audit", "audit_update"),
    ("audit_apart", "audit_apart_delete"),
    ("audit_apart", "audit_apart_order"),
    ("audit_apart", "audit_apart_update"),
    ("destroyed", "destroyed_delete"),
    ("destroyed", "destroyed_update"),
    ("contents", "contents_destroyed_insert"),
    ("contents", "contents_destroyed_update"),
    ("devices", "devices_revoked"),
    ("enrolment_codes", "enrolment_codes_once"),
    ("entries", "entries_destroyed_insert"),
    ("entries", "entries_destroyed_update"),
    ("given_up", "given_up_delete"),
    ("given_up", "given_up_update"),
    ("lives", "lives_delete"),
    ("lives", "lives_update"),
    ("log", "log_delete"),
    ("log", "log_order"),
    ("log", "log_update"),
    ("passkeys", "passkeys_revoked"),
    ("records", "records_bytes"),
    ("records", "records_clock"),
    ("records", "records_identity"),
    ("records", "records_life"),
    ("sessions", "sessions_ended"),
];

/// The columns of both stores that hold sealed bytes.
const SEALED: &[(&str, &str)] = &[
    ("audit", "sealed"),
    ("audit_apart", "sealed"),
    ("ceremonies", "sealed"),
    ("contents", "document"),
    ("contents", "history"),
    ("destroyed", "sealed"),
    ("devices", "sealed"),
    ("enrolment_codes", "sealed"),
    ("entries", "class"),
    ("entry_keys", "wrapped"),
    ("held", "about"),
    ("held", "sealed"),
    ("log", "about"),
    ("log", "change"),
    ("named_keys", "wrapped"),
    ("passkeys", "sealed"),
    ("people", "sealed"),
    ("record_keys", "wrapped"),
    ("records", "opening"),
    ("shelves", "sealed"),
];

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    tbl: String,
    #[diesel(sql_type = Nullable<Text>)]
    sql: Option<String>,
}

#[derive(QueryableByName)]
struct ForeignKey {
    #[diesel(sql_type = Text)]
    tbl: String,
    #[diesel(sql_type = Text)]
    columns: String,
    #[diesel(sql_type = Text)]
    parent: String,
    #[diesel(sql_type = Text)]
    on_delete: String,
}

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    tbl: String,
    #[diesel(sql_type = Text)]
    columns: String,
    #[diesel(sql_type = Integer)]
    is_unique: i32,
    #[diesel(sql_type = Text)]
    origin: String,
    #[diesel(sql_type = Integer)]
    partial: i32,
}

fn objects(connection: &mut SqliteConnection) -> Vec<Object> {
    diesel::sql_query(
        "SELECT type AS kind, name, tbl_name AS tbl, sql FROM sqlite_schema
         WHERE name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND tbl_name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'
           AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         ORDER BY type, name",
    )
    .load(connection)
    .expect("the schema is readable")
}

fn foreign_keys(connection: &mut SqliteConnection) -> Vec<ForeignKey> {
    diesel::sql_query(
        "SELECT t.name AS tbl, group_concat(f.\"from\", ',' ORDER BY f.seq) AS columns,
                f.\"table\" AS parent, f.on_delete AS on_delete
         FROM sqlite_schema t, pragma_foreign_key_list(t.name) f
         WHERE t.type = 'table' GROUP BY t.name, f.id ORDER BY 1, 2",
    )
    .load(connection)
    .expect("the schema is readable")
}

/// Primary keys too: of tables without row ids SQLite does not list them among the indexes.
fn indexes(connection: &mut SqliteConnection) -> Vec<Index> {
    diesel::sql_query(
        "SELECT t.name AS tbl, l.\"unique\" AS is_unique, l.origin AS origin, l.partial AS partial,
                (SELECT group_concat(c.name, ',' ORDER BY c.seqno)
                 FROM pragma_index_xinfo(l.name) c WHERE c.key = 1) AS columns
         FROM sqlite_schema t, pragma_index_list(t.name) l
         WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' ORDER BY 1, 5",
    )
    .load(connection)
    .expect("the schema is readable")
}

/// The data store as the server makes it.
fn live(dir: &Path) -> SqliteConnection {
    let path = dir.join("carnet.sqlite");
    server::storage::Database::open(&path).expect("a new store");
    server::storage::sqlite::open_connection(&path).expect("opens again")
}

fn fresh() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[test]
fn every_table_is_strict() {
    let dir = fresh();
    for object in objects(&mut live(dir.path())) {
        let sql = object.sql.unwrap_or_default();
        let end = sql.rsplit(')').next().unwrap_or_default();
        if object.kind == "table" {
            assert!(end.contains("STRICT"), "{}", object.name);
        }
    }
}

#[test]
fn foreign_keys_are_those_the_design_needs_and_each_is_indexed() {
    let dir = fresh();
    let mut connection = live(dir.path());
    let found = foreign_keys(&mut connection);
    let listed: Vec<_> = found
        .iter()
        .map(|key| {
            (
                key.tbl.as_str(),
                key.columns.as_str(),
                key.parent.as_str(),
                key.on_delete.as_str(),
            )
        })
        .collect();
    assert_eq!(listed, FOREIGN_KEYS);
    let indexes = indexes(&mut connection);
    for key in &found {
        let prefix = format!("{},", key.columns);
        let covered = indexes.iter().any(|index| {
            let columns = format!("{},", index.columns);
            index.tbl == key.tbl && index.partial == 0 && columns.starts_with(&prefix)
        });
        assert!(covered, "{} ({}) has no index", key.tbl, key.columns);
    }
}

#[test]
fn what_must_be_unique_is() {
    let dir = fresh();
    let found: BTreeSet<(String, String)> = indexes(&mut live(dir.path()))
        .into_iter()
        .filter(|index| index.is_unique == 1 && index.origin != "pk")
        .map(|index| (index.tbl, index.columns))
        .collect();
    let wanted = UNIQUE.iter().map(|(t, c)| (t.to_string(), c.to_string()));
    assert_eq!(found, wanted.collect());
}

#[test]
fn logs_refuse_to_be_rewritten() {
    let dir = fresh();
    let mut connection = live(dir.path());
    let found: Vec<(String, String)> = objects(&mut connection)
        .into_iter()
        .filter(|object| object.kind == "trigger")
        .map(|object| (object.tbl, object.name))
        .collect();
    let wanted = TRIGGERS.iter().map(|(t, n)| (t.to_string(), n.to_string()));
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted.collect());
    connection
        .batch_execute(
            "INSERT INTO people VALUES (zeroblob(16), x'00', NULL, NULL, NULL, 1);
             INSERT INTO records VALUES
                 (zeroblob(16), zeroblob(16), zeroblob(16), 7, 1, 0, zeroblob(32), 'open', x'00', 1,
                  0, NULL, 0, 5);
             INSERT INTO entries VALUES
                 (zeroblob(16), zeroblob(16), zeroblob(16), 7, NULL, 0, 1, 1, x'00');
             INSERT INTO entries VALUES
                 (zeroblob(16), x'03000000000000000000000000000000', zeroblob(16), 7, NULL, 0, 1, 1,
                  x'');
             INSERT INTO contents VALUES (zeroblob(16), zeroblob(16), x'00', NULL);
             INSERT INTO contents VALUES
                 (zeroblob(16), x'03000000000000000000000000000000', x'00', NULL);
             INSERT INTO log VALUES
                 (zeroblob(16), 7, zeroblob(16), zeroblob(16), zeroblob(16), 1, x'00', x'00');
             INSERT INTO audit VALUES (zeroblob(16), 1, 7, zeroblob(32), x'00');
             INSERT INTO audit_apart VALUES
                 (zeroblob(16), 1, 7, zeroblob(32), zeroblob(16), 9, NULL, x'00');
             INSERT INTO lives VALUES (zeroblob(16), randomblob(16), 9, NULL, 0);
             INSERT INTO destroyed VALUES
                 (zeroblob(16), x'01000000000000000000000000000000', zeroblob(16), 7, x'00'),
                 (zeroblob(16), x'03000000000000000000000000000000', zeroblob(16), 7, x'00');
             INSERT INTO given_up VALUES
                 (zeroblob(16), x'02000000000000000000000000000000', zeroblob(16), 7, 1, 0);
             UPDATE audit_apart SET due = 8;
             UPDATE audit_apart SET told = 8;",
        )
        .expect("a record with an entry");
    for (what, refused) in [
        ("UPDATE log SET seq = 2", "append-only"),
        ("DELETE FROM log", "append-only"),
        (
            "INSERT INTO log VALUES
                 (zeroblob(16), 6, zeroblob(16), randomblob(16), zeroblob(16), 2, x'00', x'00')",
            "only grows at its end",
        ),
        ("UPDATE audit SET tick = 8", "append-only"),
        ("DELETE FROM audit", "append-only"),
        (
            "INSERT INTO audit VALUES (zeroblob(16), 3, 8, zeroblob(32), x'00')",
            "only grows at its end",
        ),
        (
            "INSERT INTO audit VALUES (zeroblob(16), 2, 6, zeroblob(32), x'00')",
            "only grows at its end",
        ),
        ("UPDATE audit_apart SET told = 9", "append-only"),
        ("DELETE FROM audit_apart", "append-only"),
        (
            "INSERT INTO audit_apart VALUES
                 (zeroblob(16), 3, 8, zeroblob(32), zeroblob(16), 9, NULL, x'00')",
            "only grows at its end",
        ),
        ("UPDATE log SET about = x'', change = x''", "append-only"),
        ("UPDATE given_up SET tick = 9", "stays so"),
        ("DELETE FROM given_up", "stays so"),
        ("UPDATE records SET bytes = 4", "took up"),
        ("UPDATE destroyed SET tick = 9", "stays destroyed"),
        ("DELETE FROM destroyed", "stays destroyed"),
        (
            "INSERT INTO entries VALUES
                 (zeroblob(16), x'01000000000000000000000000000000', zeroblob(16), 7, NULL, 0, 1, 1,
                  x'00')",
            "stays destroyed",
        ),
        (
            "UPDATE entries SET class = x'00' WHERE class = x''",
            "stays destroyed",
        ),
        (
            "INSERT INTO contents VALUES
                 (zeroblob(16), x'01000000000000000000000000000000', x'00', NULL)",
            "stays destroyed",
        ),
        ("UPDATE contents SET history = x'00'", "stays destroyed"),
        ("UPDATE lives SET ended = 8", "not shortened"),
        ("DELETE FROM lives", "not forgotten"),
        (
            "UPDATE records SET log_incarnation = randomblob(16)",
            "that it never had",
        ),
        ("UPDATE records SET last_tick = 6", "does not go back"),
        ("UPDATE records SET holder = randomblob(16)", "holder"),
        ("DELETE FROM entries", "FOREIGN KEY"),
        ("DELETE FROM records", "FOREIGN KEY"),
        ("DELETE FROM people", "FOREIGN KEY"),
    ] {
        let error = connection.batch_execute(what).expect_err(what).to_string();
        assert!(error.contains(refused), "{what}: {error}");
    }
}

/// What the server relies on of people, codes, ceremonies, passkeys, devices and sessions, done
/// against by hand.
#[test]
fn who_signs_in_and_how_is_kept_to_its_rules() {
    let dir = fresh();
    let mut connection = live(dir.path());
    connection
        .batch_execute(
            "INSERT INTO people VALUES (zeroblob(16), x'00', zeroblob(32), zeroblob(32), 'nurse', 1);
             INSERT INTO enrolment_codes VALUES
                 (zeroblob(32), zeroblob(32), zeroblob(16), 'first', x'00', 1, 2, 5, NULL);
             INSERT INTO ceremonies VALUES
                 (zeroblob(16), 'enrolment', zeroblob(16), zeroblob(32), x'00', 2);
             INSERT INTO passkeys VALUES (zeroblob(16), x'01', zeroblob(16), x'00', 1, NULL, NULL);
             INSERT INTO devices VALUES (zeroblob(16), zeroblob(32), zeroblob(16), x'00', 1, NULL);
             INSERT INTO sessions VALUES (zeroblob(16), zeroblob(32), zeroblob(16), zeroblob(16),
                                          zeroblob(16), 1, 2, 1, NULL);
             INSERT INTO code_guesses VALUES (zeroblob(32), 1, 1);
             UPDATE enrolment_codes SET tries_left = 4;
             UPDATE enrolment_codes SET used = 2;
             UPDATE passkeys SET revoked = 2;
             UPDATE devices SET revoked = 2;
             UPDATE sessions SET ended = 2;
             UPDATE sessions SET ended = 3;",
        )
        .expect("all as it should be");
    for (what, refused) in [
        // For good.
        ("UPDATE enrolment_codes SET used = NULL", "used once"),
        (
            "UPDATE enrolment_codes SET tries_left = 5",
            "tried so often",
        ),
        ("UPDATE passkeys SET revoked = NULL", "stays revoked"),
        ("UPDATE devices SET revoked = NULL", "stays revoked"),
        ("UPDATE sessions SET ended = NULL", "stays ended"),
        // A profession is one that was verified.
        ("UPDATE people SET rpps_blind = NULL", "CHECK"),
        ("UPDATE people SET profession = NULL", "CHECK"),
        ("UPDATE people SET ins_blind = x'00'", "CHECK"),
        ("UPDATE people SET rpps_blind = x'00'", "CHECK"),
        (
            "INSERT INTO people VALUES (randomblob(16), x'00', zeroblob(32), NULL, NULL, 1)",
            "UNIQUE",
        ),
        (
            "INSERT INTO people VALUES (randomblob(16), x'00', NULL, zeroblob(32), 'nurse', 1)",
            "UNIQUE",
        ),
        (
            "INSERT INTO people VALUES (x'00', x'00', NULL, NULL, NULL, 1)",
            "CHECK",
        ),
        // Codes.
        ("UPDATE enrolment_codes SET expires = created", "CHECK"),
        ("UPDATE enrolment_codes SET tries_left = -1", "CHECK"),
        ("UPDATE enrolment_codes SET purpose = 'other'", "CHECK"),
        ("UPDATE enrolment_codes SET secret_hash = x'00'", "CHECK"),
        (
            "UPDATE enrolment_codes SET person_id = randomblob(16)",
            "FOREIGN KEY",
        ),
        ("UPDATE code_guesses SET guesses = 0", "CHECK"),
        ("UPDATE code_guesses SET peer_blind = x'00'", "CHECK"),
        // Ceremonies.
        ("UPDATE ceremonies SET kind = 'other'", "CHECK"),
        ("UPDATE ceremonies SET kind = 'sign-in'", "CHECK"),
        ("UPDATE ceremonies SET person_id = NULL", "CHECK"),
        ("UPDATE ceremonies SET selector = NULL", "CHECK"),
        (
            "UPDATE ceremonies SET selector = randomblob(32)",
            "FOREIGN KEY",
        ),
        // Passkeys, devices and sessions.
        (
            "INSERT INTO passkeys VALUES (randomblob(16), x'01', zeroblob(16), x'00', 1, NULL, NULL)",
            "UNIQUE",
        ),
        (
            "UPDATE passkeys SET person_id = randomblob(16)",
            "FOREIGN KEY",
        ),
        (
            "INSERT INTO devices VALUES
                 (randomblob(16), zeroblob(32), zeroblob(16), x'00', 1, NULL)",
            "UNIQUE",
        ),
        ("UPDATE devices SET public_key = x'00'", "CHECK"),
        (
            "UPDATE devices SET person_id = randomblob(16)",
            "FOREIGN KEY",
        ),
        (
            "INSERT INTO sessions VALUES (randomblob(16), zeroblob(32), zeroblob(16), zeroblob(16),
                                          NULL, 1, 2, 1, NULL)",
            "UNIQUE",
        ),
        ("UPDATE sessions SET expires = created", "CHECK"),
        ("UPDATE sessions SET token_hash = x'00'", "CHECK"),
        (
            "UPDATE sessions SET passkey_id = randomblob(16)",
            "FOREIGN KEY",
        ),
        (
            "UPDATE sessions SET device_id = randomblob(16)",
            "FOREIGN KEY",
        ),
        (
            "UPDATE sessions SET person_id = randomblob(16)",
            "FOREIGN KEY",
        ),
    ] {
        let error = connection.batch_execute(what).expect_err(what).to_string();
        assert!(error.contains(refused), "{what}: {error}");
    }
}

#[test]
fn a_person_takes_their_passkeys_devices_and_sessions_along() {
    let dir = fresh();
    let mut connection = live(dir.path());
    connection
        .batch_execute(
            "INSERT INTO people VALUES (zeroblob(16), x'00', NULL, NULL, NULL, 1);
             INSERT INTO enrolment_codes VALUES
                 (zeroblob(32), zeroblob(32), zeroblob(16), 'first', x'00', 1, 2, 5, NULL);
             INSERT INTO ceremonies VALUES
                 (zeroblob(16), 'enrolment', zeroblob(16), zeroblob(32), x'00', 2);
             INSERT INTO passkeys VALUES
                 (zeroblob(16), x'01', zeroblob(16), x'00', 1, NULL, NULL);
             INSERT INTO devices VALUES
                 (zeroblob(16), zeroblob(32), zeroblob(16), x'00', 1, NULL);
             INSERT INTO sessions VALUES (zeroblob(16), zeroblob(32), zeroblob(16), zeroblob(16),
                                          zeroblob(16), 1, 2, 1, NULL);
             DELETE FROM people;",
        )
        .expect("a person comes and goes");
    #[derive(QueryableByName)]
    struct Left {
        #[diesel(sql_type = Integer)]
        left: i32,
    }
    for table in [
        "enrolment_codes",
        "ceremonies",
        "passkeys",
        "devices",
        "sessions",
    ] {
        let query = format!("SELECT count(*) AS left FROM {table}");
        let left: Left = diesel::sql_query(query)
            .get_result(&mut connection)
            .expect("countable");
        assert_eq!(left.left, 0, "{table}");
    }
}

/// A folder of migrations, in order.
fn migrations(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    let listed = std::fs::read_dir(&root).expect("a folder of migrations");
    let mut found: Vec<PathBuf> = listed
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder}");
    found
}

fn schema(connection: &mut SqliteConnection) -> BTreeMap<String, Option<String>> {
    objects(connection)
        .into_iter()
        .map(|object| (object.name, object.sql))
        .collect()
}

#[test]
fn migrations_go_up_down_and_up() {
    for folder in [
        "migrations/sqlite",
        "migrations/keys",
        "mobile-shim/migrations",
    ] {
        let mut connection = SqliteConnection::establish(":memory:").expect("a store in memory");
        let mut run = |step: &Path, file: &str| {
            let sql = std::fs::read_to_string(step.join(file)).expect("a migration's file");
            let done = connection.batch_execute(&sql);
            done.unwrap_or_else(|error| panic!("{}/{file}: {error}", step.display()));
            schema(&mut connection)
        };
        let steps = migrations(folder);
        let mut before = vec![BTreeMap::new()];
        for step in &steps {
            before.push(run(step, "up.sql"));
        }
        let whole = before.pop().expect("one a step, and one");
        for step in steps.iter().rev() {
            assert_eq!(run(step, "down.sql"), before.pop().expect("one a step"));
        }
        let again = steps.iter().map(|step| run(step, "up.sql")).last();
        assert_eq!(again.as_ref(), Some(&whole), "{folder}");
        assert!(whole.keys().len() > 3, "{folder}");
    }
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    tbl: String,
    #[diesel(sql_type = Text)]
    name: String,
}

/// The columns of every table that the migrations of a folder make.
fn columns(folder: &str) -> BTreeSet<(String, String)> {
    let mut connection = SqliteConnection::establish(":memory:").expect("a store in memory");
    for step in migrations(folder) {
        let sql = std::fs::read_to_string(step.join("up.sql")).expect("a migration's file");
        connection.batch_execute(&sql).expect("a migration");
    }
    let found: Vec<Column> = diesel::sql_query(
        "SELECT t.name AS tbl, c.name AS name FROM sqlite_schema t, pragma_table_xinfo(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .load(&mut connection)
    .expect("the schema is readable");
    found.into_iter().map(|c| (c.tbl, c.name)).collect()
}

/// What `docs/data-at-rest.md` lists of what is not sealed: for each table its columns.
fn documented() -> BTreeSet<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/data-at-rest.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let (_, section) = page
        .split_once("## Every column that is not sealed")
        .expect("the section");
    let (section, _) = section.split_once("\n## ").expect("another section");
    let quoted = |cells: &str| -> Vec<String> {
        let words = cells.split('`').skip(1).step_by(2);
        words.map(str::to_owned).collect()
    };
    let rows = section.lines().filter_map(|line| {
        let (tables, columns) = line.strip_prefix("| ")?.split_once(" | ")?;
        Some((quoted(tables), quoted(columns)))
    });
    let mut found = BTreeSet::new();
    for (tables, columns) in rows {
        for table in tables {
            found.extend(columns.iter().map(|column| (table.clone(), column.clone())));
        }
    }
    found
}

#[test]
fn every_column_that_is_not_sealed_is_documented() {
    let mut clear = columns("migrations/sqlite");
    clear.extend(columns("migrations/keys"));
    for (table, column) in SEALED {
        let column = (table.to_string(), column.to_string());
        assert!(clear.remove(&column), "{column:?} is not there");
    }
    assert_eq!(documented(), clear);
}

#[test]
fn the_live_schema_is_that_of_the_migrations() {
    let dir = fresh();
    let live = schema(&mut live(dir.path()));
    let mut connection = SqliteConnection::establish(":memory:").expect("a store in memory");
    for step in migrations("migrations/sqlite") {
        let sql = std::fs::read_to_string(step.join("up.sql")).expect("a migration's file");
        connection.batch_execute(&sql).expect("a migration");
    }
    assert_eq!(live, schema(&mut connection));
}

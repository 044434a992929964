use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use diesel::connection::{InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::Text;
use sync_core::PersonId;

use crate::storage::records::contract::{self, Fixture, record_store_contract};
use crate::storage::schema::identity::people;
use crate::storage::sqlite::{MIGRATIONS, migrate, open_connection};

struct Sqlite {
    connection: SqliteConnection,
    _dir: tempfile::TempDir,
}

impl Sqlite {
    fn fresh() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("carnet.sqlite");
        let mut connection = open_connection(&path).expect("opens");
        migrate(&mut connection, &path, MIGRATIONS).expect("migrates");
        Sqlite {
            connection,
            _dir: dir,
        }
    }
}

impl Fixture for Sqlite {
    type Store = SqliteConnection;

    fn store(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    fn add_person(&mut self, person: PersonId) {
        diesel::insert_into(people::table)
            .values((
                people::person_id.eq(person.as_bytes().as_slice()),
                people::sealed.eq(Vec::<u8>::new()),
                people::created.eq(1),
            ))
            .execute(&mut self.connection)
            .expect("added");
    }
}

record_store_contract!(Sqlite, Sqlite::fresh());

#[test]
fn logs_are_append_only_even_to_sql() {
    let mut sqlite = Sqlite::fresh();
    contract::the_log_is_in_order(&mut sqlite);
    let mut other = Sqlite::fresh();
    contract::the_access_log_has_no_gaps(&mut other);
    for (sqlite, table) in [(&mut sqlite, "log"), (&mut other, "audit")] {
        for statement in [
            format!("UPDATE {table} SET tick = tick + 1"),
            format!("DELETE FROM {table}"),
        ] {
            let refused = sqlite.connection.batch_execute(&statement);
            let refused = refused.expect_err("append-only").to_string();
            assert!(refused.contains("append-only"), "{refused}");
        }
    }
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// What a record's store is asked in all the cases of the contract.
fn questions() -> BTreeSet<String> {
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    for case in CASES {
        let mut sqlite = Sqlite::fresh();
        let asked = asked.clone();
        let note = move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let query = query.to_string();
                let (text, _) = query.split_once(" -- binds").unwrap_or((&query, ""));
                asked.lock().expect("not poisoned").insert(text.to_owned());
            }
        };
        sqlite.connection.set_instrumentation(note);
        case(&mut sqlite);
    }
    let asked = asked.lock().expect("not poisoned");
    asked
        .iter()
        .filter(|q| q.starts_with("SELECT"))
        .cloned()
        .collect()
}

#[test]
fn no_question_reads_a_whole_record() {
    let mut sqlite = Sqlite::fresh();
    let questions = questions();
    assert!(questions.len() > 12, "{questions:#?}");
    for question in questions {
        let plan = diesel::sql_query(format!("EXPLAIN QUERY PLAN {question}"));
        let plan: Vec<Step> = plan.load(&mut sqlite.connection).expect("a plan");
        for Step { detail } in plan {
            // Of the requests that are just being taken in; and what was found on shelves.
            let few = ["SCAN doomed", "SCAN placed"];
            let few = few.iter().any(|few| detail.starts_with(few));
            let whole = (detail.starts_with("SCAN") && !few)
                || (detail.ends_with("(record_id=?)")
                    && !detail.contains("entries_rights")
                    && !detail.starts_with("SEARCH records")
                    // What an administrator gave up.
                    && !detail.starts_with("SEARCH given_up")
                    // One a restore.
                    && !detail.starts_with("SEARCH lives")
                    // About one a kind.
                    && !detail.starts_with("SEARCH shelves"));
            assert!(!whole, "{detail}: {question}");
            // Nothing is passed over: what is read is what is asked for.
            if ["SEARCH places", "SEARCH departures"]
                .iter()
                .any(|s| detail.starts_with(s))
            {
                let asked = detail.contains("shelf=?") || detail.contains("entry_id=?");
                assert!(asked, "{detail}: {question}");
            }
        }
    }
}

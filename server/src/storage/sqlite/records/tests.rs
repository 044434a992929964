use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use sync_core::PersonId;

use crate::storage::records::contract::{Fixture, record_store_contract};
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

record_store_contract!(Sqlite::fresh());

#[test]
fn logs_are_append_only_even_to_sql() {
    use crate::storage::records::contract;
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

use std::sync::Arc;

use diesel::connection::SimpleConnection as _;

use super::*;
use crate::clock::{Clock as _, ManualClock, SystemClock};
use crate::people::{self, Person};
use crate::storage::sqlite::{MIGRATIONS, migrate, open_connection};

struct Desk {
    _dir: tempfile::TempDir,
    connection: SqliteConnection,
    keys: Keys,
    now: Tick,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let master = dir.path().join("master.key");
        let keys = Keys::open(dir.path(), &master, clock.clone()).expect("keys");
        let path = dir.path().join("carnet.sqlite");
        let mut connection = open_connection(&path).expect("opens");
        migrate(&mut connection, &path, MIGRATIONS).expect("up to date");
        connection.batch_execute("BEGIN").expect("begins");
        Desk {
            _dir: dir,
            connection,
            keys,
            now: clock.now(),
        }
    }

    fn person(&mut self) -> PersonId {
        let person = Person {
            family_name: "Martin".into(),
            given_names: "Ana".into(),
            ins: None,
            traits: None,
            professional: None,
        };
        people::add(&mut self.connection, &self.keys, self.now, &person).expect("added")
    }

    fn issue(&mut self, lasts: Duration, draw: impl Fn() -> Code) -> Result<Code, Fault> {
        let asked = (self.person(), Purpose::First, "seen", lasts);
        let drawn = || Ok(draw());
        let (connection, keys) = (&mut self.connection, &self.keys);
        issue_one_of(connection, keys, self.now, asked, drawn).map(|(code, _)| code)
    }
}

fn code(text: &str) -> Code {
    Code::parse(text).expect("a code")
}

#[test]
fn a_code_whose_beginning_is_taken_is_drawn_again_and_not_for_ever() {
    let mut desk = Desk::new();
    desk.issue(INVITATION_LASTS, || code("AAAA0-00000"))
        .expect("free");
    let drawn = std::cell::Cell::new(0);
    let third_is_free = || {
        drawn.set(drawn.get() + 1);
        code(if drawn.get() < 3 {
            "AAAA1-11111"
        } else {
            "BBBB1-11111"
        })
    };
    let got = desk.issue(INVITATION_LASTS, third_is_free).expect("free");
    assert_eq!(got.expose(), "BBBB1-11111");
    let none = desk.issue(INVITATION_LASTS, || code("AAAA2-22222"));
    assert!(matches!(none, Err(Fault::Storage(StorageError::Crowded))));
}

#[test]
fn a_code_that_the_store_refuses_is_an_error_at_once() {
    let mut desk = Desk::new();
    let refused = desk.issue(Duration::MAX, || code("AAAA0-00000"));
    assert!(matches!(
        refused,
        Err(Fault::Storage(StorageError::Query(_)))
    ));
}

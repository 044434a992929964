//! `carnet verify` over a store in which one byte is not what it was.

use diesel::prelude::*;
use diesel::sql_types::{Binary, Nullable};
use sync_core::Tick;
use sync_core::policy::Profession;

use super::stage::{Stage, allergy, sync};

/// Where a byte is changed: each table that is kept, and each of its columns that a change of
/// could do harm.
const CELLS: [(&str, &str); 16] = [
    ("people", "sealed"),
    ("people", "ins_blind"),
    ("passkeys", "sealed"),
    ("devices", "sealed"),
    ("devices", "public_key"),
    ("records", "opening"),
    ("records", "audit_head"),
    ("entries", "class"),
    ("contents", "document"),
    ("log", "about"),
    ("log", "change"),
    ("parties", "person_blind"),
    ("held", "sealed"),
    ("audit", "sealed"),
    ("audit_apart", "sealed"),
    ("audit_apart", "hash"),
];

#[derive(QueryableByName)]
struct Cell {
    #[diesel(sql_type = Nullable<Binary>)]
    cell: Option<Vec<u8>>,
}

/// A record with a bit of everything: rights, a held edit, a result the patient may not see yet.
fn lived() -> Stage {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    mine.add(allergy("Latex")).expect("added");
    let doctor = stage.on_phone("Morel", Profession::Physician);
    let awa = stage.caregiver("Diallo");
    mine.record.grant(doctor.id(), true, None).expect("grants");
    sync(&mine);
    let theirs = doctor.synced(record);
    let mut result = allergy("Nickel");
    let now = jiff::Timestamp::now().as_microsecond().cast_unsigned();
    let later = Tick(now).plus_days(30);
    result.common.visibility.hidden_from_patient_until = Some(later);
    theirs.add(result).expect("added");
    sync(&theirs);
    mine.record
        .delegate(awa.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    sync(&mine);
    let helps = awa.synced(record);
    let rights = mine.record.rights_of(awa.id()).expect("rights");
    mine.record
        .revoke(rights[0].id.clone(), None)
        .expect("revokes");
    sync(&mine);
    helps.add(allergy("Trop tard")).expect("added");
    assert_eq!(sync(&helps).held, 1);
    stage
}

#[test]
fn a_changed_byte_is_found_in_every_table() {
    let stage = lived();
    let whole = stage.server().carnet(&["verify"]).expect("it verifies");
    for what in ["people", "passkeys", "devices", "entries", "held", "apart"] {
        assert!(whole[what].as_u64() > Some(0), "{what}: {whole}");
    }
    let path = stage.data().join("carnet.sqlite");
    let mut store = server::storage::sqlite::open_connection(&path).expect("opens");
    let triggers = "SELECT CAST(name AS BLOB) AS cell FROM sqlite_schema WHERE type = 'trigger'";
    let triggers: Vec<Cell> = diesel::sql_query(triggers).load(&mut store).expect("reads");
    for name in triggers.into_iter().filter_map(|row| row.cell) {
        let drop = format!("DROP TRIGGER {}", String::from_utf8_lossy(&name));
        diesel::sql_query(drop)
            .execute(&mut store)
            .expect("was there");
    }
    for (table, column) in CELLS {
        let find =
            format!("SELECT {column} AS cell FROM {table} WHERE {column} IS NOT NULL LIMIT 1");
        let found: Cell = diesel::sql_query(find).get_result(&mut store).expect(table);
        let right = found.cell.expect("a value");
        let mut wrong = right.clone();
        let middle = wrong.len() / 2;
        wrong[middle] ^= 1;
        let mut put = |new: &[u8], old: &[u8]| {
            let put = format!("UPDATE {table} SET {column} = ? WHERE {column} = ?");
            let put = diesel::sql_query(put)
                .bind::<Binary, _>(new)
                .bind::<Binary, _>(old);
            assert_eq!(put.execute(&mut store).expect(table), 1, "{column}");
        };
        put(&wrong, &right);
        let verified = stage.server().carnet(&["verify"]);
        put(&right, &wrong);
        let said = verified
            .expect_err(&format!("{table}.{column}"))
            .to_string();
        assert!(said.contains("wrong"), "{said}");
    }
    stage
        .server()
        .carnet(&["verify"])
        .expect("it verifies again");
}

//! Statements that change rows and are kept prepared. Diesel prepares an `UPDATE` or an upsert of
//! its own anew each time, with all triggers of its table: too dear for what every request does.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Binary, Nullable};
use diesel::sqlite::Sqlite;

/// A value of a statement.
pub(super) enum Value<'v> {
    /// A number.
    Int(i64),
    /// A number or nothing.
    MaybeInt(Option<i64>),
    /// Bytes.
    Bytes(&'v [u8]),
    /// Bytes or nothing.
    MaybeBytes(Option<&'v [u8]>),
}

/// A statement whose text is always the same; each `?` of it stands for the next value.
pub(super) struct Statement<'s> {
    /// Its text.
    pub(super) text: &'static str,
    /// Its values.
    pub(super) values: &'s [Value<'s>],
}

impl QueryFragment<Sqlite> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let mut values = self.values.iter();
        for (place, part) in self.text.split('?').enumerate() {
            if place > 0 {
                match values.next() {
                    Some(Value::Int(value)) => out.push_bind_param::<BigInt, _>(value)?,
                    Some(Value::MaybeInt(value)) => {
                        out.push_bind_param::<Nullable<BigInt>, _>(value)?;
                    }
                    Some(Value::Bytes(value)) => out.push_bind_param::<Binary, _>(value)?,
                    Some(Value::MaybeBytes(value)) => {
                        out.push_bind_param::<Nullable<Binary>, _>(value)?;
                    }
                    None => out.push_sql("?"),
                }
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<SqliteConnection> for Statement<'_> {}

//! What SQLite itself finds wrong with a file: pages, indexes and references. Which of the tables
//! are ever read does not matter to it.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use crate::storage::StorageError;

/// How closely a file is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Its pages and rows.
    Quick,
    /// Also that indexes and tables agree, and that no reference points to nothing.
    Whole,
}

#[derive(QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    what: String,
}

/// What is wrong with the file of a connection, a line each, at most a hundred of each sort; it
/// names tables, indexes, pages and rows by their numbers, never what they hold.
///
/// # Errors
/// When the file cannot be asked. One that is too damaged for that is a finding.
pub fn damage(connection: &mut SqliteConnection, look: Look) -> Result<Vec<String>, StorageError> {
    // Both pragmas, as <https://www.sqlite.org/pragma.html> describes them.
    let found = match look {
        Look::Quick => ask(
            connection,
            "SELECT quick_check AS what FROM pragma_quick_check",
        )?,
        Look::Whole => {
            let mut found = ask(
                connection,
                "SELECT integrity_check AS what FROM pragma_integrity_check",
            )?;
            found.extend(ask(
                connection,
                "SELECT 'a row of ' || \"table\" || ' names one of ' || parent || \
                 ' that is not there' AS what FROM pragma_foreign_key_check LIMIT 100",
            )?);
            found
        }
    };
    Ok(found)
}

fn ask(connection: &mut SqliteConnection, query: &str) -> Result<Vec<String>, StorageError> {
    let found: Vec<Finding> = match sql_query(query).load(connection) {
        Ok(found) => found,
        Err(error) => {
            let error = StorageError::from(error);
            return match error.is_damage() {
                true => Ok(vec![error.to_string()]),
                false => Err(error),
            };
        }
    };
    let lines = found.iter().flat_map(|finding| finding.what.lines());
    let told = lines.filter(|line| !matches!(*line, "ok" | "*** in database main ***"));
    Ok(told.map(str::to_owned).collect())
}

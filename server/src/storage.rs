//! The data store: one transaction at a time writes, many read.
//!
//! A room of the server that keeps something adds its tables to a migration and to [`schema`],
//! and its queries as functions over a connection in its own room. Absence is `Ok(None)`; an
//! `Err` means that the store itself failed.

mod error;
#[cfg(test)]
pub(crate) mod met;
pub mod records;
pub mod schema;
pub mod sqlite;

pub use error::StorageError;
pub use sqlite::Database;

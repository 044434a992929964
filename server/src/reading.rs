//! Building answers: what is new to a visitor since a cursor, page by page.
//!
//! One sync is at most two passes through the writer: [`crate::ingest::pass`] takes edits in and a
//! tick; a reader works out, decrypts and packs what is new; the second pass notes in the access
//! log who was given which entries. The answer goes out when that is durable.

mod answer;
mod by_time;
pub mod cursor;
#[cfg(test)]
mod delayed_tests;
#[cfg(test)]
mod held_tests;
#[cfg(test)]
mod history_tests;
mod log;
mod page;
#[cfg(test)]
mod put_back_tests;
#[cfg(test)]
mod rights_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod timing_tests;
#[cfg(test)]
mod trial_tests;
#[cfg(test)]
mod turn_tests;

use page::{Page, page};

//! The tables, as Diesel sees them. Columns that hold `sealed` bytes are encrypted; what is clear
//! or a blind index is listed in `docs/data-at-rest.md`. Times are microseconds since the Unix
//! epoch.

pub mod identity;
pub mod records;

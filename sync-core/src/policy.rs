//! Who may do what: pure functions over data.

mod role;

pub use role::{Profession, Role};

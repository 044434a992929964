//! What a screen shows of a record: pure functions of the entries that one viewer may see.

mod problems;
mod professionals;
mod timeline;
mod treatments;

pub use problems::{Problem, Problems, problems};
pub use professionals::{ProfessionalSeen, professionals_seen};
pub use timeline::{Moment, timeline};
pub use treatments::{PrescribedLine, Treatment, Treatments, treatments};

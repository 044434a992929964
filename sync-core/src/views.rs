//! What a screen shows of a record: pure functions of the entries that one viewer may see, and of
//! the day where that matters. Vital facts and the card are in [`crate::merge`], which they share
//! their rules with.

mod documents;
mod problems;
mod professionals;
#[cfg(test)]
mod tests;
mod timeline;
mod treatments;

pub use documents::{DirectiveLine, DirectiveState, DocumentLine, directives, documents};
pub use problems::{Problem, Problems, problems};
pub use professionals::{ProfessionalSeen, professionals_seen};
pub use timeline::{Moment, TimelineFilter, timeline};
pub use treatments::{HandedOver, PrescribedLine, Treatment, Treatments, treatments};

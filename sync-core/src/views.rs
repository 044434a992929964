//! What is derived from the entries a viewer may see, each a pure function of their views.

mod professionals;

pub use professionals::{ProfessionalSeen, professionals_seen};

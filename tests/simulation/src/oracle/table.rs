//! Who reads and writes what, for the kinds and roles of the simulation.

use sync_core::policy::{Profession, Role};

/// The kinds of entry that give or take rights.
pub const RIGHTS: [&str; 5] = [
    "grant",
    "block",
    "delegation",
    "treating-physician",
    "administrator",
];

/// Whether entries of this kind give rights.
pub fn is_right(kind: &str) -> bool {
    RIGHTS.contains(&kind)
}

/// Whether somebody in this role reads entries of this kind.
pub fn reads(role: &Role, kind: &str) -> bool {
    let kinds: &[&str] = match role {
        Role::Caregiver | Role::Professional(Profession::Physician) => &[
            "allergy",
            "condition",
            "medication-taken",
            "emergency-contact",
            "blood-group",
            "review-decision",
        ],
        Role::Professional(Profession::Nurse) => &[
            "allergy",
            "medication-taken",
            "emergency-contact",
            "blood-group",
            "review-decision",
        ],
        Role::Professional(Profession::Pharmacist) => {
            &["allergy", "medication-taken", "review-decision"]
        }
        _ => &[],
    };
    kinds.contains(&kind)
}

/// Whether somebody in this role writes entries of this kind.
pub fn writes(role: &Role, kind: &str) -> bool {
    let not: &[&str] = match role {
        Role::Caregiver => &["review-decision"],
        Role::Professional(Profession::Nurse) => &["medication-taken", "blood-group"],
        _ => &[],
    };
    reads(role, kind) && !not.contains(&kind)
}

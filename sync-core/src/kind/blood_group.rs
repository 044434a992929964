//! Blood group, with its source. Never valid for transfusion.
//!
//! | key | value |
//! | --- | --- |
//! | `blood-group` | a [`BloodGroup`]: one value |

use serde::{Deserialize, Serialize};

use super::code::codes;
use super::declare::kind;
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::{Join, Kind};

/// ABO, RhD and source.
pub const BLOOD_GROUP: &str = "blood-group";

codes! {
    /// The ABO group.
    Abo {
        /// A
        A = "a", "A", "A";
        /// B
        B = "b", "B", "B";
        /// AB
        AB = "ab", "AB", "AB";
        /// O
        O = "o", "O", "O";
    }
}

codes! {
    /// The RhD group.
    RhD {
        /// RhD positive.
        Positive = "positive", "positive", "positif";
        /// RhD negative.
        Negative = "negative", "negative", "négatif";
    }
}

codes! {
    /// Where a blood group is known from.
    BloodGroupSource {
        /// Determined by a laboratory.
        Laboratory = "laboratory", "laboratory", "laboratoire";
        /// Said by the person.
        Declared = "declared", "declared", "déclaré";
    }
}

/// A blood group with its source. As JSON: `{"abo", "rhd", "source"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BloodGroup {
    /// ABO.
    pub abo: Abo,
    /// RhD.
    pub rhd: RhD,
    /// Where from.
    pub source: BloodGroupSource,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl BloodGroup {
    /// A blood group.
    pub fn new(abo: Abo, rhd: RhD, source: BloodGroupSource) -> Self {
        BloodGroup {
            abo,
            rhd,
            source,
            other: Extra::new(),
        }
    }

    /// Whether ABO and RhD are the same, whatever the sources.
    pub fn agrees(&self, other: &BloodGroup) -> bool {
        self.abo == other.abo && self.rhd == other.rhd
    }
}

impl JsonScalar for BloodGroup {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "blood-group",
        &[
            Member::new("abo", MemberShape::Code(Abo::LIST), "ABO", "ABO")
                .required()
                .bare(),
            Member::new("rhd", MemberShape::Code(RhD::LIST), "RhD", "RhD")
                .required()
                .bare(),
            Member::new(
                "source",
                MemberShape::Code(BloodGroupSource::LIST),
                "source",
                "source",
            )
            .required()
            .bare(),
        ],
    );
}

kind! {
    /// A blood group as an app fills it in.
    BloodGroupDraft,
    /// A partial edit of a blood group: it changes as a whole.
    BloodGroupPatch: Kind::BloodGroup;
    required {
        /// Which, and where from.
        blood_group: BloodGroup = BLOOD_GROUP, "Blood group", "Groupe sanguin", Join::NeverMixed;
    }
}

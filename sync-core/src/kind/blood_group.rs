//! Blood group, with its source. Never valid for transfusion.
//!
//! | key | value |
//! | --- | --- |
//! | `blood-group` | a [`BloodGroup`]: one value |

use serde::{Deserialize, Serialize};

use super::code::codes;
use super::common::{Common, CommonPatch};
use super::field::{FieldSpec, Join, Shape};
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::write::{Drafted, Read};
use super::{Invalid, Kind};
use crate::entry::Write;

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
            Member::new("abo", MemberShape::Code(Abo::CODES)).required(),
            Member::new("rhd", MemberShape::Code(RhD::CODES)).required(),
            Member::new("source", MemberShape::Code(BloodGroupSource::CODES)).required(),
        ],
    );
}

pub(crate) const FIELDS: &[FieldSpec] = &[FieldSpec::new(
    BLOOD_GROUP,
    Shape::Json(&BloodGroup::STRUCTURE),
    "Blood group",
    "Groupe sanguin",
)
.joins(Join::NeverMixed)
.required()];

/// A blood group as an app fills it in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BloodGroupDraft {
    /// Which, and where from.
    pub blood_group: BloodGroup,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: Common,
}

impl BloodGroupDraft {
    /// The writes that create it.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::new(Kind::BloodGroup);
        out.json(BLOOD_GROUP, &self.blood_group);
        self.common.write(&mut out);
        out.finish()
    }

    /// What stands in an entry, as a form shows it; nothing when it holds no blood group.
    pub fn read(from: &dyn Read) -> Option<Self> {
        Some(BloodGroupDraft {
            blood_group: from.json(BLOOD_GROUP)?,
            common: Common::read(from),
        })
    }
}

/// A partial edit of a blood group: it changes as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BloodGroupPatch {
    /// Which, and where from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blood_group: Option<BloodGroup>,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: CommonPatch,
}

impl BloodGroupPatch {
    /// The writes of the edit.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::patch(Kind::BloodGroup);
        if let Some(blood_group) = &self.blood_group {
            out.json(BLOOD_GROUP, blood_group);
        }
        self.common.write(&mut out);
        out.finish()
    }
}

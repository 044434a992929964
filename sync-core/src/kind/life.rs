//! How somebody lives: lifestyle and disability.
//!
//! | key of a lifestyle | value |
//! | --- | --- |
//! | `lifestyle` | a [`Lifestyle`]: topic, status and quantity, one value |
//!
//! | key of a disability | value |
//! | --- | --- |
//! | `label` | a [`Label`] |
//! | `rate` | percent |
//! | `aid` | text |
//! | `occurred` | since when |

use serde::{Deserialize, Serialize};

use super::code::codes;
use super::common::{LABEL, LINE_MAX, OCCURRED};
use super::declare::kind;
use super::field::{FieldSpec, Shape};
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::{Kind, Label};

/// What somebody does or is exposed to.
pub const LIFESTYLE: &str = "lifestyle";
/// The rate of incapacity, in percent.
pub const RATE: &str = "rate";
/// What helps: a wheelchair, an assistant …
pub const AID: &str = "aid";

codes! {
    /// What a statement of lifestyle is about.
    LifestyleTopic {
        /// Smoking and other tobacco.
        Tobacco = "tobacco", "tobacco", "tabac";
        /// Alcohol.
        Alcohol = "alcohol", "alcohol", "alcool";
        /// Cannabis.
        Cannabis = "cannabis", "cannabis", "cannabis";
        /// Other drugs.
        OtherDrugs = "other-drugs", "other drugs", "autres drogues";
        /// Sport, walking …
        PhysicalActivity = "physical-activity", "physical activity", "activité physique";
        /// Eating.
        Diet = "diet", "diet", "alimentation";
        /// Sleeping.
        Sleep = "sleep", "sleep", "sommeil";
        /// Asbestos, noise, dust … at work.
        OccupationalExposure =
            "occupational-exposure", "exposure at work", "exposition professionnelle";
        /// Anything else.
        Unspecified = "other", "other", "autre";
    }
}

codes! {
    /// Whether somebody does it.
    LifestyleStatus {
        /// Now.
        Current = "current", "current", "actuel";
        /// No longer.
        Former = "former", "former", "ancien";
        /// Never.
        Never = "never", "never", "jamais";
    }
}

/// A statement of lifestyle. As JSON: `{"topic", "status"?, "quantity"?, "unit"?, "text"?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifestyle {
    /// What it is about.
    pub topic: LifestyleTopic,
    /// Whether somebody does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<LifestyleStatus>,
    /// How much, a decimal number as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// Of what: cigarettes a day, glasses a week …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl Lifestyle {
    /// A statement without a quantity.
    pub fn new(topic: LifestyleTopic, status: Option<LifestyleStatus>) -> Self {
        Lifestyle {
            topic,
            status,
            quantity: None,
            unit: None,
            text: None,
            other: Extra::new(),
        }
    }
}

impl JsonScalar for Lifestyle {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "lifestyle",
        &[
            Member::new(
                "topic",
                MemberShape::Code(LifestyleTopic::LIST),
                "topic",
                "sujet",
            )
            .required()
            .bare(),
            Member::new(
                "status",
                MemberShape::Code(LifestyleStatus::LIST),
                "status",
                "état",
            )
            .bare(),
            Member::new("quantity", MemberShape::Decimal, "quantity", "quantité").bare(),
            Member::new("unit", MemberShape::Text(200), "unit", "unité").bare(),
            Member::new("text", MemberShape::Text(LINE_MAX), "in words", "en clair").bare(),
        ],
    );
}

kind! {
    /// A statement of lifestyle as an app fills it in.
    LifestyleDraft,
    /// A partial edit of a lifestyle: it changes as a whole.
    LifestylePatch: Kind::Lifestyle;
    required {
        /// What somebody does or is exposed to.
        lifestyle: Lifestyle = LIFESTYLE, "Lifestyle", "Mode de vie";
    }
}

kind! {
    /// A disability as an app fills it in.
    #[derive(Default)]
    #[serde(default)]
    DisabilityDraft,
    /// A partial edit of a disability.
    DisabilityPatch: Kind::Disability;
    required {
        /// Which.
        label: Label = LABEL, "Disability", "Handicap";
    }
    optional {
        /// The rate of incapacity, in percent.
        rate: u32 [100] = RATE, "Rate", "Taux";
        /// What helps: a wheelchair, an assistant …
        aid: String = AID, "Aid", "Aide";
    }
    common {
        FieldSpec::new(OCCURRED, Shape::Date, "Since", "Depuis"),
    }
}

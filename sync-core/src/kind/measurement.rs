//! Measurement: weight, blood pressure, glucose … (*mesure*; FHIR Observation, vital signs).
//!
//! | key | value |
//! | --- | --- |
//! | `measurement` | a [`Measurement`]: what, value, unit and when, one value |
//! | `device` | with what, text |

use serde::{Deserialize, Serialize};

use super::declare::kind;
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::professional::well_formed;
use super::ucum::{UNIT_MAX, is_unit};
use super::vital_sign::{BLOOD_PRESSURE, DIASTOLIC, LOINC, SYSTOLIC, VitalSign};
use super::{Invalid, Kind, Label, Occurred};

/// What was measured, with its value.
pub const MEASUREMENT: &str = "measurement";
/// With what it was measured.
pub const DEVICE: &str = "device";

const COMPONENTS_MAX: usize = 8;

/// One number of a measurement that has several. As JSON: `{"what", "value", "unit"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// What of it.
    pub what: Label,
    /// A decimal number as text, so that no digit changes on the way.
    pub value: String,
    /// Its unit by UCUM.
    pub unit: String,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl Component {
    /// A number of something, in a unit.
    pub fn new(what: impl Into<Label>, value: impl Into<String>, unit: impl Into<String>) -> Self {
        Component {
            what: what.into(),
            value: value.into(),
            unit: unit.into(),
            other: Extra::new(),
        }
    }
}

const WHAT: Member = Member::new(
    "what",
    MemberShape::Value(&Label::STRUCTURE),
    "what",
    "quoi",
)
.required()
.bare();
const VALUE: Member = Member::new("value", MemberShape::Signed, "value", "valeur").bare();
const UNIT: Member = Member::new("unit", MemberShape::Text(UNIT_MAX), "unit", "unité").bare();

impl JsonScalar for Component {
    const STRUCTURE: Structure =
        Structure::of::<Self>("component", &[WHAT, VALUE.required(), UNIT.required()]);

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        well_formed(field, is_unit(&self.unit))
    }
}

/// A measurement. It has either a value with its unit, or components. As JSON: `{"what", "at",
/// "value"?, "unit"?, "components"?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// What was measured.
    pub what: Label,
    /// When.
    pub at: Occurred,
    /// A decimal number as text, so that no digit changes on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its unit by UCUM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The numbers of a measurement that has several: systolic and diastolic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl Measurement {
    /// One number.
    pub fn new(
        what: impl Into<Label>,
        value: impl Into<String>,
        unit: impl Into<String>,
        at: Occurred,
    ) -> Self {
        Measurement {
            what: what.into(),
            at,
            value: Some(value.into()),
            unit: Some(unit.into()),
            components: Vec::new(),
            other: Extra::new(),
        }
    }

    /// A blood pressure in mm\[Hg\], called by what the person's language calls it (a BCP 47 tag).
    pub fn blood_pressure(
        systolic: impl Into<String>,
        diastolic: impl Into<String>,
        at: Occurred,
        language: &str,
    ) -> Self {
        let part =
            |sign: VitalSign, value| Component::new(sign.label(language), value, sign.units[0]);
        Measurement {
            what: BLOOD_PRESSURE.label(language),
            at,
            value: None,
            unit: None,
            components: vec![
                part(SYSTOLIC, systolic.into()),
                part(DIASTOLIC, diastolic.into()),
            ],
            other: Extra::new(),
        }
    }

    /// The numbers of it, with what they are of.
    pub fn numbers(&self) -> impl Iterator<Item = (&Label, &str, &str)> {
        let whole = self.value.as_deref().zip(self.unit.as_deref());
        let whole = whole.map(|(value, unit)| (&self.what, value, unit));
        let parts = self.components.iter();
        whole
            .into_iter()
            .chain(parts.map(|part| (&part.what, part.value.as_str(), part.unit.as_str())))
    }

    /// Whether a number is not what a living person has, or not in a unit it is measured in: a
    /// reason to ask again, never to refuse.
    pub fn is_implausible(&self) -> bool {
        self.numbers().any(|(what, value, unit)| {
            VitalSign::of(what).is_some_and(|sign| !sign.is_plausible(value, unit))
        })
    }
}

impl JsonScalar for Measurement {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "measurement",
        &[
            WHAT,
            VALUE,
            UNIT,
            Member::new(
                "components",
                MemberShape::List(COMPONENTS_MAX, &Component::STRUCTURE),
                "components",
                "composantes",
            )
            .bare(),
            Member::new("at", MemberShape::Date, "when", "quand")
                .required()
                .bare(),
        ],
    );

    fn called(&self) -> Option<String> {
        self.what.called()
    }

    fn when(&self) -> Option<Occurred> {
        Some(self.at)
    }

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        let unit = self.unit.as_deref();
        let one = self.value.is_some() && unit.is_some_and(is_unit);
        let none = self.value.is_none() && unit.is_none();
        well_formed(
            field,
            if self.components.is_empty() {
                one
            } else {
                none
            },
        )?;
        self.components
            .iter()
            .try_for_each(|part| part.check(field))?;
        let has = |sign: VitalSign| {
            let mut parts = self.components.iter();
            parts.any(|part| sign.is(&part.what))
        };
        let both = !BLOOD_PRESSURE.is(&self.what) || (has(SYSTOLIC) && has(DIASTOLIC));
        well_formed(field, both)
    }
}

impl VitalSign {
    /// Whether a label is its code.
    fn is(&self, label: &Label) -> bool {
        label.system.as_deref() == Some(LOINC) && label.code.as_deref() == Some(self.code)
    }

    /// The one whose code a label is.
    pub fn of(label: &Label) -> Option<&'static VitalSign> {
        VitalSign::ALL.iter().find(|sign| sign.is(label))
    }
}

kind! {
    /// A measurement as an app fills it in.
    MeasurementDraft,
    /// A partial edit of a measurement: what, value, unit and time change as a whole.
    MeasurementPatch: Kind::Measurement;
    required {
        /// What was measured, with its value.
        measurement: Measurement = MEASUREMENT, "Measurement", "Mesure";
    }
    optional {
        /// With what it was measured.
        device: String [200] = DEVICE, "Device", "Appareil";
    }
}

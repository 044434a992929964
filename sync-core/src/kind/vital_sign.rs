//! What is often measured, with its LOINC code and its units; anything else is measured under a
//! label of its own.

use super::{Label, Words};

/// The terminology of the codes.
pub const LOINC: &str = "http://loinc.org";

/// Something that is often measured.
#[derive(Clone, Copy, Debug)]
pub struct VitalSign {
    /// Its LOINC code.
    pub code: &'static str,
    /// What LOINC calls it, in short.
    pub display: &'static str,
    /// What people call it.
    pub title: Words,
    /// The units it is measured in, by UCUM, the usual one first.
    pub units: &'static [&'static str],
    /// The lowest and the highest plausible number in the usual unit; not of a whole that has
    /// parts.
    pub plausible: Option<(f64, f64)>,
}

const fn sign(
    code: &'static str,
    display: &'static str,
    (en, fr): (&'static str, &'static str),
    units: &'static [&'static str],
    plausible: Option<(f64, f64)>,
) -> VitalSign {
    VitalSign {
        code,
        display,
        title: Words::new(en, fr),
        units,
        plausible,
    }
}

/// Blood pressure, a whole of two parts.
pub const BLOOD_PRESSURE: VitalSign = sign(
    "85354-9",
    "Blood pressure panel with all children optional",
    ("Blood pressure", "Pression artérielle"),
    &["mm[Hg]"],
    None,
);
/// The higher of the two.
pub const SYSTOLIC: VitalSign = sign(
    "8480-6",
    "Systolic blood pressure",
    ("systolic", "systolique"),
    &["mm[Hg]"],
    Some((40.0, 300.0)),
);
/// The lower of the two.
pub const DIASTOLIC: VitalSign = sign(
    "8462-4",
    "Diastolic blood pressure",
    ("diastolic", "diastolique"),
    &["mm[Hg]"],
    Some((20.0, 200.0)),
);

impl VitalSign {
    /// Those of this version.
    #[rustfmt::skip]
    pub const ALL: &'static [VitalSign] = &[
        sign("29463-7", "Body weight", ("Weight", "Poids"), &["kg", "g", "[lb_av]"], Some((0.3, 500.0))),
        sign("8302-2", "Body height", ("Height", "Taille"), &["cm", "m", "[in_i]"], Some((20.0, 260.0))),
        sign("39156-5", "Body mass index (BMI) [Ratio]", ("Body mass index", "Indice de masse corporelle"), &["kg/m2"], Some((8.0, 120.0))),
        BLOOD_PRESSURE,
        SYSTOLIC,
        DIASTOLIC,
        sign("8867-4", "Heart rate", ("Heart rate", "Fréquence cardiaque"), &["/min", "{beats}/min"], Some((20.0, 300.0))),
        sign("9279-1", "Respiratory rate", ("Respiratory rate", "Fréquence respiratoire"), &["/min", "{breaths}/min"], Some((4.0, 100.0))),
        sign("8310-5", "Body temperature", ("Temperature", "Température"), &["Cel", "[degF]"], Some((25.0, 45.0))),
        sign("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", ("Oxygen saturation", "Saturation en oxygène"), &["%"], Some((40.0, 100.0))),
        sign("41653-7", "Glucose [Mass/volume] in Capillary blood by Glucometer", ("Capillary glucose (mass)", "Glycémie capillaire (masse)"), &["mg/dL", "g/L"], Some((10.0, 1_000.0))),
        sign("14743-9", "Glucose [Moles/volume] in Capillary blood by Glucometer", ("Capillary glucose (moles)", "Glycémie capillaire (moles)"), &["mmol/L"], Some((0.5, 56.0))),
        sign("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", ("Glycated haemoglobin", "Hémoglobine glyquée"), &["%"], Some((2.0, 25.0))),
        sign("9843-4", "Head Occipital-frontal circumference", ("Head circumference", "Périmètre crânien"), &["cm"], Some((15.0, 75.0))),
        sign("33452-4", "Maximum expiratory gas flow Respiratory system airway", ("Peak flow", "Débit expiratoire de pointe"), &["L/min", "L/s"], Some((20.0, 1_000.0))),
    ];

    /// Its label, in the language of a BCP 47 tag.
    pub fn label(&self, language: &str) -> Label {
        Label {
            display: Some(self.display.to_owned()),
            ..Label::coded(self.title.for_language(language), LOINC, self.code)
        }
    }

    /// Whether a decimal number in a unit is one that a living person may have. In another unit
    /// than the usual one, only that it is a unit of this.
    pub fn is_plausible(&self, value: &str, unit: &str) -> bool {
        if unit != self.units[0] {
            return self.units.contains(&unit);
        }
        let bounds = self.plausible;
        let within = |number: f64| bounds.is_none_or(|(low, high)| (low..=high).contains(&number));
        value.parse().is_ok_and(within)
    }
}

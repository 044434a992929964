//! Medical device: an implant, a prosthesis, a pump … (*dispositif médical*; FHIR Device).
//!
//! | key | value |
//! | --- | --- |
//! | `label` | a [`Label`] |
//! | `device-type` | text |
//! | `udi`, `serial` | text |
//! | `implanted`, `removed` | dates |
//! | `mri-safety` | [`MriSafety`] |

use super::code::codes;
use super::common::LABEL;
use super::declare::kind;
use super::{Invalid, Kind, Label, Occurred};

/// What sort of device.
pub const DEVICE_TYPE: &str = "device-type";
/// Its unique device identifier, as printed.
pub const UDI: &str = "udi";
/// Its serial number.
pub const SERIAL: &str = "serial";
/// When it was put in, or first used.
pub const IMPLANTED: &str = "implanted";
/// When it was taken out, or last used.
pub const REMOVED: &str = "removed";
/// Whether it may go into a scanner.
pub const MRI_SAFETY: &str = "mri-safety";

codes! {
    /// Magnetic resonance safety (ASTM F2503, FHIR device-safety); unknown when absent.
    MriSafety {
        /// No known hazard.
        Safe = "mr-safe", "MR safe", "compatible IRM";
        /// No hazard under stated conditions.
        Conditional = "mr-conditional", "MR conditional", "compatible IRM sous conditions";
        /// A hazard in every scanner.
        Unsafe = "mr-unsafe", "MR unsafe", "incompatible IRM";
    }
}

fn check(draft: &DeviceDraft) -> Result<(), Invalid> {
    match (draft.implanted, draft.removed) {
        (Some(from), Some(to)) if to.last_day() < from.first_day() => {
            Err(Invalid::OutOfBounds { field: REMOVED })
        }
        _ => Ok(()),
    }
}

kind! {
    /// A device as an app fills it in.
    #[derive(Default)]
    #[serde(default)]
    DeviceDraft,
    /// A partial edit of a device.
    DevicePatch: Kind::Device;
    check check;
    required {
        /// What it is called.
        label: Label = LABEL, "Device", "Dispositif";
    }
    optional {
        /// What sort of device.
        device_type: String [200] = DEVICE_TYPE, "Type", "Type";
        /// Its unique device identifier, as printed.
        udi: String [200] = UDI, "UDI", "IUD";
        /// Its serial number.
        serial: String [200] = SERIAL, "Serial number", "Numéro de série";
        /// When it was put in, or first used.
        implanted: Occurred = IMPLANTED, "Implanted", "Posé";
        /// When it was taken out, or last used.
        removed: Occurred = REMOVED, "Removed", "Retiré";
        /// Whether it may go into a scanner.
        mri_safety: MriSafety = MRI_SAFETY, "MRI safety", "Sécurité IRM";
    }
}

//! What marking an entry as another patient's will do, told before it is done.

use sync_core::entry::{STATUS, Write};
use sync_core::kind::{JsonScalar as _, Status, StatusCode};

use super::Record;
use super::record::entry_id;
use crate::error::CarnetError;

/// What the status `wrong-patient` will do to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, uniffi::Enum)]
#[serde(rename_all = "kebab-case")]
pub enum WrongPatient {
    /// It destroys what the entry says, for good and everywhere, once it is synced.
    Destroys,
    /// The entry goes out of everybody's view, and is kept for somebody to review.
    Withdraws,
    /// It stands as a proposal: the entry stays until a clinician takes it up.
    Proposes,
}

#[uniffi::export]
impl Record {
    /// What will come of this person's marking an entry as another patient's, in the role they act
    /// in, as far as this device has seen the record: ask it before [`Record::set_status`]. What
    /// others wrote in the entry meanwhile may turn it into less.
    pub fn wrong_patient(&self, entry: String) -> Result<WrongPatient, CarnetError> {
        let entry = entry_id(&entry)?;
        let mark = Status::from(StatusCode::WrongPatient);
        let writes = [Write::set(STATUS, mark.to_value())];
        let profile = self.profile()?;
        let outcome = self.device.rehearse(&profile, &self.record, |editing| {
            editing.view(&entry)?;
            let mark = editing.write(entry, &writes, Vec::new())?;
            let view = editing.view(&entry)?;
            let status = view.field(STATUS);
            let mut proposed = status.into_iter().flat_map(|field| &field.proposals);
            Ok(match proposed.any(|claim| claim.change == mark) {
                true => WrongPatient::Proposes,
                false if editing.destroys(&entry)? => WrongPatient::Destroys,
                false => WrongPatient::Withdraws,
            })
        });
        Ok(outcome?)
    }
}

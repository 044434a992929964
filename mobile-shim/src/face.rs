//! What apps see: objects in an app developer's words, over UniFFI.
//!
//! Functions block until they are done; an app calls those that reach for the server (enrolling,
//! signing in, syncing, looking people up) away from its main thread. Everything else works without
//! a network. Identifiers are UUIDs as text, times are milliseconds since the Unix epoch.

mod assign;
mod carnet;
mod drafts;
mod edits;
mod forms;
mod held;
mod listen;
mod log;
mod may;
mod profile;
mod record;
mod review;
mod runtime;
mod screens;
mod share;
mod show;
mod sign_ins;
mod sync;
#[cfg(test)]
mod tests;
mod wrong_patient;

pub use assign::Assignee;
pub use carnet::{Carnet, PasskeyCeremony, ProfileInfo, wipe_folder};
pub use drafts::{
    AllergyDraft, BloodGroupDraft, CodedText, Common, ConditionDraft, ContactDraft,
    MedicationDraft, NoteDraft, PhoneNumber, Reaction,
};
pub use edits::{AllergyEdit, ConditionEdit, ContactEdit, Details, NoteEdit};
#[cfg(feature = "terminal")]
pub(crate) use forms::may_be_added;
pub use forms::{
    CodeInfo, FieldType, FieldValue, FormField, KindInfo, document_types, form, kinds, parts,
};
pub use held::{DestroyedEntry, HeldChange, HeldField};
pub use listen::{ChangeListener, LiveHandle, LiveListener, LiveMode, SyncListener, WatchHandle};
pub(crate) use log::Page as LogPage;
pub use log::{LogCheck, LogLine, LogLoss};
pub use may::{Permission, Wish, reason};
pub use profile::{Invitation, Person, Profile, RecordInfo};
pub use record::{Lacking, Record, RecordState};
pub use review::{ReviewChoice, ReviewEntry, ReviewSide};
pub use screens::{
    BloodGroups, CardAllergy, CardContact, CardScreen, DirectiveInfo, DirectiveState, DocumentInfo,
    HandedOverInfo, MomentInfo, PrescribedInfo, ProblemInfo, ProblemsScreen, ProfessionalInfo,
    TimelinePage, TimelineQuery, TreatmentInfo, TreatmentsScreen, WishesScreen,
};
pub use show::{
    Bilingual, Claim, DangerLevel, Entry, EntryLine, EntryStanding, Field, FlagInfo, Stamp,
};
pub use sign_ins::{DeviceInfo, PasskeyInfo, SessionInfo};
pub use sync::CancelToken;
pub use wrong_patient::WrongPatient;

pub use crate::driver::SyncResult;

//! Documents, wishes, and the professionals seen.

use sync_core::kind::{Content, Kind, Professional};
use sync_core::views::{self, DirectiveLine, DocumentLine, ProfessionalSeen};

use super::text;
use crate::error::CarnetError;
use crate::face::{Bilingual, EntryLine, Record};

/// A document, however often it was deposited.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct DocumentInfo {
    /// The entry that deposited it first, with what is in doubt.
    pub line: EntryLine,
    /// All entries that hold the same bytes.
    pub entries: Vec<String>,
    /// The document's own date.
    pub date: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Its media type, as MIME has it.
    pub media_type: Option<String>,
    /// How many bytes it has.
    pub size: Option<u64>,
    /// How many pages.
    pub pages: Option<u32>,
    /// The SHA-256 of its bytes.
    pub hash: Option<String>,
    /// The entry of what it replaces.
    pub replaces: Option<String>,
    /// Whether nothing replaces it.
    pub current: bool,
}

/// What counts of an advance directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, uniffi::Enum)]
#[serde(rename_all = "kebab-case")]
pub enum DirectiveState {
    /// In force, alone or with others of its date.
    InForce,
    /// Without a date: never in force.
    Undated,
    /// A later one took its place.
    Superseded,
    /// It was taken back.
    Revoked,
    /// It takes others back.
    Revocation,
}

/// An advance directive, or the revocation of one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct DirectiveInfo {
    /// The entry, with what is in doubt.
    pub line: EntryLine,
    /// What counts of it.
    pub state: DirectiveState,
    /// The date of the document.
    pub date: Option<String>,
    /// What it says.
    pub text: Option<String>,
    /// Whether it has a scan.
    pub has_scan: bool,
    /// The professional who deposited it.
    pub deposited_by: Option<String>,
    /// Whether the holder asked them to.
    pub at_holders_request: bool,
}

/// What the person wishes.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct WishesScreen {
    /// Advance directives, those in force first.
    pub directives: Vec<DirectiveInfo>,
    /// Decisions about organ donation that stand.
    pub organ_donation: Vec<EntryLine>,
}

/// A professional whom the person has seen.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct ProfessionalInfo {
    /// Their name.
    pub name: String,
    /// What they are.
    pub profession: Option<Bilingual>,
    /// In what.
    pub specialty: Option<String>,
    /// Their number.
    pub rpps: Option<String>,
    /// Where they work.
    pub organisation: Option<String>,
    /// The entries of the consultations with them, the latest first.
    pub consultations: Vec<String>,
    /// When the latest was; nothing when none has a date.
    pub last: Option<String>,
    /// The entries that add them by hand.
    pub added: Vec<String>,
}

#[uniffi::export]
impl Record {
    /// The documents: the current ones first, the latest deposited first.
    pub fn documents(&self) -> Result<Vec<DocumentInfo>, CarnetError> {
        let told = self.told()?;
        let line = |one: &DocumentLine| {
            let content: Option<&Content> = one.content.as_ref();
            Some(DocumentInfo {
                line: told.line(one.entries.first()?)?,
                entries: one.entries.iter().map(ToString::to_string).collect(),
                date: text(one.date),
                author: one.author.as_ref().map(|author| author.name.clone()),
                media_type: content.map(|content| content.media_type.code().to_owned()),
                size: content.map(|content| u64::from(content.size)),
                pages: content.and_then(|content| content.pages),
                hash: content.map(|content| content.hash.clone()),
                replaces: one.replaces.map(|entry| entry.to_string()),
                current: one.current,
            })
        };
        let lines = views::documents(&told.views);
        Ok(lines.iter().filter_map(line).collect())
    }

    /// Advance directives, and the decision about organ donation.
    pub fn wishes(&self) -> Result<WishesScreen, CarnetError> {
        let told = self.told()?;
        let directives = views::directives(&told.views);
        let donation = told.views.iter();
        let donation = donation.filter(|view| view.kind == Kind::OrganDonation && view.counts());
        Ok(WishesScreen {
            directives: directives
                .iter()
                .filter_map(|one| Some(directive(one, told.line(&one.entry)?)))
                .collect(),
            organ_donation: donation.filter_map(|view| told.line(&view.id)).collect(),
        })
    }

    /// The professionals seen, from consultations or added by hand, the latest consulted first.
    pub fn professionals(&self) -> Result<Vec<ProfessionalInfo>, CarnetError> {
        let told = self.told()?;
        let seen = views::professionals_seen(&told.views);
        Ok(seen.iter().map(professional).collect())
    }
}

/// A directive, with the line of its entry.
pub(super) fn directive(one: &DirectiveLine, line: EntryLine) -> DirectiveInfo {
    DirectiveInfo {
        line,
        state: one.state.into(),
        date: text(one.date),
        text: one.text.clone(),
        has_scan: one.content.is_some(),
        deposited_by: one.deposited_by.as_ref().map(|who| who.name.clone()),
        at_holders_request: one.at_holders_request,
    }
}

fn professional(seen: &ProfessionalSeen) -> ProfessionalInfo {
    let who: &Professional = &seen.professional;
    let profession = who.profession.as_ref();
    let ids = |entries: &[sync_core::EntryId]| entries.iter().map(ToString::to_string).collect();
    ProfessionalInfo {
        name: who.name.clone(),
        profession: profession.and_then(|code| Some(code.words()?.into())),
        specialty: who.specialty.as_ref().map(|label| label.text.clone()),
        rpps: who.rpps.clone(),
        organisation: who.organisation.clone(),
        consultations: ids(&seen.consultations),
        last: text(seen.last),
        added: ids(&seen.added),
    }
}

impl From<views::DirectiveState> for DirectiveState {
    fn from(state: views::DirectiveState) -> Self {
        match state {
            views::DirectiveState::InForce => DirectiveState::InForce,
            views::DirectiveState::Undated => DirectiveState::Undated,
            views::DirectiveState::Superseded => DirectiveState::Superseded,
            views::DirectiveState::Revoked => DirectiveState::Revoked,
            views::DirectiveState::Revocation => DirectiveState::Revocation,
        }
    }
}

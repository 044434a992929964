//! Wishes: advance directives (*directives anticipées*) and organ donation.
//!
//! | key of a directive | value |
//! | --- | --- |
//! | `directive` | [`DirectiveType`]: a directive, or the revocation of one |
//! | `text` | its text |
//! | `content` | the scan, a [`Content`] |
//! | `revokes` | of a revocation: which entry; all without it |
//! | `deposited-by` | the professional who deposited it, a [`Professional`] |
//! | `at-holders-request` | that the holder asked them to |
//! | `occurred` | the document's date; undated, it is never in force |
//!
//! A directive is never changed: another, of a later document date, takes its place.
//!
//! | key of an organ donation | value |
//! | --- | --- |
//! | `organ-donation` | an [`OrganDonation`]: one value |

use serde::{Deserialize, Serialize};

use super::code::codes;
use super::common::{LINE_MAX, OCCURRED};
use super::content::Content;
use super::declare::kind;
use super::field::{FieldSpec, Join, Shape};
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::professional::Professional;
use super::write::Read;
use super::{Invalid, Kind};
use crate::EntryId;

/// A directive, or the revocation of one.
pub const DIRECTIVE: &str = "directive";
/// What it says.
pub const TEXT: &str = "text";
/// The scan.
pub const CONTENT: &str = "content";
/// Which directive a revocation revokes.
pub const REVOKES: &str = "revokes";
/// Which professional deposited it.
pub const DEPOSITED_BY: &str = "deposited-by";
/// Whether the holder asked them to.
pub const AT_HOLDERS_REQUEST: &str = "at-holders-request";
/// The date by which the directive in force is found.
pub const DOCUMENT_DATE: &str = OCCURRED;
/// The decision about organ donation.
pub const ORGAN_DONATION: &str = "organ-donation";

codes! {
    /// What a document of somebody's wishes is.
    DirectiveType {
        /// It says what is wanted (Code de la santé publique, L. 1111-11).
        Directive = "directive", "advance directive", "directives anticipées";
        /// It takes back what was said before.
        Revocation = "revocation", "revocation", "révocation";
    }
}

codes! {
    /// What somebody decided about their organs after their death.
    DonationDecision {
        /// Willing.
        Donor = "donor", "donor", "donneur";
        /// Refuses.
        Refuses = "refuses", "refuses", "refus";
        /// Willing but for some organs.
        Partial = "partial", "partly", "en partie";
    }
}

/// A decision about organ donation. As JSON: `{"decision", "organs"?, "registered-with"?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OrganDonation {
    /// What was decided.
    pub decision: DonationDecision,
    /// When partial: which organs, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organs: Option<String>,
    /// Where it is registered too: *Registre national des refus* …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_with: Option<String>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl From<DonationDecision> for OrganDonation {
    fn from(decision: DonationDecision) -> Self {
        OrganDonation {
            decision,
            organs: None,
            registered_with: None,
            other: Extra::new(),
        }
    }
}

impl JsonScalar for OrganDonation {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "organ-donation",
        &[
            Member::new(
                "decision",
                MemberShape::Code(DonationDecision::LIST),
                "decision",
                "décision",
            )
            .required()
            .bare(),
            Member::new("organs", MemberShape::Text(LINE_MAX), "organs", "organes"),
            Member::new(
                "registered-with",
                MemberShape::Text(200),
                "registered with",
                "inscrit auprès de",
            ),
        ],
    );

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        let said = |text: &String| !text.trim().is_empty();
        let partial = self.decision == DonationDecision::Partial;
        match self.organs.as_ref().is_some_and(said) {
            false if partial => Err(Invalid::Missing { field }),
            true if self.decision.is_known() && !partial => Err(Invalid::Excluded { field }),
            _ => Ok(()),
        }
    }
}

/// A directive says something; a deposit names the holder's request; only a revocation revokes.
/// All of it is fixed, so that what stood once stands.
pub(super) fn check_directive(from: &dyn Read) -> Result<(), Invalid> {
    AdvanceDirectiveDraft::read(from).map_or(Ok(()), |draft| check(&draft))
}

fn check(draft: &AdvanceDirectiveDraft) -> Result<(), Invalid> {
    let directive = draft.directive == DirectiveType::Directive;
    let silent = draft.text.is_none() && draft.content.is_none();
    if directive && silent {
        return Err(Invalid::Missing { field: TEXT });
    }
    if directive && draft.revokes.is_some() {
        return Err(Invalid::Excluded { field: REVOKES });
    }
    if draft.deposited_by.is_some() && !draft.at_holders_request {
        let field = AT_HOLDERS_REQUEST;
        return Err(Invalid::Missing { field });
    }
    Ok(())
}

kind! {
    /// A directive or a revocation as an app fills it in.
    AdvanceDirectiveDraft,
    /// A partial edit of a directive: of what every entry carries only.
    AdvanceDirectivePatch: Kind::AdvanceDirective;
    check check;
    fixed_required {
        /// A directive, or the revocation of one.
        directive: DirectiveType = DIRECTIVE, "Document", "Document";
    }
    flag {
        /// Whether the holder asked the professional who deposits it to.
        at_holders_request = AT_HOLDERS_REQUEST, "At the holder’s request", "À la demande du titulaire";
    }
    fixed {
        /// What it says.
        text: String [12_000] = TEXT, "Text", "Texte";
        /// The scan.
        content: Content = CONTENT, "Content", "Contenu";
        /// Of a revocation: which directive; all without it.
        revokes: EntryId = REVOKES, "Revokes", "Révoque";
        /// The professional who deposits it.
        deposited_by: Professional = DEPOSITED_BY, "Deposited by", "Déposé par";
    }
    common {
        FieldSpec::new(DOCUMENT_DATE, Shape::Date, "Date of the document", "Date du document").fixed(),
    }
}

kind! {
    /// A decision about organ donation as an app fills it in.
    OrganDonationDraft,
    /// A partial edit of a decision about organ donation: it changes as a whole.
    OrganDonationPatch: Kind::OrganDonation;
    required {
        /// What was decided.
        organ_donation: OrganDonation = ORGAN_DONATION, "Organ donation", "Don d’organes",
            Join::NeverMixed;
    }
}

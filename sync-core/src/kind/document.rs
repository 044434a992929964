//! Documents, one kind a type: `document/` and its XDS type code. Their content never changes;
//! another document replaces them.
//!
//! | key | value |
//! | --- | --- |
//! | `label` | the title, a [`Label`] |
//! | `content` | a [`Content`] |
//! | `author` | a [`Professional`] |
//! | `replaces` | the entry it replaces |
//! | `attachment/<member>` | an [`Attachment`]; the member is made of its hash |
//! | `occurred` | the document's date |

use serde::{Deserialize, Serialize};

use super::common::{Common, LABEL, OCCURRED};
use super::content::{Attachment, Content};
use super::field::{FieldSpec, Join, Shape};
use super::professional::Professional;
use super::write::{Drafted, Read};
use super::{Invalid, Kind, Label, Scalar, Words};
use crate::EntryId;
use crate::entry::Write;

/// The bytes of the document.
pub const CONTENT: &str = "content";
/// Who wrote the document.
pub const AUTHOR: &str = "author";
/// Which entry it replaces.
pub const REPLACES: &str = "replaces";
/// The set of attachments.
pub const ATTACHMENT: &str = "attachment";

/// What all kinds of document begin with.
const PREFIX: &str = "document/";

/// The value set of document types (JDV_J07), with words in both languages.
const TYPES: &str = include_str!("../../data/xds-type-codes.tsv");

/// A type of document by its code of the French interoperability framework; of a newer value set
/// too.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DocumentType(String);

/// A document type of the value set that this version ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdsType {
    /// The code.
    pub code: &'static str,
    /// The object identifier of its code system.
    pub system: &'static str,
    /// What people call it.
    pub title: Words,
}

impl XdsType {
    /// The types of this version.
    pub fn all() -> impl Iterator<Item = XdsType> {
        let rows = TYPES.lines().filter(|line| !line.starts_with('#'));
        rows.skip(1).filter_map(|line| {
            let mut cells = line.split('\t');
            let (code, system) = (cells.next()?, cells.next()?);
            let (fr, en) = (cells.next()?, cells.next()?);
            Some(XdsType {
                code,
                system,
                title: Words::new(en, fr),
            })
        })
    }
}

impl DocumentType {
    /// The type of a code: 1 to 64 ASCII letters, digits, hyphens, underscores and points.
    pub fn parse(code: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let right = (1..=64).contains(&code.len()) && code.bytes().all(fits);
        right.then(|| DocumentType(format!("{PREFIX}{code}")))
    }

    /// The type of documents of a kind.
    pub(super) fn of_kind(kind: &str) -> Option<Self> {
        DocumentType::parse(kind.strip_prefix(PREFIX)?)
    }

    /// The kind of entry, as written.
    pub(super) fn kind(&self) -> &str {
        &self.0
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.0[PREFIX.len()..]
    }

    /// What this version knows of it; nothing for a code of a newer value set.
    pub fn known(&self) -> Option<XdsType> {
        XdsType::all().find(|known| known.code == self.code())
    }

    /// What people call it.
    pub fn title(&self) -> Words {
        let unknown = Words::new("Document of a newer type", "Document d’un type plus récent");
        self.known().map_or(unknown, |known| known.title)
    }
}

impl TryFrom<String> for DocumentType {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        DocumentType::parse(&code).ok_or("not a document type code")
    }
}

impl From<DocumentType> for String {
    fn from(document: DocumentType) -> Self {
        document.code().to_owned()
    }
}

impl std::fmt::Display for DocumentType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// A document as an app fills it in; nothing of it is edited but what every entry carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentDraft {
    /// Of what type.
    #[serde(rename = "type")]
    pub document_type: DocumentType,
    /// Its title.
    pub title: Label,
    /// Its bytes.
    pub content: Content,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Professional>,
    /// Which entry it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<EntryId>,
    /// What is attached to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// What every entry carries; `occurred` is the document's date.
    #[serde(flatten)]
    pub common: Common,
}

impl DocumentDraft {
    /// The fields of the kind beside the common ones.
    pub(crate) const FIELDS: &'static [FieldSpec] = &[
        FieldSpec::new(LABEL, Label::SHAPE, "Title", "Titre")
            .required()
            .fixed(),
        FieldSpec::new(CONTENT, Content::SHAPE, "Content", "Contenu")
            .required()
            .fixed(),
        FieldSpec::new(AUTHOR, Professional::SHAPE, "Author", "Auteur").fixed(),
        FieldSpec::new(REPLACES, Shape::Entry, "Replaces", "Remplace").fixed(),
        FieldSpec::new(
            ATTACHMENT,
            Attachment::SHAPE,
            "Attachments",
            "Pièces jointes",
        )
        .joins(Join::Union)
        .fixed(),
        FieldSpec::new(
            OCCURRED,
            Shape::Date,
            "Date of the document",
            "Date du document",
        )
        .fixed(),
    ];

    /// A document of a type, a title and bytes.
    pub fn new(document_type: DocumentType, title: impl Into<Label>, content: Content) -> Self {
        DocumentDraft {
            document_type,
            title: title.into(),
            content,
            author: None,
            replaces: None,
            attachments: Vec::new(),
            common: Common::default(),
        }
    }

    /// The writes that create it.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::new(Kind::Document(self.document_type.clone()));
        out.scalar(LABEL, &self.title);
        out.scalar(CONTENT, &self.content);
        out.maybe(AUTHOR, self.author.as_ref());
        out.maybe(REPLACES, self.replaces.as_ref());
        out.members(ATTACHMENT, &self.attachments);
        self.common.write(&mut out);
        out.finish()
    }

    /// What stands in an entry of this type; nothing when something required does not stand.
    pub fn read(document_type: DocumentType, from: &dyn Read) -> Option<Self> {
        Some(DocumentDraft {
            document_type,
            title: from.scalar(LABEL)?,
            content: from.scalar(CONTENT)?,
            author: from.scalar(AUTHOR),
            replaces: from.scalar(REPLACES),
            attachments: from.set(ATTACHMENT),
            common: Common::read(from),
        })
    }
}

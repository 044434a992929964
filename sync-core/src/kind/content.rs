//! What a document consists of: bytes that are kept elsewhere, named here by their digest.

use serde::{Deserialize, Serialize};

use super::Invalid;
use super::code::codes;
use super::declare::SetMember;
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::professional::well_formed;

codes! {
    /// The types of bytes that a document or an attachment may be.
    MediaType {
        /// PDF, also PDF/A-1.
        Pdf = "application/pdf", "PDF", "PDF";
        /// A picture without loss.
        Png = "image/png", "PNG image", "image PNG";
        /// A picture.
        Jpeg = "image/jpeg", "JPEG image", "image JPEG";
        /// An imaging object.
        Dicom = "application/dicom", "DICOM object", "objet DICOM";
        /// An HL7 clinical document, the media type under which the DMP exchanges it.
        Cda = "text/xml", "clinical document (CDA)", "document clinique (CDA)";
        /// Text.
        Plain = "text/plain", "text", "texte";
    }
}

/// The bytes of a document. As JSON: `{"hash", "size", "media-type", "pages"?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Content {
    /// Their SHA-256, 64 hexadecimal digits in lower case.
    pub hash: String,
    /// How many, at least 1.
    pub size: u32,
    /// What they are.
    pub media_type: MediaType,
    /// How many pages they make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl Content {
    /// Bytes of a digest, a size and a type.
    pub fn new(hash: impl Into<String>, size: u32, media_type: MediaType) -> Self {
        Content {
            hash: hash.into(),
            size,
            media_type,
            pages: None,
            other: Extra::new(),
        }
    }
}

const HASH: Member = Member::new("hash", MemberShape::Text(64), "SHA-256", "SHA-256").required();
const SIZE: Member = Member::new("size", MemberShape::Number, "bytes:", "octets :").required();
const MEDIA_TYPE: Member = Member::new(
    "media-type",
    MemberShape::Code(MediaType::LIST),
    "type",
    "type",
)
.required()
.bare();

impl JsonScalar for Content {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "content",
        &[
            MEDIA_TYPE,
            Member::new("pages", MemberShape::Number, "pages:", "pages :"),
            SIZE,
            HASH,
        ],
    );

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        well_formed(field, is_digest(&self.hash) && self.size > 0)
    }
}

/// Something attached to a document. As JSON: `{"hash", "size", "media-type", "name"?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attachment {
    /// The SHA-256 of its bytes, 64 hexadecimal digits in lower case.
    pub hash: String,
    /// How many bytes, at least 1.
    pub size: u32,
    /// What they are.
    pub media_type: MediaType,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl JsonScalar for Attachment {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "attachment",
        &[
            Member::new("name", MemberShape::Text(200), "name", "nom").bare(),
            MEDIA_TYPE,
            SIZE,
            HASH,
        ],
    );

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        well_formed(field, is_digest(&self.hash) && self.size > 0)
    }
}

impl SetMember for Attachment {
    /// The first 16 digits of its hash.
    fn member(&self) -> String {
        self.hash.chars().take(16).collect()
    }
}

fn is_digest(hash: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    hash.len() == 64 && hash.bytes().all(digit)
}

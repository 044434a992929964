//! The habilitation matrix: what each profession reads and writes, kind by kind.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::{Profession, Role, is_right};
use crate::Digest32;

const EMBEDDED: &str = include_str!("../../data/habilitation.toml");

/// The columns, in the order of a row's cells.
const COLUMNS: [Role; 8] = [
    Role::Professional(Profession::Physician),
    Role::Professional(Profession::Midwife),
    Role::Professional(Profession::Dentist),
    Role::Professional(Profession::Pharmacist),
    Role::Professional(Profession::Nurse),
    Role::Professional(Profession::Other),
    Role::Caregiver,
    Role::Representative,
];

/// The row for all kinds, or all documents, that no other row names.
const ANY: &str = "*";

/// What a role does with a kind; who writes also reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// Nothing: such entries do not exist for it.
    #[default]
    None,
    /// Reads.
    Read,
    /// Reads and writes.
    Write,
}

type Row = [Access; COLUMNS.len()];

/// Profession × kind → what they may do (DMP habilitation matrix, *matrice d'habilitation*).
///
/// It does not speak of the holder, who reads and writes everything, nor of rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    kinds: BTreeMap<String, Row>,
    documents: BTreeMap<String, Row>,
    digest: Digest32,
}

/// Why a file is not a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MatrixError {
    /// Not TOML, or not of this shape.
    #[error("the habilitation matrix cannot be read: {0}")]
    Toml(String),
    /// A version this program does not know.
    #[error("the habilitation matrix is of version {0}; this program reads version 1")]
    Version(u32),
    /// Other columns, or in another order.
    #[error("the columns of the habilitation matrix must be: {expected}")]
    Columns {
        /// The columns there must be.
        expected: String,
    },
    /// A row too short or too long.
    #[error("row {row:?} of the habilitation matrix has {found} cells, it must have {expected}")]
    Cells {
        /// Which row.
        row: String,
        /// How many cells a row has.
        expected: usize,
        /// How many this one has.
        found: usize,
    },
    /// A cell that is none of the three.
    #[error("row {row:?}, column {column}: {found:?} is none of \"rw\", \"r\" and \"-\"")]
    Cell {
        /// Which row.
        row: String,
        /// Which column.
        column: String,
        /// What the cell says.
        found: String,
    },
    /// No row for what is not named.
    #[error("the section {0} of the habilitation matrix needs a row \"*\" for what no row names")]
    NoDefault(&'static str),
    /// A row that is not the matrix's to settle.
    #[error("row {0:?}: the habilitation matrix does not settle who writes and reads rights")]
    Right(String),
    /// A right that is the holder's alone.
    #[error("row {row:?}, column {column}: only the holder writes this, by law or by consent")]
    HolderOnly {
        /// Which row.
        row: String,
        /// Which column.
        column: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    columns: Vec<String>,
    kinds: BTreeMap<String, String>,
    documents: BTreeMap<String, String>,
}

impl Matrix {
    /// Reads a matrix; the embedded one, `data/habilitation.toml`, explains the format.
    ///
    /// # Errors
    /// What is wrong and in which row, in words for the operator who wrote the file.
    pub fn parse(text: &str) -> Result<Self, MatrixError> {
        let file: File = toml::from_str(text).map_err(|e| MatrixError::Toml(e.to_string()))?;
        Self::checked(file)
    }

    fn checked(file: File) -> Result<Self, MatrixError> {
        if file.version != 1 {
            return Err(MatrixError::Version(file.version));
        }
        if !COLUMNS.iter().map(Role::as_str).eq(&file.columns) {
            return Err(MatrixError::Columns {
                expected: COLUMNS.each_ref().map(Role::as_str).join(", "),
            });
        }
        for section in [("kinds", &file.kinds), ("documents", &file.documents)] {
            if !section.1.contains_key(ANY) {
                return Err(MatrixError::NoDefault(section.0));
            }
        }
        let rows = |section: BTreeMap<String, String>, prefix: &str| {
            section
                .into_iter()
                .map(|(name, cells)| {
                    let row = row(&format!("{prefix}{name}"), &cells)?;
                    Ok((name, row))
                })
                .collect::<Result<_, MatrixError>>()
        };
        let (kinds, documents) = (rows(file.kinds, "")?, rows(file.documents, "document/")?);
        Ok(Matrix {
            digest: digest(&kinds, &documents),
            kinds,
            documents,
        })
    }

    /// What a role does with entries of a kind; nothing for a role the matrix has no column for.
    pub fn access(&self, role: &Role, kind: &str) -> Access {
        let (rows, name) = match kind.strip_prefix("document/") {
            Some(code) => (&self.documents, code),
            None => (&self.kinds, kind),
        };
        let row = rows.get(name).or_else(|| rows.get(ANY));
        let column = COLUMNS.iter().position(|column| column == role);
        match (row, column) {
            (Some(row), Some(column)) => row[column],
            _ => Access::None,
        }
    }

    /// A digest of what the matrix says, comments apart.
    pub fn digest(&self) -> Digest32 {
        self.digest
    }
}

/// As the file says it: version, columns and rows.
impl Serialize for Matrix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = |rows: &BTreeMap<String, Row>| {
            let cells = |row: &Row| row.map(Access::cell).join(" ");
            rows.iter()
                .map(|(name, row)| (name.clone(), cells(row)))
                .collect()
        };
        File {
            version: 1,
            columns: COLUMNS.iter().map(ToString::to_string).collect(),
            kinds: rows(&self.kinds),
            documents: rows(&self.documents),
        }
        .serialize(serializer)
    }
}

/// As the file says it; checked like one.
impl<'de> Deserialize<'de> for Matrix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::checked(File::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Access {
    /// What a cell of the file says.
    fn cell(self) -> &'static str {
        match self {
            Access::None => "-",
            Access::Read => "r",
            Access::Write => "rw",
        }
    }
}

fn digest(kinds: &BTreeMap<String, Row>, documents: &BTreeMap<String, Row>) -> Digest32 {
    let mut bytes = b"carnet/matrix/1".to_vec();
    for (section, rows) in [(b'k', kinds), (b'd', documents)] {
        for (name, row) in rows {
            bytes.push(section);
            bytes.extend((name.len() as u64).to_be_bytes());
            bytes.extend(name.as_bytes());
            bytes.extend(row.map(|access| access as u8));
        }
    }
    Digest32::of(&[&bytes])
}

impl Default for Matrix {
    /// The embedded matrix.
    fn default() -> Self {
        static READ: LazyLock<Matrix> =
            LazyLock::new(|| Matrix::parse(EMBEDDED).expect("the embedded file is read by a test"));
        READ.clone()
    }
}

/// What somebody in a role never writes, whatever a matrix says: to name a trusted person and to
/// decide about organ donation are acts of the holder alone (Code de la santé publique, L. 1111-6
/// and L. 1232-1); so is to write directives (L. 1111-11), but that a professional may deposit the
/// scan at the holder's request.
pub(super) fn never_writes(role: &Role, kind: &str) -> bool {
    match kind {
        "organ-donation" | "trusted-person" => *role != Role::Holder,
        "advance-directive" | "document/EXPPAT_1" | "document/EXPPAT_3" => role.is_delegate(),
        _ => false,
    }
}

fn row(name: &str, cells: &str) -> Result<Row, MatrixError> {
    if is_right(name) {
        return Err(MatrixError::Right(name.to_owned()));
    }
    let cells: Vec<&str> = cells.split_whitespace().collect();
    if cells.len() != COLUMNS.len() {
        return Err(MatrixError::Cells {
            row: name.to_owned(),
            expected: COLUMNS.len(),
            found: cells.len(),
        });
    }
    let mut row = Row::default();
    for ((access, cell), column) in row.iter_mut().zip(cells).zip(&COLUMNS) {
        *access = match cell {
            "rw" if never_writes(column, name) => {
                return Err(MatrixError::HolderOnly {
                    row: name.to_owned(),
                    column: column.to_string(),
                });
            }
            "rw" => Access::Write,
            "r" => Access::Read,
            "-" => Access::None,
            found => {
                return Err(MatrixError::Cell {
                    row: name.to_owned(),
                    column: column.to_string(),
                    found: found.to_owned(),
                });
            }
        };
    }
    Ok(row)
}

#[cfg(test)]
mod tests;

//! What a program knows of the kinds, when it is of another version than this one. Versions meet:
//! an old phone syncs with a new server, and a new one with an old server.

use super::{FieldSpec, Join, Kind, common};

/// A kind as a program of another version knows it.
#[derive(Clone, Copy)]
pub struct Edition {
    /// Its code.
    pub code: &'static str,
    /// The schema version that program writes.
    pub schema: u64,
    /// The fields of the kind beside the common ones.
    pub fields: &'static [FieldSpec],
}

/// The tables a program goes by: those of this version, but for what it knows otherwise.
#[derive(Clone, Copy)]
pub struct Tables(pub &'static [Edition]);

impl Tables {
    /// Those of this version.
    pub const CURRENT: Tables = Tables(&[]);

    fn edition(self, kind: &Kind) -> Option<&'static Edition> {
        self.0.iter().find(|edition| edition.code == kind.code())
    }

    /// The schema version the program writes.
    pub fn schema(self, kind: &Kind) -> u64 {
        let edition = self.edition(kind);
        edition.map_or_else(|| kind.schema(), |edition| edition.schema)
    }

    /// The fields of a kind beside the common ones.
    pub fn own_fields(self, kind: &Kind) -> &'static [FieldSpec] {
        let edition = self.edition(kind);
        edition.map_or_else(|| kind.own_fields(), |edition| edition.fields)
    }

    /// What the tables say of a key, or of the set a key with a slash belongs to; nothing for a
    /// key the program does not know.
    pub fn field(self, kind: &Kind, key: &str) -> Option<&'static FieldSpec> {
        let (name, member) = match key.split_once('/') {
            Some((name, _)) => (name, true),
            None => (key, false),
        };
        let own = self.own_fields(kind).iter();
        own.chain(common::FIELDS)
            .find(|spec| spec.key == name && (spec.join == Join::Union) == member)
    }
}

#[cfg(test)]
mod tests;

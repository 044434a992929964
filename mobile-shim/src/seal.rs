//! Sealing: XChaCha20-Poly1305 under a random key, every value bound to where it stands.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

const NONCE: usize = 24;

/// Names a row without telling what it is about.
pub type RowKey = [u8; 16];

/// A row's name as text, in hexadecimal digits.
pub fn row_text(row: &RowKey) -> String {
    row.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A sealed value cannot be opened: another key, another place, or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value cannot be opened")]
pub struct Unsealable;

/// The system gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct NoRandomness;

/// Where a sealed value stands; part of what is authenticated, so that no value can be moved.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Table and column.
    pub column: &'static str,
    /// The row's key.
    pub row: &'a [u8],
}

/// A key that seals values and names rows. Wiped from memory when dropped.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(..)")
    }
}

impl SealKey {
    /// A fresh key.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut key = Zeroizing::new([0; 32]);
        fill(&mut *key)?;
        Ok(SealKey(key))
    }

    /// The key whose 32 bytes these are.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; 32] = bytes.try_into().ok()?;
        Some(SealKey(Zeroizing::new(bytes)))
    }

    /// The bytes, for the vault alone.
    pub fn expose(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_vec())
    }

    /// Seals a value for its place.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn seal(&self, place: Place<'_>, value: &[u8]) -> Result<Vec<u8>, NoRandomness> {
        let mut nonce = [0; NONCE];
        fill(&mut nonce)?;
        let aad = aad(place);
        let payload = Payload {
            msg: value,
            aad: &aad,
        };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a value of a phone's store is far below the cipher's limit of 256 GiB");
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what [`SealKey::seal`] sealed for the same place.
    ///
    /// # Errors
    /// When it was sealed with another key, for another place, or is damaged.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or(Unsealable)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| Unsealable)?;
        let aad = aad(place);
        let payload = Payload {
            msg: sealed,
            aad: &aad,
        };
        self.cipher()
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| Unsealable)
    }

    /// The name of a row: a keyed hash (HMAC-SHA-256, its first half) of what it is about.
    pub fn row(&self, table: &'static str, about: &[&[u8]]) -> RowKey {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes any key");
        mac.update(table.as_bytes());
        for part in about {
            mac.update(&[0]);
            mac.update(part);
        }
        let mut row = [0; 16];
        row.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        row
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }
}

/// Fills bytes with the system's randomness.
///
/// # Errors
/// When there is none.
pub fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    getrandom::fill(bytes).map_err(|_| NoRandomness)
}

fn aad(place: Place<'_>) -> Vec<u8> {
    [place.column.as_bytes(), &[0], place.row].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'_> = Place {
        column: "entries.view",
        row: b"row",
    };

    #[test]
    fn a_value_opens_only_where_it_was_sealed() {
        let key = SealKey::random().unwrap();
        let sealed = key.seal(HERE, b"pollen").unwrap();
        assert_eq!(&**key.open(HERE, &sealed).unwrap(), b"pollen");
        let moved = Place {
            row: b"another",
            ..HERE
        };
        assert_eq!(key.open(moved, &sealed).unwrap_err(), Unsealable);
        let other = SealKey::random().unwrap();
        assert_eq!(other.open(HERE, &sealed).unwrap_err(), Unsealable);
        assert_eq!(key.open(HERE, &sealed[..10]).unwrap_err(), Unsealable);
        let mut damaged = sealed;
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(key.open(HERE, &damaged).unwrap_err(), Unsealable);
    }

    #[test]
    fn rows_are_named_by_key_and_by_what_they_are_about() {
        let key = SealKey::random().unwrap();
        assert_eq!(key.row("t", &[b"a"]), key.row("t", &[b"a"]));
        assert_ne!(key.row("t", &[b"a"]), key.row("u", &[b"a"]));
        assert_ne!(
            key.row("t", &[b"a"]),
            SealKey::random().unwrap().row("t", &[b"a"])
        );
    }
}

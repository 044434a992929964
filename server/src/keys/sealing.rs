use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::KeyError;

/// The first byte of everything sealed: XChaCha20-Poly1305, the nonce in front.
const FORMAT: u8 = 1;

/// Length of the nonce.
const NONCE: usize = 24;

/// A secret key that seals bytes to the place they are stored at.
#[derive(Clone)]
pub struct SealingKey(pub(super) Zeroizing<[u8; 32]>);

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey")
    }
}

impl SealingKey {
    pub(super) fn random() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|key| Self(Zeroizing::new(key)))
    }

    /// Another key that follows from this one and the parts.
    pub(super) fn derive(&self, parts: &[&[u8]]) -> Self {
        Self(Zeroizing::new(mac(&self.0, parts)))
    }

    /// Encrypts `plaintext` so that it opens only at the same `place`: 41 bytes longer.
    pub fn seal(&self, place: &Place<'_>, plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce)?;
        let aad = place.bytes();
        let payload = Payload {
            msg: plaintext,
            aad: &aad,
        };
        let text = XChaCha20Poly1305::new((&*self.0).into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| KeyError::NotOpened)?;
        let mut sealed = Vec::with_capacity(1 + NONCE + text.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Decrypts what [`seal`](Self::seal) gave for this place.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let (nonce, text) = sealed
            .strip_prefix(&[FORMAT])
            .and_then(|rest| rest.split_first_chunk::<NONCE>())
            .ok_or(KeyError::NotOpened)?;
        let aad = place.bytes();
        let payload = Payload {
            msg: text,
            aad: &aad,
        };
        XChaCha20Poly1305::new((&*self.0).into())
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| KeyError::NotOpened)
    }
}

/// Where sealed bytes are kept; they open nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The table, or what stands for one.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The primary key of the row, its parts in order.
    pub row: &'a [&'a [u8]],
}

impl Place<'_> {
    /// Each part with its length before it, so that no two places read the same.
    fn bytes(&self) -> Vec<u8> {
        let head = [self.table.as_bytes(), self.column.as_bytes()];
        let mut bytes = Vec::new();
        for part in head.iter().chain(self.row) {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// HMAC-SHA-256 over the parts, each with its length before it.
pub(super) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'_> = Place {
        table: "people",
        column: "sealed",
        row: &[b"one"],
    };

    #[test]
    fn sealed_bytes_open_with_their_key_at_their_place_only() {
        let key = SealingKey::random().expect("random");
        let sealed = key.seal(&HERE, b"Zo\xc3\xa9").expect("seals");
        assert_eq!(sealed.len(), 4 + 41);
        assert_eq!(key.open(&HERE, &sealed).expect("opens"), b"Zo\xc3\xa9");

        let elsewhere = Place {
            row: &[b"two"],
            ..HERE
        };
        assert!(matches!(
            key.open(&elsewhere, &sealed),
            Err(KeyError::NotOpened)
        ));
        let other = SealingKey::random().expect("random");
        assert!(matches!(
            other.open(&HERE, &sealed),
            Err(KeyError::NotOpened)
        ));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(&HERE, &changed).is_err(), "byte {at}");
            assert!(key.open(&HERE, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn places_do_not_run_into_each_other() {
        let split = Place {
            row: &[b"on", b"e"],
            ..HERE
        };
        assert_ne!(HERE.bytes(), split.bytes());
    }
}

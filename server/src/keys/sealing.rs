use chacha20::R20;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::KeyError;

/// The first byte of everything sealed: XChaCha20-Poly1305, the nonce in front.
const FORMAT: u8 = 1;

/// Length of the nonce.
const NONCE: usize = 24;

/// How much of the nonce the key of one sealed value is made of.
const OF_KEY: usize = 16;

/// What stands before the ciphertext.
const HEAD: usize = 1 + NONCE;

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
        let mut sealed = vec![0; HEAD];
        sealed.reserve_exact(plaintext.len() + CHACHA20_POLY1305.tag_len());
        sealed.extend_from_slice(plaintext);
        let (head, text) = sealed.split_at_mut(HEAD);
        let [format, nonce @ ..] = head else {
            return Err(KeyError::NotOpened);
        };
        *format = FORMAT;
        getrandom::fill(nonce)?;
        let nonce = <&[u8; NONCE]>::try_from(&*nonce).map_err(|_| KeyError::NotOpened)?;
        let (key, nonce) = self.of_value(nonce)?;
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::from(place.bytes()), text)
            .map_err(|_| KeyError::NotOpened)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Decrypts what [`seal`](Self::seal) gave for this place.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let (nonce, text) = sealed
            .strip_prefix(&[FORMAT])
            .and_then(|rest| rest.split_first_chunk::<NONCE>())
            .ok_or(KeyError::NotOpened)?;
        let (key, nonce) = self.of_value(nonce)?;
        let mut text = text.to_vec();
        let opened = key.open_in_place(nonce, Aad::from(place.bytes()), &mut text);
        let length = opened.map_err(|_| KeyError::NotOpened)?.len();
        text.truncate(length);
        Ok(text)
    }

    /// XChaCha20-Poly1305 is ChaCha20-Poly1305 under a key that HChaCha20 makes of the first part of
    /// the nonce, with the rest of it as nonce (draft-irtf-cfrg-xchacha-03, section 2.3).
    fn of_value(&self, nonce: &[u8; NONCE]) -> Result<(LessSafeKey, Nonce), KeyError> {
        let (of_key, rest) = nonce
            .split_first_chunk::<OF_KEY>()
            .ok_or(KeyError::NotOpened)?;
        let key = chacha20::hchacha::<R20>((&*self.0).into(), of_key.into());
        let key = Zeroizing::new(<[u8; 32]>::from(key));
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*key).map_err(|_| KeyError::NotOpened)?;
        let mut nonce = [0; NONCE_LEN];
        nonce[NONCE_LEN - rest.len()..].copy_from_slice(rest);
        Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce)))
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

    /// What another implementation seals opens here, and the other way round.
    #[test]
    fn it_is_xchacha20_poly1305() {
        use chacha20poly1305::aead::{Aead, Payload};
        use chacha20poly1305::{XChaCha20Poly1305, XNonce};
        let aad = HERE.bytes();
        for length in [0, 1, 15, 16, 17, 63, 64, 65, 200, 5_000] {
            let key = SealingKey::random().expect("random");
            let other = XChaCha20Poly1305::new((&*key.0).into());
            let text: Vec<u8> = (0..length).map(|byte: usize| byte as u8).collect();
            let sealed = key.seal(&HERE, &text).expect("seals");
            let (head, rest) = sealed.split_at(HEAD);
            let nonce = XNonce::try_from(&head[1..]).expect("a nonce");
            let payload = |msg| Payload { msg, aad: &aad };
            assert_eq!(other.decrypt(&nonce, payload(rest)).expect("opens"), text);
            let theirs = other.encrypt(&nonce, payload(&text)).expect("seals");
            assert_eq!(theirs, rest);
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

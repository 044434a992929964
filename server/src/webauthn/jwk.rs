//! A passkey's public key as a JSON Web Key (RFC 7517, RFC 7518 § 6, RFC 8037), so that a device
//! can check an assertion without the server.

use serde::Serialize;
use sync_core::Bytes;
use utoipa::ToSchema;
use webauthn_rs::prelude::{COSEKey, COSEKeyType, ECDSACurve, EDDSACurve};

/// A public key; which members there are follows `kty`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublicKey)]
pub struct Jwk {
    /// `EC`, `OKP` or `RSA`.
    kty: &'static str,
    /// `P-256`, `P-384`, `P-521` or `Ed25519`.
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Byte)]
    x: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Byte)]
    y: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Byte)]
    n: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Byte)]
    e: Option<Bytes>,
}

impl Jwk {
    const EMPTY: Jwk = Jwk {
        kty: "",
        crv: None,
        x: None,
        y: None,
        n: None,
        e: None,
    };
}

impl From<&COSEKey> for Jwk {
    fn from(key: &COSEKey) -> Self {
        let bytes = |bytes: &[u8]| Some(Bytes::from(bytes));
        match &key.key {
            COSEKeyType::EC_EC2(key) => Jwk {
                kty: "EC",
                crv: Some(match key.curve {
                    ECDSACurve::SECP256R1 => "P-256",
                    ECDSACurve::SECP384R1 => "P-384",
                    ECDSACurve::SECP521R1 => "P-521",
                }),
                x: bytes(&key.x),
                y: bytes(&key.y),
                ..Jwk::EMPTY
            },
            COSEKeyType::EC_OKP(key) => Jwk {
                kty: "OKP",
                crv: Some(match key.curve {
                    EDDSACurve::ED25519 => "Ed25519",
                    EDDSACurve::ED448 => "Ed448",
                }),
                x: bytes(&key.x),
                ..Jwk::EMPTY
            },
            COSEKeyType::RSA(key) => Jwk {
                kty: "RSA",
                n: bytes(&key.n),
                e: bytes(&key.e),
                ..Jwk::EMPTY
            },
        }
    }
}

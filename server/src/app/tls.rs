//! TLS spoken by the server itself, by rustls on ring.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sync_core::Tick;

use super::StartError;
use crate::config::Config;

/// The configuration of TLS, or none if the server does not speak it.
///
/// # Errors
/// Which of the two files is wrong and how: missing, none of its kind, not made for each other,
/// or good at another time only.
pub(super) fn configuration(
    config: &Config,
    now: Tick,
) -> Result<Option<ServerConfig>, StartError> {
    let Some((certificate, key)) = &config.tls else {
        return Ok(None);
    };
    let fail = |path: &Path, reason: String| StartError::Tls {
        path: path.to_owned(),
        reason,
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fail(certificate, error.to_string()))?;
    let own = chain.first();
    let own = own.ok_or_else(|| fail(certificate, "it holds no certificate".into()))?;
    check_time(own, now).map_err(|reason| fail(certificate, reason))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::NoItemsFound => fail(key, "it holds no private key".into()),
        other => fail(key, other.to_string()),
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, secret)
        })
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let whose = certificate.display();
                fail(
                    key,
                    format!("it is not the key of the certificate in {whose}"),
                )
            }
            other => fail(certificate, other.to_string()),
        })?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(tls))
}

/// Whether a certificate is good now: with another, clients turn away and nobody here learns why.
fn check_time(certificate: &CertificateDer<'_>, now: Tick) -> Result<(), String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|_| "its first certificate cannot be read".to_owned())?;
    let (from, until) = (parsed.validity().not_before, parsed.validity().not_after);
    let now = now.millis() / 1_000;
    if now > until.timestamp() {
        return Err(format!("it expired on {until}: get a new one"));
    }
    if now < from.timestamp() {
        return Err(format!(
            "it is good from {from} on only; is the clock right?"
        ));
    }
    Ok(())
}

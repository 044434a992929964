//! TLS spoken by the server itself, by rustls on ring.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::StartError;
use crate::config::Config;

/// The configuration of TLS, or none if the server does not speak it.
pub(super) fn configuration(config: &Config) -> Result<Option<ServerConfig>, StartError> {
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
    if chain.is_empty() {
        return Err(fail(certificate, "it holds no certificate".into()));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| fail(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, secret)
        })
        .map_err(|error| fail(certificate, error.to_string()))?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(tls))
}

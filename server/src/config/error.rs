use std::net::SocketAddr;
use std::path::PathBuf;

/// What is wrong with the configuration, and how to put it right.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key that does not exist.
    #[error("in the configuration file {}: {reason}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where and what.
        reason: String,
    },
    /// `listen` is not an address and a port.
    #[error("listen: {found:?} is not an address with a port, like 127.0.0.1:8080")]
    Listen {
        /// What was given.
        found: String,
    },
    /// Plain HTTP, to be reached from other machines.
    #[error(
        "listen: {listen} can be reached from other machines, and everything would go there in \
         plain HTTP, for anybody on the way to read: give tls-cert and tls-key; or behind-proxy if \
         a proxy before the server speaks TLS; or plain-http if you know that nobody listens"
    )]
    Plain {
        /// Where the server was to listen.
        listen: SocketAddr,
    },
    /// `rp-id` is not a domain name.
    #[error("rp-id: {found:?} is not a domain name in small letters, like carnet.example")]
    RpId {
        /// What was given.
        found: String,
    },
    /// An origin that passkeys of this relying party cannot be used from.
    #[error(
        "origin: {found:?} must be https://, without a path, on the domain {rp_id} or below it \
         (http:// is allowed on localhost only)"
    )]
    Origin {
        /// What was given.
        found: String,
        /// The relying party.
        rp_id: String,
    },
    /// An Android app that is not in the right form.
    #[error(
        "android-app: {found:?} must be PACKAGE=FINGERPRINT, where the fingerprint is the SHA-256 \
         of the signing certificate in hexadecimal, colons allowed"
    )]
    AndroidApp {
        /// What was given.
        found: String,
    },
    /// An Apple app that is not in the right form.
    #[error("apple-app: {found:?} must be TEAMID.bundle.identifier, with a team of 10 characters")]
    AppleApp {
        /// What was given.
        found: String,
    },
    /// A certificate without a key, or a key without a certificate.
    #[error("tls-cert and tls-key go together: give both or neither")]
    TlsHalf,
    /// A number out of its bounds.
    #[error("{name} must be from {least} to {most}, not {found}")]
    Bounds {
        /// The setting.
        name: &'static str,
        /// The least it may be.
        least: u32,
        /// The most it may be.
        most: u32,
        /// What was given.
        found: u32,
    },
    /// A session that would outlive itself.
    #[error("session-idle-days must not be more than session-days")]
    IdleLonger,
}

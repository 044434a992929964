use std::path::{Path, PathBuf};

use clap::{Args, Command, ValueEnum};
use serde::Deserialize;

use super::ConfigError;
use crate::guard::Place;

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where a store is: what every command asks for.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Places {
    /// Data directory, made if it is not there [default: ./carnet-data]
    #[arg(long, global = true, env = "CARNET_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// File of the master key, made at first start [default: keys/master.key in the data directory]
    #[arg(long, global = true, env = "CARNET_MASTER_KEY", value_name = "FILE")]
    pub master_key: Option<PathBuf>,
}

/// How long codes are good for: what commands ask for that make one.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CodeDays {
    /// Days an enrolment code made by an administrator is good for [default: 7]
    #[arg(long, env = "CARNET_ENROLMENT_CODE_DAYS", value_name = "DAYS")]
    pub enrolment_code_days: Option<u32>,
}

impl Places {
    /// These places, and where they say nothing, the others.
    fn or(self, other: Self) -> Self {
        Self {
            data: self.data.or(other.data),
            master_key: self.master_key.or(other.master_key),
        }
    }
}

/// What can be set, as given: by flags and environment, or by a file whose keys are the names of
/// the flags.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    /// Where everything is kept: asked for by every command.
    #[arg(skip)]
    #[serde(flatten)]
    pub places: Places,
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "CARNET_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Domain that passkeys are bound to; cannot change once there are any [default: localhost]
    #[arg(long, env = "CARNET_RP_ID", value_name = "DOMAIN")]
    pub rp_id: Option<String>,
    /// Name that authenticators show [default: Carnet de santé]
    #[arg(long, env = "CARNET_RP_NAME", value_name = "NAME")]
    pub rp_name: Option<String>,
    /// Web origin people may sign in from, repeatable; links lead to the first
    /// [default: https:// and the rp-id, or http://localhost:8080]
    #[arg(long, env = "CARNET_ORIGIN", value_name = "URL", value_delimiter = ',')]
    #[serde(default)]
    pub origin: Vec<String>,
    /// Android app people may sign in from, PACKAGE=SHA-256 of its certificate, repeatable
    #[arg(
        long,
        env = "CARNET_ANDROID_APP",
        value_name = "APP",
        value_delimiter = ','
    )]
    #[serde(default)]
    pub android_app: Vec<String>,
    /// Apple app people may sign in from, TEAMID.bundle, repeatable
    #[arg(
        long,
        env = "CARNET_APPLE_APP",
        value_name = "APP",
        value_delimiter = ','
    )]
    #[serde(default)]
    pub apple_app: Vec<String>,
    /// Certificate chain, PEM, to speak TLS without a proxy
    #[arg(long, env = "CARNET_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, env = "CARNET_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Take the peer's address from X-Forwarded-For, as the proxy before the server wrote it
    /// [default: false]
    #[arg(
        long,
        env = "CARNET_BEHIND_PROXY",
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub behind_proxy: Option<bool>,
    /// Speak plain HTTP to other machines too: for a closed network, or a proxy that does not say who
    /// the peer is. Who listens there reads everything [default: false]
    #[arg(
        long,
        env = "CARNET_PLAIN_HTTP",
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub plain_http: Option<bool>,
    /// Days a session lasts at most, a year at most [default: 90]
    #[arg(long, env = "CARNET_SESSION_DAYS", value_name = "DAYS")]
    pub session_days: Option<u32>,
    /// Days a session lasts unused [default: 30]
    #[arg(long, env = "CARNET_SESSION_IDLE_DAYS", value_name = "DAYS")]
    pub session_idle_days: Option<u32>,
    /// How long enrolment codes are good for.
    #[command(flatten)]
    #[serde(flatten)]
    pub codes: CodeDays,
    /// Habilitation matrix, TOML: which profession reads and writes what [default: the built-in one]
    #[arg(long, env = "CARNET_HABILITATION", value_name = "FILE")]
    pub habilitation: Option<PathBuf>,
    /// Days for which what a device last fetched vouches for its good faith: an edit made under a
    /// right that has ended since waits for the holder [default: 30]
    #[arg(long, env = "CARNET_LEASE_DAYS", value_name = "DAYS")]
    pub lease_days: Option<u32>,
    /// Mebibytes that must be free on the disks of data and keys for the server to call itself ready
    /// and to take new edits [default: 64]
    #[arg(long, env = "CARNET_MIN_FREE", value_name = "MIB")]
    pub min_free: Option<u32>,
    /// Mebibytes that the changes of one record may take [default: 256]
    #[arg(long, env = "CARNET_RECORD_BYTES", value_name = "MIB")]
    pub record_bytes: Option<u32>,
    /// Start although the machine's clock is more than a year ahead of what was written last
    /// [default: false]
    #[arg(
        long,
        global = true,
        env = "CARNET_TRUST_CLOCK",
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub trust_clock: Option<bool>,
    /// Where changes are tried before they are taken in: in the server's threads, or in processes of
    /// their own, which an abort, a hang or a claim of memory ends instead of the server
    /// [default: thread]
    #[arg(long, env = "CARNET_GUARD", value_enum)]
    pub guard: Option<Place>,
    /// Seconds a request may take to arrive, and to be answered [default: 30]
    #[arg(long, env = "CARNET_REQUEST_SECONDS", value_name = "SECONDS")]
    pub request_seconds: Option<u32>,
    /// Seconds after which a live connection is asked each time whether it is still there; it ends when
    /// it has not answered twice [default: 30]
    #[arg(long, env = "CARNET_BEAT_SECONDS", value_name = "SECONDS")]
    pub beat_seconds: Option<u32>,
    /// Mebibytes of requests and live messages that may be in memory at once; one person's take 32 at
    /// most [default: 256]
    #[arg(long, env = "CARNET_REQUEST_MEMORY", value_name = "MIB")]
    pub request_memory: Option<u32>,
    /// Requests a minute from one peer address [default: 1200]
    #[arg(long, env = "CARNET_PEER_RATE", value_name = "N")]
    pub peer_rate: Option<u32>,
    /// Requests a minute in one session [default: 600]
    #[arg(long, env = "CARNET_SESSION_RATE", value_name = "N")]
    pub session_rate: Option<u32>,
    /// Seconds a stop waits for running requests [default: 20]
    #[arg(long, env = "CARNET_SHUTDOWN_SECONDS", value_name = "SECONDS")]
    pub shutdown_seconds: Option<u32>,
    /// Threads that serve requests [default: one a processor]
    #[arg(long, env = "CARNET_WORKERS", value_name = "N")]
    pub workers: Option<u32>,
    /// How logs are written, to standard error [default: text]
    #[arg(long, env = "CARNET_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// Which of this program's logs are written, like info or server::storage=debug
    /// [default: info]
    #[arg(long, env = "CARNET_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

impl Settings {
    /// Reads a TOML file.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
            path: path.to_owned(),
            source,
        })?;
        let wrong = |reason: String| ConfigError::Toml {
            path: path.to_owned(),
            reason,
        };
        let given: toml::Table = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if let Some(key) = given.keys().find(|key| !Self::is_one(key)) {
            return Err(wrong(format!(
                "there is no setting {key:?}; carnet serve --help lists them"
            )));
        }
        toml::from_str(&text).map_err(|error| wrong(error.to_string()))
    }

    /// Whether there is a setting of this name: a key of the file is named like its flag.
    fn is_one(key: &str) -> bool {
        let command = Places::augment_args(Self::augment_args(Command::new("settings")));
        command
            .get_arguments()
            .any(|argument| argument.get_long() == Some(key))
    }

    /// These settings, and where they say nothing, the others.
    pub fn or(self, other: Self) -> Self {
        let list = |mine: Vec<String>, theirs| if mine.is_empty() { theirs } else { mine };
        Self {
            places: self.places.or(other.places),
            listen: self.listen.or(other.listen),
            rp_id: self.rp_id.or(other.rp_id),
            rp_name: self.rp_name.or(other.rp_name),
            origin: list(self.origin, other.origin),
            android_app: list(self.android_app, other.android_app),
            apple_app: list(self.apple_app, other.apple_app),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            behind_proxy: self.behind_proxy.or(other.behind_proxy),
            plain_http: self.plain_http.or(other.plain_http),
            session_days: self.session_days.or(other.session_days),
            session_idle_days: self.session_idle_days.or(other.session_idle_days),
            codes: CodeDays {
                enrolment_code_days: (self.codes.enrolment_code_days)
                    .or(other.codes.enrolment_code_days),
            },
            habilitation: self.habilitation.or(other.habilitation),
            lease_days: self.lease_days.or(other.lease_days),
            min_free: self.min_free.or(other.min_free),
            record_bytes: self.record_bytes.or(other.record_bytes),
            trust_clock: self.trust_clock.or(other.trust_clock),
            guard: self.guard.or(other.guard),
            request_seconds: self.request_seconds.or(other.request_seconds),
            beat_seconds: self.beat_seconds.or(other.beat_seconds),
            request_memory: self.request_memory.or(other.request_memory),
            peer_rate: self.peer_rate.or(other.peer_rate),
            session_rate: self.session_rate.or(other.session_rate),
            shutdown_seconds: self.shutdown_seconds.or(other.shutdown_seconds),
            workers: self.workers.or(other.workers),
            log_format: self.log_format.or(other.log_format),
            log: self.log.or(other.log),
        }
    }
}

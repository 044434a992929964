//! Configuration: a flag, else an environment variable, else the TOML file, else a default.

mod apps;
mod error;
mod settings;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use crate::guard::Place;
pub use apps::{AndroidApp, AppleApp};
pub use error::ConfigError;
pub use settings::{CodeDays, LogFormat, Places, Settings};

/// The most that a setting in days may be: nothing here lasts longer than a year.
const MOST_DAYS: u32 = 366;

/// The most that a setting in seconds may be: an hour.
const MOST_SECONDS: u32 = 3_600;

/// The most seconds between two beats of a live connection: phones take one that is silent for 75 for
/// broken.
const MOST_BEAT: u32 = 30;

/// The most requests a minute that a limit may allow.
const MOST_RATE: u32 = 1_000_000;

/// The most mebibytes that may be asked to be free: a tebibyte.
const MOST_FREE: u32 = 1_048_576;
/// Half of what one person may take up: a request of the largest size fits.
const LEAST_MEMORY: u32 = 16;
const MIB: usize = 1024 * 1024;

/// The most threads that may serve.
const MOST_WORKERS: u32 = 1_024;

/// A configuration that was checked and is complete.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory.
    pub data: PathBuf,
    /// The file of the key that wraps the others.
    pub master_key: PathBuf,
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The WebAuthn relying party: a domain that passkeys are bound to for good.
    pub rp_id: String,
    /// What authenticators call the service.
    pub rp_name: String,
    /// Origins of web pages that may sign in; the first is where links lead.
    pub origins: Vec<Url>,
    /// Whether the port of an origin is left out of comparison: on `localhost` only.
    pub any_port: bool,
    /// Android apps that may sign in.
    pub android_apps: Vec<AndroidApp>,
    /// Apple apps that may sign in.
    pub apple_apps: Vec<AppleApp>,
    /// Certificate chain and private key, PEM, when the server itself speaks TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whether a reverse proxy stands before the server and says who the peer is.
    pub behind_proxy: bool,
    /// How long a session lasts at most.
    pub session: Duration,
    /// How long a session lasts unused.
    pub session_idle: Duration,
    /// How long an enrolment code is good for when an administrator makes it.
    pub enrolment_code: Duration,
    /// The file of the habilitation matrix, if it is not the built-in one.
    pub habilitation: Option<PathBuf>,
    /// For how many days a checkpoint vouches that its device acted in good faith.
    pub lease_days: u32,
    /// How many bytes must be free on the disks of data and keys.
    pub min_free: u64,
    /// How many bytes the changes of one record may take.
    pub record_bytes: u64,
    /// The clock is right, however far it is ahead of what was written last.
    pub trust_clock: bool,
    /// Where changes are tried before they are taken in.
    pub guard: Place,
    /// How long a request may take to arrive, and to be answered.
    pub request_timeout: Duration,
    /// How often a silent live connection is asked whether it is still there.
    pub beat: Duration,
    /// How many bytes of requests and live messages may be in memory at once.
    pub request_memory: usize,
    /// Requests a minute from one peer address.
    pub peer_rate: u32,
    /// Requests a minute in one session.
    pub session_rate: u32,
    /// How long a stop waits for running requests.
    pub shutdown_timeout: Duration,
    /// Threads that serve requests.
    pub workers: usize,
    /// How logs are written.
    pub log_format: LogFormat,
    /// The filter of this program's own logs, like `info` or `server::storage=debug`.
    pub log: String,
}

impl Config {
    /// A configuration for `data`, with the default for everything else and any free port of the
    /// loopback address: what tests and demonstrations start from.
    pub fn local(data: &Path) -> Self {
        let settings = Settings {
            places: Places {
                data: Some(data.to_owned()),
                master_key: None,
            },
            listen: Some("127.0.0.1:0".to_owned()),
            // Another process of a test would be the test again.
            guard: Some(Place::Thread),
            ..Settings::default()
        };
        Self::resolve(settings).expect("the defaults are valid")
    }

    /// The data store's file.
    pub fn database(&self) -> PathBuf {
        self.data.join("carnet.sqlite")
    }

    /// The directory of the key store.
    pub fn keys(&self) -> PathBuf {
        keys_directory(&self.data)
    }

    /// Where links lead: the first web origin.
    pub fn public_url(&self) -> &Url {
        &self.origins[0]
    }

    /// Completes settings by their defaults and checks them.
    pub fn resolve(settings: Settings) -> Result<Self, ConfigError> {
        let places = settings.places;
        let data = places.data.unwrap_or_else(|| "carnet-data".into());
        let listen = settings.listen.as_deref().unwrap_or("127.0.0.1:8080");
        let listen: SocketAddr = listen.parse().map_err(|_| ConfigError::Listen {
            found: listen.to_owned(),
        })?;
        let rp_id = settings.rp_id.unwrap_or_else(|| "localhost".into());
        let any_port = rp_id == "localhost";
        let origins = origins(&settings.origin, &rp_id)?;
        let tls = match (settings.tls_cert, settings.tls_key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(ConfigError::TlsHalf),
        };
        let behind_proxy = settings.behind_proxy.unwrap_or(false);
        let guarded = tls.is_some() || behind_proxy || settings.plain_http.unwrap_or(false);
        if !guarded && !listen.ip().to_canonical().is_loopback() {
            return Err(ConfigError::Plain { listen });
        }
        let days = |name, value: Option<u32>, default| {
            let days = bounded(name, value, default, 1..=MOST_DAYS)?;
            Ok(Duration::from_secs(u64::from(days) * 86_400))
        };
        let seconds = |name, value: Option<u32>, default| {
            let seconds = bounded(name, value, default, 1..=MOST_SECONDS)?;
            Ok(Duration::from_secs(u64::from(seconds)))
        };
        let rate = |name, value: Option<u32>, default| bounded(name, value, default, 1..=MOST_RATE);
        let bytes = |mebibytes: u32| u64::from(mebibytes) * MIB as u64;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let cores = u32::try_from(cores).map_or(MOST_WORKERS, |n| n.min(MOST_WORKERS));
        let config = Self {
            master_key: places
                .master_key
                .unwrap_or_else(|| keys_directory(&data).join("master.key")),
            listen,
            rp_name: settings.rp_name.unwrap_or_else(|| "Carnet de santé".into()),
            origins,
            any_port,
            android_apps: parse_all(&settings.android_app)?,
            apple_apps: parse_all(&settings.apple_app)?,
            tls,
            behind_proxy,
            session: days("session-days", settings.session_days, 90)?,
            session_idle: days("session-idle-days", settings.session_idle_days, 30)?,
            enrolment_code: days("enrolment-code-days", settings.codes.enrolment_code_days, 7)?,
            habilitation: settings.habilitation,
            lease_days: bounded("lease-days", settings.lease_days, 30, 1..=MOST_DAYS)?,
            min_free: bytes(bounded("min-free", settings.min_free, 64, 0..=MOST_FREE)?),
            record_bytes: bytes(bounded(
                "record-bytes",
                settings.record_bytes,
                256,
                1..=MOST_FREE,
            )?),
            trust_clock: settings.trust_clock.unwrap_or(false),
            guard: settings.guard.unwrap_or_default(),
            request_timeout: seconds("request-seconds", settings.request_seconds, 30)?,
            beat: Duration::from_secs(u64::from(bounded(
                "beat-seconds",
                settings.beat_seconds,
                MOST_BEAT,
                1..=MOST_BEAT,
            )?)),
            request_memory: bounded(
                "request-memory",
                settings.request_memory,
                256,
                LEAST_MEMORY..=MOST_FREE,
            )? as usize
                * MIB,
            peer_rate: rate("peer-rate", settings.peer_rate, 1200)?,
            session_rate: rate("session-rate", settings.session_rate, 600)?,
            shutdown_timeout: seconds("shutdown-seconds", settings.shutdown_seconds, 20)?,
            workers: bounded("workers", settings.workers, cores, 1..=MOST_WORKERS)? as usize,
            log_format: settings.log_format.unwrap_or_default(),
            log: settings.log.unwrap_or_else(|| "info".into()),
            data,
            rp_id,
        };
        if config.session_idle > config.session {
            return Err(ConfigError::IdleLonger);
        }
        Ok(config)
    }
}

fn keys_directory(data: &Path) -> PathBuf {
    data.join("keys")
}

/// A number if it is given and within its bounds, the default if none is given.
fn bounded(
    name: &'static str,
    value: Option<u32>,
    default: u32,
    bounds: RangeInclusive<u32>,
) -> Result<u32, ConfigError> {
    match value {
        Some(found) if !bounds.contains(&found) => Err(ConfigError::Bounds {
            name,
            least: *bounds.start(),
            most: *bounds.end(),
            found,
        }),
        given => Ok(given.unwrap_or(default)),
    }
}

fn parse_all<T: std::str::FromStr<Err = ConfigError>>(
    texts: &[String],
) -> Result<Vec<T>, ConfigError> {
    texts.iter().map(|text| text.parse()).collect()
}

/// Web origins, each of the relying party's domain or below it, as WebAuthn demands.
fn origins(texts: &[String], rp_id: &str) -> Result<Vec<Url>, ConfigError> {
    let domain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    if rp_id.is_empty() || !rp_id.chars().all(domain) || rp_id.parse::<std::net::IpAddr>().is_ok() {
        return Err(ConfigError::RpId {
            found: rp_id.to_owned(),
        });
    }
    let standard = match rp_id {
        "localhost" => "http://localhost:8080".to_owned(),
        other => format!("https://{other}"),
    };
    let standard = [standard];
    let texts = if texts.is_empty() { &standard } else { texts };
    texts
        .iter()
        .map(|text| {
            let fail = || ConfigError::Origin {
                found: text.clone(),
                rp_id: rp_id.to_owned(),
            };
            let url = Url::parse(text).map_err(|_| fail())?;
            let host = url.domain().ok_or_else(fail)?;
            let inside = host == rp_id || host.ends_with(&format!(".{rp_id}"));
            let secure = url.scheme() == "https" || (url.scheme() == "http" && host == "localhost");
            let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            (inside && secure && bare).then_some(url).ok_or_else(fail)
        })
        .collect()
}

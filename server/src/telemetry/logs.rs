use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::config::{Config, LogFormat};

/// Why logging does not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("log: {0} (try info, or server::storage=debug)")]
    Filter(#[from] ParseError),
    /// Something else in the process writes logs already.
    #[error("logging was started twice")]
    Twice,
}

/// Writes logs to standard error, for the life of the process.
pub fn start_logs(config: &Config) -> Result<(), LogError> {
    let subscriber = subscriber(&config.log, config.log_format, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Twice)
}

/// What writes logs of this program where the filter asks for them, and of nothing else: a
/// library's own events may hold what passed through it.
pub fn subscriber<W>(
    filter: &str,
    format: LogFormat,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter)?;
    let ours = tracing_subscriber::filter::filter_fn(|metadata| {
        ["server", "carnet", "sync_core"].iter().any(|name| {
            metadata
                .target()
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    });
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    use tracing_subscriber::Layer as _;
    Ok(match format {
        LogFormat::Text => Box::new(registry.with(layer.with_ansi(false).with_filter(ours))),
        LogFormat::Json => Box::new(registry.with(layer.json().with_filter(ours))),
    })
}

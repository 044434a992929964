use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::{CommandError, output};
use crate::app;
use crate::config::Config;
use crate::telemetry;

/// Serves until told to stop.
pub(super) async fn serve(config: Config) -> Result<(), CommandError> {
    telemetry::start_logs(&config)?;
    allow_files();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = app::run(config).await?;
    if let (path, true) = running.app().keys.master_file() {
        eprintln!(
            "carnet: made the master key {}: keep a copy elsewhere; without it nothing stored \
             here can be read again",
            path.display()
        );
    }
    output::line(&format!("listening on {}", running.url()))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: no more requests are taken, those that run finish");
    running.stop().await;
    Ok(())
}

/// Every connection takes a file: as many may be open as the system ever lets this process have.
fn allow_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::info!(most = maximum, "the limit of open files and connections"),
        Err(error) => {
            tracing::warn!(most = current, %error, "the limit of open files cannot be raised");
        }
    }
}

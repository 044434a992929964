//! The runtime behind blocking functions: one for the process, however many stores are open.

use std::sync::{OnceLock, mpsc};

use tokio::runtime::{Builder, Runtime};

use crate::driver::NetError;
use crate::error::Error;

fn runtime() -> Result<&'static Runtime, Error> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("carnet")
            .enable_all()
            .build()
            .ok()
    });
    runtime.as_ref().ok_or(Error::Net(NetError::Unreachable))
}

/// Runs a future to its end and gives what it gave. May be called from anywhere, also from within
/// another runtime, whose thread it then blocks.
pub(super) fn wait<T: Send + 'static>(
    future: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let (done, result) = mpsc::sync_channel(1);
    runtime()?.spawn(async move {
        // Nobody is left to hear it only if the caller's thread died.
        let _ = done.send(future.await);
    });
    result.recv().unwrap_or(Err(Error::Cancelled))
}

/// Runs a future besides.
pub(super) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
    runtime()?.spawn(future);
    Ok(())
}

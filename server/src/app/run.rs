use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{HttpServer, web};
use socket2::{Domain, Socket, Type};
use tokio::task::JoinHandle;

use super::{App, StartError, lock_for_serving};
use crate::clock::{Clock, WatchedClock};
use crate::config::Config;
use crate::{http, telemetry};

/// A server that runs in this process, until stopped.
pub struct Running {
    address: SocketAddr,
    app: web::Data<App>,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
    upkeep: JoinHandle<()>,
    _serving: File,
}

/// Starts a server with the machine's clock, watched.
pub async fn run(config: Config) -> Result<Running, StartError> {
    run_with(config, Arc::new(WatchedClock::system())).await
}

/// Starts a server with a clock of the caller's. It listens when this returns.
pub async fn run_with(config: Config, clock: Arc<dyn Clock>) -> Result<Running, StartError> {
    let listen = config.listen;
    let app = web::Data::new(App::open(config, clock)?);
    let serving = lock_for_serving(&app.config.data)?;
    app.check_keys().await?;
    app.check_entry_keys().await?;
    app.check_clock().await?;
    app.check_copied().await?;
    app.replay_revocations().await?;
    app.check_shelves().await?;
    app.check_destroyed().await?;
    app.check_relying_party().await?;
    let fail = |source| StartError::Listen {
        address: listen,
        source,
    };
    let metrics = telemetry::metrics();
    let (shared, kept) = (app.clone(), app.clone());
    let server = HttpServer::new(move || http::app(shared.clone()))
        .workers(app.config.workers)
        .shutdown_timeout(app.config.shutdown_timeout.as_secs())
        .client_request_timeout(app.config.request_timeout)
        .tcp_nodelay(true)
        .disable_signals();
    let tls = super::tls::configuration(&app.config, app.clock.now())?;
    let listener = listener(listen).map_err(fail)?;
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls),
        None => server.listen(listener),
    }
    .map_err(fail)?;
    let address = *server
        .addrs()
        .first()
        .ok_or_else(|| fail(std::io::Error::other("no address was bound")))?;
    let server = server.run();
    let handle = server.handle();
    Ok(Running {
        address,
        app,
        handle,
        server: tokio::spawn(server),
        upkeep: tokio::spawn(async move {
            let mut every = tokio::time::interval(Duration::from_secs(15));
            loop {
                every.tick().await;
                metrics.run_upkeep();
                kept.catch_up().await;
            }
        }),
        _serving: serving,
    })
}

/// How long a client may leave what it is sent unread before its connection ends.
const UNREAD: Duration = Duration::from_secs(120);

/// How many connections may wait to be taken.
const BACKLOG: i32 = 1024;

/// Listens, with [`UNREAD`] for each connection where the system knows such a limit.
fn listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNREAD))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl Running {
    /// Where the server listens; with port 0 configured, the port it was given.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The base of its URLs, as the machine itself reaches it.
    pub fn url(&self) -> String {
        let scheme = match self.app.config.tls {
            Some(_) => "https",
            None => "http",
        };
        format!("{scheme}://{}", self.address)
    }

    /// What its handlers share.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// What the handlers share, as they have it.
    #[cfg(test)]
    pub(crate) fn shared(&self) -> web::Data<App> {
        self.app.clone()
    }

    /// Takes no more requests, lets those that run finish, and lets the stores finish writing.
    pub async fn stop(self) {
        self.app.begin_stop();
        self.handle.stop(true).await;
        // Nothing to learn from how the task ended: it was told to.
        let _ = self.server.await;
        self.upkeep.abort();
        self.app.db.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken from a listener has its limit.
    #[cfg(target_os = "linux")]
    #[test]
    fn who_does_not_read_what_is_sent_is_cut_off() {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = listener(loopback).expect("listens");
        let address = listener.local_addr().expect("an address");
        let _client = std::net::TcpStream::connect(address).expect("connects");
        let (taken, _) = listener.accept().expect("takes it");
        let limit = socket2::SockRef::from(&taken).tcp_user_timeout();
        assert_eq!(limit.expect("tells"), Some(UNREAD));
    }
}

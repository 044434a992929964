//! `server PORT FOLDER`: a samod sync server over WebSockets, its documents in files.

use std::error::Error;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::get;
use samod::storage::TokioFilesystemStorage;
use samod::{Repo, ShareConfig};

/// Larger than any message of the workloads.
const MESSAGE: usize = 1 << 30;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: server PORT FOLDER".into());
    };
    let port: u16 = port.parse()?;
    let repo = Repo::build_tokio()
        .with_peer_id("samod-server".into())
        .with_storage(TokioFilesystemStorage::new(&folder))
        // As automerge-repo's sync server does: serve what is asked for, announce nothing.
        .with_share_policy(ShareConfig::read_write().with_announce(false))
        .load()
        .await;
    let acceptor = repo.make_acceptor(format!("ws://127.0.0.1:{port}/").parse()?)?;
    let connect = |upgrade: WebSocketUpgrade| async move {
        let upgrade = upgrade.max_message_size(MESSAGE).max_frame_size(MESSAGE);
        upgrade.on_upgrade(move |socket| async move {
            // A socket that is gone again needs no answer.
            let _ = acceptor.accept_axum(socket, None);
        })
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, Router::new().route("/", get(connect))).await?;
    Ok(())
}

//! What is under way is bounded, over HTTP and on the line alike.

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use sync_core::PersonId;

use super::*;
use crate::config::Config;
use crate::load::{AT_ONCE, OWN, SHARE};

const MIB: usize = 1024 * 1024;

/// Posts a request to sync; the status, and the last part of the type of a problem.
async fn post(running: &Running, phone: &mut Phone, token: &str) -> (u16, String) {
    post_padded(running, phone, token, 0).await
}

/// Likewise, of so many bytes more, which nobody reads.
async fn post_padded(
    running: &Running,
    phone: &mut Phone,
    token: &str,
    bytes: usize,
) -> (u16, String) {
    let mut body = Encoding::Json.write(&phone.request());
    body.resize(body.len() + bytes, b' ');
    let path = format!("{}/v1/records/{}/sync", running.url(), phone.head.record);
    let request = reqwest::Client::new().post(path).bearer_auth(token);
    let request = request.header("content-type", "application/json");
    let answer = request.body(body).send().await.expect("answers");
    let status = answer.status().as_u16();
    let told: serde_json::Value = answer.json().await.expect("JSON");
    let kind = told["type"].as_str().unwrap_or_default();
    (status, kind.trim_start_matches("/problems/").to_owned())
}

#[tokio::test]
async fn who_has_their_share_under_way_waits_and_nobody_else_does() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (world, running) = World::serving().await;
    let (mut one, mut other) = (world.holder(1).await, world.holder(2).await);
    let tokens = (world.sign_in(&mut one), world.sign_in(&mut other));
    let load = &running.app().load;
    let mut held = load.begin(one.author.person);
    held.resize(SHARE).expect("fits");
    let refused = post(&running, &mut one, &tokens.0).await;
    assert_eq!(refused, (429, "too-many".to_owned()));
    assert_eq!(post(&running, &mut other, &tokens.1).await.0, 200);
    // A live line that would keep more than that, of a message or before it is whole, ends, and says
    // that it may be opened again.
    let part = Frame::message(vec![0; 8], OpCode::Data(Data::Binary), false);
    let whole = Message::binary(Encoding::Cbor.write(&one.request()));
    for message in [Message::Frame(part), whole] {
        let mut socket = connect(&running, &one, &tokens.0).await.expect("connects");
        socket.send(message).await.expect("sends");
        let Message::Close(Some(reason)) = next(&mut socket).await else {
            panic!("still open");
        };
        assert_eq!(reason.code, CloseCode::Again);
        assert_eq!(reason.reason.as_str(), "too-many");
    }
    held.resize(0).expect("less");
    assert_eq!(post(&running, &mut one, &tokens.0).await.0, 200);
    running.stop().await;
}

#[tokio::test]
async fn all_requests_together_have_so_much_memory() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().expect("a directory");
    let config = Config {
        request_memory: 16 * MIB,
        ..Config::local(dir.path())
    };
    let (world, running) = World::serving_as(config, dir).await;
    let mut holder = world.holder(1).await;
    let token = world.sign_in(&mut holder);
    let mut held = running.app().load.begin(PersonId(uuid::Uuid::from_u128(9)));
    held.resize(16 * MIB + OWN).expect("fits");
    assert_eq!(post(&running, &mut holder, &token).await.0, 200);
    let refused = post_padded(&running, &mut holder, &token, 2 * OWN).await;
    assert_eq!(refused, (503, "unavailable".to_owned()));
    drop(held);
    let padded = post_padded(&running, &mut holder, &token, 3 * MIB).await;
    assert_eq!(padded.0, 200);
    let refused = post_padded(&running, &mut holder, &token, 4 * MIB).await;
    assert_eq!(refused, (413, "too-large".to_owned()));
    running.stop().await;
}

/// Turns are waited for; the requests of others, and those of the same person that come later, go on
/// once they are over.
#[tokio::test]
async fn a_person_has_so_many_requests_worked_on_at_once() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (world, running) = World::serving().await;
    let (mut one, mut other) = (world.holder(1).await, world.holder(2).await);
    let tokens = (world.sign_in(&mut one), world.sign_in(&mut other));
    let load = running.app().load.clone();
    let turns = join_all((0..AT_ONCE).map(|_| load.begin(one.author.person).into_turn())).await;
    let person = one.author.person;
    let mut waiting = Box::pin(post(&running, &mut one, &tokens.0));
    let arrives = async {
        while load.holders(person) <= AT_ONCE {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = &mut waiting => panic!("had no turn to wait for"),
        () = arrives => {}
    }
    assert_eq!(post(&running, &mut other, &tokens.1).await.0, 200);
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(turns);
    assert_eq!(waiting.as_mut().await.0, 200);
    drop(waiting);
    running.stop().await;
}

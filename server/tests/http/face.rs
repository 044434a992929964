//! What the face answers to anybody, and how it bounds them.

use serde_json::json;
use server::app::run;

use super::authenticator::Authenticator;
use super::world::{World, token};

#[tokio::test]
async fn it_says_what_it_is_and_how_it_is() {
    let world = World::new().await;
    let home = world
        .http
        .get(world.url("/"))
        .send()
        .await
        .expect("answers");
    assert_eq!(home.headers()["x-content-type-options"], "nosniff");
    assert!(home.headers().contains_key("x-request-id"));
    let home = home.text().await.expect("text");
    assert!(home.contains("/openapi.json"));
    for (path, holds) in [
        ("/healthz", "ok"),
        ("/readyz", "ready"),
        ("/metrics", "carnet_store_commit_seconds"),
        ("/problems/too-many", "429"),
        ("/.well-known/assetlinks.json", "[]"),
        ("/.well-known/apple-app-site-association", "webcredentials"),
        ("/.well-known/webauthn", "http://localhost:8080"),
    ] {
        let answer = world
            .http
            .get(world.url(path))
            .send()
            .await
            .expect("answers");
        assert_eq!(answer.status(), 200, "{path}");
        let text = answer.text().await.expect("text");
        assert!(text.contains(holds), "{path}: {text}");
    }
}

#[tokio::test]
async fn every_described_path_is_served() {
    let world = World::new().await;
    let api = world.get("/openapi.json", "").await.ok();
    let paths = api["paths"].as_object().expect("paths");
    assert!(paths.contains_key("/v1/sign-in/finish"));
    for (path, methods) in paths {
        for method in methods.as_object().expect("methods").keys() {
            let method = method.to_uppercase();
            let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
            let url = world.url(&path.replace("{id}", "00000000-0000-0000-0000-000000000000"));
            let answer = world.send(world.http.request(method.clone(), url)).await;
            assert_ne!(answer.status, 404, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn errors_are_problems() {
    let world = World::new().await;
    world.get("/nowhere", "").await.refused("not-found");
    let send = |body: &'static str, kind: &'static str| {
        let url = world.url("/v1/sign-in/start");
        let request = world.http.post(url).header("content-type", kind).body(body);
        world.send(request)
    };
    send("{", "application/json").await.refused("malformed");
    send("{}", "text/plain").await.refused("unsupported-media");
    send("[]", "application/cbor").await.refused("malformed");
}

#[tokio::test]
async fn cbor_is_spoken_too() {
    let world = World::new().await;
    let answer = world
        .http
        .post(world.url("/v1/sign-in/start"))
        .header("content-type", "application/cbor")
        .body(vec![0xa0])
        .send()
        .await
        .expect("answers");
    assert_eq!(answer.headers()["content-type"], "application/cbor");
    let body = answer.bytes().await.expect("a body");
    let body: ciborium::Value = ciborium::from_reader(&body[..]).expect("is CBOR");
    assert!(body.is_map());
}

#[tokio::test]
async fn a_body_is_bounded_after_decompression() {
    let world = World::new().await;
    let bomb = zstd::encode_all(&vec![b' '; 64 << 20][..], 3).expect("packs");
    assert!(bomb.len() < 1 << 20);
    let request = world
        .http
        .post(world.url("/v1/sign-in/start"))
        .header("content-type", "application/json")
        .header("content-encoding", "zstd")
        .body(bomb);
    world.send(request).await.refused("too-large");
    let small = zstd::encode_all(&b"{}"[..], 3).expect("packs");
    let request = world
        .http
        .post(world.url("/v1/sign-in/start"))
        .header("content-type", "application/json")
        .header("content-encoding", "zstd")
        .body(small);
    world.send(request).await.ok();
}

#[tokio::test]
async fn a_peer_and_a_session_have_their_rates() {
    let world = World::new().await;
    let session = world.enrol("Ana", &mut Authenticator::default()).await;
    let limited = |change: fn(&mut server::config::Config)| {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut config = server::config::Config::local(dir.path());
        change(&mut config);
        async move { (run(config).await.expect("starts"), dir) }
    };
    let (running, _dir) = limited(|config| config.peer_rate = 3).await;
    for _ in 0..3 {
        let url = format!("{}/healthz", running.url());
        let answer = world.send(world.http.get(url)).await;
        assert_eq!(answer.status, 200);
    }
    let url = format!("{}/healthz", running.url());
    let answer = world.send(world.http.get(url)).await;
    assert!(answer.headers.contains_key("retry-after"));
    answer.refused("too-many");
    running.stop().await;

    // Look-ups of other people are bounded apart.
    let path = "/v1/professionals/10101010105";
    for _ in 0..30 {
        world.get(path, token(&session)).await.refused("not-found");
    }
    world.get(path, token(&session)).await.refused("too-many");
    assert_eq!(
        world.get("/v1/me", token(&session)).await.body["name"],
        json!("Ana Martin")
    );
}

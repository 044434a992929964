//! What the face answers to anybody, and how it bounds them.

use std::time::Duration;

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection as _;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::json;
use server::app::{Running, run, run_with};
use server::config::Config;
use server::fault::Fault;
use server::storage::sqlite::open_connection;
use sync_core::policy::Matrix;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::authenticator::Authenticator;
use super::world::{Answer, World, token};

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
async fn the_link_of_an_invitation_says_what_to_do_in_two_languages() {
    let world = World::new().await;
    let asked = world.http.get(world.url("/enrol#MKHKN-YP1HB")).send();
    let answer = asked.await.expect("answers");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let policy = answer.headers()["content-security-policy"].to_str();
    assert!(policy.expect("text").contains("default-src 'none'"));
    let text = answer.text().await.expect("text");
    for said in ["lang=\"fr\"", "lang=\"en\"", "carnet-phone enrol"] {
        assert!(text.contains(said), "{said}");
    }
    assert!(!text.contains("<script") && !text.contains("MKHKN"));
}

/// The description says how a request can fail before its handler is asked.
#[tokio::test]
async fn what_every_request_meets_is_described() {
    let world = World::new().await;
    let api = world.get("/openapi.json", "").await.ok();
    let (mut signed, mut with_body) = (0, 0);
    for (path, methods) in api["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let says = |status: &str| operation["responses"].get(status).is_some();
            for status in ["408", "429", "503"] {
                assert!(says(status), "{method} {path}: {status}");
            }
            if let Some(security) = operation.get("security") {
                signed += 1;
                assert!(says("401"), "{method} {path}");
                assert_eq!(security, &json!([{ "session": [] }, { "cookie": [] }]));
                let with_origin = method != "get" || path.ends_with("/live");
                assert!(says("403") || !with_origin, "{method} {path}");
            }
            let parameters = operation["parameters"].as_array();
            let mut queries = parameters.into_iter().flatten();
            if queries.any(|parameter| parameter["in"] == "query") {
                assert!(says("400"), "{method} {path}");
            }
            if operation.get("requestBody").is_some() {
                with_body += 1;
                let body = ["400", "408", "413", "415"];
                assert!(body.iter().all(|status| says(status)), "{method} {path}");
            }
        }
    }
    let cookie = &api["components"]["securitySchemes"]["cookie"];
    assert_eq!(cookie["in"], json!("cookie"));
    assert_eq!(cookie["name"], json!(server::sessions::COOKIE));
    assert!(signed > 10 && with_body > 5, "{signed} {with_body}");
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
    send("7", "application/json").await.refused("malformed");
}

#[tokio::test]
async fn a_path_says_what_it_takes() {
    let world = World::new().await;
    for (method, path, allowed) in [
        ("DELETE", "/v1/records", "GET"),
        ("GET", "/v1/sign-in/start", "POST"),
        (
            "PUT",
            "/v1/me/devices/00000000-0000-0000-0000-000000000000",
            "DELETE, PATCH",
        ),
        ("POST", "/problems/too-many", "GET"),
    ] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let answer = world
            .send(world.http.request(method, world.url(path)))
            .await;
        assert_eq!(answer.status, 405, "{path}");
        let mut methods: Vec<_> = answer.headers["allow"]
            .to_str()
            .expect("text")
            .split(", ")
            .collect();
        methods.sort_unstable();
        assert_eq!(methods.join(", "), allowed, "{path}");
        answer.refused("method-not-allowed");
    }
}

/// The answer to a request whose body does not arrive.
async fn half_a_body(running: &Running) -> Answer {
    let mut connection = TcpStream::connect(running.addr()).await.expect("connects");
    let request = "POST /v1/sign-in/start HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                   content-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    let sent = connection.write_all(request.as_bytes()).await;
    sent.expect("sends");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    });
    Answer {
        status: status.and_then(|code| code.parse().ok()).expect("a status"),
        headers: headers.collect(),
        body: serde_json::from_str(body).unwrap_or_default(),
    }
}

/// Refusals too, whether they come from a handler or from what stands before all of them.
#[tokio::test]
async fn every_answer_is_dressed_the_same() {
    let world = World::new().await;
    let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a temporary directory"));
    let [mut config, mut hasty] = dirs.each_ref().map(|dir| Config::local(dir.path()));
    config.peer_rate = 5;
    hasty.request_timeout = Duration::from_secs(1);
    let running = run(config).await.expect("starts");
    let hasty = run(hasty).await.expect("starts");
    let url = |path: &str| format!("{}{path}", running.url());
    let start = || world.http.post(url("/v1/sign-in/start"));
    let json = || start().header("content-type", "application/json");
    let bomb = zstd::encode_all(&vec![b' '; 5 << 20][..], 3).expect("packs");
    let requests = [
        (world.http.get(url("/")), 200),
        (world.http.get(url("/nowhere")), 404),
        (world.http.get(url("/v1/sign-in/start")), 405),
        (start().body("{}"), 415),
        (json().header("content-encoding", "zstd").body(bomb), 413),
        (world.http.get(url("/")), 429),
    ];
    let mut answers = vec![(half_a_body(&hasty).await, 408)];
    for (request, status) in requests {
        answers.push((world.send(request).await, status));
    }
    for (answer, status) in answers {
        assert_eq!(answer.status, status);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.headers[name], value, "{status}");
        }
        for name in [
            "content-security-policy",
            "strict-transport-security",
            "x-request-id",
        ] {
            assert!(answer.headers.contains_key(name), "{status} {name}");
        }
        if status != 200 {
            assert_eq!(
                answer.headers["content-type"], "application/problem+json",
                "{status}"
            );
        }
    }
    running.stop().await;
    hasty.stop().await;
}

#[tokio::test]
async fn cbor_is_spoken_too() {
    let world = World::new().await;
    let ceremony = world
        .http
        .post(world.url("/v1/sign-in/start"))
        .header("content-type", "application/cbor")
        .body(vec![0xa0]);
    let refused = world.send(ceremony).await;
    assert_eq!(refused.status, 415);
    refused.refused("unsupported-media");
    let session = world.enrol("Ana", &mut Authenticator::default()).await;
    let answer = world
        .http
        .get(world.url("/v1/habilitation"))
        .bearer_auth(token(&session))
        .header("accept", "application/cbor")
        .send()
        .await
        .expect("answers");
    assert_eq!(answer.headers()["content-type"], "application/cbor");
    let body = answer.bytes().await.expect("a body");
    let body: ciborium::Value = ciborium::from_reader(&body[..]).expect("is CBOR");
    let body = body.into_map().expect("a map");
    let matrix = body
        .iter()
        .find(|(name, _)| name.as_text() == Some("matrix"));
    let matrix = matrix.expect("the matrix").1.deserialized::<Matrix>();
    assert_eq!(matrix.expect("a matrix"), Matrix::default());
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
        let url = format!("{}/v1/habilitation", running.url());
        let answer = world.send(world.http.get(url)).await;
        assert_eq!(answer.status, 401);
    }
    let probe = world.http.get(format!("{}/healthz", running.url())).send();
    assert_eq!(probe.await.expect("answers").status(), 200);
    let url = format!("{}/v1/habilitation", running.url());
    let answer = world.send(world.http.get(url)).await;
    assert!(answer.headers.contains_key("retry-after"));
    answer.refused("too-many");
    running.stop().await;

    // Look-ups of other people are bounded apart.
    let (path, whom) = ("/v1/professionals/search", json!({ "rpps": "10101010105" }));
    let look_up = || world.post_as(path, &whom, token(&session));
    for _ in 0..30 {
        look_up().await.refused("not-found");
    }
    look_up().await.refused("too-many");
    assert_eq!(
        world.get("/v1/me", token(&session)).await.body["name"],
        json!("Ana Martin")
    );
}

#[tokio::test]
async fn it_is_not_ready_while_another_process_keeps_its_store_locked() {
    let world = World::new().await;
    let app = world.running().app();
    // Nothing here waits ten seconds.
    let hurried = |c: &mut SqliteConnection| -> Result<(), Fault> {
        Ok(c.batch_execute("PRAGMA busy_timeout = 0")?)
    };
    app.db.write(hurried).await.expect("set");
    let mut other = open_connection(app.db.path()).expect("opens");
    other.batch_execute("BEGIN IMMEDIATE").expect("locks");
    let ready = || world.send(world.http.get(world.url("/readyz")));
    let answer = ready().await;
    assert_eq!(answer.status, 503);
    assert!(answer.headers.contains_key("retry-after"));
    answer.refused("unavailable");
    other.batch_execute("ROLLBACK").expect("unlocks");
    // However many ask, one of them waited for whoever keeps it locked; for a while.
    assert_eq!(ready().await.status, 503);
    world.clock.advance_seconds(2);
    let again = world.http.get(world.url("/readyz")).send().await;
    assert_eq!(again.expect("answers").status(), 200);
}

#[tokio::test]
async fn it_is_not_ready_when_its_disk_is_nearly_full() {
    let mut world = World::new().await;
    world.stop().await;
    // More than any disk has.
    let full = Config {
        min_free: u64::MAX,
        ..world.config()
    };
    let running = run_with(full, world.clock.clone()).await.expect("starts");
    let ready = format!("{}/readyz", running.url());
    let answer = world.http.get(ready).send().await.expect("answers");
    assert_eq!(answer.status(), 503);
    let problem = answer.text().await.expect("text");
    assert!(problem.contains("disk is nearly full"), "{problem}");
    running.stop().await;
}

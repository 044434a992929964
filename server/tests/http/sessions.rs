//! Sessions: they expire, idle away, are listed and ended; and cookies are for our own pages.

use std::sync::{Arc, Mutex};

use diesel::SqliteConnection;
use diesel::connection::{Connection as _, InstrumentationEvent};
use serde_json::json;
use server::fault::Fault;

use super::authenticator::{Authenticator, ORIGIN};
use super::world::{World, token};

const DAY: u64 = 86_400;

#[tokio::test]
async fn a_session_unused_for_a_month_has_ended() {
    let world = World::new().await;
    let session = world.enrol("Ana", &mut Authenticator::default()).await;
    // Used now and then it lasts, up to its end.
    for _ in 0..3 {
        world.clock.advance_seconds(29 * DAY);
        world.get("/v1/me", token(&session)).await.ok();
    }
    world.clock.advance_seconds(3 * DAY);
    let late = world.get("/v1/me", token(&session)).await;
    late.refused("not-signed-in");

    let session = world.enrol("Éva", &mut Authenticator::default()).await;
    world.clock.advance_seconds(31 * DAY);
    let late = world.get("/v1/me", token(&session)).await;
    late.refused("not-signed-in");
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let world = World::new().await;
    let mut phone = Authenticator::default();
    let first = world.enrol("Ana", &mut phone).await;
    world.clock.advance_seconds(1);
    let second = world.sign_in(&mut phone).await.ok();
    let listed = world.get("/v1/me/sessions", token(&second)).await.ok();
    assert_eq!(listed[0]["id"], second["session"]);
    assert_eq!(listed[0]["current"], json!(true));
    assert_eq!(listed[1]["id"], first["session"]);

    let other = world.enrol("Éva", &mut Authenticator::default()).await;
    let path = format!("/v1/me/sessions/{}", first["session"].as_str().expect("id"));
    world
        .delete(&path, token(&other))
        .await
        .refused("not-found");
    assert_eq!(world.delete(&path, token(&second)).await.status, 204);
    let ended = world.get("/v1/me", token(&first)).await;
    ended.refused("not-signed-in");
    let listed = world.get("/v1/me/sessions", token(&second)).await.ok();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_cookie_is_good_for_our_own_pages() {
    let world = World::new().await;
    let mut browser = Authenticator::default();
    world.enrol("Ana", &mut browser).await;
    let mut finish = world.begin_sign_in(&mut browser).await;
    finish["cookie"] = json!(true);
    let by = |origin: Option<&str>| {
        let request = world.http.post(world.url("/v1/sign-in/finish"));
        let request = request.json(&finish);
        world.send(match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        })
    };
    // Not for a page of others to plant; the ceremony stands.
    for origin in [None, Some("https://elsewhere.example"), Some("null")] {
        let refused = by(origin).await;
        assert_eq!(refused.headers.get("set-cookie"), None);
        refused.refused("wrong-origin");
    }
    let answer = by(Some(ORIGIN)).await;
    assert_eq!(answer.body.get("token"), None);
    let cookie = answer.headers["set-cookie"].to_str().expect("text");
    for part in [
        "__Host-carnet=",
        "HttpOnly",
        "SameSite=Strict",
        "Secure",
        "Path=/",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    let ask = |method, path, origin: Option<&str>| {
        let mut request = world
            .http
            .request(method, world.url(path))
            .header("cookie", &cookie);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        world.send(request)
    };
    use reqwest::Method;
    ask(Method::GET, "/v1/me", None).await.ok();
    let invite = "/v1/me/invitations";
    for origin in [None, Some("https://elsewhere.example"), Some("null")] {
        let refused = ask(Method::POST, invite, origin).await;
        refused.refused("wrong-origin");
    }
    ask(Method::POST, invite, Some(ORIGIN)).await.ok();

    // Which of two is meant nobody can tell.
    let planted = format!("__Host-carnet={}; {cookie}", "A".repeat(43));
    let request = world.http.get(world.url("/v1/me"));
    let refused = world.send(request.header("cookie", planted)).await;
    refused.refused("not-signed-in");
}

#[tokio::test]
async fn enrolling_gives_a_cookie_to_our_own_pages_only() {
    let world = World::new().await;
    let mut browser = Authenticator::default();
    let code = world.code(world.person("Ana").await).await;
    let mut finish = world.begin_enrolment(&code, &mut browser).await;
    finish["cookie"] = json!(true);
    let refused = world.post("/v1/enrolment/finish", &finish).await;
    assert_eq!(refused.headers.get("set-cookie"), None);
    refused.refused("wrong-origin");
    let request = world.http.post(world.url("/v1/enrolment/finish"));
    let own = world
        .send(request.json(&finish).header("origin", ORIGIN))
        .await;
    assert!(own.headers.contains_key("set-cookie"), "{own:?}");
}

#[tokio::test]
async fn what_is_no_token_is_nobodys() {
    let world = World::new().await;
    for token in ["", "x", &"A".repeat(43), &"A".repeat(10_000)] {
        let refused = world.get("/v1/me", token).await;
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
        refused.refused("not-signed-in");
    }
}

/// There may be many: a reader looks them up, and nobody who writes waits for that.
#[tokio::test]
async fn the_writer_lists_no_records_for_whoever_signs_in() {
    let world = World::new().await;
    let mut phone = Authenticator::default();
    world.enrol("Ana", &mut phone).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let watch = move |connection: &mut SqliteConnection| -> Result<(), Fault> {
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let query = query.to_string();
                noted.lock().expect("not poisoned").push(query);
            }
        });
        Ok(())
    };
    world
        .running()
        .app()
        .db
        .write(watch)
        .await
        .expect("watched");
    let session = world.sign_in(&mut phone).await.ok();
    assert_eq!(session["records"], json!([]));
    let asked = asked.lock().expect("not poisoned");
    assert!(asked.iter().any(|query| query.contains("`sessions`")));
    let listed = asked.iter().find(|query| query.contains("`parties`"));
    assert_eq!(listed, None);
}

//! One-time codes: limited in time, tries and guesses.

use serde_json::{Value, json};

use super::authenticator::Authenticator;
use super::world::{Answer, World, token};

async fn start(world: &World, code: &str) -> Answer {
    let body = json!({ "code": code });
    world.post("/v1/enrolment/start", &body).await
}

/// Another code that begins like this one.
fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &code[..code.len() - 1])
}

#[tokio::test]
async fn a_code_is_used_once() {
    let world = World::new().await;
    let person = world.person("Ana").await;
    let code = world.code(person).await;
    let (mut one, mut two) = (Authenticator::default(), Authenticator::default());
    let first = world.begin_enrolment(&code, &mut one).await;
    let second = world.begin_enrolment(&code, &mut two).await;
    world.post("/v1/enrolment/finish", &first).await.ok();
    let refused = world.post("/v1/enrolment/finish", &second).await;
    refused.refused("code-refused");
    start(&world, &code).await.refused("code-refused");
}

#[tokio::test]
async fn a_code_expires_and_a_newer_one_replaces_it() {
    let world = World::new().await;
    let person = world.person("Ana").await;
    let old = world.code(person).await;
    let new = world.code(person).await;
    start(&world, &old).await.refused("code-refused");
    start(&world, &new.to_lowercase()).await.ok();
    world.clock.advance_seconds(8 * 86_400);
    start(&world, &new).await.refused("code-refused");
}

#[tokio::test]
async fn a_code_bears_five_wrong_tries_across_a_restart() {
    let mut world = World::new().await;
    let person = world.person("Ana").await;
    let code = world.code(person).await;
    for _ in 0..3 {
        start(&world, &wrong(&code)).await.refused("code-refused");
    }
    world.restart().await;
    start(&world, &code).await.ok();
    for _ in 0..2 {
        start(&world, &wrong(&code)).await.refused("code-refused");
    }
    start(&world, &code).await.refused("code-refused");
}

#[tokio::test]
async fn guesses_from_one_peer_are_counted_across_a_restart() {
    let mut world = World::new().await;
    let person = world.person("Ana").await;
    let code = world.code(person).await;
    for guess in 0..30 {
        if guess == 15 {
            world.restart().await;
        }
        start(&world, "ZZZZZ-ZZZZZ").await.refused("code-refused");
    }
    // A good code is taken all the same, unless it was guessed at itself.
    start(&world, &code).await.ok();
    for _ in 0..2 {
        start(&world, &wrong(&code)).await.refused("too-many");
    }
    let refused = start(&world, &code).await;
    assert_eq!(refused.status, 429);
    let wait = refused.headers["retry-after"].to_str().expect("text");
    let wait: u64 = wait.parse().expect("a number");
    refused.refused("too-many");
    world.clock.advance_seconds(wait);
    start(&world, &code).await.ok();
}

#[tokio::test]
async fn somebody_signed_in_invites_another_device() {
    let world = World::new().await;
    let (mut phone, mut laptop) = (Authenticator::default(), Authenticator::default());
    let session = world.enrol("Ana", &mut phone).await;
    let invite = world
        .http
        .post(world.url("/v1/me/invitations"))
        .bearer_auth(token(&session));
    let invitation = world.send(invite).await.ok();
    let code = invitation["code"].as_str().expect("a code");
    let link = format!("http://localhost:8080/enrol#{code}");
    assert_eq!(invitation["link"], json!(link));

    let finish = world.begin_enrolment(code, &mut laptop).await;
    let second = world.post("/v1/enrolment/finish", &finish).await.ok();
    assert_eq!(second["person"], session["person"]);
    world.sign_in(&mut phone).await.ok();
    world.sign_in(&mut laptop).await.ok();
    let listed = world.get("/v1/me/passkeys", token(&second)).await.ok();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    start(&world, code).await.refused("code-refused");
}

#[tokio::test]
async fn what_was_enrolled_is_excluded_from_another_enrolment() {
    let world = World::new().await;
    let mut phone = Authenticator::default();
    let session = world.enrol("Ana", &mut phone).await;
    let person = serde_json::from_value(session["person"].clone()).expect("an id");
    let started = start(&world, &world.code(person).await).await.ok();
    let excluded = &started["options"]["publicKey"]["excludeCredentials"];
    assert_eq!(excluded.as_array().map(Vec::len), Some(1));
    assert_ne!(excluded[0]["id"], Value::Null);
}

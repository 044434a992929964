//! Enrolling and signing in, and all the ways in which neither may succeed.

use serde_json::json;

use super::authenticator::Authenticator;
use super::world::{World, token};

#[tokio::test]
async fn somebody_enrols_signs_out_and_signs_in_again() {
    let mut world = World::new().await;
    let mut phone = Authenticator::default();
    let session = world.enrol("Zoé", &mut phone).await;
    let me = world.get("/v1/me", token(&session)).await.ok();
    assert_eq!(me["name"], json!("Zoé Martin"));
    assert_eq!(me["person"], session["person"]);
    let key = world.running().app().keys.server_signing_key().public_key;
    assert_eq!(session["server_keys"][0]["public_key"], json!(key));

    let out = world
        .http
        .post(world.url("/v1/sign-out"))
        .bearer_auth(token(&session));
    assert_eq!(world.send(out).await.status, 204);
    world
        .get("/v1/me", token(&session))
        .await
        .refused("not-signed-in");

    world.restart().await;
    let again = world.sign_in(&mut phone).await.ok();
    assert_eq!(again["person"], session["person"]);
    let listed = world.get("/v1/me/passkeys", token(&again)).await.ok();
    assert_eq!(listed[0]["name"], json!("Téléphone"));
    assert!(listed[0]["last_used"].is_i64());
}

#[tokio::test]
async fn a_ceremony_is_finished_once() {
    let world = World::new().await;
    let mut phone = Authenticator::default();
    let person = world.person("Ana").await;
    let code = world.code(person).await;
    let finish = world.begin_enrolment(&code, &mut phone).await;
    world.post("/v1/enrolment/finish", &finish).await.ok();
    let replay = world.post("/v1/enrolment/finish", &finish).await;
    replay.refused("ceremony-refused");

    let finish = world.begin_sign_in(&mut phone).await;
    world.post("/v1/sign-in/finish", &finish).await.ok();
    let replay = world.post("/v1/sign-in/finish", &finish).await;
    replay.refused("ceremony-refused");
}

#[tokio::test]
async fn a_failed_try_uses_the_ceremony_up() {
    let world = World::new().await;
    let mut phone = Authenticator::default();
    world.enrol("Ana", &mut phone).await;
    let finish = world.begin_sign_in(&mut phone).await;
    let mut forged = finish.clone();
    let other = world.begin_sign_in(&mut phone).await;
    forged["credential"] = other["credential"].clone();
    let wrong = world.post("/v1/sign-in/finish", &forged).await;
    wrong.refused("ceremony-refused");
    let late = world.post("/v1/sign-in/finish", &finish).await;
    late.refused("ceremony-refused");
}

#[tokio::test]
async fn a_page_elsewhere_is_refused() {
    let world = World::new().await;
    let mut phone = Authenticator::default();
    world.enrol("Ana", &mut phone).await;
    for origin in ["https://localhost", "http://evil.localhost"] {
        phone.origin = origin;
        let refused = world.sign_in(&mut phone).await;
        assert!(
            refused.body["detail"]
                .as_str()
                .is_some_and(|d| d.contains("origin")),
            "{refused:?}"
        );
        refused.refused("ceremony-refused");
        let person = world.person("Éva").await;
        let code = world.code(person).await;
        let mut other = Authenticator {
            origin,
            ..Authenticator::default()
        };
        let finish = world.begin_enrolment(&code, &mut other).await;
        let refused = world.post("/v1/enrolment/finish", &finish).await;
        refused.refused("ceremony-refused");
    }
}

#[tokio::test]
async fn a_ceremony_survives_a_restart_and_then_expires() {
    let mut world = World::new().await;
    let mut phone = Authenticator::default();
    let person = world.person("Ana").await;
    let code = world.code(person).await;
    let finish = world.begin_enrolment(&code, &mut phone).await;
    world.restart().await;
    world.post("/v1/enrolment/finish", &finish).await.ok();

    let finish = world.begin_sign_in(&mut phone).await;
    world.restart().await;
    world.post("/v1/sign-in/finish", &finish).await.ok();

    let finish = world.begin_sign_in(&mut phone).await;
    world.clock.advance_seconds(10 * 60);
    let late = world.post("/v1/sign-in/finish", &finish).await;
    late.refused("ceremony-refused");
}

#[tokio::test]
async fn a_passkey_signs_in_its_owner_only() {
    let world = World::new().await;
    let (mut anas, mut evas) = (Authenticator::default(), Authenticator::default());
    let ana = world.enrol("Ana", &mut anas).await;
    let eva = world.enrol("Éva", &mut evas).await;
    // Ana's passkey that says it is Éva's.
    let (mut of_ana, of_eva) = (
        anas.passkey.clone().expect("one"),
        evas.passkey.expect("one"),
    );
    of_ana.user_handle = of_eva.user_handle;
    anas.passkey = Some(of_ana);
    assert_ne!(ana["person"], eva["person"]);
    let refused = world.sign_in(&mut anas).await;
    refused.refused("ceremony-refused");
}

#[tokio::test]
async fn a_counter_that_goes_back_is_refused() {
    let world = World::new().await;
    let mut key = Authenticator {
        counts: true,
        ..Authenticator::default()
    };
    world.enrol("Ana", &mut key).await;
    let mut copy = key.clone();
    world.sign_in(&mut key).await.ok();
    world.sign_in(&mut key).await.ok();
    let refused = world.sign_in(&mut copy).await;
    refused.refused("ceremony-refused");
}

//! What the logs say of a busy server, at their most talkative: nothing of whom or what.

#[path = "../http/authenticator.rs"]
#[allow(dead_code, reason = "the tests over HTTP use the rest")]
mod authenticator;
#[path = "../http/world.rs"]
#[allow(dead_code, reason = "the tests over HTTP use the rest")]
mod world;

use std::io::Write;
use std::sync::{Arc, Mutex};

use authenticator::Authenticator;
use serde_json::json;
use server::config::LogFormat;
use server::people::{Person, Professional};
use server::storage::StorageError;
use server::telemetry;
use sync_core::identity::Rpps;
use sync_core::policy::Profession;
use world::{World, offer, token};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("whole").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("whole").clone()).expect("is text")
    }
}

/// The only test here: what writes logs is the whole process's.
#[tokio::test]
async fn logs_and_metrics_do_not_say_who() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = telemetry::subscriber("trace", LogFormat::Json, move || writer.clone())
        .expect("is a filter");
    tracing::subscriber::set_global_default(subscriber).expect("is the first");

    let mut world = World::new().await;
    let doctor = world
        .add(Person {
            family_name: "Rouxel".into(),
            given_names: "Aliénor".into(),
            ins: None,
            traits: None,
            professional: Some(Professional {
                rpps: Rpps::parse("10101010105").expect("a number"),
                profession: Profession::Physician,
            }),
        })
        .await;
    let mut phone = Authenticator::default();
    let session = world.enrol("Zénaïde", &mut phone).await;
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let mut finish = world.begin_sign_in(&mut phone).await;
    finish["device"] = offer(&key, &finish);
    let signed_in = world.post("/v1/sign-in/finish", &finish).await.ok();
    world
        .post("/v1/sign-in/finish", &finish)
        .await
        .refused("ceremony-refused");
    let code = world.code(doctor).await;
    let wrong = json!({ "code": format!("{}U", &code[..10]) });
    world
        .post("/v1/enrolment/start", &wrong)
        .await
        .refused("code-refused");
    let path = "/v1/professionals/search?name=Rouxel";
    let whom = json!({ "rpps": "10101010105" });
    world.post_as(path, &whom, token(&session)).await.ok();
    let device = signed_in["device"].as_str().expect("an id").to_owned();
    let path = format!("/v1/me/devices/{device}");
    world.delete(&path, token(&session)).await.ok();
    world
        .get("/Zénaïde/10101010105", token(&session))
        .await
        .refused("not-found");
    let metrics = world.http.get(world.url("/metrics")).send().await;
    let metrics = metrics.expect("answers").text().await.expect("text");
    // A mistake in the program, and one in a job of the store.
    telemetry::hush_panics();
    let _ = std::panic::catch_unwind(|| panic!("Rouxel"));
    let broken = |_: &mut _| -> Result<(), StorageError> { panic!("Rouxel") };
    let app = world.running().app();
    app.db.write(broken).await.expect_err("it panicked");
    let _ = std::panic::take_hook();
    world.stop().await;

    let logs = captured.text();
    let person = session["person"].as_str().expect("an id").to_owned();
    for (text, of) in [(&logs, "logs"), (&metrics, "metrics")] {
        for secret in [
            "Rouxel",
            "Aliénor",
            "Zénaïde",
            "Z%C3%A9",
            "Martin",
            "Téléphone",
            "Tablette",
            "10101010105",
            "127.0.0.1",
            &code,
            &code.replace('-', ""),
            &person,
            &person.replace('-', ""),
            &doctor.to_string(),
            &device,
            session["session"].as_str().expect("an id"),
            token(&session),
            token(&signed_in),
        ] {
            assert!(!text.contains(secret), "{secret} is in the {of}");
        }
    }
    // What they do say: the route by its pattern, and the request to its transaction.
    assert!(metrics.contains("/v1/me/devices/{id}"));
    assert!(logs.contains("/v1/me/devices/{id}"));
    let panics = logs.lines().filter(|line| line.contains("a panic"));
    let placed = panics.filter(|line| line.contains("tests/logs/main.rs"));
    assert_eq!(placed.count(), 2);
    let in_store = logs.lines().find(|line| {
        line.contains("a job of the store ran") && line.contains("/v1/sign-in/finish")
    });
    let in_store = in_store.expect("the writer says for which request it worked");
    assert!(in_store.contains("\"id\":"), "{in_store}");
}

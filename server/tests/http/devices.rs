//! Device keys: proved at sign-in, one person's each, revocable.

use ed25519_dalek::SigningKey;
use serde_json::json;
use sync_core::DeviceId;
use sync_core::sign::PublicKey;

use super::authenticator::Authenticator;
use super::world::{World, offer, token};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

#[tokio::test]
async fn a_device_is_registered_by_proof() {
    let world = World::new().await;
    let mut phone = Authenticator::default();
    world.enrol("Ana", &mut phone).await;
    let mut finish = world.begin_sign_in(&mut phone).await;
    finish["device"] = offer(&key(1), &finish);
    let session = world.post("/v1/sign-in/finish", &finish).await.ok();
    let id = DeviceId::of(&PublicKey::of(&key(1)));
    assert_eq!(session["device"], json!(id));
    let me = world.get("/v1/me", token(&session)).await.ok();
    assert_eq!(me["device"], json!(id));

    // The same key again finds the same device.
    let mut finish = world.begin_sign_in(&mut phone).await;
    finish["device"] = offer(&key(1), &finish);
    world.post("/v1/sign-in/finish", &finish).await.ok();
    let devices = world.get("/v1/me/devices", token(&session)).await.ok();
    assert_eq!(devices.as_array().map(Vec::len), Some(1));
    assert_eq!(devices[0]["name"], json!("Tablette"));
}

#[tokio::test]
async fn a_proof_is_of_this_key_and_this_ceremony() {
    let world = World::new().await;
    let mut phone = Authenticator::default();
    world.enrol("Ana", &mut phone).await;
    let other = world.begin_sign_in(&mut phone).await;
    for case in 0..2 {
        let mut finish = world.begin_sign_in(&mut phone).await;
        finish["device"] = match case {
            0 => offer(&key(1), &other),
            _ => {
                let mut forged = offer(&key(1), &finish);
                forged["public_key"] = json!(PublicKey::of(&key(2)));
                forged
            }
        };
        let refused = world.post("/v1/sign-in/finish", &finish).await;
        refused.refused("device-refused");
        // The refusal used the ceremony up.
        finish["device"] = offer(&key(1), &finish);
        let replay = world.post("/v1/sign-in/finish", &finish).await;
        replay.refused("ceremony-refused");
    }
}

#[tokio::test]
async fn a_refused_device_leaves_the_code_good() {
    let world = World::new().await;
    let person = world.person("Ana").await;
    let code = world.code(person).await;
    let mut phone = Authenticator::default();
    let mut finish = world.begin_enrolment(&code, &mut phone).await;
    finish["device"] = offer(&key(1), &json!({ "ceremony": "AAAA" }));
    let refused = world.post("/v1/enrolment/finish", &finish).await;
    refused.refused("device-refused");
    let finish = world
        .begin_enrolment(&code, &mut Authenticator::default())
        .await;
    world.post("/v1/enrolment/finish", &finish).await.ok();
}

#[tokio::test]
async fn a_key_is_one_persons_and_a_revoked_one_nobodys() {
    let world = World::new().await;
    let (mut anas, mut evas) = (Authenticator::default(), Authenticator::default());
    world.enrol("Ana", &mut anas).await;
    world.enrol("Éva", &mut evas).await;
    let with_device = async |by: &mut Authenticator| {
        let mut finish = world.begin_sign_in(by).await;
        finish["device"] = offer(&key(1), &finish);
        world.post("/v1/sign-in/finish", &finish).await
    };
    let session = with_device(&mut anas).await.ok();
    with_device(&mut evas).await.refused("device-refused");

    let bare = world.sign_in(&mut anas).await.ok();
    let path = format!(
        "/v1/me/devices/{}",
        session["device"].as_str().expect("an id")
    );
    let of_eva = world.sign_in(&mut evas).await.ok();
    world
        .delete(&path, token(&of_eva))
        .await
        .refused("not-found");
    assert_eq!(world.delete(&path, token(&bare)).await.status, 204);
    world
        .get("/v1/me", token(&session))
        .await
        .refused("not-signed-in");
    world.get("/v1/me", token(&bare)).await.ok();
    with_device(&mut anas).await.refused("device-refused");
}

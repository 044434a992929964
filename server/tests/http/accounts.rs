//! Naming and revoking passkeys, and looking somebody up.

use serde_json::json;
use server::people::{Person, Professional};
use sync_core::identity::Rpps;
use sync_core::policy::Profession;

use super::authenticator::Authenticator;
use super::world::{World, token};

#[tokio::test]
async fn a_revoked_passkey_signs_nobody_in_and_its_sessions_end() {
    let world = World::new().await;
    let (mut phone, mut laptop) = (Authenticator::default(), Authenticator::default());
    let first = world.enrol("Ana", &mut phone).await;
    let listed = world.get("/v1/me/passkeys", token(&first)).await.ok();
    let path = format!("/v1/me/passkeys/{}", listed[0]["id"].as_str().expect("id"));
    let last = world.delete(&path, token(&first)).await;
    assert_eq!(last.status, 409);
    last.refused("last-passkey");

    let person = serde_json::from_value(first["person"].clone()).expect("an id");
    let code = world.code(person).await;
    let finish = world.begin_enrolment(&code, &mut laptop).await;
    let second = world.post("/v1/enrolment/finish", &finish).await.ok();
    let done = world.delete(&path, token(&second)).await;
    assert_eq!(done.status, 204);
    world
        .get("/v1/me", token(&first))
        .await
        .refused("not-signed-in");
    let refused = world.sign_in(&mut phone).await;
    refused.refused("ceremony-refused");
    world.sign_in(&mut laptop).await.ok();
    world
        .delete(&path, token(&second))
        .await
        .refused("not-found");
}

#[tokio::test]
async fn passkeys_are_named_by_their_owner_alone() {
    let world = World::new().await;
    let (mut anas, mut evas) = (Authenticator::default(), Authenticator::default());
    let ana = world.enrol("Ana", &mut anas).await;
    let eva = world.enrol("Éva", &mut evas).await;
    let listed = world.get("/v1/me/passkeys", token(&ana)).await.ok();
    // By these her devices know her without the server.
    let made = anas
        .passkey
        .as_ref()
        .expect("a passkey")
        .credential_id
        .to_vec();
    let made = serde_json::to_value(sync_core::Bytes::from(made)).expect("is JSON");
    assert_eq!(listed[0]["credential_id"], made);
    assert_eq!(listed[0]["public_key"]["crv"], "P-256");
    let path = format!("/v1/me/passkeys/{}", listed[0]["id"].as_str().expect("id"));
    let rename = |name: String, by| {
        let body = json!({ "name": name });
        world.send(
            world
                .http
                .patch(world.url(&path))
                .bearer_auth(by)
                .json(&body),
        )
    };
    assert_eq!(rename("Clé".into(), token(&ana)).await.status, 204);
    rename("Clé".into(), token(&eva)).await.refused("not-found");
    rename("x".repeat(61), token(&ana))
        .await
        .refused("malformed");
    let listed = world.get("/v1/me/passkeys", token(&ana)).await.ok();
    assert_eq!(listed[0]["name"], json!("Clé"));
    world.sign_in(&mut anas).await.ok();
}

#[tokio::test]
async fn a_professional_is_found_by_number() {
    let world = World::new().await;
    let rpps = Rpps::parse("10101010105").expect("a number");
    let doctor = world
        .add(Person {
            family_name: "Roux".into(),
            given_names: "Ali".into(),
            ins: None,
            traits: None,
            professional: Some(Professional {
                rpps,
                profession: Profession::Physician,
            }),
        })
        .await;
    let world = &world;
    let search = |rpps: String, token: String| async move {
        let body = json!({ "rpps": rpps });
        let path = "/v1/professionals/search";
        world.post_as(path, &body, &token).await
    };
    let refused = search("10101010105".into(), "x".into()).await;
    refused.refused("not-signed-in");
    let session = world.enrol("Ana", &mut Authenticator::default()).await;
    let search = |rpps: &str| search(rpps.to_owned(), token(&session).to_owned());
    let found = search("10101010105").await.ok();
    assert_eq!(found["person"], json!(doctor));
    assert_eq!(found["name"], json!("Ali Roux"));
    assert_eq!(found["profession"], json!("physician"));
    for (number, slug) in [("10101010108", "malformed"), ("810101010102", "malformed")] {
        search(number).await.refused(slug);
    }
    let free = (0..10)
        .map(|key| format!("2020202020{key}"))
        .find(|number| Rpps::parse(number).is_ok())
        .expect("one key fits");
    search(&free).await.refused("not-found");
    // No address holds a number.
    let path = "/v1/professionals/10101010105";
    world.get(path, token(&session)).await.refused("not-found");
}

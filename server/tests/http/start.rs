//! What a server refuses to start with.

use server::app::{StartError, run_with};

use super::authenticator::Authenticator;
use super::world::World;

#[tokio::test]
async fn the_domain_of_a_store_with_passkeys_stays() {
    let mut world = World::new().await;
    let elsewhere = |world: &World| {
        let mut config = world.config();
        config.rp_id = "carnet.example".into();
        config.origins = vec!["https://carnet.example".parse().expect("an origin")];
        run_with(config, world.clock.clone())
    };
    // Without passkeys the domain may still change.
    world.stop().await;
    let running = elsewhere(&world).await.expect("starts");
    running.stop().await;
    world.restart().await;

    world.enrol("Ana", &mut Authenticator::default()).await;
    world.stop().await;
    let refused = elsewhere(&world).await.map(|_| ());
    let Err(error @ StartError::RpIdChanged { .. }) = refused else {
        panic!("started: {refused:?}");
    };
    assert!(error.to_string().contains("--rp-id localhost"), "{error}");
    world.restart().await;
}

#[tokio::test]
async fn one_process_serves_a_directory() {
    let world = World::new().await;
    let second = run_with(world.config(), world.clock.clone()).await;
    let refused = second.map(|_| ());
    assert!(
        matches!(refused, Err(StartError::AlreadyServing { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn keys_of_another_store_are_refused() {
    let mut world = World::new().await;
    let mut other = World::new().await;
    world.stop().await;
    other.stop().await;
    let mut config = world.config();
    config.master_key = other.config().master_key;
    let wrong = run_with(config, world.clock.clone()).await.map(|_| ());
    assert!(matches!(wrong, Err(StartError::Keys(_))), "{wrong:?}");

    for file in ["keys.sqlite", "master.key"] {
        let path = |world: &World| world.config().keys().join(file);
        std::fs::copy(path(&other), path(&world)).expect("copies");
    }
    let wrong = run_with(world.config(), world.clock.clone()).await;
    let wrong = wrong.map(|_| ());
    assert!(
        matches!(wrong, Err(StartError::KeysOfAnother { .. })),
        "{wrong:?}"
    );
}

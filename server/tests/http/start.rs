//! What a server refuses to start with.

use server::app::{StartError, run_with};
use server::clock::Clock as _;
use server::people::Person;
use server::records::{Channel, Opening, open};
use sync_core::RecordId;
use sync_core::identity::{Departement, IdentityTraits, Ins, InsDomain};
use sync_core::policy::{Access, Profession, Role};

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
async fn a_clock_that_is_years_ahead_has_to_be_confirmed() {
    let mut world = World::new().await;
    let started = world.clock.now();
    open_record(&world).await;
    world.stop().await;
    let mut config = world.config();
    world.clock.advance_seconds(300 * 86_400);
    let running = run_with(config.clone(), world.clock.clone()).await;
    running.expect("starts after a long rest").stop().await;
    world.clock.advance_seconds(300 * 86_400);
    let refused = run_with(config.clone(), world.clock.clone()).await;
    let Err(error @ StartError::ClockAhead { .. }) = refused.map(|_| ()) else {
        panic!("started");
    };
    assert!(error.to_string().contains("--trust-clock"), "{error}");
    config.trust_clock = true;
    let running = run_with(config, world.clock.clone()).await;
    running.expect("starts").stop().await;
    world.clock.set(started);
    world.restart().await;
}

async fn open_record(world: &World) {
    let holder = Person {
        family_name: "Martin".into(),
        given_names: "Zoé".into(),
        ins: Ins::parse("180019900000100", InsDomain::Test).ok(),
        traits: IdentityTraits::parse("Martin", "Zoé", "1980-01-31", "F", "99999").ok(),
        professional: None,
    };
    let opening = Opening {
        channel: Channel::Desk,
        departement: Departement::parse("48").expect("Lozère"),
        opened_by: "the desk".into(),
        consent: "the holder, orally".into(),
        proof: "identity card".into(),
    };
    let app = world.running().app();
    let (keys, now) = (app.keys.clone(), world.clock.now());
    let job = move |c: &mut _| open(c, &keys, now, &holder, None, &opening);
    app.db.write(job).await.expect("opens");
}

#[tokio::test]
async fn the_operators_matrix_is_in_force_or_refused_by_its_row() {
    let mut world = World::new().await;
    world.stop().await;
    let built_in = include_str!("../../../sync-core/data/habilitation.toml");
    let file = world.config().data.join("habilitation.toml");
    let mut config = world.config();
    config.habilitation = Some(file.clone());
    let missing = run_with(config.clone(), world.clock.clone()).await;
    let missing = missing.map(|_| ()).expect_err("refused").to_string();
    assert!(missing.contains("habilitation.toml"), "{missing}");

    let nurses = "own-note                   = \"-    -    -    -    r    -    -    -\"";
    let own_note = built_in.lines().find(|line| line.starts_with("own-note"));
    let other = built_in.replace(own_note.expect("a row"), nurses);
    for (text, says) in [
        (
            other.replace("= \"-    -    -    -    r ", "= \"-    -    -    -    x "),
            "own-note",
        ),
        (other.replace("[documents]", "[documents"), "line"),
        (other.replace("version = 1", "version = 2"), "version 2"),
    ] {
        std::fs::write(&file, text).expect("writes");
        let refused = run_with(config.clone(), world.clock.clone()).await;
        let refused = refused.map(|_| ()).expect_err("refused").to_string();
        assert!(refused.contains(says), "{refused}");
    }
    std::fs::write(&file, other).expect("writes");
    let running = run_with(config, world.clock.clone()).await.expect("starts");
    let matrix = &running.app().records.matrix;
    let nurse = Role::Professional(Profession::Nurse);
    assert_eq!(matrix.access(&nurse, "own-note"), Access::Read);
    running.stop().await;
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

#[tokio::test]
async fn a_data_store_that_went_missing_is_not_begun_anew() {
    let mut world = World::new().await;
    let keys = &world.running().app().keys;
    keys.create_record_key(RecordId(uuid::Uuid::from_u128(7)))
        .expect("a key");
    world.stop().await;
    let config = world.config();
    std::fs::remove_file(config.database()).expect("removes");
    let refused = run_with(config.clone(), world.clock.clone()).await;
    let refused = refused.map(|_| ());
    assert!(
        matches!(refused, Err(StartError::DataMissing { .. })),
        "{refused:?}"
    );
    assert!(!config.database().exists());
}

#[tokio::test]
async fn what_others_could_read_is_closed_to_them_at_the_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut world = World::new().await;
    world.stop().await;
    let data = world.config().data;
    let keys = data.join("keys");
    let files = [data.join("carnet.sqlite"), keys.join("keys.sqlite")];
    let set = |path: &std::path::Path, mode: u32| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).expect("its own");
    };
    let mode = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).expect("there");
        metadata.permissions().mode() & 0o777
    };
    for dir in [&data, &keys] {
        set(dir, 0o755);
    }
    for file in &files {
        set(file, 0o644);
    }
    world.restart().await;
    assert_eq!([mode(&data), mode(&keys)], [0o700; 2]);
    assert_eq!(files.each_ref().map(|file| mode(file)), [0o600; 2]);
    for file in std::fs::read_dir(&data).expect("listed") {
        let path = file.expect("listed").path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }

    // A key that somebody may have read is not closed in silence.
    world.stop().await;
    let master = world.config().master_key;
    set(&master, 0o644);
    let refused = run_with(world.config(), world.clock.clone()).await;
    let refused = refused.map(|_| ()).expect_err("refused").to_string();
    assert!(refused.contains("chmod 600"), "{refused}");
    assert_eq!(mode(&master), 0o644);
    set(&master, 0o600);
    world.restart().await;
}

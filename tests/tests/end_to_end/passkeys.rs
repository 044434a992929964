//! Signing in: what passkeys, codes and sessions must not let happen.

use carnet_mobile::error::CarnetError;
use carnet_tests::wire_client::{
    Encoding, Enrolling, Problem, Session, SigningIn, Wire, WireDevice,
};
use diesel::connection::SimpleConnection as _;
use ed25519_dalek::SigningKey;

use super::stage::{Stage, now};

/// The kind of problem that came instead of an answer.
fn refused<T>(answer: Result<T, Problem>) -> String {
    match answer {
        Ok(_) => panic!("it was taken"),
        Err(problem) => problem.slug().to_owned(),
    }
}

#[derive(serde::Deserialize)]
struct Listed {
    id: String,
}

async fn list(device: &WireDevice, what: &str) -> Vec<Listed> {
    // Devices are named by bytes, which JSON shows as the text that goes into a path.
    let wire = device.wire.speaking(Encoding::Json);
    let listed = wire.get(&format!("/v1/me/{what}"), device.token()).await;
    listed.expect("one's own are listed")
}

async fn me(device: &WireDevice) -> Result<serde_json::Value, Problem> {
    let wire = device.wire.speaking(Encoding::Json);
    wire.get("/v1/me", device.token()).await
}

#[test]
fn a_ceremony_is_finished_once() {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    now(async {
        let wire = stage.wire();
        let enrolling = Enrolling::start(&wire, &opened.code, wire.base()).await;
        let enrolling = enrolling.expect("the code is good");
        let device = enrolling.finish().await.expect("the passkey is taken");
        assert_eq!(device.person(), opened.person.0);
        assert_eq!(refused(enrolling.finish().await), "ceremony-refused");

        let first = SigningIn::start(&device, wire.base())
            .await
            .expect("starts");
        let second = SigningIn::start(&device, wire.base())
            .await
            .expect("starts");
        first.finish().await.expect("the passkey signs in");
        assert_eq!(refused(first.finish().await), "ceremony-refused");
        // The answer to one challenge is none to another.
        let swapped = first.answering(&second);
        assert_eq!(refused(swapped.finish().await), "ceremony-refused");
        assert_eq!(refused(second.finish().await), "ceremony-refused");
    });
}

#[test]
fn a_ceremony_survives_a_restart() {
    let mut stage = Stage::new();
    let opened = stage.desk("Durand");
    let wire = stage.wire();
    let started = now(Enrolling::start(&wire, &opened.code, wire.base()));
    let enrolling = started.expect("the code is good");
    stage.stop();
    stage.start();
    let device = now(enrolling.finish()).expect("it goes on where it was");
    let started = now(SigningIn::start(&device, wire.base())).expect("starts");
    stage.kill();
    stage.start();
    let again = now(started.finish()).expect("it goes on where it was");
    assert_eq!(again.person(), device.person());
    now(me(&device)).expect("sessions survive too");
}

#[test]
fn codes_are_good_once_for_a_time_and_for_few_guesses() {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    let wire = stage.wire();
    let try_code = |code: &str| now(Enrolling::start(&wire, code, wire.base())).map(drop);

    // A code is found by its first four characters; the rest is guessed at.
    let wrong = |code: &str| {
        let last = if code.ends_with('0') { '1' } else { '0' };
        format!("{}{last}", &code[..code.len() - 1])
    };
    for _ in 0..5 {
        assert_eq!(refused(try_code(&wrong(&opened.code))), "code-refused");
    }
    assert_eq!(
        refused(try_code(&opened.code)),
        "code-refused",
        "guessed at"
    );

    let renewed = |proof: &str| {
        let person = opened.person.to_string();
        let told = stage.server().carnet(&[
            "admin",
            "enrolment-code",
            "--person",
            &person,
            "--proof",
            proof,
        ]);
        let told = told.expect("the desk issues another");
        told["code"].as_str().expect("a code").to_owned()
    };
    let first = renewed("identity card");
    let second = renewed("identity card");
    assert_eq!(refused(try_code(&first)), "code-refused", "replaced");
    let spoken = second.to_lowercase().replace('-', " ");
    let device = stage.wire_device(&spoken);
    assert_eq!(refused(try_code(&second)), "code-refused", "used");

    // A code that expired a moment after it was made, long ago.
    let invitation: serde_json::Value = now(device.wire.speaking(Encoding::Json).post(
        "/v1/me/invitations",
        device.token(),
        &serde_json::json!({}),
    ))
    .expect("an invitation");
    let path = stage.data().join("carnet.sqlite");
    server::storage::sqlite::open_connection(&path)
        .expect("the store opens beside the server")
        .batch_execute("UPDATE enrolment_codes SET created = 1, expires = 2 WHERE used IS NULL")
        .expect("codes age");
    let code = invitation["code"].as_str().expect("a code");
    assert_eq!(refused(try_code(code)), "code-refused", "expired");

    // Whoever guesses on is told to wait; a right code is taken from there all the same.
    let mut heard = 0;
    let silenced = loop {
        match try_code("0000000000") {
            Err(problem) if problem.slug() == "code-refused" => heard += 1,
            Err(problem) => break problem,
            Ok(()) => panic!("a guess was right"),
        }
        assert!(heard <= 30, "guesses are counted");
    };
    assert_eq!(silenced.slug(), "too-many");
    try_code(&renewed("identity card")).expect("the code is good");
}

#[test]
fn what_was_revoked_is_good_for_nothing() {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    let first = stage.wire_device(&opened.code);
    now(async {
        let only = &list(&first, "passkeys").await[0].id;
        let path = format!("/v1/me/passkeys/{only}");
        let last = first.wire.delete(&path, first.token()).await;
        assert_eq!(refused(last), "last-passkey");

        let invitation: serde_json::Value = first
            .wire
            .speaking(Encoding::Json)
            .post("/v1/me/invitations", first.token(), &serde_json::json!({}))
            .await
            .expect("an invitation");
        let code = invitation["code"].as_str().expect("a code");
        let second = WireDevice::enrol(&first.wire, code).await.expect("enrols");
        assert_eq!(second.person(), first.person());

        // What whoever is shut out had made ready to come back by is shut too.
        let invitation: serde_json::Value = first
            .wire
            .speaking(Encoding::Json)
            .post("/v1/me/invitations", first.token(), &serde_json::json!({}))
            .await
            .expect("an invitation");
        let code = invitation["code"].as_str().expect("a code").to_owned();
        let coming_back = Enrolling::start(&first.wire, &code, first.wire.base()).await;
        let coming_back = coming_back.expect("starts");

        // A passkey: the sessions it opened end, and it signs nobody in.
        first
            .wire
            .delete(&path, second.token())
            .await
            .expect("revoked");
        assert_eq!(refused(me(&first).await), "not-signed-in");
        assert_eq!(refused(first.sign_in().await), "ceremony-refused");
        assert_eq!(refused(coming_back.finish().await), "ceremony-refused");
        let again = Enrolling::start(&first.wire, &code, first.wire.base());
        assert_eq!(refused(again.await), "code-refused");

        // A device: its sessions end, and its key is not taken again.
        let third = second.sign_in_elsewhere().await.expect("signs in");
        let name = wire_name(&third);
        let path = format!("/v1/me/devices/{name}");
        second
            .wire
            .delete(&path, second.token())
            .await
            .expect("revoked");
        assert_eq!(refused(me(&third).await), "not-signed-in");
        let refused_key = SigningIn::start(&third, third.wire.base()).await;
        let refused_key = refused_key.expect("starts");
        assert_eq!(refused(refused_key.finish().await), "device-refused");
        // The same ceremony takes another key, once.
        let fresh = refused_key.with_key(SigningKey::from_bytes(&[7; 32]));
        fresh.finish().await.expect("signs in");
        assert_eq!(refused(fresh.finish().await), "ceremony-refused");

        // A session.
        let fourth = second.sign_in().await.expect("signs in");
        let path = format!("/v1/me/sessions/{}", fourth.session.session);
        second
            .wire
            .delete(&path, second.token())
            .await
            .expect("ended");
        assert_eq!(refused(me(&fourth).await), "not-signed-in");
        me(&second).await.expect("another session goes on");
        let out = second.wire.request(reqwest::Method::POST, "/v1/sign-out");
        let out = out.bearer_auth(&second.session.token);
        second.wire.send(out).await.expect("signs out");
        assert_eq!(refused(me(&second).await), "not-signed-in");
    });
}

/// A device's name as it stands in a path.
fn wire_name(device: &WireDevice) -> String {
    device.device().to_string()
}

#[test]
fn nobody_reaches_what_is_somebody_elses() {
    let stage = Stage::new();
    let mine = stage.wire_device(&stage.desk("Durand").code);
    let entered = stage.professional("Lefèvre", sync_core::policy::Profession::Nurse);
    let other = stage.wire_device(&entered.code);
    now(async {
        for (what, id) in [
            ("passkeys", list(&mine, "passkeys").await[0].id.clone()),
            ("devices", wire_name(&mine)),
            ("sessions", mine.session.session.to_string()),
        ] {
            let theirs = format!("/v1/me/{what}/{id}");
            let missing = other.wire.delete(&theirs, other.token()).await;
            assert_eq!(refused(missing), "not-found", "{what}");
        }
        // A device key belongs to one person: another cannot sign in with it.
        let stolen = SigningIn::start(&other, other.wire.base())
            .await
            .expect("starts");
        let stolen = stolen.with_key(mine.key.clone()).finish().await;
        assert_eq!(refused(stolen), "device-refused");
        me(&mine).await.expect("nothing of it bears on the owner");
    });
}

#[test]
fn only_pages_of_the_configured_origin_sign_people_in() {
    let ours = [
        "--rp-id",
        "carnet.example",
        "--origin",
        "https://app.carnet.example",
    ];
    let mut stage = Stage::with(&ours);
    let opened = stage.desk("Durand");
    let wire = stage.wire();
    now(async {
        let foreign = Enrolling::start(&wire, &opened.code, "https://evil.carnet.example").await;
        let foreign = foreign.expect("the code is good");
        assert_eq!(refused(foreign.finish().await), "ceremony-refused");

        let own = Enrolling::start(&wire, &opened.code, "https://app.carnet.example").await;
        let device = own.expect("the code is still good").finish().await;
        let device = device.expect("the passkey is taken");
        let foreign = SigningIn::start(&device, "https://evil.carnet.example").await;
        let foreign = foreign.expect("starts").finish().await;
        assert_eq!(refused(foreign), "ceremony-refused");
        by_cookie(&wire, &device.session).await;
    });

    // Under another domain every passkey would be dead: the server says so instead of starting.
    stage.stop();
    stage.set_arguments(&[
        "--rp-id",
        "other.example",
        "--origin",
        "https://other.example",
    ]);
    let said = stage.try_start().map(drop).expect_err("it does not start");
    assert!(
        said.contains("carnet.example") && said.contains("--rp-id"),
        "{said}"
    );
    stage.set_arguments(&ours);
    stage.start();
}

/// A browser sends its cookie whatever page asks: only the configured origin's may change things.
async fn by_cookie(wire: &Wire, session: &Session) {
    let ask = |origin: Option<&str>| {
        let cookie = format!("__Host-carnet={}", session.token);
        let request = wire
            .request(reqwest::Method::POST, "/v1/me/invitations")
            .header("cookie", cookie);
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        wire.send(request)
    };
    assert_eq!(refused(ask(None).await), "wrong-origin");
    let evil = ask(Some("https://evil.carnet.example")).await;
    assert_eq!(refused(evil), "wrong-origin");
    ask(Some("https://app.carnet.example"))
        .await
        .expect("its own page may");
}

#[test]
fn a_person_manages_what_lets_them_in_from_their_phone() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let tablet = camille.invite(&stage, "tablet");
    let theirs = tablet.synced(record);
    let profile = &camille.profile;

    let passkeys = profile.passkeys().expect("passkeys");
    assert_eq!(passkeys.len(), 2);
    let devices = profile.devices().expect("devices");
    let (here, away): (Vec<_>, Vec<_>) = devices.into_iter().partition(|device| device.current);
    assert_eq!((here.len(), away.len()), (1, 1));
    let sessions = profile.sessions().expect("sessions");
    let other = sessions.iter().find(|session| !session.current);
    let other = other.expect("the tablet's");
    assert_eq!(other.device.as_ref(), Some(&away[0].id));

    let call = |name: &str| profile.rename_device(away[0].id.clone(), name.to_owned());
    call("Tablette").expect("it is hers");
    let named = profile.devices().expect("devices");
    assert!(named.iter().any(|device| device.name == "Tablette"));
    let rename = profile.rename_passkey(passkeys[0].id.clone(), "Clé".to_owned());
    rename.expect("it is hers");

    // A session that is ended asks for a sign-in; a device that is revoked is out.
    profile.end_session(other.id.clone()).expect("it is hers");
    let ended = theirs.record.sync_now(None, None);
    assert_eq!(ended, Err(CarnetError::SignInNeeded));
    profile.revoke_device(away[0].id.clone()).expect("hers");
    let revoked = profile.devices().expect("devices");
    assert!(revoked.iter().any(|device| device.revoked.is_some()));

    let revoke = |id: &str| profile.revoke_passkey(id.to_owned());
    // The first one opened this session.
    let (kept, other) = match passkeys[0].created <= passkeys[1].created {
        true => (&passkeys[0], &passkeys[1]),
        false => (&passkeys[1], &passkeys[0]),
    };
    revoke(&other.id).expect("there is another");
    let Err(CarnetError::ServerProblem {
        problem, detail, ..
    }) = revoke(&kept.id)
    else {
        panic!("the last one stays");
    };
    assert_eq!(problem, "last-passkey");
    assert!(detail.is_some_and(|detail| detail.contains("enrol another first")));
    assert_eq!(
        profile.revoke_device("../sessions".to_owned()),
        Err(CarnetError::NotFound)
    );
}

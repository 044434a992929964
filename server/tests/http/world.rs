//! A server in this process, a clock that tests move, and people who use both.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use server::app::{Running, run_with};
use server::clock::{Clock as _, ManualClock, SystemClock};
use server::config::Config;
use server::fault::Fault;
use server::people::{self, Person};
use server::webauthn::codes::{self, Purpose};
use sync_core::sign::{PublicKey, sign};
use sync_core::{Bytes, PersonId};
use tempfile::TempDir;

use super::authenticator::Authenticator;

/// A server and its data directory.
pub struct World {
    dir: TempDir,
    running: Option<Running>,
    pub clock: Arc<ManualClock>,
    pub http: reqwest::Client,
}

/// What a request was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body of a success.
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    /// Checks that this is the problem of that name.
    pub fn refused(self, slug: &str) {
        let expected = json!(format!("/problems/{slug}"));
        assert_eq!(self.body["type"], expected, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
    }
}

impl World {
    pub async fn new() -> Self {
        // The client wants one, although nothing here speaks TLS; a second call finds the first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut world = Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
            running: None,
            clock: Arc::new(ManualClock::at(SystemClock.now())),
            http: reqwest::Client::new(),
        };
        world.start().await;
        world
    }

    pub fn config(&self) -> Config {
        Config {
            workers: 1,
            ..Config::local(self.dir.path())
        }
    }

    async fn start(&mut self) {
        let running = run_with(self.config(), self.clock.clone()).await;
        self.running = Some(running.expect("starts"));
    }

    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("runs")
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running().url())
    }

    /// Adds a person to the directory.
    pub async fn person(&self, given: &str) -> PersonId {
        let person = Person {
            family_name: "Martin".into(),
            given_names: given.into(),
            ins: None,
            traits: None,
            professional: None,
        };
        self.add(person).await
    }

    pub async fn add(&self, person: Person) -> PersonId {
        let app = self.running().app();
        let (keys, now) = (app.keys.clone(), self.clock.now());
        app.db
            .write(move |c| people::add(c, &keys, now, &person))
            .await
            .expect("added")
    }

    /// Makes an enrolment code at the desk.
    pub async fn code(&self, person: PersonId) -> String {
        let app = self.running().app();
        let (keys, now) = (app.keys.clone(), self.clock.now());
        let lasts = app.config.enrolment_code;
        app.db
            .write(move |c| -> Result<String, Fault> {
                let note = "identity card";
                let (code, _) = codes::issue(c, &keys, now, person, Purpose::First, note, lasts)?;
                Ok(code.expose())
            })
            .await
            .expect("issued")
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.bytes().await.expect("a body");
        Answer {
            status,
            headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.http.post(self.url(path)).json(body)).await
    }

    pub async fn post_as(&self, path: &str, body: &Value, token: &str) -> Answer {
        let request = self.http.post(self.url(path)).json(body);
        self.send(request.bearer_auth(token)).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.http.get(self.url(path)).bearer_auth(token))
            .await
    }

    pub async fn delete(&self, path: &str, token: &str) -> Answer {
        self.send(self.http.delete(self.url(path)).bearer_auth(token))
            .await
    }

    /// Begins an enrolment and makes the passkey; gives what is to be sent to finish it.
    pub async fn begin_enrolment(&self, code: &str, by: &mut Authenticator) -> Value {
        let started = self
            .post("/v1/enrolment/start", &json!({ "code": code }))
            .await
            .ok();
        assert!(Authenticator::is_asked_rightly(&started["options"]));
        json!({
            "ceremony": started["ceremony"],
            "credential": by.create(&started["options"]).await,
            "passkey_name": "Téléphone",
        })
    }

    /// Begins to sign in; gives what is to be sent to finish it.
    pub async fn begin_sign_in(&self, by: &mut Authenticator) -> Value {
        let started = self.post("/v1/sign-in/start", &json!({})).await.ok();
        assert_eq!(started["options"].get("mediation"), None);
        let options = &started["options"]["publicKey"];
        assert_eq!(options["userVerification"], json!("required"));
        json!({
            "ceremony": started["ceremony"],
            "credential": by.assert(&started["options"]).await,
        })
    }

    /// Enrols a new person; gives the session.
    pub async fn enrol(&self, given: &str, by: &mut Authenticator) -> Value {
        let person = self.person(given).await;
        let code = self.code(person).await;
        let finish = self.begin_enrolment(&code, by).await;
        let session = self.post("/v1/enrolment/finish", &finish).await.ok();
        assert_eq!(session["person"], json!(person));
        session
    }

    /// Signs in.
    pub async fn sign_in(&self, by: &mut Authenticator) -> Answer {
        let finish = self.begin_sign_in(by).await;
        self.post("/v1/sign-in/finish", &finish).await
    }
}

/// The token of a session.
pub fn token(session: &Value) -> &str {
    session["token"].as_str().expect("a token")
}

/// Offers a device key in a ceremony.
pub fn offer(key: &SigningKey, finish: &Value) -> Value {
    let ceremony: Bytes = serde_json::from_value(finish["ceremony"].clone()).expect("bytes");
    json!({
        "public_key": PublicKey::of(key),
        "name": "Tablette",
        "proof": sign(key, &[b"carnet/device/1", &ceremony]),
    })
}

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use sync_core::PersonId;
use url::Url;
use uuid::Uuid;

use super::{COOKIE, Session, SignedDevice, Token};
use crate::app::App;
use crate::config::Config;
use crate::http::{Problem, ProblemType};

/// Who makes a request: a handler that takes this answers nobody else.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The person.
    pub person: PersonId,
    /// The session.
    pub session: Uuid,
    /// The device the session was opened on, if it has a key.
    pub device: Option<SignedDevice>,
}

impl FromRequest for Signed {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = request
                .app_data::<web::Data<App>>()
                .ok_or(ProblemType::Internal)?;
            let session = current(app, &request).await?;
            app.limits.session(session.id)?;
            Ok(Self {
                person: session.person,
                session: session.id,
                device: session.device,
            })
        })
    }
}

async fn current(app: &App, request: &HttpRequest) -> Result<Session, Problem> {
    let token = sent_token(&app.config, request)?;
    let now = app.clock.now();
    let idle = app.config.session_idle;
    let found = app
        .db
        .read(move |connection| super::find(connection, now, idle, &token))
        .await?;
    let session = found.ok_or_else(|| {
        Problem::new(ProblemType::NotSignedIn).detail("the session has ended; sign in again")
    })?;
    if super::is_due(&session, now, idle) {
        let id = session.id;
        app.db
            .write(move |connection| super::touch(connection, now, id))
            .await?;
    }
    Ok(session)
}

/// The token that a request bears: of its `Authorization` header, or else of its cookie.
///
/// # Errors
/// When it bears none that can be read, or one in a cookie that a page of another origin sent.
pub fn sent_token(config: &Config, request: &HttpRequest) -> Result<Token, Problem> {
    match bearer(request) {
        Some(token) => token,
        None => cookie(config, request),
    }
}

/// The token of the `Authorization` header, if there is one.
fn bearer(request: &HttpRequest) -> Option<Result<Token, Problem>> {
    let value = request.headers().get(header::AUTHORIZATION)?;
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| token.trim().parse().ok());
    Some(token.ok_or_else(|| {
        Problem::new(ProblemType::NotSignedIn)
            .detail("Authorization must be Bearer and the token that signing in gave")
    }))
}

/// The token of the cookie. A browser sends it whatever page asks, so the page is looked at
/// wherever the request can change something or open a live connection.
fn cookie(config: &Config, request: &HttpRequest) -> Result<Token, Problem> {
    let refused = |why: &'static str| Problem::new(ProblemType::NotSignedIn).detail(why);
    let sent = request
        .cookies()
        .map_err(|_| refused("the cookie cannot be read"))?;
    let mut mine = sent.iter().filter(|cookie| cookie.name() == COOKIE);
    let token = mine
        .next()
        .and_then(|cookie| cookie.value().parse().ok())
        .ok_or_else(|| refused("sign in, and send the token"))?;
    if mine.next().is_some() {
        return Err(refused("the session's cookie was sent twice: send one"));
    }
    drop(sent);
    let harmless = request.method().is_safe() && !request.headers().contains_key(header::UPGRADE);
    match harmless {
        true => Ok(token),
        false => from_page_of(config, request).map(|()| token),
    }
}

/// Lets only pages of the configured origins go on.
///
/// # Errors
/// `wrong-origin` for others, and for what is no page.
pub fn from_own_page(app: &App, request: &HttpRequest) -> Result<(), Problem> {
    from_page_of(&app.config, request)
}

fn from_page_of(config: &Config, request: &HttpRequest) -> Result<(), Problem> {
    match bears_own_origin(config, request) {
        true => Ok(()),
        false => Err(Problem::new(ProblemType::WrongOrigin)
            .detail("the cookie is good for pages of the configured origins only")),
    }
}

fn bears_own_origin(config: &Config, request: &HttpRequest) -> bool {
    let Some(origin) = request
        .headers()
        .get(header::ORIGIN)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| Url::parse(text).ok())
    else {
        return false;
    };
    config.origins.iter().any(|allowed| {
        allowed.scheme() == origin.scheme()
            && allowed.domain() == origin.domain()
            && (config.any_port
                || allowed.port_or_known_default() == origin.port_or_known_default())
    })
}

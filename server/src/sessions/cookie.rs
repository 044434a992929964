use actix_web::cookie::time::OffsetDateTime;
use actix_web::cookie::{Cookie, SameSite};

use super::{Session, Token};

/// The cookie's name; its prefix has browsers take it from this very host and over TLS only.
pub const COOKIE: &str = "__Host-carnet";

/// The cookie that keeps a session in a browser, where no script can read it.
pub fn session_cookie(token: &Token, session: &Session) -> Cookie<'static> {
    let seconds = session.expires.millis() / 1000;
    let expires = OffsetDateTime::from_unix_timestamp(seconds).ok();
    let mut cookie = bare(token.expose());
    cookie.set_expires(expires);
    cookie
}

/// The cookie that makes a browser forget it.
pub fn ended_cookie() -> Cookie<'static> {
    let mut cookie = bare(String::new());
    cookie.make_removal();
    cookie
}

fn bare(value: String) -> Cookie<'static> {
    Cookie::build(COOKIE, value)
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .finish()
}

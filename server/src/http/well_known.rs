//! Files by which platforms tie apps and origins to this domain.

use actix_web::{HttpResponse, get, web};
use serde_json::json;

use crate::app::App;

/// Digital Asset Links: the Android apps that may use this domain's passkeys.
#[get("/.well-known/assetlinks.json")]
pub async fn assetlinks(app: web::Data<App>) -> HttpResponse {
    let links: Vec<_> = app
        .config
        .android_apps
        .iter()
        .map(|android| {
            json!({
                "relation": [
                    "delegate_permission/common.handle_all_urls",
                    "delegate_permission/common.get_login_creds",
                ],
                "target": {
                    "namespace": "android_app",
                    "package_name": android.package,
                    "sha256_cert_fingerprints": [android.fingerprint_text()],
                },
            })
        })
        .collect();
    HttpResponse::Ok().json(links)
}

/// The Apple apps that may use this domain's passkeys, and open its invitations.
#[get("/.well-known/apple-app-site-association")]
pub async fn apple(app: web::Data<App>) -> HttpResponse {
    let apps: Vec<&str> = app.config.apple_apps.iter().map(|a| a.0.as_str()).collect();
    HttpResponse::Ok().json(json!({
        "webcredentials": { "apps": apps },
        "applinks": { "details": [{ "appIDs": apps, "components": [{ "/": "/enrol" }] }] },
    }))
}

/// Related origins: the web origins that may use this domain's passkeys.
#[get("/.well-known/webauthn")]
pub async fn webauthn(app: web::Data<App>) -> HttpResponse {
    let origins: Vec<String> = app
        .config
        .origins
        .iter()
        .map(|origin| origin.origin().ascii_serialization())
        .collect();
    HttpResponse::Ok().json(json!({ "origins": origins }))
}

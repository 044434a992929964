//! The description of the interface, made from the handlers.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get};
use sync_core::codec::Encoding;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, PathItem, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi, ToSchema as _};

use super::held_body::HeldBody;
use super::problem::ProblemBody;
use super::{
    ProblemType, enrolment, habilitation, health, live, log, me, people, professionals, records,
    sign_in, sync,
};
use crate::sessions::COOKIE;

/// The whole interface.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Carnet",
        description = "A shared medical record kept convergent between phones and a server. \
            Bodies are `application/json`, with bytes as unpadded base64url text, or \
            `application/cbor`, with bytes as byte strings. Errors are `application/problem+json` \
            (RFC 9457).",
        license(name = "Apache-2.0")
    ),
    paths(
        enrolment::start::handle,
        enrolment::finish::handle,
        sign_in::start::handle,
        sign_in::finish::handle,
        sign_in::out::handle,
        me::who::handle,
        me::passkeys::list,
        me::passkeys::rename,
        me::passkeys::revoke,
        me::devices::list,
        me::devices::rename,
        me::devices::revoke,
        me::sessions::list,
        me::sessions::end,
        me::invitations::handle,
        professionals::handle,
        habilitation::handle,
        records::handle,
        sync::handle,
        live::handle,
        log::handle,
        people::handle,
        health::healthz,
        health::readyz,
        health::metrics,
    ),
    modifiers(&Session, &Refusals)
)]
pub struct Api;

struct Session;

impl Modify for Session {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            COOKIE,
            "For browsers: set instead of a token where signing in was asked for a `cookie`. \
             Requests that change something, and the WebSocket, need an `Origin` that the server \
             is configured for.",
        )));
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("session", token);
        components.add_security_scheme("cookie", cookie);
        // Either will do, wherever a session is asked for.
        for (_, _, operation) in operations(api) {
            if let Some(security) = &mut operation.security {
                security.push(SecurityRequirement::new("cookie", [""; 0]));
            }
        }
    }
}

/// Adds to each operation how it can be refused before its handler is asked: by the rate, for want
/// of a session, and for its body.
struct Refusals;

impl Modify for Refusals {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        for (path, method, operation) in operations(api) {
            operation.operation_id = Some(format!("{method} {path}"));
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else {
                    continue;
                };
                let status: Option<StatusCode> = status.parse().ok();
                if response.description.is_empty() {
                    let reason = status.and_then(|code| code.canonical_reason());
                    response.description = reason.unwrap_or("an answer").to_owned();
                }
                if status.is_some_and(|code| !code.is_success())
                    && let Some(content) = response.content.shift_remove("application/json")
                {
                    response.content.insert(PROBLEM.to_owned(), content);
                }
            }
            let mut kinds = vec![
                ProblemType::TooMany,
                ProblemType::TooSlow,
                ProblemType::Unavailable,
            ];
            if operation.security.is_some() {
                kinds.push(ProblemType::NotSignedIn);
                // A browser's page opens the WebSocket by a GET that bears the cookie.
                if method != "get" || path.ends_with("/live") {
                    kinds.push(ProblemType::WrongOrigin);
                }
            }
            let asks = |parameter: &RefOr<Parameter>| match parameter {
                RefOr::T(parameter) => matches!(parameter.parameter_in, ParameterIn::Query),
                RefOr::Ref(_) => false,
            };
            if operation.parameters.iter().flatten().any(asks) {
                kinds.push(ProblemType::Malformed);
            }
            if operation.request_body.is_some() {
                kinds.extend([
                    ProblemType::Malformed,
                    ProblemType::TooLarge,
                    ProblemType::UnsupportedMedia,
                ]);
            }
            for kind in kinds {
                let status = kind.status().as_str().to_owned();
                let responses = &mut operation.responses.responses;
                responses.entry(status).or_insert_with(|| refusal(kind));
            }
        }
    }
}

/// Each operation, with its path and method.
fn operations(
    api: &mut utoipa::openapi::OpenApi,
) -> impl Iterator<Item = (&String, &'static str, &mut Operation)> {
    let items = api.paths.paths.iter_mut();
    items.flat_map(|(path, item)| {
        let PathItem {
            get,
            post,
            patch,
            delete,
            ..
        } = item;
        let named = [
            ("get", get),
            ("post", post),
            ("patch", patch),
            ("delete", delete),
        ];
        let here = named.into_iter();
        here.filter_map(move |(method, operation)| Some((path, method, operation.as_mut()?)))
    })
}

/// The media type of errors.
const PROBLEM: &str = "application/problem+json";

fn refusal(kind: ProblemType) -> RefOr<Response> {
    let schema = Ref::from_schema_name(ProblemBody::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new()
        .description(format!("`{}`", kind.slug()))
        .content(PROBLEM, content);
    RefOr::T(response.build())
}

/// Serves the description.
#[get("/openapi.json")]
pub async fn handle() -> HttpResponse {
    static DESCRIPTION: LazyLock<Bytes> =
        LazyLock::new(|| Encoding::Json.write(&Api::openapi()).into());
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(HeldBody::shared(DESCRIPTION.clone()))
}

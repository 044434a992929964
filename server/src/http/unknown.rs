//! What no route answers: a path that does not exist, or one asked in a way it does not take.

use std::sync::LazyLock;

use actix_web::dev::ResourceDef;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};
use utoipa::OpenApi as _;

use super::openapi::Api;
use super::{Problem, ProblemType};

/// Paths that people and platforms read, which the description leaves out.
const READ_ONLY: [&str; 7] = [
    "/",
    "/problems",
    "/problems/{slug}",
    "/openapi.json",
    "/.well-known/assetlinks.json",
    "/.well-known/apple-app-site-association",
    "/.well-known/webauthn",
];

/// Every path there is, and the methods it takes as `Allow` has them.
static PATHS: LazyLock<Vec<(ResourceDef, String)>> = LazyLock::new(|| {
    let api = serde_json::to_value(Api::openapi()).unwrap_or_default();
    let described = api["paths"].as_object().into_iter().flatten();
    let described = described.map(|(path, operations)| {
        let methods = operations.as_object().into_iter().flat_map(|o| o.keys());
        let methods: Vec<String> = methods.map(|method| method.to_uppercase()).collect();
        (ResourceDef::new(path.as_str()), methods.join(", "))
    });
    let others = READ_ONLY.map(|path| (ResourceDef::new(path), "GET".to_owned()));
    described.chain(others).collect()
});

/// Answers for a path without a handler, and for a handler that has not the method.
pub async fn handle(request: HttpRequest) -> HttpResponse {
    let mut paths = PATHS.iter();
    let Some((_, methods)) = paths.find(|(path, _)| path.is_match(request.path())) else {
        return Problem::new(ProblemType::NotFound).error_response();
    };
    let problem = Problem::new(ProblemType::MethodNotAllowed);
    let mut response = problem
        .detail(format!("this path takes {methods}"))
        .error_response();
    if let Ok(methods) = HeaderValue::from_str(methods) {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    response
}

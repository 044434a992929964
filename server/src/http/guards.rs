//! What every request passes: time, rate, and one form of error.

use std::net::{IpAddr, SocketAddr};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, web};

use tracing_actix_web::RequestId;

use super::{Problem, ProblemType, SECURITY_HEADERS};
use crate::app::App;

/// Names the request in the server's logs, for whoever asks about it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The address a request comes from: the connection's, or behind a proxy the last that the proxy
/// wrote, with or without a port, if it wrote one; none on a connection without one.
pub fn peer_address(app: &App, request: &HttpRequest) -> Option<IpAddr> {
    let forwarded = app.config.behind_proxy.then(|| forwarded_for(request));
    let connection = || request.peer_addr().map(|address| address.ip());
    forwarded.flatten().or_else(connection)
}

fn forwarded_for(request: &HttpRequest) -> Option<IpAddr> {
    let written = request.headers().get_all("X-Forwarded-For").last()?;
    let last = written.to_str().ok()?.rsplit(',').next()?.trim();
    let bare = last.trim_start_matches('[').trim_end_matches(']');
    let with_port = || last.parse().map(|address: SocketAddr| address.ip());
    bare.parse().or_else(|_| with_port()).ok()
}

/// Refuses a peer that asks for more than its rate.
pub(super) async fn within_rate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    // The operator's machines ask often, and behind a proxy share an address with everybody.
    let probe = ["/healthz", "/readyz", "/metrics"].contains(&request.path());
    if let Some(app) = request.app_data::<web::Data<App>>()
        && let Some(address) = peer_address(app, request.request()).filter(|_| !probe)
    {
        app.limits.peer(address)?;
    }
    next.call(request).await
}

/// Gives up on a request whose body does not arrive, or whose answer is not ready, in time.
pub(super) async fn within_time<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let Some(app) = request.app_data::<web::Data<App>>() else {
        return next.call(request).await;
    };
    let limit = app.config.request_timeout;
    tokio::time::timeout(limit, next.call(request))
        .await
        .unwrap_or_else(|_| Err(Problem::new(ProblemType::TooSlow).into()))
}

/// Gives every error the form of a problem, also those that the framework made.
pub(super) async fn answer_problems<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let id = request.extensions().get::<RequestId>().copied();
    let id = id.and_then(|id| HeaderValue::from_str(&id.to_string()).ok());
    let mut response = match next.call(request).await {
        Ok(response) => response.map_into_left_body(),
        Err(error) => return Err(dressed(error, id)),
    };
    if let Some(id) = &id {
        response.headers_mut().insert(REQUEST_ID, id.clone());
    }
    let Some(mut problem) = as_problem(response.response()) else {
        return Ok(response);
    };
    if let Some(id) = id {
        problem.headers_mut().insert(REQUEST_ID, id);
    }
    let (http, _) = response.into_parts();
    Ok(ServiceResponse::new(http, problem).map_into_right_body())
}

/// The problem to answer instead of an error that is none.
fn as_problem<B>(response: &HttpResponse<B>) -> Option<HttpResponse> {
    let status = response.status();
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/problem+json");
    if !(status.is_client_error() || status.is_server_error()) || is_problem {
        return None;
    }
    let kind = match status {
        StatusCode::NOT_FOUND => ProblemType::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ProblemType::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemType::TooLarge,
        StatusCode::REQUEST_TIMEOUT => ProblemType::TooSlow,
        status if status.is_client_error() => ProblemType::Malformed,
        _ => ProblemType::Internal,
    };
    Some(Problem::new(kind).error_response())
}

/// An error that never came to a handler goes past what dresses answers: it gets all of it here.
fn dressed(error: Error, id: Option<HeaderValue>) -> Error {
    let response = error.error_response();
    let mut response = as_problem(&response).unwrap_or(response);
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        let name = HeaderName::from_static(name);
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id);
    }
    InternalError::from_response(error, response).into()
}

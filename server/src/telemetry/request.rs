use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage as _};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder, TracingLogger};

/// The span of a request: its random identifier, method and route pattern, and how it ended. The
/// path itself, the peer and the headers stay out.
pub struct RequestTrace;

/// When a request began, kept with its span's request.
#[derive(Clone, Copy)]
struct Began(Instant);

impl RequestTrace {
    /// The middleware that opens the span.
    pub fn logger() -> TracingLogger<Self> {
        TracingLogger::new()
    }
}

impl RootSpanBuilder for RequestTrace {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().copied();
        request.extensions_mut().insert(Began(Instant::now()));
        let route = route(request);
        tracing::info_span!(
            "request",
            id = id.map(tracing::field::display),
            method = known(request.method().as_str()),
            route,
            status = tracing::field::Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let (status, request) = match outcome {
            Ok(response) => (response.status(), Some(response.request())),
            Err(error) => (error.as_response_error().status_code(), None),
        };
        span.record("status", status.as_u16());
        let method = request.map_or("", |r| known(r.method().as_str()));
        let route = request
            .and_then(|r| r.match_pattern())
            .unwrap_or_else(|| "none".to_owned());
        let labels = [
            ("method", method.to_owned()),
            ("route", route),
            ("status", status.as_u16().to_string()),
        ];
        metrics::counter!("carnet_http_requests", &labels).increment(1);
        let began = request.and_then(|r| r.extensions().get::<Began>().copied());
        if let Some(Began(began)) = began {
            metrics::histogram!("carnet_http_request_seconds", &labels[..2])
                .record(began.elapsed().as_secs_f64());
        }
        let _entered = span.enter();
        if status.is_server_error() {
            tracing::warn!("request failed");
        } else {
            tracing::debug!("request answered");
        }
    }
}

fn route(request: &ServiceRequest) -> String {
    request.match_pattern().unwrap_or_else(|| "none".to_owned())
}

/// Methods come from outside: only those with a meaning here may become a label.
fn known(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|name| *name == method)
        .unwrap_or("other")
}

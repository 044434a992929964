//! The HTTP face: one use case a file, errors as problems, one description of it all.

pub mod body;
mod guards;
pub mod limits;
pub mod problem;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::{App as Actix, Error, HttpResponse, web};

use crate::app::App;
use crate::telemetry::RequestTrace;
pub use body::{Body, Reply};
pub use problem::{Problem, ProblemType};

/// The actix application: what every request passes through, and the routes.
pub fn app(
    app: web::Data<App>,
) -> Actix<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    Actix::new()
        .app_data(app)
        .app_data(
            web::PathConfig::default()
                .error_handler(|_, _| Error::from(Problem::new(ProblemType::NotFound))),
        )
        .app_data(web::QueryConfig::default().error_handler(|error, _| {
            let problem = Problem::new(ProblemType::Malformed);
            Error::from(problem.detail(format!("in the query: {error}")))
        }))
        .configure(routes)
        .wrap(from_fn(guards::within_time))
        .wrap(from_fn(guards::within_rate))
        .wrap(from_fn(guards::answer_problems))
        .wrap(security_headers())
        .wrap(RequestTrace::logger())
}

fn routes(service: &mut web::ServiceConfig) {
    service.default_service(web::to(not_found));
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(ProblemType::NotFound.into())
}

/// Headers for every answer. The only page there is needs neither scripts nor frames.
fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("Referrer-Policy", "no-referrer"))
        .add(("X-Frame-Options", "DENY"))
        .add(("Cross-Origin-Resource-Policy", "same-origin"))
        .add((
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ))
        .add((
            "Strict-Transport-Security",
            "max-age=31536000; includeSubDomains",
        ))
}

//! The HTTP face: one use case a file, errors as problems, one description of it all.

pub mod bodies;
pub mod body;
mod enrolment;
mod guards;
mod habilitation;
mod health;
mod held_body;
pub mod limits;
mod live;
mod log;
mod me;
pub mod openapi;
mod page;
mod people;
pub mod problem;
mod professionals;
mod records;
mod session_answer;
pub mod settle;
mod sign_in;
mod sync;
mod unknown;
mod well_known;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, DefaultHeaders, from_fn};
use actix_web::{App as Actix, Error, web};

use crate::app::App;
use crate::telemetry::RequestTrace;
pub use body::{Body, JsonBody, Reply};
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
        .wrap(Compress::default())
        .wrap(security_headers())
        .wrap(RequestTrace::logger())
}

fn routes(service: &mut web::ServiceConfig) {
    service
        .service(page::home)
        .service(page::enrol)
        .service(page::problems)
        .service(page::problem)
        .service(openapi::handle)
        .service(health::healthz)
        .service(health::readyz)
        .service(health::metrics)
        .service(well_known::assetlinks)
        .service(well_known::apple)
        .service(well_known::webauthn)
        .service(enrolment::start::handle)
        .service(enrolment::finish::handle)
        .service(sign_in::start::handle)
        .service(sign_in::finish::handle)
        .service(sign_in::out::handle)
        .service(me::who::handle)
        .service(me::passkeys::list)
        .service(me::passkeys::rename)
        .service(me::passkeys::revoke)
        .service(me::devices::list)
        .service(me::devices::rename)
        .service(me::devices::revoke)
        .service(me::sessions::list)
        .service(me::sessions::end)
        .service(me::invitations::handle)
        .service(professionals::handle)
        .service(habilitation::handle)
        .service(records::handle)
        .service(sync::handle)
        .service(live::handle)
        .service(log::handle)
        .service(people::handle)
        .default_service(web::to(unknown::handle));
}

/// Headers for every answer. The only page there is needs neither scripts nor frames.
const SECURITY_HEADERS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    (
        "strict-transport-security",
        "max-age=31536000; includeSubDomains",
    ),
];

fn security_headers() -> DefaultHeaders {
    let headers = SECURITY_HEADERS.into_iter();
    headers.fold(DefaultHeaders::new(), DefaultHeaders::add)
}

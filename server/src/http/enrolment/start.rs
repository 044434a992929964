use actix_web::{HttpRequest, Responder, post, web};
use serde::{Deserialize, Serialize};
use sync_core::Bytes;
use utoipa::ToSchema;
use webauthn_rs_proto::CreationChallengeResponse;

use crate::app::App;
use crate::http::guards::peer_address;
use crate::http::problem::ProblemBody;
use crate::http::settle::settle;
use crate::http::{JsonBody, Problem, ProblemType, Reply};
use crate::people;
use crate::webauthn::ceremonies::{self, Ceremony};
use crate::webauthn::codes::{self, CodeRefused};
use crate::webauthn::{CeremonyRefused, passkeys};

/// A code somebody was given.
#[derive(Deserialize, ToSchema)]
pub struct EnrolmentStart {
    /// Ten characters; case, spaces and hyphens do not matter.
    #[schema(example = "4F7QK-2M9XA")]
    code: String,
}

/// A ceremony that was begun.
#[derive(Serialize, ToSchema)]
pub struct EnrolmentStarted {
    /// Names the ceremony: 16 bytes.
    #[schema(value_type = String, format = Byte)]
    ceremony: Bytes,
    /// For `navigator.credentials.create()`, as WebAuthn's JSON has it.
    #[schema(value_type = Object)]
    options: CreationChallengeResponse,
}

/// Begins to make a passkey.
#[utoipa::path(
    tag = "Signing in",
    request_body = EnrolmentStart,
    responses(
        (status = 200, body = EnrolmentStarted),
        (status = 403, description = "`code-refused`", body = ProblemBody),
        (status = 429, description = "`too-many`", body = ProblemBody),
    )
)]
#[post("/v1/enrolment/start")]
pub async fn handle(
    app: web::Data<App>,
    request: HttpRequest,
    body: JsonBody<EnrolmentStart>,
) -> Result<impl Responder, Problem> {
    let peer = peer_address(&app, &request);
    let code = body.0.code;
    let started = settle(&app, move |app, connection| {
        let now = app.clock.now();
        let good = match codes::check(connection, &app.keys, now, peer, &code)? {
            Ok(good) => good,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let person =
            people::find(connection, &app.keys, good.person)?.ok_or(ProblemType::Internal)?;
        let known = passkeys::credentials(connection, good.person)?;
        let (options, state) = app
            .relying_party
            .start_enrolment(good.person, &person.name(), known)
            .map_err(CeremonyRefused::from)?;
        let ceremony = Ceremony::Enrolment {
            person: good.person,
            selector: good.selector,
            state: Box::new(state),
        };
        let id = ceremonies::put(connection, &app.keys, now, &ceremony)?;
        Ok(Ok(EnrolmentStarted {
            ceremony: id[..].into(),
            options,
        }))
    })
    .await?;
    Ok(Reply(started))
}

impl From<CodeRefused> for Problem {
    fn from(refused: CodeRefused) -> Self {
        match refused {
            CodeRefused::NotGood => {
                Problem::new(ProblemType::CodeRefused).detail(refused.to_string())
            }
            CodeRefused::TooMany { retry_after } => Problem::new(ProblemType::TooMany)
                .detail(refused.to_string())
                .retry_after(retry_after),
        }
    }
}

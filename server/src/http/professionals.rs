use actix_web::{Responder, post, web};
use serde::{Deserialize, Serialize};
use sync_core::PersonId;
use sync_core::identity::Rpps;
use sync_core::policy::Profession;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::problem::ProblemBody;
use crate::http::settle::look;
use crate::http::{Body, Problem, ProblemType, Reply};
use crate::people;
use crate::sessions::Signed;

/// Whom to look for. In the body, because addresses are kept in logs and histories on the way.
#[derive(Deserialize, ToSchema)]
pub struct ProfessionalSearch {
    /// Number in the shared directory of professionals: 11 digits.
    #[schema(example = "10101010105")]
    rpps: String,
}

impl ProfessionalSearch {
    pub(super) fn number(&self) -> Result<Rpps, Problem> {
        Rpps::parse(&self.rpps)
            .map_err(|error| Problem::new(ProblemType::Malformed).detail(error.to_string()))
    }
}

/// A verified health professional.
#[derive(Serialize, ToSchema)]
#[schema(as = Professional)]
pub struct ProfessionalAnswer {
    /// The person, to whom a right can be given.
    #[schema(value_type = uuid::Uuid)]
    person: PersonId,
    /// The name to show.
    name: String,
    /// The verified profession.
    #[schema(value_type = String)]
    profession: Profession,
}

/// Finds a health professional by RPPS number.
#[utoipa::path(
    tag = "People",
    request_body = ProfessionalSearch,
    responses(
        (status = 200, body = ProfessionalAnswer),
        (status = 400, description = "`malformed`", body = ProblemBody),
        (status = 404, body = ProblemBody),
    ),
    security(("session" = []))
)]
#[post("/v1/professionals/search")]
pub async fn handle(
    app: web::Data<App>,
    signed: Signed,
    body: Body<ProfessionalSearch>,
) -> Result<impl Responder, Problem> {
    app.limits.look_up(signed.person)?;
    let rpps = body.0.number()?;
    let found = look(&app, move |app, connection| {
        let id = people::find_by_rpps(connection, &app.keys, &rpps)?;
        let id = id.ok_or(ProblemType::NotFound)?;
        let person = people::find(connection, &app.keys, id)?.ok_or(ProblemType::NotFound)?;
        let name = person.name();
        let professional = person.professional.ok_or(ProblemType::NotFound)?;
        Ok(ProfessionalAnswer {
            person: id,
            name,
            profession: professional.profession,
        })
    })
    .await?;
    Ok(Reply(found))
}

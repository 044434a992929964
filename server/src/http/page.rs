//! Pages for people who come with a browser.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};

use super::ProblemType;
use crate::app::App;

/// Says what runs here, and leads to the description of the interface.
#[get("/")]
pub async fn home(app: web::Data<App>) -> HttpResponse {
    let version = env!("CARGO_PKG_VERSION");
    let domain = escape(&app.config.rp_id);
    page(&format!(
        "<h1>Carnet</h1>\n\
         <p>A shared medical record that works offline. Version {version}, for the domain \
         <b>{domain}</b>.</p>\n\
         <p>This server is spoken to by apps. Its interface is described in \
         <a href=\"/openapi.json\">/openapi.json</a>; its errors in \
         <a href=\"/problems\">/problems</a>.</p>\n\
         <p>For whoever runs it: <a href=\"/healthz\">/healthz</a>, \
         <a href=\"/readyz\">/readyz</a>, <a href=\"/metrics\">/metrics</a>.</p>\n"
    ))
}

/// Where the link of an invitation leads, whose code stands behind the `#` and so is not sent:
/// says what to do with it. No script reads it either.
#[get("/enrol")]
pub async fn enrol() -> HttpResponse {
    page(
        "<h1>Carnet</h1>\n\
         <section lang=\"fr\"><p>Ce lien est une invitation à se connecter à Carnet, le carnet de \
         santé partagé. Le code qui suit le <code>#</code> dans l’adresse se saisit dans \
         l’application Carnet, ou avec <code>carnet-phone enrol</code>. Il ne sert qu’une fois et \
         pour peu de temps : ne le transmettez à personne.</p></section>\n\
         <section lang=\"en\"><p>This link is an invitation to sign in to Carnet, the shared \
         medical record. Enter the code after the <code>#</code> of the address in the Carnet \
         app, or with <code>carnet-phone enrol</code>. It is good once and for a short time: give \
         it to nobody.</p></section>\n",
    )
}

/// Lists every type of problem.
#[get("/problems")]
pub async fn problems() -> HttpResponse {
    page(&list_problems(ProblemType::ALL))
}

/// Describes one type of problem: where its `type` leads.
#[get("/problems/{slug}")]
pub async fn problem(slug: web::Path<String>) -> HttpResponse {
    match ProblemType::ALL.iter().find(|kind| kind.slug() == *slug) {
        Some(kind) => page(&list_problems(&[*kind])),
        None => HttpResponse::NotFound().finish(),
    }
}

fn list_problems(kinds: &[ProblemType]) -> String {
    let items: String = kinds
        .iter()
        .map(|kind| {
            let (slug, title) = (kind.slug(), kind.title());
            let status = kind.status().as_u16();
            format!("<dt><code>/problems/{slug}</code> ({status})</dt><dd>{title}.</dd>\n")
        })
        .collect();
    format!("<h1>Problems</h1>\n<dl>\n{items}</dl>\n")
}

fn page(content: &str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>Carnet</title>\n\
             <style>body{{font:1.1rem/1.5 system-ui;max-width:40rem;margin:3rem auto;\
             padding:0 1rem}}dt{{margin-top:.6rem}}</style>\n{content}</html>\n"
        ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

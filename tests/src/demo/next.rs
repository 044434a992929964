//! What to try next, with the server up.

use std::path::Path;

use super::screen::{Screen, Tone};
use super::stage::Stage;

/// Prints commands that work as they stand.
pub(super) fn show(screen: &Screen, stage: &Stage<'_>, folder: &Path) {
    screen.chapter("The server stays up. Try, from the project's folder, in another terminal:");
    let command = |text: &str, what: &str| {
        screen.say(&screen.paint(Tone::Quiet, &format!("# {what}")));
        screen.say(text);
    };
    let phone =
        |folder_of: &str| format!("cargo phone --store {}", folder.join(folder_of).display());
    let url = stage.server.url();
    let record = stage.record;
    command(
        &format!("{} review", phone(stage.new.folder)),
        "what Jeanne has to settle",
    );
    command(
        &format!("{} log --verify", phone(stage.new.folder)),
        "who did what, and that nothing was removed",
    );
    command(
        &format!("{} list", phone(stage.camille.folder)),
        "what Camille sees",
    );
    command(&format!("curl {url}/healthz"), "the server's health");
    command(&format!("curl {url}/openapi.json"), "its interface");
    command(
        &format!("curl -i {url}/v1/records/{record}/log"),
        "without a sign-in: a problem that says what to do",
    );
    screen.say("Ctrl-C ends it.");
}

//! The record as the patient reads it, and a point that she settles.

use std::path::Path;
use std::process::Stdio;

use carnet_mobile::face::{CardScreen, ReviewEntry, TreatmentsScreen};
use carnet_mobile::terminal::{Language, Output, Reads};
use sync_core::kind::contact::RELATIONSHIP;
use sync_core::merge::FlagCode;

use super::opening::Scene;
use super::screen::{Screen, Tone};
use super::stage::Stage;
use crate::support::{SupportError, phone_in_terminal};

const TERMINAL: Output = Output {
    json: false,
    language: Language::En,
};

/// What was on the screens, for the checks.
#[derive(Debug)]
pub(super) struct Read {
    /// What was to be settled before anything was.
    pub review: Vec<ReviewEntry>,
    /// The treatments.
    pub treatments: TreatmentsScreen,
    /// The card.
    pub card: CardScreen,
    /// The side that the patient took of the contact's two relationships.
    pub taken: String,
}

/// Shows the screens on her new phone, as `carnet-phone` prints them, and settles a point.
pub(super) fn show(
    screen: &Screen,
    stage: &Stage<'_>,
    scene: &Scene,
    folder: &Path,
) -> Result<Read, SupportError> {
    let record = &stage.new.copy.record;
    screen.chapter("9  What Jeanne reads: carnet-phone treatments, card, directives");
    let all = record.treatments()?;
    let mut treatments = all.clone();
    // Those that the story is about; the life has more.
    let about = [scene.amlodipine, scene.care.levothyrox].map(|entry| entry.to_string());
    treatments.taken.retain(|one| about.contains(&one.line.id));
    TERMINAL.treatments(&treatments, Reads::All);
    let card = record.card(Vec::new())?;
    let mut shown = card.clone();
    shown.treatments.clear();
    shown.conditions.truncate(3);
    shown.allergies.truncate(6);
    screen.say(&screen.paint(
        Tone::Quiet,
        "(of the card, the treatments above are left out here)",
    ));
    TERMINAL.card(&shown);
    TERMINAL.wishes(&record.wishes()?, Reads::All);
    screen.chapter("10  What Jeanne settles: carnet-phone review, resolve");
    let review = record.to_review()?;
    let disputed = |item: &&ReviewEntry| {
        item.code == FlagCode::ConcurrentValues.code()
            && item.field.as_deref() == Some(RELATIONSHIP)
            && item.entries == [scene.neighbour.to_string()]
    };
    let item = review.iter().find(disputed);
    let item = item.ok_or(SupportError::Missing(
        "the contact's two relationships on the list",
    ))?;
    let place = review.iter().position(|one| one.key == item.key);
    let number = place.map_or(1, |place| place + 1);
    TERMINAL.review_item(number, item);
    let side = item.sides.iter().find(|side| side.may_be_taken);
    let side = side.ok_or(SupportError::Missing("a side that may be taken"))?;
    let taken = side.claim.text.en.clone();
    let change = side.claim.change.clone();
    resolve(&folder.join(stage.new.folder), number, &change)?;
    stage.new.copy.sync()?;
    let left = record.to_review()?.len();
    screen.say(&format!(
        "She takes « {taken} »; both stay in the contact's history. {left} points are left, of {}.",
        review.len()
    ));
    Ok(Read {
        review,
        treatments: all,
        card,
        taken,
    })
}

/// Settles an item in the terminal, in a process of its own.
fn resolve(phone: &Path, number: usize, change: &str) -> Result<(), SupportError> {
    let program = std::env::current_exe().map_err(SupportError::io("this program"))?;
    let number = number.to_string();
    let arguments = ["resolve", &number, "--take", &change[..8]];
    let mut command = phone_in_terminal(&program, phone, &arguments);
    let ran = command.stdout(Stdio::null()).status();
    let ran = ran.map_err(SupportError::io("carnet-phone"))?;
    let settled = ran.success().then_some(());
    settled.ok_or(SupportError::Missing("a point that can be settled"))
}

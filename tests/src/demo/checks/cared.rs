//! Whether treatments, papers, wishes and the card came out right.

use carnet_mobile::face::{BloodGroups, DirectiveState};
use sync_core::kind::Kind;
use sync_core::kind::contact::RELATIONSHIP;
use sync_core::merge::FlagCode;

use super::super::care::LATER;
use super::super::opening::Scene;
use super::super::screens::Read;
use super::super::stage::Stage;
use super::Finding;
use crate::support::SupportError;

/// All of them, each with what it is about.
pub(super) fn all(
    stage: &Stage<'_>,
    scene: &Scene,
    read: &Read,
) -> Result<Vec<(&'static str, Finding)>, SupportError> {
    Ok(vec![
        (
            "the dose of Levothyrox is disputed: both are shown, neither is current",
            disputed(scene, read),
        ),
        (
            "what the pharmacist handed over is told beside it",
            handed_over(scene, read),
        ),
        (
            "the card shows every blood group with its source, and none as the one",
            blood_groups(read),
        ),
        (
            "the card keeps the allergies, and leaves the pregnancy of 1994 out",
            card(read),
        ),
        (
            "the directive in force is the one dated later, though it was synced earlier",
            directive(stage)?,
        ),
        (
            "both replacements of the report are current",
            report(stage)?,
        ),
        (
            "the vaccination entered twice is linked",
            vaccination(stage)?,
        ),
        (
            "what Jeanne settled is off her list, and both sides are kept",
            settled(stage, scene, read)?,
        ),
    ])
}

fn wrong(right: bool, why: &str) -> Finding {
    (!right).then(|| why.to_owned())
}

fn disputed(scene: &Scene, read: &Read) -> Finding {
    let id = scene.care.levothyrox.to_string();
    let taken = read.treatments.taken.iter().find(|one| one.line.id == id);
    let right = taken.is_some_and(|one| {
        let doses = ["88 µg", "100 µg"];
        let shown = |dose: &&str| one.regimens.iter().any(|said| said.en.contains(*dose));
        one.current.is_none() && one.regimens.len() == 2 && doses.iter().all(shown)
    });
    wrong(right, "the treatment shows otherwise")
}

fn handed_over(scene: &Scene, read: &Read) -> Finding {
    let id = scene.care.levothyrox.to_string();
    let taken = read.treatments.taken.iter().find(|one| one.line.id == id);
    let right = taken.is_some_and(|one| one.dispensed.len() == 1);
    wrong(right, "the treatment does not tell of it")
}

fn blood_groups(read: &Read) -> Finding {
    let right = match &read.card.blood_groups {
        BloodGroups::Discordant { groups } => {
            let said = |source| groups.iter().any(|group| group.en.contains(source));
            said("laboratory") && said("declared")
        }
        _ => false,
    };
    wrong(right, "they are shown as one")
}

fn card(read: &Read) -> Finding {
    let (allergies, pregnancies) = (read.card.allergies.len(), read.card.pregnancies.len());
    let right = allergies > 2 && !read.card.no_known_allergy && pregnancies == 0;
    wrong(right, "it says otherwise")
}

fn directive(stage: &Stage<'_>) -> Result<Finding, SupportError> {
    let wishes = stage.new.copy.record.wishes()?;
    let state = |state| {
        let of_state = wishes
            .directives
            .iter()
            .filter(move |one| one.state == state);
        of_state
            .filter_map(|one| one.date.as_deref())
            .collect::<Vec<_>>()
    };
    let in_force = state(DirectiveState::InForce);
    let right = in_force == [LATER] && state(DirectiveState::Superseded).len() == 1;
    Ok(wrong(right, "another is in force"))
}

fn report(stage: &Stage<'_>) -> Result<Finding, SupportError> {
    let documents = stage.new.copy.record.documents()?;
    let current = documents.iter().filter(|document| document.current).count();
    let right = documents.len() == 3 && current == 2;
    Ok(wrong(right, "one hides the other"))
}

fn vaccination(stage: &Stage<'_>) -> Result<Finding, SupportError> {
    let lines = stage.new.copy.record.list(false)?;
    let kind = Kind::Immunization;
    let doses = lines.iter().filter(|line| line.kind == kind.code());
    let linked = doses.filter(|line| {
        let code = FlagCode::PossibleDuplicate.code();
        line.flags.iter().any(|flag| flag == code)
    });
    Ok(wrong(linked.count() == 2, "they are not linked"))
}

fn settled(stage: &Stage<'_>, scene: &Scene, read: &Read) -> Result<Finding, SupportError> {
    let copy = &stage.new.copy;
    let entry = copy.entry(&scene.neighbour)?;
    let entry = entry.ok_or(SupportError::Missing("the contact"))?;
    let history = entry.state().history;
    let written = history
        .iter()
        .filter_map(|past| past.wrote(RELATIONSHIP).flatten());
    let written: Vec<&str> = written.filter_map(|value| value.as_text()).collect();
    let both = ["voisine du troisième", "amie et voisine"];
    let kept = both.iter().all(|one| written.contains(one));
    let view = copy.record.entry(scene.neighbour.to_string())?;
    let field = view.fields.iter().find(|field| field.key == RELATIONSHIP);
    let stands = field.is_some_and(|field| {
        field.current.len() == 1 && field.current.iter().all(|text| text.en == read.taken)
    });
    Ok(wrong(kept && stands, "it is not so"))
}

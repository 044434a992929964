//! Whether it came out right.

mod cared;

use std::collections::{BTreeMap, BTreeSet};

use sync_core::entry::{EntryClass, PERSON};
use sync_core::merge::right_fact;
use sync_core::merge::{EntryView, FlagCode};
use sync_core::policy::{Matrix, RightFact, Rights, Standing};
use sync_core::{EntryId, Tick};

use super::opening::Scene;
use super::screen::Screen;
use super::screens::Read;
use super::stage::{Actor, Stage};
use super::syncing::Synced;
use crate::support::SupportError;

/// What a check found wrong; nothing when it holds.
type Finding = Option<String>;

/// Makes all checks, and says whether they held.
pub(super) fn run(
    screen: &Screen,
    stage: &Stage<'_>,
    scene: &Scene,
    synced: &Synced,
    read: &Read,
) -> Result<bool, SupportError> {
    screen.chapter("12  Checks");
    let whole = by_name(&stage.new.copy.views()?);
    let rights = Rights::new(stage.new.subject.person, facts(&stage.new)?);
    let matrix = Matrix::default();
    let mut sound = true;
    let mut check = |what: &str, finding: Finding| {
        sound &= finding.is_none();
        screen.check(what, finding.as_deref());
    };
    check("every edit was answered", unanswered(stage)?);
    check(
        "Jeanne's two phones hold the same",
        same(&whole, &by_name(&stage.old.copy.views()?)),
    );
    for actor in [
        &stage.camille,
        &stage.doctor,
        &stage.nurse,
        &stage.pharmacist,
    ] {
        let standing = rights.standing(&actor.subject, now(stage));
        let theirs = by_name(&actor.copy.views()?);
        check(
            &format!(
                "{} holds exactly what they may see, as Jeanne does",
                actor.name
            ),
            as_allowed(&whole, &theirs, &standing, &matrix, now(stage)),
        );
    }
    check("Luc holds nothing any more", luc(stage, synced)?);
    check(
        "the hidden entry is gone from Camille's phone",
        hidden(stage, scene)?,
    );
    for (code, what) in [
        (
            FlagCode::DiscordantBloodGroup,
            "two blood groups are discordant",
        ),
        (FlagCode::ToReconcile, "stopped and changed: to reconcile"),
        (
            FlagCode::PossibleDuplicate,
            "the allergy entered twice is a possible duplicate",
        ),
        (
            FlagCode::ConcurrentValues,
            "the contact's two relationships are both kept",
        ),
        (FlagCode::HeldEdit, "Luc's edit waits for Jeanne's decision"),
        (
            FlagCode::NoKnownAllergyContradicted,
            "the form's \"no known allergy\" is contradicted",
        ),
        (
            FlagCode::ReplacedTwice,
            "the report that two people replaced is flagged",
        ),
        (
            FlagCode::PregnancyToConfirm,
            "the pregnancy of 1994 is to be confirmed",
        ),
    ] {
        let found = read.review.iter().any(|item| item.code == code.code());
        check(what, (!found).then(|| "not on Jeanne's list".to_owned()));
    }
    for (what, finding) in cared::all(stage, scene, read)? {
        check(what, finding);
    }
    let log = stage.new.copy.record.verify_access_log()?;
    check(
        &format!(
            "the access log's {} lines verify on Jeanne's phone",
            log.lines
        ),
        log.problem.map(|problem| problem.en),
    );
    let verified = stage.server.carnet_text(&["verify"]);
    check(
        "`carnet verify` finds the server's store whole",
        verified.err().map(|e| e.to_string()),
    );
    Ok(sound)
}

fn by_name(views: &[EntryView]) -> BTreeMap<EntryId, EntryView> {
    views.iter().map(|view| (view.id, view.clone())).collect()
}

fn unanswered(stage: &Stage<'_>) -> Result<Finding, SupportError> {
    for actor in stage.actors() {
        let waiting = actor.copy.record.state()?.waiting;
        if waiting > 0 {
            return Ok(Some(format!("{} of {} wait", waiting, actor.name)));
        }
    }
    Ok(None)
}

fn same(one: &BTreeMap<EntryId, EntryView>, other: &BTreeMap<EntryId, EntryView>) -> Finding {
    let differ = |name: &&EntryId| one.get(name) != other.get(name);
    let names: BTreeSet<&EntryId> = one.keys().chain(other.keys()).collect();
    let differing = names.iter().copied().filter(differ).count();
    (differing > 0).then(|| format!("{differing} entries differ"))
}

/// The copy is the part of the whole that its person may see by the record's own rights.
fn as_allowed(
    whole: &BTreeMap<EntryId, EntryView>,
    theirs: &BTreeMap<EntryId, EntryView>,
    standing: &Standing,
    matrix: &Matrix,
    now: Tick,
) -> Finding {
    let allowed = whole.iter().filter(|(_, view)| {
        let class = class(view);
        class.is_some_and(|class| standing.may_read(&class, matrix, now))
    });
    let allowed: BTreeMap<EntryId, EntryView> =
        allowed.map(|(name, view)| (*name, view.clone())).collect();
    same(&allowed, theirs)
}

fn class(view: &EntryView) -> Option<EntryClass> {
    let concerns = view.claims(PERSON).first();
    Some(EntryClass {
        kind: view.kind.code().to_owned(),
        visibility: view.visibility.clone(),
        author: view.created.as_ref()?.author,
        concerns: concerns.and_then(|claim| claim.value.as_text()?.parse().ok()),
        about: sync_core::merge::about(view).to_owned(),
    })
}

/// What the record's rights entries say.
fn facts(actor: &Actor) -> Result<Vec<RightFact>, SupportError> {
    let views = actor.copy.views()?;
    let accepted = views.iter().filter(|view| view.recorded.is_some());
    Ok(accepted.filter_map(right_fact).collect())
}

/// After everything that was accepted.
fn now(stage: &Stage<'_>) -> Tick {
    let seen = stage.new.copy.record.state().ok();
    let seen = seen.and_then(|state| state.seen_until).unwrap_or(0);
    Tick(u64::try_from(seen).unwrap_or(0) * 1_000)
}

fn luc(stage: &Stage<'_>, synced: &Synced) -> Result<Finding, SupportError> {
    let left = stage.luc.copy.views()?.len();
    let kept = stage.luc.copy.aside()?.len();
    Ok(if left > 0 {
        Some(format!("{left} entries are left"))
    } else if kept != 1 {
        Some(format!("{kept} of his edits are kept on his phone, not 1"))
    } else if synced.luc_again.received > 0 {
        Some("the server still gives him what is new".to_owned())
    } else {
        None
    })
}

fn hidden(stage: &Stage<'_>, scene: &Scene) -> Result<Finding, SupportError> {
    let sees = |actor: &Actor| -> Result<bool, SupportError> {
        let views = actor.copy.views()?;
        Ok(views.iter().any(|view| view.id == scene.depression))
    };
    Ok(if sees(&stage.camille)? {
        Some("it is still there".to_owned())
    } else if !sees(&stage.doctor)? {
        Some("the médecin traitant should see it".to_owned())
    } else {
        None
    })
}

//! Whether a log is whole: against its own chain, and against every head that the server signed.

use std::collections::BTreeSet;

use sync_core::audit::{
    AccessAction, AccessEvent, Broken, BrokenAt, ChainedEvent, LogHead, Verifier,
};
use sync_core::checkpoint::Checkpoint;
use sync_core::{Digest32, RecordId, Tick};

use super::LogCheck;
use crate::face::Bilingual;

/// Checks a log as it was fetched; `lost` are lines that the server no longer has, `signed` what
/// it signed of the log before, the newest last. Nothing when it signed nothing.
pub(super) fn check(
    record: RecordId,
    events: &[ChainedEvent],
    lost: &[ChainedEvent],
    signed: &[Checkpoint],
) -> Option<LogCheck> {
    let newest = signed.last()?;
    let mut verifier = Verifier::new(record, newest.access_log);
    let mut restored: Option<Tick> = None;
    let mut heads = BTreeSet::from([LogHead::genesis(&record).hash]);
    let checked = events
        .iter()
        .try_for_each(|event| {
            let read = verifier.push(event)?;
            heads.insert(event.hash);
            if read.action == AccessAction::Restore {
                restored = Some(read.chained_at());
            }
            Ok(())
        })
        .and_then(|()| verifier.finish().map(drop));
    let problem = match &checked {
        Err(BrokenAt { why, .. }) => Some(broken(*why)),
        Ok(()) if !lost.iter().all(|event| is_explained(event, restored)) => Some(unexplained()),
        Ok(()) => {
            let mut missing = signed.iter();
            let missing = missing.find(|head| !is_there(head, newest, &heads, restored));
            missing.map(|head| missing_head(head.tick))
        }
    };
    Some(LogCheck {
        intact: problem.is_none(),
        lines: events.len() as u64,
        heads: signed.len() as u64,
        lost: lost.len() as u64,
        restored: restored.map(Tick::millis),
        broken_at: checked.err().map(|at| at.seq),
        problem,
    })
}

/// Whether the log tells of a restore since a line of it was lost.
fn is_explained(event: &ChainedEvent, restored: Option<Tick>) -> bool {
    let at = AccessEvent::decode(&event.event).map(|event| event.chained_at());
    at.is_ok_and(|at| Some(at) <= restored)
}

/// Whether the log contains a signed head, or tells of a restore that began another life of it
/// since.
fn is_there(
    head: &Checkpoint,
    newest: &Checkpoint,
    heads: &BTreeSet<Digest32>,
    restored: Option<Tick>,
) -> bool {
    let lost = head.log != newest.log && Some(head.tick) <= restored;
    heads.contains(&head.access_log) || lost
}

fn words(en: impl Into<String>, fr: impl Into<String>) -> Bilingual {
    Bilingual {
        en: en.into(),
        fr: fr.into(),
    }
}

/// How a chain breaks, in words.
fn broken(why: Broken) -> Bilingual {
    let fr = match why {
        Broken::Unreadable => "elle est illisible".to_owned(),
        Broken::Place(place) => format!("elle dit être la ligne {place}"),
        Broken::Hash => {
            "son empreinte ne découle pas de ce qu’elle dit et des lignes précédentes".to_owned()
        }
        Broken::Time => "elle est plus ancienne que la précédente".to_owned(),
        Broken::Witness => {
            "le journal ne contient pas ce que le serveur a signé qu’il contenait".to_owned()
        }
    };
    words(why.to_string(), fr)
}

fn unexplained() -> Bilingual {
    words(
        "the server no longer has lines that this device had, and the log tells of no restore since",
        "le serveur n’a plus des lignes que cet appareil avait, et le journal n’indique aucune \
         restauration depuis",
    )
}

fn missing_head(at: Tick) -> Bilingual {
    let at = crate::face::show::moment(at);
    words(
        format!("the log lacks lines that the server signed for at {at} UTC: it was written anew"),
        format!(
            "il manque au journal des lignes que le serveur avait signées le {at} (UTC) : il a \
             été réécrit"
        ),
    )
}

#[cfg(test)]
mod tests;

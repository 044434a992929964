//! How much of the log a restore lost, in words.

use sync_core::audit::{AccessAction, AccessEvent};

use super::LogLoss;
use crate::face::Bilingual;

/// What an event tells to have been lost; nothing if it tells of no restore.
pub(super) fn of(event: &AccessEvent) -> Option<LogLoss> {
    let lines = match (&event.action, event.gap) {
        (AccessAction::Restore | AccessAction::Loss, gap) => gap.and_then(|gap| gap.lost()),
        (_, None) => return None,
        (_, Some(gap)) => gap.lost(),
    };
    let (en, fr) = match (lines, event.gap) {
        (Some(0), _) => (
            "no line of this log is known to be lost".to_owned(),
            "aucune ligne de ce journal n’est perdue, pour autant qu’on sache".to_owned(),
        ),
        (Some(1), _) => (
            "1 line of this log is known to be lost".to_owned(),
            "1 ligne de ce journal est perdue, pour autant qu’on sache".to_owned(),
        ),
        (Some(lines), _) => (
            format!("{lines} lines of this log are known to be lost"),
            format!("{lines} lignes de ce journal sont perdues, pour autant qu’on sache"),
        ),
        (None, Some(_)) => (
            "lines of this log are lost; how many cannot be told".to_owned(),
            "des lignes de ce journal sont perdues ; leur nombre ne peut être établi".to_owned(),
        ),
        (None, None) => (
            "no device had shown by then whether lines of this log were lost".to_owned(),
            "aucun appareil n’avait alors montré si des lignes de ce journal étaient perdues"
                .to_owned(),
        ),
    };
    Some(LogLoss {
        lines,
        words: Bilingual { en, fr },
    })
}

#[cfg(test)]
mod tests {
    use sync_core::audit::{Gap, WitnessedHeads};
    use sync_core::policy::Role;
    use sync_core::{PersonId, Tick};
    use uuid::Uuid;

    use super::*;

    fn told(action: AccessAction, gap: Option<(Option<u64>, u64)>) -> Option<LogLoss> {
        of(&AccessEvent {
            seq: 9,
            at: Tick(9),
            logged: None,
            person: PersonId(Uuid::from_u128(9)),
            role: Role::System,
            on_behalf_of: None,
            device: None,
            action,
            entries: Vec::new(),
            changes: 0,
            reason: None,
            gap: gap.map(|(kept, had)| Gap {
                kept,
                had,
                heads: WitnessedHeads([0; 8]),
            }),
        })
    }

    #[test]
    fn a_restore_says_in_both_languages_how_many_lines_were_lost() {
        for action in [AccessAction::Restore, AccessAction::Loss] {
            let says = |gap, lines, en: &str, fr: &str| {
                let loss = told(action.clone(), gap).unwrap();
                assert_eq!(loss.lines, lines);
                let words = loss.words;
                assert!(
                    words.en.starts_with(en) && words.fr.starts_with(fr),
                    "{words:?}"
                );
            };
            says(Some((Some(4), 9)), Some(5), "5 lines", "5 lignes");
            says(Some((Some(4), 5)), Some(1), "1 line ", "1 ligne ");
            says(Some((Some(4), 4)), Some(0), "no line", "aucune ligne");
            says(Some((None, 4)), None, "lines of", "des lignes");
            says(None, None, "no device", "aucun appareil");
        }
        assert_eq!(told(AccessAction::Read, None), None);
    }
}

//! What to do next about an item of the to-review list: the commands that settle it.

use sync_core::entry::STATUS;
use sync_core::kind::{Verdict, Words};
use sync_core::merge::FlagCode;

use super::output::{Output, short};
use crate::face::{ReviewEntry, ReviewSide};

impl Output {
    /// What settles an item, by its number in the list: one step at least.
    pub(super) fn steps(&self, number: usize, item: &ReviewEntry) -> Vec<String> {
        let mut steps = Vec::new();
        let mut taken: Vec<&str> = Vec::new();
        for ReviewSide { claim, effect, .. } in item.sides.iter().filter(|side| side.may_be_taken) {
            let change = &claim.change[..8];
            if let Some(effect) = effect.as_ref().filter(|_| !taken.contains(&change)) {
                taken.push(change);
                let command = format!("resolve {number} --take {change}");
                steps.push(self.step(&command, self.of(effect)));
            }
        }
        for verdict in &item.verdicts {
            let command = format!("resolve {number} --decide {verdict}");
            steps.push(self.step(&command, self.deciding(verdict)));
        }
        let code = FlagCode::ALL.iter().find(|code| code.code() == item.code);
        let code = code.copied();
        if let Some((options, why)) = code.and_then(by_editing) {
            // The statement is named before what contradicts it, which must stay.
            let statement = code == Some(FlagCode::NoKnownAllergyContradicted);
            // What was withdrawn is named with the status that says so.
            let withdrawn = code == Some(FlagCode::DirectiveWithdrawn);
            let says_so = |entry: &str| {
                let mut sides = item.sides.iter();
                sides.any(|side| side.entry == entry && side.field == STATUS)
            };
            let asked = |entry: &&String| {
                (!statement || item.entries.first() == Some(*entry))
                    && (!withdrawn || says_so(entry))
            };
            let entries = item.editable.iter().filter(asked);
            let entries = entries.map(|entry| short(entry));
            let edits = entries.map(|entry| format!("edit {entry} {options}"));
            steps.extend(edits.map(|edit| self.step(&edit, self.words(why))));
        }
        if steps.is_empty() {
            let others = Words::new(
                "somebody else settles it: who holds the record, or a clinician",
                "à quelqu’un d’autre de trancher : le titulaire du carnet, ou un clinicien",
            );
            steps.push(self.words(others).to_owned());
        }
        steps
    }

    /// What a verdict does.
    fn deciding<'c>(&self, verdict: &'c str) -> &'c str {
        let words = match Verdict::from(verdict) {
            Verdict::Accept => Words::new("take it up", "la retenir"),
            Verdict::Discard => Words::new("leave it out", "l’écarter"),
            Verdict::Confirm => Words::new("it is right as it stands", "c’est bien ainsi"),
            Verdict::NotADuplicate => Words::new("these are two", "ce sont deux choses"),
            _ => return self.verdict(verdict),
        };
        self.words(words)
    }

    fn step(&self, command: &str, meaning: &str) -> String {
        format!("{command}{} {meaning}", self.say(":", " :"))
    }
}

/// The edit that settles what no verdict does: it is never settled by being looked at.
fn by_editing(code: FlagCode) -> Option<(&'static str, Words)> {
    const IN_ERROR: &str = "--status entered-in-error --reason …";
    Some(match code {
        FlagCode::DiscordantBloodGroup => (
            IN_ERROR,
            Words::new("if this is the wrong one", "si c’est celui-ci qui est faux"),
        ),
        FlagCode::NoKnownAllergyContradicted => (
            IN_ERROR,
            Words::new("withdraw this statement", "retirer cette déclaration"),
        ),
        FlagCode::DoseDisputed => (
            "--dose … --frequency …",
            Words::new(
                "write the regimen that holds",
                "écrire la posologie qui vaut",
            ),
        ),
        FlagCode::ToReconcile => (
            "--status active",
            Words::new(
                "or --status stopped --reason …: say what holds",
                "ou --status stopped --reason … : dire ce qui vaut",
            ),
        ),
        FlagCode::SubstanceTwice => (
            "--status stopped --reason …",
            Words::new(
                "if this treatment is the one too many",
                "si c’est ce traitement qui est de trop",
            ),
        ),
        FlagCode::PossibleDuplicate => (
            IN_ERROR,
            Words::new(
                "if this entry is the one too many",
                "si c’est cet élément qui est de trop",
            ),
        ),
        FlagCode::TrustedPersonDisputed => (
            "--status inactive --reason …",
            Words::new(
                "if this is not the trusted person",
                "si ce n’est pas la personne de confiance",
            ),
        ),
        FlagCode::CaregiverWaits => (
            "--status revoked --reason …",
            Words::new("if it is not wanted any more", "si elle n’est plus voulue"),
        ),
        FlagCode::DirectiveClosed => (
            "--status active",
            Words::new("if it still holds", "si elle vaut toujours"),
        ),
        FlagCode::DirectiveWithdrawn => (
            "--status active",
            Words::new("if it was no error", "si ce n’était pas une erreur"),
        ),
        FlagCode::PregnancyToConfirm => (
            "--status resolved --reason …",
            Words::new("if it is over", "si elle est terminée"),
        ),
        FlagCode::HeldEdit
        | FlagCode::DecidedDifferently
        | FlagCode::DirectivesSameDate
        | FlagCode::DirectiveUndated
        | FlagCode::DirectiveRevived
        | FlagCode::ReplacedTwice
        | FlagCode::HiddenAllergy
        | FlagCode::Proposal
        | FlagCode::RefutationAgainstDanger
        | FlagCode::StatusAgainstEdit
        | FlagCode::CriticalityDisputed
        | FlagCode::DangerAfterEnding
        | FlagCode::EditedWhileInError
        | FlagCode::RefutedAgainstEdit
        | FlagCode::ConcurrentValues
        | FlagCode::RightRestricted
        | FlagCode::VisibilityRestricted => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::{Bilingual, DangerLevel};
    use crate::terminal::output::Language;

    fn item(code: FlagCode, verdicts: Vec<String>) -> ReviewEntry {
        ReviewEntry {
            key: "key".to_owned(),
            code: code.code().to_owned(),
            danger: DangerLevel::High,
            words: code.words().into(),
            entries: vec!["0123456789abcdef".to_owned()],
            labels: vec![Bilingual::default()],
            field: None,
            sides: Vec::new(),
            verdicts,
            editable: vec!["0123456789abcdef".to_owned()],
            assignable: true,
            assigned: Vec::new(),
        }
    }

    fn steps(language: Language, item: &ReviewEntry) -> Vec<String> {
        let json = false;
        Output { json, language }.steps(1, item)
    }

    #[test]
    fn of_a_contradiction_the_statement_is_withdrawn_and_never_the_allergy() {
        let (statement, allergy) = ("0123456789aaaaaa", "0123456789bbbbbb");
        let code = FlagCode::NoKnownAllergyContradicted;
        let both = || vec![statement.to_owned(), allergy.to_owned()];
        let item = ReviewEntry {
            entries: both(),
            editable: both(),
            ..item(code, Vec::new())
        };
        let steps = steps(Language::En, &item).join("\n");
        assert!(steps.contains(short(statement)), "{steps}");
        assert!(!steps.contains(short(allergy)), "{steps}");
    }

    #[test]
    fn every_item_says_how_to_settle_it_whatever_is_offered() {
        for code in FlagCode::ALL.iter().copied() {
            let offered = code.verdicts().iter().map(ToString::to_string).collect();
            for verdicts in [offered, Vec::new()] {
                let item = item(code, verdicts);
                let steps = |language| steps(language, &item);
                let (english, french) = (steps(Language::En), steps(Language::Fr));
                assert!(!english.is_empty() && english != french, "{code:?}");
            }
        }
    }
}

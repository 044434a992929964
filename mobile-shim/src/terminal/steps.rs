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
        let code = FlagCode::ALL.iter().find(|code| code.code() == item.code);
        for verdict in &item.verdicts {
            let command = format!("resolve {number} --decide {verdict}");
            steps.push(self.step(&command, self.deciding(code, verdict)));
        }
        for way in code.into_iter().flat_map(|code| ways(*code)) {
            let entries = item.editable.iter();
            let entries =
                entries.filter(|entry| code.is_some_and(|code| way.is_of(*code, item, entry)));
            let commands = entries.map(|entry| way.command(short(entry)));
            steps.extend(commands.map(|command| self.step(&command, self.words(way.why()))));
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
    fn deciding<'c>(&self, code: Option<&FlagCode>, verdict: &'c str) -> &'c str {
        let words = match Verdict::from(verdict) {
            Verdict::Accept => Words::new("take it up", "la retenir"),
            Verdict::Confirm if code == Some(&FlagCode::DirectiveRevived) => {
                Words::new("the one in force counts", "celle qui est en vigueur compte")
            }
            Verdict::Confirm if code == Some(&FlagCode::DirectiveWithdrawn) => Words::new(
                "it was an error: what is in force counts",
                "c’était une erreur : ce qui est en vigueur compte",
            ),
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

/// What somebody may do about an item beside deciding on it, and in which case.
#[derive(Clone, Copy)]
enum Way {
    /// Edit an entry.
    Edit(&'static str, Words),
    /// Write a revocation of a directive that is in force.
    Revoke(Words),
    /// Withdraw a revocation, which is never in force itself.
    Withdraw(Words),
}

impl Way {
    fn why(self) -> Words {
        match self {
            Way::Edit(_, why) | Way::Revoke(why) | Way::Withdraw(why) => why,
        }
    }

    fn command(self, entry: &str) -> String {
        match self {
            Way::Edit(options, _) => format!("edit {entry} {options}"),
            Way::Withdraw(_) => format!("edit {entry} {IN_ERROR}"),
            Way::Revoke(_) => format!("add directive revocation --revokes {entry} --when …"),
        }
    }

    /// Whether it is a way to do something about an item in this entry, which may be edited.
    fn is_of(self, code: FlagCode, item: &ReviewEntry, entry: &str) -> bool {
        let says_so = || {
            let mut sides = item.sides.iter();
            sides.any(|side| side.entry == entry && side.field == STATUS)
        };
        let in_force = || item.in_force.iter().any(|one| one == entry);
        match (self, code) {
            // What nobody but the holder may decide is theirs to take back as well.
            (Way::Revoke(_), _) => item.decides && in_force(),
            (Way::Withdraw(_), _) => item.decides && !in_force(),
            // The statement is named before what contradicts it, which must stay.
            (_, FlagCode::NoKnownAllergyContradicted) => {
                item.entries.first().is_some_and(|first| first == entry)
            }
            // What was withdrawn is named with the status that says so.
            (_, FlagCode::DirectiveWithdrawn) => says_so(),
            _ => true,
        }
    }
}

/// Says that an entry should never have been written.
const IN_ERROR: &str = "--status entered-in-error --reason …";

/// What settles what no verdict does, which is never settled by being looked at, or settles it
/// otherwise.
fn ways(code: FlagCode) -> Vec<Way> {
    match code {
        FlagCode::DiscordantBloodGroup => vec![Way::Edit(
            IN_ERROR,
            Words::new("if this is the wrong one", "si c’est celui-ci qui est faux"),
        )],
        FlagCode::NoKnownAllergyContradicted => vec![Way::Edit(
            IN_ERROR,
            Words::new("withdraw this statement", "retirer cette déclaration"),
        )],
        FlagCode::DoseDisputed => vec![Way::Edit(
            "--dose … --frequency …",
            Words::new(
                "write the regimen that holds",
                "écrire la posologie qui vaut",
            ),
        )],
        FlagCode::ToReconcile => vec![Way::Edit(
            "--status active --reason …",
            Words::new(
                "or --status stopped --reason …: say what holds",
                "ou --status stopped --reason … : dire ce qui vaut",
            ),
        )],
        FlagCode::SubstanceTwice => vec![Way::Edit(
            "--status stopped --reason …",
            Words::new(
                "if this treatment is the one too many",
                "si c’est ce traitement qui est de trop",
            ),
        )],
        FlagCode::PossibleDuplicate => vec![Way::Edit(
            IN_ERROR,
            Words::new(
                "if this entry is the one too many",
                "si c’est cet élément qui est de trop",
            ),
        )],
        FlagCode::TrustedPersonDisputed => vec![Way::Edit(
            "--status inactive --reason …",
            Words::new(
                "if this is not the trusted person",
                "si ce n’est pas la personne de confiance",
            ),
        )],
        FlagCode::CaregiverWaits => vec![Way::Edit(
            "--status revoked --reason …",
            Words::new("if it is not wanted any more", "si elle n’est plus voulue"),
        )],
        FlagCode::DirectiveClosed => vec![
            Way::Edit(
                "--status active",
                Words::new("if it still holds", "si elle vaut toujours"),
            ),
            Way::Revoke(Words::new(
                "if it does not count any more",
                "si elle ne compte plus",
            )),
            Way::Withdraw(Words::new(
                "if it takes nothing back: what it revoked may count again",
                "si elle ne révoque rien : ce qu’elle révoquait peut valoir de nouveau",
            )),
        ],
        FlagCode::DirectiveWithdrawn => vec![Way::Edit(
            "--status active",
            Words::new("if it was no error", "si ce n’était pas une erreur"),
        )],
        FlagCode::DirectiveRevived | FlagCode::DirectivesSameDate => vec![Way::Revoke(Words::new(
            "if this one does not count",
            "si celle-ci ne compte pas",
        ))],
        FlagCode::PregnancyToConfirm => vec![
            Way::Edit(
                "--status resolved --reason …",
                Words::new("if it is over", "si elle est terminée"),
            ),
            Way::Edit(
                "--due …",
                Words::new(
                    "if it goes on: the due date as it is known now",
                    "si elle se poursuit : le terme tel qu’on le connaît",
                ),
            ),
        ],
        FlagCode::HeldEdit
        | FlagCode::DecidedDifferently
        | FlagCode::DirectiveUndated
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
        | FlagCode::VisibilityRestricted => Vec::new(),
    }
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
            in_force: Vec::new(),
            field: None,
            sides: Vec::new(),
            verdicts,
            decides: true,
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

    /// Whoever is asked whether a directive counts can answer both ways, and nobody else is told
    /// to revoke it.
    #[test]
    fn whether_a_directive_counts_can_be_answered_both_ways() {
        let counts = "0123456789aaaaaa".to_owned();
        let others = ["0123456789bbbbbb", "0123456789cccccc"].map(str::to_owned);
        let entries: Vec<String> = [counts.clone()].into_iter().chain(others).collect();
        let asked = |verdicts: Vec<String>| ReviewEntry {
            decides: !verdicts.is_empty(),
            entries: entries.clone(),
            editable: entries.clone(),
            in_force: vec![counts.clone()],
            ..item(FlagCode::DirectiveRevived, verdicts)
        };
        let told = steps(Language::En, &asked(vec!["confirm".to_owned()]));
        let [yes, no] = &told[..] else {
            panic!("{told:?}");
        };
        assert!(yes.contains("--decide confirm: the one in force counts"));
        let revokes = format!("add directive revocation --revokes {} ", short(&counts));
        assert!(no.starts_with(&revokes), "{no}");
        let told = steps(Language::En, &asked(Vec::new())).join("\n");
        assert!(!told.contains("revokes"), "{told}");
    }

    #[test]
    fn what_is_to_be_confirmed_can_be_answered_both_ways() {
        for code in [FlagCode::PregnancyToConfirm, FlagCode::DirectiveClosed] {
            let entry = "0123456789abcdef".to_owned();
            let item = ReviewEntry {
                in_force: vec![entry],
                ..item(code, Vec::new())
            };
            assert_eq!(steps(Language::En, &item).len(), 2, "{code:?}");
        }
    }

    /// A revocation is never in force: the other answer is that it takes nothing back. Who only
    /// closed it themselves may open it again, and nothing else.
    #[test]
    fn a_closed_revocation_can_be_answered_both_ways() {
        let closed = |decides| ReviewEntry {
            decides,
            ..item(FlagCode::DirectiveClosed, Vec::new())
        };
        let told = steps(Language::En, &closed(true));
        let [holds, not] = &told[..] else {
            panic!("{told:?}");
        };
        assert!(holds.contains("--status active"), "{holds}");
        assert!(not.contains("--status entered-in-error"), "{not}");
        let told = steps(Language::En, &closed(false));
        assert_eq!(told, std::slice::from_ref(holds));
    }

    /// Whoever may not say whether a closed directive counts is told neither way.
    #[test]
    fn who_may_not_answer_for_a_wish_is_told_neither_way() {
        let entry = "0123456789abcdef".to_owned();
        let item = ReviewEntry {
            in_force: vec![entry],
            editable: Vec::new(),
            decides: false,
            ..item(FlagCode::DirectiveClosed, Vec::new())
        };
        let told = steps(Language::En, &item);
        let [one] = &told[..] else {
            panic!("{told:?}");
        };
        assert!(one.starts_with("somebody else settles it"), "{one}");
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

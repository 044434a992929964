//! The laws, each with the faults that must break it.

use super::faults::Fault::{self, Shows, Without};
use super::faults::*;
use super::look::Look;
use super::*;

/// What of a record is not as a law says that it should be for somebody.
pub type Judge = fn(&Look<'_>) -> Option<String>;

pub struct Law {
    pub name: &'static str,
    pub judge: Judge,
    /// Each of them breaks it.
    pub faults: &'static [Fault],
}

macro_rules! laws {
    ($( $module:ident::$law:ident: [$($fault:expr),* $(,)?]; )*) => {
        pub const LAWS: &[Law] = &[$(Law {
            name: stringify!($law),
            judge: $module::$law,
            faults: &[$($fault),*],
        }),*];
    };
}

laws! {
    values::nothing_is_lost: [
        Shows("the last arrival only", the_last_arrival_only),
        Without(Rule::OwnCompetence),
    ];
    values::what_was_written_last_stands: [
        Shows("the last arrival only", the_last_arrival_only),
        Without(Rule::ReplacesSeen),
    ];
    values::the_order_of_arrival_does_not_matter: [
        Shows("the last arrival only", the_last_arrival_only),
    ];
    values::regimens_are_whole: [Shows("mixed regimens", mixed_regimens)];
    values::two_regimens_are_disputed: [Without(Rule::DoseDisputed)];
    values::the_highest_criticality_is_shown: [Without(Rule::HighestCriticality)];
    values::reactions_are_all_there: [Shows("one reaction only", one_reaction_only)];
    counting::what_nobody_rightly_ended_counts: [
        Without(Rule::NoneKnownErasesNothing),
        Without(Rule::EndedAgainstEdit),
        Without(Rule::LayProposes),
        Without(Rule::StopAgainstChange),
        Without(Rule::DangerOverRefutation),
        Without(Rule::ErrorByAuthor),
        Without(Rule::OthersPropose),
        Without(Rule::EndedForCertain),
    ];
    counting::what_was_rightly_ended_is_gone: [
        Without(Rule::RefutationStands),
        Without(Rule::TreatmentEnded),
        Shows("what is over", what_is_over),
    ];
    counting::what_is_said_to_go_on_counts: [Without(Rule::EndedAgainstEdit)];
    counting::what_is_said_to_end_later_counts: [Without(Rule::EndedAgainstEdit)];
    counting::what_was_settled_in_two_ways_counts: [
        Shows("nothing settled in two ways", nothing_settled_in_two_ways),
    ];
    counting::a_danger_after_the_end_asks: [Without(Rule::DangerAfterEnding)];
    counting::errors_are_out: [
        Without(Rule::ErrorTakesOut),
        Without(Rule::ErrorEditsReviewed),
        Without(Rule::WrongPatient),
    ];
    counting::only_clinicians_destroy_what_others_wrote: [
        Without(Rule::WrongPatient),
        Without(Rule::WrongPatientSpares),
    ];
    counting::none_known_beside_no_allergy: [
        Without(Rule::NoneKnownErasesNothing),
        Without(Rule::NoneKnownContradicted),
    ];
    counting::pregnancies_long_past_are_to_confirm: [Without(Rule::PregnancyToConfirm)];
    confirmed::confirmations_stand: [
        Without(Rule::LayProposes),
        Shows("proposals as claims", proposals_as_claims),
    ];
    confirmed::lay_ends_are_proposals: [Without(Rule::LayProposes)];
    confirmed::others_propose: [Without(Rule::OthersPropose), Without(Rule::ErrorByAuthor)];
    groups::discordant_groups_are_no_value: [
        Without(Rule::BloodGroupDiscordant),
        Without(Rule::BloodGroupNeverMerged),
        Without(Rule::CardHidesNoDoubt),
    ];
    wishes::the_latest_directive_is_in_force: [
        Without(Rule::DirectiveLatest),
        Without(Rule::DirectiveUndated),
        Without(Rule::DirectiveSameDate),
        Without(Rule::DirectiveRevocation),
    ];
    wishes::what_counts_because_another_does_not_asks: [
        Without(Rule::DirectiveRevived),
        Without(Rule::DirectiveWithdrawn),
    ];
    wishes::what_the_holder_ended_nobody_else_brings_back: [Without(Rule::HolderDecides)];
    wishes::what_may_not_count_is_in_doubt: [
        Without(Rule::HolderDecides),
        Shows("no doubts of wishes", no_doubts_of_wishes),
    ];
    wishes::the_trusted_person_is_named_last: [
        Without(Rule::TrustedPersonConfirmed),
        Without(Rule::TrustedPersonReplaced),
        Without(Rule::SeenNoConflict),
    ];
    papers::documents_are_one_and_replaced: [
        Without(Rule::DocumentDeduplicated),
        Without(Rule::DocumentChain),
    ];
    papers::numbers_come_in_order: [Without(Rule::PhonesInOrder)];
    rights::rights_are_the_most_restrictive: [
        Without(Rule::BlockStands),
        Without(Rule::RevocationWins),
    ];
    rights::the_bounds_shown_are_the_most_restrictive: [Without(Rule::StrictestRight)];
    rights::a_fourth_caregiver_waits: [Without(Rule::CaregiverWaits)];
    hidden::the_strictest_visibility_stands: [Shows("all to all", all_to_all)];
    hidden::hidden_entries_leave_no_trace: [Without(Rule::FlagsPerViewer)];
    hidden::cards_show_nothing_hidden: [
        Without(Rule::CardByChoice),
        Without(Rule::NotForTransfusion),
    ];
    hidden::cards_are_the_same_without_what_is_hidden: [
        Without(Rule::CardByChoice),
        Without(Rule::CardHidesNoDoubt),
    ];
    hidden::hiding_an_allergy_warns: [Without(Rule::HidingAllergyWarns)];
    links::links_are_explained_by_what_is_seen: [Without(Rule::FlagsPerViewer)];
    links::likes_are_linked: [
        Without(Rule::SameSubstanceLinked),
        Without(Rule::SubstanceTwice),
        Without(Rule::ImmunizationLinked),
        Without(Rule::DocumentBothCurrent),
        Without(Rule::DecisionOwn),
    ];
    listed::conflicts_are_on_the_list: [Without(Rule::BothKept)];
    listed::the_list_is_ordered_by_danger: [Without(Rule::DangerFirst)];
    listed::the_order_of_entries_does_not_matter: [Shows("the last first", the_last_first)];
    decided::what_was_told_apart_is_remembered: [Without(Rule::NotADuplicate)];
    decided::crossed_decisions_are_asked: [Without(Rule::DecisionsDiffer)];
    decided::decisions_are_as_hidden_as_what_they_touch: [
        Shows("open decisions", open_decisions),
    ];
    held::held_edits_ask_the_holder: [Without(Rule::HeldAsks), Without(Rule::HeldBeside)];
    decided::assignments_stand_that_nobody_knew: [Without(Rule::AssignedApart)];
}

//! Flags: what a person has to know before they trust what they read.

use serde::{Deserialize, Serialize};

use crate::kind::{Verdict, Words};
use crate::{ChangeHash, EntryId};

/// How dangerous it is to leave an item of the to-review list alone; more is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Danger {
    /// Good to know.
    Notice,
    /// Somebody should look.
    Low,
    /// May mislead treatment.
    Moderate,
    /// May harm.
    High,
    /// May kill.
    Critical,
}

/// Defines the flags, each with its code, danger and words.
macro_rules! flags {
    ($( $(#[$meta:meta])* $variant:ident = $code:literal, $danger:ident, $en:literal, $fr:literal; )*) => {
        /// What is flagged.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum FlagCode { $( $(#[$meta])* $variant, )* }

        impl FlagCode {
            /// All flags.
            pub const ALL: &'static [FlagCode] = &[$(FlagCode::$variant),*];

            /// The stable code.
            pub fn code(self) -> &'static str {
                match self { $( FlagCode::$variant => $code, )* }
            }

            /// How dangerous it is to leave it alone.
            pub fn danger(self) -> Danger {
                match self { $( FlagCode::$variant => Danger::$danger, )* }
            }

            /// What it means, in plain words.
            pub fn words(self) -> Words {
                match self { $( FlagCode::$variant => Words::new($en, $fr), )* }
            }
        }
    };
}

flags! {
    /// Two blood groups that cannot both be true.
    DiscordantBloodGroup = "discordant-blood-group", Critical,
        "The record holds different blood groups: none of them can be relied on.",
        "Le carnet contient des groupes sanguins différents : aucun n’est fiable.";
    /// "No known allergy" beside an allergy.
    NoKnownAllergyContradicted = "no-known-allergy-contradicted", Critical,
        "“No known allergy” was written without knowing of an allergy that the record holds.",
        "« Aucune allergie connue » a été écrit sans connaître une allergie inscrite au carnet.";
    /// A refutation overtaken by a sign of danger.
    RefutationAgainstDanger = "refutation-against-danger", Critical,
        "A clinician ruled this out while somebody else recorded a reaction or a higher danger: it stays active.",
        "Un clinicien l’a écarté pendant que quelqu’un d’autre notait une réaction ou un danger plus élevé : il reste actif.";
    /// Two concurrent regimens.
    DoseDisputed = "dose-disputed", High,
        "Two people changed this treatment without knowing of each other: none of the regimens is current.",
        "Deux personnes ont modifié ce traitement, chacune ignorant la modification de l’autre : aucune des posologies n’est en vigueur.";
    /// Stopped and changed at once, or run out while somebody says otherwise.
    ToReconcile = "to-reconcile", High,
        "This treatment was stopped, or its regimen ran out, while somebody else wrote in it or says that it goes on: to be reconciled.",
        "Ce traitement a été arrêté, ou sa posologie est arrivée à son terme, alors que quelqu’un d’autre y a écrit ou dit qu’il continue : à concilier.";
    /// A status that ends the entry against another edit.
    StatusAgainstEdit = "status-against-edit", High,
        "Somebody closed this entry while somebody else edited it: it stays active.",
        "Quelqu’un a clos cet élément pendant que quelqu’un d’autre le modifiait : il reste actif.";
    /// Two criticalities.
    CriticalityDisputed = "criticality-disputed", High,
        "Different dangers were stated: the highest is shown.",
        "Des criticités différentes ont été indiquées : la plus élevée est affichée.";
    /// A sign of danger in an entry that was ended before.
    DangerAfterEnding = "danger-after-ending", High,
        "A reaction or a higher danger was recorded after this was closed, or apart from that: it stays closed until somebody looks.",
        "Une réaction ou un danger plus élevé a été noté après la clôture, ou à l’insu de celle-ci : il reste clos jusqu’à vérification.";
    /// An edit of a removed entry.
    EditedWhileInError = "edited-while-in-error", High,
        "This entry was withdrawn as an error, and what somebody else wrote in it with it.",
        "Cet élément a été retiré comme erreur, avec ce que quelqu’un d’autre y avait écrit.";
    /// Two people settled one item in two ways.
    DecidedDifferently = "decided-differently", High,
        "Two people settled this point in two ways without knowing of each other.",
        "Deux personnes ont réglé ce point de deux façons, chacune ignorant la décision de l’autre.";
    /// The same active substance in two treatments.
    SubstanceTwice = "substance-twice", High,
        "The same active substance appears in two treatments.",
        "La même substance active figure dans deux traitements.";
    /// Two directives, or one and a revocation of all, of one date.
    DirectivesSameDate = "directives-same-date", High,
        "Two advance directives, or one and a revocation, bear dates that do not tell which counts: both are shown.",
        "Deux directives anticipées, ou une directive et une révocation, portent des dates qui ne disent pas laquelle vaut : les deux sont affichées.";
    /// A directive, or a revocation, that a status closed.
    DirectiveClosed = "directive-closed", High,
        "This advance directive was closed, but not revoked: it counts, in doubt, until it is revoked or made active again.",
        "Cette directive anticipée a été close, mais non révoquée : elle vaut, avec un doute, jusqu’à sa révocation ou sa réactivation.";
    /// A directive, or a revocation, that somebody else withdrew.
    DirectiveWithdrawn = "directive-withdrawn", High,
        "An advance directive was withdrawn as an error by somebody else than the patient: what counts without it is in doubt.",
        "Une directive anticipée a été retirée comme erreur par quelqu’un d’autre que le patient : ce qui vaut sans elle est douteux.";
    /// A directive in force because one that may be later is not.
    DirectiveRevived = "directive-revived", High,
        "An advance directive is in force because another, perhaps later, was revoked or called an error: the patient says whether it counts.",
        "Une directive anticipée vaut parce qu’une autre, peut-être plus récente, a été révoquée ou dite erronée : au patient de dire si elle compte.";
    /// Two trusted persons.
    TrustedPersonDisputed = "trusted-person-disputed", High,
        "Two trusted persons were named without knowing of each other: the patient confirms one.",
        "Deux personnes de confiance ont été désignées, chacune à l’insu de l’autre : le patient confirme l’une d’elles.";
    /// A directive without a date.
    DirectiveUndated = "directive-undated", Moderate,
        "An advance directive without a date is never in force.",
        "Une directive anticipée sans date n’est jamais en vigueur.";
    /// A pregnancy past its due date.
    PregnancyToConfirm = "pregnancy-to-confirm", Moderate,
        "The due date of this pregnancy is long past: to be confirmed.",
        "Le terme de cette grossesse est largement dépassé : à confirmer.";
    /// Two replacements of one document.
    ReplacedTwice = "replaced-twice", Moderate,
        "Two people replaced this document without knowing of each other: both replacements are current.",
        "Deux personnes ont remplacé ce document, chacune à l’insu de l’autre : les deux remplacements sont à jour.";
    /// An allergy that professionals cannot see.
    HiddenAllergy = "hidden-allergy", Moderate,
        "This allergy is hidden: a professional who treats you in an emergency may not see it.",
        "Cette allergie est masquée : un professionnel qui vous soigne en urgence peut ne pas la voir.";
    /// A held edit waits for a decision.
    HeldEdit = "held-edit", Moderate,
        "An edit was made in good faith by somebody who no longer has the right: accept or discard it.",
        "Une modification a été faite de bonne foi par une personne qui n’en a plus le droit : l’accepter ou l’écarter.";
    /// A clinician's refutation that stands against another edit.
    RefutedAgainstEdit = "refuted-against-edit", Moderate,
        "A clinician ruled this out while somebody else edited it: it stays ruled out.",
        "Un clinicien l’a écarté pendant que quelqu’un d’autre le modifiait : il reste écarté.";
    /// An edit that is for somebody else to take up.
    Proposal = "proposal", Moderate,
        "A change is proposed, for a clinician (of a wish: the patient) to take up or leave out.",
        "Une modification est proposée : à un clinicien (pour une volonté : au patient) de la retenir ou de l’écarter.";
    /// Two values of a field without a rule of its own.
    ConcurrentValues = "concurrent-values", Moderate,
        "Two people wrote different values without knowing of each other: both are kept.",
        "Deux personnes ont écrit des valeurs différentes, chacune ignorant la modification de l’autre : les deux sont conservées.";
    /// A delegation beyond the number of caregivers.
    CaregiverWaits = "caregiver-waits", Moderate,
        "There are as many caregivers as a person may have: this delegation takes effect when one of the others ends.",
        "Le nombre d’aidants permis est atteint : cette délégation prendra effet à la fin de l’une des autres.";
    /// The same substance in two allergies.
    PossibleDuplicate = "possible-duplicate", Low,
        "Two entries may be about the same thing.",
        "Deux éléments concernent peut-être la même chose.";
    /// Concurrent edits of a right.
    RightRestricted = "right-restricted", Low,
        "This right was changed by two people at once: the more restrictive stands.",
        "Ce droit a été modifié par deux personnes à la fois : le plus restrictif s’applique.";
    /// Concurrent visibility.
    VisibilityRestricted = "visibility-restricted", Notice,
        "The visibility was changed by two people at once: the more restrictive stands.",
        "La visibilité a été modifiée par deux personnes à la fois : la plus restrictive s’applique.";
}

impl FlagCode {
    /// What a list marks the entry with, in a few words.
    pub fn title(self) -> Words {
        match self {
            FlagCode::DiscordantBloodGroup => {
                Words::new("discordant blood groups", "groupes sanguins discordants")
            }
            FlagCode::NoKnownAllergyContradicted => Words::new(
                "contradicted: no known allergy",
                "contredit : aucune allergie connue",
            ),
            FlagCode::RefutationAgainstDanger => {
                Words::new("ruled out against danger", "réfuté malgré un danger")
            }
            FlagCode::DoseDisputed => Words::new("dose disputed", "posologie en litige"),
            FlagCode::ToReconcile => Words::new("to reconcile", "à concilier"),
            FlagCode::StatusAgainstEdit => {
                Words::new("closed while edited", "clos pendant une modification")
            }
            FlagCode::CriticalityDisputed => {
                Words::new("criticality disputed", "criticité en litige")
            }
            FlagCode::DangerAfterEnding => {
                Words::new("danger after it was closed", "danger noté après la clôture")
            }
            FlagCode::EditedWhileInError => Words::new(
                "withdrawn while edited",
                "saisi par erreur, mais modifié entre-temps",
            ),
            FlagCode::SubstanceTwice => Words::new("same substance twice", "substance en double"),
            FlagCode::DecidedDifferently => Words::new("settled twice", "réglé de deux façons"),
            FlagCode::DirectivesSameDate => {
                Words::new("not the only one of its date", "pas la seule de sa date")
            }
            FlagCode::DirectiveClosed => Words::new("closed, not revoked", "close, non révoquée"),
            FlagCode::DirectiveWithdrawn => Words::new(
                "withdrawn by somebody else",
                "retirée par quelqu’un d’autre",
            ),
            FlagCode::DirectiveRevived => Words::new(
                "which one counts: to confirm",
                "laquelle vaut : à confirmer",
            ),
            FlagCode::TrustedPersonDisputed => {
                Words::new("trusted person disputed", "personne de confiance en litige")
            }
            FlagCode::DirectiveUndated => {
                Words::new("no date: not in force", "sans date : pas en vigueur")
            }
            FlagCode::CaregiverWaits => Words::new("waits for a place", "en attente d’une place"),
            FlagCode::PregnancyToConfirm => Words::new("to confirm", "à confirmer"),
            FlagCode::ReplacedTwice => Words::new("replaced twice", "remplacé deux fois"),
            FlagCode::HiddenAllergy => Words::new("hidden allergy", "allergie masquée"),
            FlagCode::HeldEdit => Words::new("edit held", "modification retenue"),
            FlagCode::RefutedAgainstEdit => {
                Words::new("ruled out while edited", "réfuté pendant une modification")
            }
            FlagCode::Proposal => Words::new("proposal", "proposition"),
            FlagCode::ConcurrentValues => Words::new("two values", "deux valeurs"),
            FlagCode::PossibleDuplicate => Words::new("possible duplicate", "doublon possible"),
            FlagCode::RightRestricted => Words::new("right restricted", "droit restreint"),
            FlagCode::VisibilityRestricted => {
                Words::new("visibility restricted", "visibilité restreinte")
            }
        }
    }

    /// What settles it beside an edit of the entry. Nothing settles what only an edit can make
    /// safe: two doses do not become one by being looked at.
    pub fn verdicts(self) -> &'static [Verdict] {
        match self {
            FlagCode::DiscordantBloodGroup
            | FlagCode::NoKnownAllergyContradicted
            | FlagCode::DoseDisputed
            | FlagCode::DirectiveClosed
            | FlagCode::TrustedPersonDisputed
            | FlagCode::CaregiverWaits
            | FlagCode::PregnancyToConfirm
            | FlagCode::ToReconcile => &[],
            FlagCode::HeldEdit | FlagCode::Proposal => &[Verdict::Accept, Verdict::Discard],
            FlagCode::PossibleDuplicate | FlagCode::SubstanceTwice => &[Verdict::NotADuplicate],
            FlagCode::RefutationAgainstDanger
            | FlagCode::StatusAgainstEdit
            | FlagCode::CriticalityDisputed
            | FlagCode::DangerAfterEnding
            | FlagCode::EditedWhileInError
            | FlagCode::DecidedDifferently
            | FlagCode::DirectivesSameDate
            | FlagCode::DirectiveUndated
            | FlagCode::DirectiveWithdrawn
            | FlagCode::DirectiveRevived
            | FlagCode::ReplacedTwice
            | FlagCode::HiddenAllergy
            | FlagCode::RefutedAgainstEdit
            | FlagCode::ConcurrentValues
            | FlagCode::RightRestricted
            | FlagCode::VisibilityRestricted => &[Verdict::Confirm],
        }
    }
}

/// A flag on an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flag {
    /// What is flagged.
    pub code: FlagCode,
    /// The key it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The changes that led to it, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeHash>,
    /// The other entries it is about, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<EntryId>,
}

impl Flag {
    /// A flag on a field, led to by changes.
    pub(super) fn new(
        code: FlagCode,
        field: Option<&str>,
        changes: impl IntoIterator<Item = ChangeHash>,
    ) -> Self {
        let mut changes: Vec<_> = changes.into_iter().collect();
        changes.sort();
        changes.dedup();
        Flag {
            code,
            field: field.map(str::to_owned),
            changes,
            entries: Vec::new(),
        }
    }
}

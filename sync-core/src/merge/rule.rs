//! The rules of merging by name: what a clinician reads, and what a test can switch off to see
//! that it matters.

use crate::kind::{Tables, Words};

/// Defines the rules, each with its code, what it is about and its sentence.
macro_rules! rules {
    ($( $(#[$meta:meta])* $variant:ident = $code:literal, $about:literal, $en:literal, $fr:literal; )*) => {
        /// One rule of merging.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule { $( $(#[$meta])* $variant, )* }

        impl Rule {
            /// All rules, in the order in which they are told.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant),*];

            /// The stable code; a test vector names it.
            pub fn code(self) -> &'static str {
                match self { $( Rule::$variant => $code, )* }
            }

            /// What it is about: a kind, or `*` for all.
            pub fn about(self) -> &'static str {
                match self { $( Rule::$variant => $about, )* }
            }

            /// What it says.
            pub fn words(self) -> Words {
                match self { $( Rule::$variant => Words::new($en, $fr), )* }
            }
        }
    };
}

rules! {
    /// Sequential replacement.
    ReplacesSeen = "replaces-seen", "*",
        "An edit whose author had seen its predecessor replaces it.",
        "Une modification dont l’auteur avait vu la précédente la remplace.";
    /// Concurrency across entries.
    SeenNoConflict = "seen-no-conflict", "*",
        "Two facts in different entries conflict only if neither author had seen the other’s.",
        "Deux faits d’éléments différents ne se contredisent que si aucun des auteurs n’avait vu celui de l’autre.";
    /// Concurrent values.
    BothKept = "both-kept", "*",
        "Concurrent values of one field without a rule of its own are both kept, and flagged.",
        "Les valeurs concurrentes d’un champ sans règle propre sont conservées toutes deux, et signalées.";
    /// Values that make sense only together.
    OneValue = "one-value", "*",
        "Values that make sense only together are one value, replaced or kept whole and never mixed.",
        "Des valeurs qui n’ont de sens qu’ensemble n’en font qu’une, remplacée ou conservée entière et jamais mélangée.";
    /// Ended against edited.
    EndedAgainstEdit = "ended-against-edit", "*",
        "Ruled out, inactive, resolved or written as over while somebody else edited it, or said of a day after such a status that it ends then: the entry stays active, flagged.",
        "Écarté, inactif, résolu ou noté comme terminé pendant que quelqu’un d’autre le modifiait, ou disait qu’il finit un jour postérieur à un tel statut : l’élément reste actif, signalé.";
    /// When an end that is written as a field counts.
    EndedForCertain = "ended-for-certain", "*",
        "An end written as a field counts once its date has passed for certain, and that of another end which somebody wrote or proposes without knowing of it, nor of an outcome of the pregnancy that they say or that stands: to confirm the fact answers none of that; an outcome that nobody knows ends nothing.",
        "Une fin notée dans un champ compte quand sa date est passée avec certitude, comme celle de toute autre fin que quelqu’un a notée ou propose sans la connaître, ni aucune issue de la grossesse qu’il dise ou qui vaille : confirmer le fait n’y répond pas ; une issue inconnue ne met fin à rien.";
    /// A clinician's refutation.
    RefutationStands = "refutation-stands", "*",
        "A clinician’s refutation stands against a concurrent edit, flagged.",
        "Le rejet par un clinicien l’emporte sur une modification concurrente, et il est signalé.";
    /// Unless danger shows.
    DangerOverRefutation = "danger-over-refutation", "*",
        "A concurrent edit that adds a reaction or raises criticality, also by taking up a proposal, keeps the entry active against a clinician’s refutation.",
        "Une modification concurrente qui ajoute une réaction ou élève la criticité, fût-ce en acceptant une proposition, maintient l’élément actif malgré le rejet par un clinicien.";
    /// Danger that shows later.
    DangerAfterEnding = "danger-after-ending", "allergy",
        "A reaction or a higher danger written into an entry by somebody who had seen it ended goes to review.",
        "Une réaction ou un danger plus élevé noté par qui avait vu l’élément clos est à vérifier.";
    /// Entered in error.
    ErrorTakesOut = "error-takes-out", "*",
        "Entered in error, by the author or a clinician, takes the entry out of every view whatever the concurrent edits.",
        "« Saisi par erreur », par l’auteur ou un clinicien, retire l’élément de toute vue quelles que soient les modifications concurrentes.";
    /// Who may call it an error.
    ErrorByAuthor = "error-by-author", "*",
        "“Entered in error” by anybody but the author, a clinician or, of their own wishes, the holder is a proposal.",
        "« Saisi par erreur » dit par quelqu’un d’autre que l’auteur, un clinicien ou, pour ses propres volontés, le titulaire est une proposition.";
    /// The edits that an error overtook.
    ErrorEditsReviewed = "error-edits-reviewed", "*",
        "Edits made while the entry was withdrawn as an error go to review.",
        "Les modifications faites pendant que l’élément était retiré comme erreur sont à vérifier.";
    /// Lay edits of what a clinician confirmed.
    LayProposes = "lay-proposes", "*",
        "A lay edit of a fact that a clinician confirmed, or of a field that one wrote and did not call unconfirmed themselves (of the status that the fact was recorded with: that none called unconfirmed), is a proposal, even when sequential; so is a lay end, by its status or by a field, of one that a clinician wrote into and none called unconfirmed.",
        "La modification par un non-clinicien d’un fait confirmé par un clinicien, ou d’un champ que l’un d’eux a noté sans le dire lui-même non confirmé (du statut avec lequel le fait a été noté : qu’aucun n’a dit non confirmé), est une proposition, même faite ensuite ; de même la clôture par un non-clinicien, par le statut ou par un champ, d’un fait qu’un clinicien a complété et qu’aucun n’a dit non confirmé.";
    /// Taking up.
    ProposalByField = "proposal-by-field", "*",
        "Whoever takes up a proposal takes up the fields they name; its others stay proposed.",
        "Qui retient une proposition en retient les champs nommés ; les autres restent proposés.";
    /// Pharmacists and nurses.
    OthersPropose = "others-propose", "*",
        "Pharmacists and nurses propose, except in what is theirs and in entries of their own; a reaction they add and a remark stand.",
        "Pharmaciens et infirmiers proposent, sauf pour ce qui relève d’eux et dans leurs propres éléments ; une réaction qu’ils ajoutent et une remarque valent.";
    /// What is theirs.
    OwnCompetence = "own-competence", "*",
        "In what is theirs (dispensations, vaccinations, measurements, care that a nurse recorded) pharmacists and nurses confirm as a clinician does.",
        "Pour ce qui relève d’eux (délivrances, vaccinations, mesures, soins notés par un infirmier), pharmaciens et infirmiers confirment comme un clinicien.";
    /// Held edits.
    HeldAsks = "held-asks", "*",
        "An edit made in good faith under a right that has ended waits for the holder to accept or discard it; then what follows it.",
        "Une modification faite de bonne foi sous un droit échu attend que le titulaire l’accepte ou l’écarte ; puis ce qui la suit.";
    /// What was written meanwhile.
    HeldBeside = "held-beside", "*",
        "A held edit that is accepted replaces only what its author had seen: what was written meanwhile is shown with it, and stands beside it.",
        "Une modification retenue que l’on accepte ne remplace que ce que son auteur avait vu : ce qui a été écrit entre-temps est montré avec elle, et subsiste à côté.";
    /// The order of the list.
    DangerFirst = "danger-first", "*",
        "The to-review list is ordered by danger.",
        "La liste à vérifier est ordonnée par danger.";
    /// Two decisions at once.
    DecisionsDiffer = "decisions-differ", "*",
        "Two people who decide differently on one item without knowing of each other settle nothing.",
        "Deux personnes qui décident différemment d’un même point, chacune ignorant l’autre, ne règlent rien.";
    /// Whose a wish is.
    HolderDecides = "holder-decides", "*",
        "Whether a wish counts, who is trusted, what becomes of a right, whether a held edit is taken up and whether an allergy stays hidden is the holder’s to say: nobody else’s word settles that, and what of their wishes the holder closed or called an error, anybody else only proposes to bring back.",
        "Si une volonté vaut, à qui il fait confiance, ce que devient un droit, si une modification retenue est acceptée et si une allergie reste masquée, c’est au titulaire de le dire : la parole de personne d’autre ne le règle, et ce que le titulaire a clos ou dit erroné de ses volontés, tout autre ne peut que proposer de le rétablir.";
    /// What was settled.
    SettledNoDoubt = "settled-no-doubt", "*",
        "What whoever may has settled is no doubt any more: it is not flagged, and a proposal that was left out is not shown.",
        "Ce qu’a réglé qui peut le faire n’est plus douteux : ce n’est plus signalé, et une proposition écartée n’est plus affichée.";
    /// Whose a decision is.
    DecisionOwn = "decision-own", "*",
        "What somebody decided never changes, and counts as long as nobody takes it back; only they can say it again.",
        "Ce que quelqu’un a décidé ne change pas, et vaut tant que personne ne le révoque ; lui seul peut le redire.";
    /// What a decision inherits.
    DecisionHidden = "decision-hidden", "*",
        "A decision inherits the strictest visibility of what it touches, and nobody shows it again.",
        "Une décision hérite de la visibilité la plus stricte de ce qu’elle touche, et personne ne l’affiche de nouveau.";
    /// Who looks after an item.
    AssignedApart = "assigned-apart", "*",
        "An assignment of an item replaces those its author had seen; of two made apart both stand.",
        "L’attribution d’un point remplace celles que son auteur avait vues ; de deux faites chacune à l’insu de l’autre, les deux valent.";
    /// Flags per viewer.
    FlagsPerViewer = "flags-per-viewer", "*",
        "Flags are computed for each viewer from the entries that viewer may see.",
        "Les signalements sont calculés pour chaque lecteur à partir des éléments qu’il peut voir.";
    /// Visibility.
    StrictestVisibility = "strictest-visibility", "*",
        "Between concurrent edits of visibility the most restrictive wins.",
        "Entre modifications concurrentes de la visibilité, la plus restrictive l’emporte.";
    /// Rights.
    RevocationWins = "revocation-wins", "rights",
        "Revocation beats a concurrent edit of a right.",
        "La révocation l’emporte sur une modification concurrente d’un droit.";
    /// More caregivers than a person may have.
    CaregiverWaits = "caregiver-waits", "rights",
        "A person has three caregivers at most, also when they were named concurrently offline: the delegations accepted last wait, and the holder is told.",
        "Une personne a trois aidants au plus, même désignés séparément hors ligne : les dernières délégations acceptées attendent, et le titulaire en est averti.";
    /// The bounds of rights.
    StrictestRight = "strictest-right", "rights",
        "Between concurrent edits of a right’s bounds the most restrictive wins.",
        "Entre modifications concurrentes des limites d’un droit, la plus restrictive l’emporte.";
    /// Blocks.
    BlockStands = "block-stands", "block",
        "A block outlasts its lifting by somebody who had not seen it changed.",
        "Un blocage survit à sa levée par qui ne l’avait pas vu modifié.";
    /// Additions.
    AllergiesUnion = "allergies-union", "allergy",
        "Allergies added by several people are all there.",
        "Les allergies ajoutées par plusieurs personnes y sont toutes.";
    /// Criticality.
    HighestCriticality = "highest-criticality", "allergy",
        "The highest criticality is shown.",
        "La criticité la plus élevée est affichée.";
    /// Reactions.
    ReactionsUnion = "reactions-union", "allergy",
        "Reactions union.",
        "Les réactions se réunissent.";
    /// None known erases nothing.
    NoneKnownErasesNothing = "none-known-erases-nothing", "allergy",
        "“No known allergy” never erases an allergy, is not shown while a closed one waits to be looked at again, and of one category says nothing of the others.",
        "« Aucune allergie connue » n’efface jamais une allergie, n’est pas affiché tant qu’une allergie close est à revoir et, dit d’une catégorie, ne dit rien des autres.";
    /// None known, contradicted.
    NoneKnownContradicted = "none-known-contradicted", "allergy",
        "“No known allergy” is contradicted by any active allergy its author had not seen, and by any later one.",
        "« Aucune allergie connue » est contredit par toute allergie active que son auteur n’avait pas vue, et par toute allergie ultérieure.";
    /// Twice the same substance.
    SameSubstanceLinked = "same-substance-linked", "allergy",
        "The same substance twice is linked as possible duplicates, never fused.",
        "La même substance deux fois est liée comme doublon possible, jamais fusionnée.";
    /// Remembered.
    NotADuplicate = "not-a-duplicate", "*",
        "“Not a duplicate” is remembered of the two as they were compared, and asked anew once either is said to be something else; where clinicians wrote both, it takes a clinician’s word.",
        "« Pas un doublon » est retenu pour les deux éléments tels que comparés, et redemandé dès que l’un est dit autre chose ; si des cliniciens ont noté les deux, il faut la parole d’un clinicien.";
    /// Two regimens.
    DoseDisputed = "dose-disputed", "medication-taken",
        "Two concurrent regimens are both shown and neither is current.",
        "Deux posologies concurrentes sont toutes deux affichées et aucune n’est en vigueur.";
    /// Stop against change.
    StopAgainstChange = "stop-against-change", "medication-taken",
        "Stopped while somebody else changed it: both shown, to reconcile, never resumed by itself.",
        "Arrêté pendant que quelqu’un d’autre le modifiait : les deux affichés, à concilier, jamais repris de soi-même.";
    /// The end of a regimen.
    TreatmentEnded = "treatment-ended", "medication-taken",
        "A treatment is no longer current once the last day of its regimen has passed for certain: not while two regimens stand or another is proposed, nor while an edit stands beside it or somebody proposes that it is active, nor once somebody said since then that it goes on.",
        "Un traitement n’est plus en cours quand le dernier jour de sa posologie est passé avec certitude : non tant que deux posologies s’opposent ou qu’une autre est proposée, ni tant qu’une modification s’y oppose ou que quelqu’un propose de le dire actif, ni dès que quelqu’un a dit depuis lors qu’il continue.";
    /// Twice the same active substance.
    SubstanceTwice = "substance-twice", "medication-taken",
        "The same active substance in two treatments that are not over is flagged; where a clinician wrote one, until a clinician tells them apart.",
        "La même substance active dans deux traitements qui ne sont pas terminés est signalée ; si un clinicien a noté l’un d’eux, jusqu’à ce qu’un clinicien les distingue.";
    /// Field by field.
    ContactByField = "contact-by-field", "emergency-contact",
        "A contact merges field by field.",
        "Un contact se fusionne champ par champ.";
    /// Telephone numbers.
    PhonesInOrder = "phones-in-order", "emergency-contact",
        "Two phone numbers are both kept, in order.",
        "Deux numéros de téléphone sont conservés, dans l’ordre.";
    /// Blood groups within an entry.
    BloodGroupNeverMerged = "blood-group-never-merged", "blood-group",
        "A blood group is never merged: two concurrent ones are shown with their sources, none as the one.",
        "Un groupe sanguin n’est jamais fusionné : deux concurrents sont affichés avec leurs sources, aucun comme le bon.";
    /// Blood groups of several entries.
    BloodGroupDiscordant = "blood-group-discordant", "blood-group",
        "Distinct groups among entries not in error are discordant: shown with sources, never one value.",
        "Des groupes distincts parmi les éléments non erronés sont discordants : affichés avec leurs sources, jamais une seule valeur.";
    /// Prescriptions.
    PrescriptionFixed = "prescription-fixed", "medication-prescribed",
        "Prescriptions and dispensations are immutable; cancellation is a new event.",
        "Les prescriptions et délivrances sont immuables ; l’annulation est un événement nouveau.";
    /// Trusted persons.
    TrustedPersonConfirmed = "trusted-person-confirmed", "trusted-person",
        "Of two concurrent trusted persons none is silently chosen: the patient confirms.",
        "De deux personnes de confiance concurrentes, aucune n’est choisie en silence : le patient confirme.";
    /// Replaced.
    TrustedPersonReplaced = "trusted-person-replaced", "trusted-person",
        "Naming a trusted person revokes whoever was known to be named before, for good: nobody comes back when that ends, unless it was entered in error.",
        "Désigner une personne de confiance révoque pour de bon celle que l’on savait désignée : personne ne revient quand cela prend fin, sauf saisie par erreur.";
    /// Directives never change.
    DirectiveFixed = "directive-fixed", "advance-directive",
        "An advance directive is an immutable document.",
        "Une directive anticipée est un document immuable.";
    /// Which directive is in force.
    DirectiveLatest = "directive-latest", "advance-directive",
        "The directive in force is the latest by the date of the document, not by the latest sync.",
        "La directive en vigueur est la dernière par la date du document, non par la dernière synchronisation.";
    /// Without a date.
    DirectiveUndated = "directive-undated", "advance-directive",
        "An undated directive is never in force.",
        "Une directive sans date n’est jamais en vigueur.";
    /// Of one date.
    DirectiveSameDate = "directive-same-date", "advance-directive",
        "Of two directives of the same date both are shown; a revocation of all leaves one of its own date shown, in doubt. Dates that do not tell which came first count as the same.",
        "De deux directives de même date, les deux sont affichées ; une révocation générale laisse affichée, avec un doute, une directive de sa propre date. Des dates qui ne disent pas laquelle est la première comptent comme égales.";
    /// Taken back.
    DirectiveRevocation = "directive-revocation", "advance-directive",
        "Revoking a directive is a document too: one closed by a status stays shown, in doubt, and so does one that a revocation of an earlier date names.",
        "Révoquer une directive est aussi un document : une directive close par un statut reste affichée, avec un doute, comme celle que nomme une révocation de date antérieure.";
    /// Withdrawn by somebody else.
    DirectiveWithdrawn = "directive-withdrawn", "advance-directive",
        "A directive or a revocation that somebody else than the patient calls an error is out of every view; what is in force without it is flagged, beside it, until the holder confirms it.",
        "Une directive ou une révocation que quelqu’un d’autre que le patient dit erronée sort de toute vue ; ce qui vaut sans elle est signalé, à côté d’elle, jusqu’à ce que le titulaire le confirme.";
    /// In force again.
    DirectiveRevived = "directive-revived", "advance-directive",
        "A directive that is in force because one that may be later was revoked by its name, or called an error by the patient, is flagged until the holder confirms it.",
        "Une directive qui vaut parce qu’une autre, peut-être plus récente, a été révoquée nommément ou dite erronée par le patient est signalée jusqu’à ce que le titulaire la confirme.";
    /// Deposited by a professional.
    DirectiveDeposit = "directive-deposit", "advance-directive",
        "A professional may deposit the scan of a directive at the holder’s request.",
        "Un professionnel peut déposer la directive numérisée à la demande du titulaire.";
    /// The same dose written twice.
    ImmunizationLinked = "immunization-linked", "immunization",
        "The same vaccine within a day is linked as a possible duplicate.",
        "Le même vaccin à un jour près est lié comme doublon possible.";
    /// Past due.
    PregnancyToConfirm = "pregnancy-to-confirm", "pregnancy",
        "A pregnancy past its due date by more than 42 days is to be confirmed, and off the card.",
        "Une grossesse dont le terme est dépassé de plus de 42 jours est à confirmer, et hors de la carte.";
    /// The same bytes.
    DocumentDeduplicated = "document-deduplicated", "document/*",
        "Documents of the same content are one, by its hash.",
        "Les documents de même contenu n’en font qu’un, par son empreinte.";
    /// Replacement.
    DocumentChain = "document-chain", "document/*",
        "A document’s content is immutable: a replacement is another document, and is current in its stead.",
        "Le contenu d’un document est immuable : son remplacement est un autre document, à jour à sa place.";
    /// Two replacements.
    DocumentBothCurrent = "document-both-current", "document/*",
        "Two concurrent replacements of one document are both current, and flagged.",
        "Deux remplacements concurrents d’un document sont tous deux à jour, et signalés.";
    /// Hiding what may kill.
    HidingAllergyWarns = "hiding-allergy-warns", "allergy",
        "Hiding an allergy warns.",
        "Masquer une allergie avertit.";
    /// What reaches a card.
    CardByChoice = "card-by-choice", "*",
        "A hidden entry reaches a card only by the holder’s explicit choice.",
        "Un élément masqué n’atteint une carte que par le choix explicite du titulaire.";
    /// What a card leaves out with it.
    CardHidesNoDoubt = "card-hides-no-doubt", "*",
        "A card shows no value at all whose doubt or successor is hidden, and no doubt that comes of what is hidden.",
        "Une carte ne montre aucune valeur dont le doute ou le remplacement est masqué, ni aucun doute qui vient de ce qui est masqué.";
    /// What a card always says.
    NotForTransfusion = "not-for-transfusion", "blood-group",
        "A card always says “not valid for transfusion”.",
        "Une carte dit toujours « non valable pour transfusion ».";
    /// Somebody else's.
    WrongPatient = "wrong-patient", "*",
        "Wrong patient, by the author or a clinician, takes the entry out of every view whatever the concurrent edits, and destroys its content; what somebody else wrote into it that arrives later stays with them, out of the record.",
        "« Erreur de patient », par l’auteur ou un clinicien, retire l’élément de toute vue quelles que soient les modifications concurrentes, et détruit son contenu ; ce qu’un autre y a écrit et qui arrive ensuite reste chez lui, hors du carnet.";
    /// What only a clinician can destroy.
    WrongPatientSpares = "wrong-patient-spares", "*",
        "Wrong patient by anybody but a physician, midwife or dentist within competence destroys nothing in which somebody else’s edit has arrived: it is out of every view, kept, and to review.",
        "« Erreur de patient » dit par quelqu’un d’autre qu’un médecin, une sage-femme ou un dentiste dans sa compétence ne détruit rien où la modification d’un autre est arrivée : l’élément est hors de toute vue, conservé, et à vérifier.";
}

/// Which rules are in force: all of them, but in the tests that show what each is for.
#[derive(Clone, Copy)]
pub struct Rules {
    on: u128,
    /// The tables of kinds that they are applied to.
    pub(super) tables: Tables,
}

impl Rules {
    /// All rules, applied to the tables of this version.
    pub const ALL: Rules = Rules::of(Tables::CURRENT);

    /// All rules as a program applies them that goes by these tables.
    pub const fn of(tables: Tables) -> Self {
        let on = u128::MAX;
        Rules { on, tables }
    }

    /// Whether a rule is in force.
    pub(super) fn has(self, rule: Rule) -> bool {
        self.on & (1 << rule as u32) != 0
    }

    /// All but one.
    #[cfg(test)]
    pub(super) fn without(self, rule: Rule) -> Self {
        let on = self.on & !(1 << rule as u32);
        Rules { on, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rules_have_codes_of_their_own() {
        let codes: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.code()).collect();
        assert_eq!(codes.len(), Rule::ALL.len());
        assert!(Rule::ALL.len() <= 128, "a set of rules is 128 bits");
    }
}

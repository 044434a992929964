//! The to-review list: what people must settle because machines must not.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::held::HeldForReview;
use super::{
    Assignment, Danger, EntryView, FieldClaim, Flag, FlagCode, Rule, Rules, across, assigned,
    authority, decided, ended, pregnancy, waiting,
};
use crate::entry::{
    HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES, KIND, SCHEMA, STATUS, Value, Visibility,
};
use crate::kind::common::is_visibility;
use crate::kind::decision::DECISION;
use crate::kind::medication::REGIMEN;
use crate::kind::{JsonScalar as _, Kind, Occurred, Read, Regimen, Verdict, Words, wishes};
use crate::policy::Role;
use crate::sync::HoldReason;
use crate::{ChangeHash, Digest32, EntryId, PersonId};

/// Who reads the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Who.
    pub person: PersonId,
    /// In what role.
    pub role: Role,
}

/// One side of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewClaim {
    /// In which entry.
    pub entry: EntryId,
    /// Under which key.
    pub field: String,
    /// What, and who says so.
    pub claim: FieldClaim,
    /// Of a proposal: whether this is what is proposed of its field, rather than what it is about.
    /// Of possible duplicates: that they are none, said by somebody whose word does not settle it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proposed: bool,
}

/// One item of the to-review list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewItem {
    /// Names it as long as it is about the same: decisions cite it.
    pub key: String,
    /// Names what it is about, whatever else is said of that: assignments cite it.
    pub topic: String,
    /// How dangerous it is to leave it alone.
    pub danger: Danger,
    /// What it is.
    pub code: FlagCode,
    /// The entries it is about.
    pub entries: Vec<EntryId>,
    /// Of advance directives: those of the entries that are in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_force: Vec<EntryId>,
    /// Of what kind they are; nothing for a held edit of an entry this viewer has not got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Whether a nurse recorded the entry, the first of several.
    #[serde(default)]
    pub by_nurse: bool,
    /// Of a decision that somebody crossed: whether only the holder might make it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crosses_holder: bool,
    /// The key it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The sides, with who and when; of a held edit what it says, and then what stands.
    pub claims: Vec<ReviewClaim>,
    /// Of a held edit: the changes among those that stand which its author had not seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<ChangeHash>,
    /// What this viewer may decide, beside editing the entries.
    pub verdicts: Vec<Verdict>,
    /// Who looks after it, as assigned; several when that was said apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assigned: Vec<Assignment>,
    /// What a decision of this viewer on it inherits.
    pub inherited: Inherited,
}

/// What a decision on an item inherits of the entries it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inherited {
    /// The strictest of their visibility. A delay that is over for the viewer is none.
    pub visibility: Visibility,
    /// Their kinds, as written, a space between two.
    pub about: String,
}

impl ReviewItem {
    /// What it means, in plain words.
    pub fn words(&self) -> Words {
        self.code.words()
    }

    /// Whether the word of somebody in this role confirms what it is about.
    pub(super) fn confirms(&self, rules: Rules, role: &Role) -> bool {
        match &self.kind {
            Some(kind) => authority::confirms(rules, kind, self.by_nurse, role),
            None => role.is_clinician(),
        }
    }

    /// Whether it is assigned to this person and nobody else; to nobody at all, without one.
    pub fn is_assigned_to(&self, person: Option<PersonId>) -> bool {
        let assigned = self.assigned.iter().map(|assignment| assignment.to);
        assigned.eq(person)
    }
}

/// What has to be settled among the entries a viewer may see and the edits held for them, the
/// most dangerous first, on a day (UTC). A function of what is given and nothing else.
pub fn review(
    views: &[EntryView],
    held: &[HeldForReview],
    viewer: &Viewer,
    today: Date,
) -> Vec<ReviewItem> {
    review_by(Rules::ALL, views, held, viewer, today)
}

/// [`review`] by some of the rules.
pub(super) fn review_by(
    rules: Rules,
    views: &[EntryView],
    held: &[HeldForReview],
    viewer: &Viewer,
    today: Date,
) -> Vec<ReviewItem> {
    let mut items = found(rules, views, Some(today));
    let late = pregnancy::all_to_confirm(rules, views, today);
    items.extend(late.map(|(code, view)| of_link(&across::Link::alone(code, view))));
    let waiting = waiting::for_a_place(rules, views, viewer, today);
    items.extend(waiting.map(|(code, view)| of_link(&across::Link::alone(code, view))));
    if rules.has(Rule::HeldAsks) {
        items.extend(held.iter().filter_map(|held| of_held(rules, views, held)));
    }
    let decisions = decided::decisions(rules, views);
    settle(rules, views, &decisions, &mut items);
    let assignments = assigned::assignments(&decisions);
    for item in &mut items {
        item.claims.extend(told_apart(item, &decisions));
        item.assigned = assigned::stand(rules, &item.topic, &assignments);
        item.inherited = inherited(item, views, &viewer.role);
        let verdicts = item.code.verdicts().iter();
        let open = verdicts
            .filter(|verdict| may_decide(rules, item, verdict, &viewer.role, viewer.person));
        item.verdicts = open.cloned().collect();
    }
    if rules.has(Rule::DangerFirst) {
        items.sort_by(|a, b| (Reverse(a.danger), &a.key).cmp(&(Reverse(b.danger), &b.key)));
    } else {
        items.sort_by(|a, b| a.key.cmp(&b.key));
    }
    items.dedup_by(|a, b| a.key == b.key);
    items
}

/// What asks by itself among the entries: what is flagged on each, and what they say together.
pub(super) fn found(rules: Rules, views: &[EntryView], today: Option<Date>) -> Vec<ReviewItem> {
    let mut items: Vec<ReviewItem> = Vec::new();
    for view in views {
        items.extend(view.flags.iter().filter_map(|flag| of_flag(view, flag)));
    }
    items.extend(across::links(rules, views, today).iter().map(of_link));
    items
}

/// Leaves what is open of items, with the decisions on them that somebody crossed.
fn settle(
    rules: Rules,
    views: &[EntryView],
    decisions: &[decided::Decision<'_>],
    items: &mut Vec<ReviewItem>,
) {
    if rules.has(Rule::DecisionsDiffer) {
        let crossed = decided::differently(rules, views, decisions, items);
        items.extend(crossed);
    }
    items.retain(|item| !decided::settled(rules, item, decisions));
}

/// What those propose of an item who told two entries apart and may not: the words of clinicians.
fn told_apart(item: &ReviewItem, decisions: &[decided::Decision<'_>]) -> Vec<ReviewClaim> {
    let apart = decisions
        .iter()
        .filter(|one| one.item == item.key && one.verdict == Verdict::NotADuplicate);
    let apart = apart.filter(|one| item.code.verdicts().contains(&one.verdict));
    let said = apart.flat_map(|one| {
        let claims = one.view.claims(DECISION).iter();
        claims.map(|claim| ReviewClaim {
            entry: one.view.id,
            field: DECISION.to_owned(),
            claim: claim.clone(),
            proposed: true,
        })
    });
    let mut said: Vec<ReviewClaim> = said.collect();
    said.sort_by_key(|side| side.entry);
    said
}

/// Whether anything waits to be settled that speaks for an allergy though none is active: a danger
/// against its closing, what was written into one while it was withdrawn, or a status that is
/// proposed.
pub(super) fn an_allergy_waits(rules: Rules, views: &[EntryView]) -> bool {
    let told = || views.iter().filter(|view| view.kind == Kind::Allergy);
    let flagged = told().flat_map(|view| view.flags.iter().filter_map(|flag| of_flag(view, flag)));
    let mut items: Vec<ReviewItem> = flagged.collect();
    settle(rules, views, &decided::decisions(rules, views), &mut items);
    items.iter().any(|item| match item.code {
        FlagCode::DangerAfterEnding
        | FlagCode::RefutationAgainstDanger
        | FlagCode::RefutedAgainstEdit
        | FlagCode::EditedWhileInError
        | FlagCode::StatusAgainstEdit => true,
        FlagCode::Proposal => item.field.as_deref() == Some(STATUS),
        FlagCode::DecidedDifferently => told().any(|view| item.entries.contains(&view.id)),
        _ => false,
    })
}

pub(super) fn of_flag(view: &EntryView, flag: &Flag) -> Option<ReviewItem> {
    // What is withdrawn as an error needs no more care than the edits it overtook.
    // Whether a wish that the holder withdrew counts after all is a question to them.
    let asked = match flag.code {
        FlagCode::EditedWhileInError => true,
        FlagCode::Proposal => view.kind == Kind::AdvanceDirective,
        _ => false,
    };
    if view.in_error() && !asked {
        return None;
    }
    let hashes: Vec<&[u8]> = flag.changes.iter().map(|change| &change.0[..]).collect();
    let about = Digest32::of(&hashes).to_string();
    let field = flag.field.as_deref().unwrap_or("-");
    let topic = format!("{}/{}/{field}", flag.code.code(), view.id);
    Some(ReviewItem {
        key: format!("{topic}/{}", &about[..16]),
        topic,
        danger: danger(view, flag),
        code: flag.code,
        entries: vec![view.id],
        in_force: Vec::new(),
        kind: Some(view.kind.clone()),
        by_nurse: view.is_by_nurse(),
        crosses_holder: false,
        field: flag.field.clone(),
        claims: sides(view, flag),
        unseen: Vec::new(),
        verdicts: Vec::new(),
        assigned: Vec::new(),
        inherited: Inherited::default(),
    })
}

/// A contact or a note in doubt harms less than a treatment; a proposal to withdraw more than one
/// to rename; one clinician's word against another's more than a lay person's.
fn danger(view: &EntryView, flag: &Flag) -> Danger {
    let usual = flag.code.danger();
    match flag.code {
        FlagCode::RefutedAgainstEdit if is_of_clinicians(view, flag) => usual.max(Danger::High),
        FlagCode::Proposal if proposes_an_end(view, flag) => Danger::High,
        FlagCode::ConcurrentValues if view.kind == Kind::Allergy => Danger::High,
        _ if view.kind.is_clinical() => usual,
        _ => usual.min(Danger::Low),
    }
}

/// Whether a clinician wrote something other than a status with a change behind a flag.
fn is_of_clinicians(view: &EntryView, flag: &Flag) -> bool {
    let fields = view.fields.iter().filter(|field| field.key != STATUS);
    let said = fields.flat_map(|field| &field.claims);
    let mut behind = said.filter(|claim| flag.changes.contains(&claim.change));
    behind.any(|claim| {
        let by = claim.by.as_ref();
        by.is_some_and(|by| {
            authority::confirms(Rules::ALL, &view.kind, view.is_by_nurse(), &by.role)
        })
    })
}

/// Whether a proposal would end the entry, or say what became of it: by its status, by a field, or
/// by an earlier end of a treatment.
fn proposes_an_end(view: &EntryView, flag: &Flag) -> bool {
    let Some(key) = flag.field.as_deref() else {
        return false;
    };
    let field = view.field(key);
    let proposals = field.map_or(&[][..], |field| &field.proposals).iter();
    let mut proposed = proposals.map(|claim| &claim.value);
    if key == REGIMEN {
        let end = |regimen: Regimen| regimen.ends.map(|ends| ends.last_day());
        let stands: Vec<Option<Date>> = view.all(REGIMEN).into_iter().map(end).collect();
        let earlier = |ends: Date| {
            stands
                .iter()
                .all(|stands| stands.is_none_or(|day| ends < day))
        };
        return proposed
            .filter_map(|value| end(Regimen::from_value(value)?))
            .any(earlier);
    }
    key == STATUS || proposed.any(|value| ended::ends(&view.kind, key, Some(value)))
}

/// What the changes behind a flag said and what stands beside it.
fn sides(view: &EntryView, flag: &Flag) -> Vec<ReviewClaim> {
    let mut sides = Vec::new();
    for field in &view.fields {
        let about = flag.field.as_deref() == Some(&field.key);
        let named = |claim: &&FieldClaim| about || flag.changes.contains(&claim.change);
        let proposals = field
            .proposals
            .iter()
            .filter(|claim| flag.changes.contains(&claim.change));
        let standing = field
            .claims
            .iter()
            .filter(named)
            .map(|claim| (claim, false));
        let proposed = proposals.map(|claim| (claim, about));
        for (claim, proposed) in standing.chain(proposed) {
            sides.push(ReviewClaim {
                entry: view.id,
                field: field.key.clone(),
                claim: claim.clone(),
                proposed,
            });
        }
    }
    sides
}

/// What entries are asked about together, by their names.
fn named(link: &across::Link<'_>) -> String {
    let ids: Vec<EntryId> = link.entries.iter().map(|view| view.id).collect();
    let about = match ids.as_slice() {
        [one, other] => format!("{one}/{other}"),
        _ => {
            let bytes: Vec<&[u8]> = ids.iter().map(|id| &id.as_bytes()[..]).collect();
            Digest32::of(&bytes).to_string()
        }
    };
    format!("{}/{about}", link.code.code())
}

/// The key of the item that entries make together.
pub(super) fn key_of(link: &across::Link<'_>) -> String {
    let named = named(link);
    match across::compared(link) {
        // What was told apart is asked anew once either is said to be something else.
        Some(compared) => format!("{named}/{}", &compared.to_string()[..16]),
        None => named,
    }
}

/// What each of some entries says in an item about them: of a wish its date and its text too.
fn told_of(view: &EntryView) -> impl Iterator<Item = &'static str> {
    let wish = view.kind == Kind::AdvanceDirective;
    let more = [wishes::DOCUMENT_DATE, wishes::TEXT];
    // Of what was withdrawn, also by whom.
    let status = view.in_error().then_some(STATUS);
    let main = crate::kind::main_field(&view.kind);
    let keys = [main]
        .into_iter()
        .chain(more.into_iter().filter(move |_| wish));
    keys.chain(status)
}

pub(super) fn of_link(link: &across::Link<'_>) -> ReviewItem {
    let mut told = link.entries.clone();
    if !link.in_force.is_empty() {
        // What is in force first, then what may have replaced it, then what takes that back.
        told.sort_by_cached_key(|view| {
            let from: &dyn Read = *view;
            let date: Option<Occurred> = from.scalar(wishes::DOCUMENT_DATE);
            let what = from.text(wishes::DIRECTIVE);
            let other = !link.in_force.contains(&view.id);
            (other, what, Reverse(date.map(|date| date.first_day())))
        });
    }
    let claims = told.into_iter().flat_map(|view| {
        told_of(view).flat_map(move |key| {
            view.claims(key).iter().map(move |claim| ReviewClaim {
                entry: view.id,
                field: key.to_owned(),
                claim: claim.clone(),
                proposed: false,
            })
        })
    });
    let ids: Vec<EntryId> = link.entries.iter().map(|view| view.id).collect();
    ReviewItem {
        key: key_of(link),
        // Of all blood groups together there is one item, whichever they are; of what contradicts
        // a statement one, or few where that is very much.
        topic: match (link.code, ids.as_slice()) {
            (FlagCode::DiscordantBloodGroup, _) => link.code.code().to_owned(),
            (FlagCode::NoKnownAllergyContradicted, [statement, ..]) => {
                format!("{}/{statement}", link.code.code())
            }
            _ => named(link),
        },
        danger: link.code.danger(),
        code: link.code,
        entries: ids,
        in_force: link.in_force.clone(),
        kind: link.entries.first().map(|view| view.kind.clone()),
        by_nurse: link.entries.first().is_some_and(|view| view.is_by_nurse()),
        crosses_holder: false,
        field: None,
        claims: claims.collect(),
        unseen: Vec::new(),
        verdicts: Vec::new(),
        assigned: Vec::new(),
        inherited: Inherited::default(),
    }
}

/// A held edit asks for a decision only when it was made in good faith. What it says comes first,
/// then what stands.
fn of_held(rules: Rules, views: &[EntryView], held: &HeldForReview) -> Option<ReviewItem> {
    if held.reason != HoldReason::NoLongerPermitted {
        return None;
    }
    let claims = held.writes.iter().map(|write| ReviewClaim {
        entry: held.entry,
        field: write.key.clone(),
        claim: FieldClaim {
            value: write.value.clone().unwrap_or(Value::Null),
            change: held.change,
            by: Some(held.by.clone()),
        },
        proposed: false,
    });
    let written = held.writes.iter().find(|write| write.key == KIND);
    let written = written.and_then(|write| Some(Kind::from(write.value.as_ref()?.as_text()?)));
    let known = views.iter().find(|view| view.id == held.entry);
    let known_here = known.filter(|_| rules.has(Rule::HeldBeside));
    let (standing, unseen) =
        known_here.map_or_else(Default::default, |view| beside_held(view, held));
    let key = format!("{}/{}", FlagCode::HeldEdit.code(), held.change);
    Some(ReviewItem {
        topic: key.clone(),
        key,
        danger: FlagCode::HeldEdit.danger(),
        code: FlagCode::HeldEdit,
        entries: vec![held.entry],
        in_force: Vec::new(),
        kind: known.map(|view| view.kind.clone()).or(written),
        by_nurse: known.is_some_and(EntryView::is_by_nurse),
        crosses_holder: false,
        field: None,
        claims: claims.chain(standing).collect(),
        unseen,
        verdicts: Vec::new(),
        assigned: Vec::new(),
        inherited: Inherited::default(),
    })
}

/// What stands, or is proposed, where a held edit writes, and what else its author had not seen;
/// then the changes they had not seen.
fn beside_held(view: &EntryView, held: &HeldForReview) -> (Vec<ReviewClaim>, Vec<ChangeHash>) {
    let is_unseen = |claim: &FieldClaim| !held.follows.contains(&claim.change);
    let mut standing = Vec::new();
    let mut unseen = BTreeSet::new();
    for field in view.fields.iter().filter(|field| field.key != SCHEMA) {
        let writes = held.writes.iter().any(|write| write.key == field.key);
        for claim in field.claims.iter().chain(&field.proposals) {
            if !writes && (is_visibility(&field.key) || !is_unseen(claim)) {
                continue;
            }
            if is_unseen(claim) {
                unseen.insert(claim.change);
            }
            standing.push(ReviewClaim {
                entry: view.id,
                field: field.key.clone(),
                claim: claim.clone(),
                proposed: false,
            });
        }
    }
    (standing, unseen.into_iter().collect())
}

/// Whoever may not see one of the entries an item is about must not learn of it from a decision.
fn inherited(item: &ReviewItem, views: &[EntryView], role: &Role) -> Inherited {
    let about = || views.iter().filter(|view| item.entries.contains(&view.id));
    // A decision that another one crossed is named as well, and a held edit may hide what it makes.
    let named = |view: &&EntryView| item.claims.iter().any(|side| side.entry == view.id);
    let touched = views
        .iter()
        .filter(|view| item.entries.contains(&view.id) || named(view));
    let strictest = |all: Visibility, view: &EntryView| all.strictest(&view.visibility);
    let mut visibility = touched.fold(written(item), strictest);
    // Whoever minds a delay has the entry only once it is over.
    if *role == Role::Holder || role.is_delegate() {
        visibility.hidden_from_patient_until = None;
    }
    let mut kinds: Vec<&str> = about().map(|view| view.kind.code()).collect();
    kinds.extend(item.kind.as_ref().map(Kind::code));
    let crossed = views.iter().filter(named).map(assigned::about);
    kinds.extend(crossed.flat_map(str::split_whitespace));
    if kinds.is_empty() {
        // Of a kind nobody knows here: as narrow as one of a newer version.
        kinds.push("-");
    }
    kinds.sort_unstable();
    kinds.dedup();
    let about = kinds.join(" ");
    Inherited { visibility, about }
}

/// What a held edit says of who may see what it writes.
fn written(item: &ReviewItem) -> Visibility {
    let held = |key: &str| {
        let sides = item.claims.iter().filter(move |side| side.field == key);
        item.code == FlagCode::HeldEdit
            && sides
                .map(|side| &side.claim.value)
                .any(|value| *value == Value::Bool(true))
    };
    Visibility {
        hidden_from_professionals: held(HIDDEN_FROM_PROFESSIONALS),
        hidden_from_representatives: held(HIDDEN_FROM_REPRESENTATIVES),
        hidden_from_patient_until: None,
    }
}

/// Whether nobody but the holder settles what is flagged so.
pub(super) fn is_holders(code: FlagCode) -> bool {
    matches!(
        code,
        FlagCode::HeldEdit
            | FlagCode::DirectivesSameDate
            | FlagCode::DirectiveUndated
            | FlagCode::DirectiveWithdrawn
            | FlagCode::DirectiveRevived
            | FlagCode::HiddenAllergy
    )
}

/// Where a clinician's word is at stake a clinician decides, of possible duplicates where both are
/// of clinicians; whoever proposed may withdraw; held
/// edits, wishes and what is hidden are the holder's. The server takes up an edit it holds by
/// nobody else's word.
pub(super) fn may_decide(
    rules: Rules,
    item: &ReviewItem,
    verdict: &Verdict,
    role: &Role,
    person: PersonId,
) -> bool {
    let by = || item.claims.iter().filter_map(|side| side.claim.by.as_ref());
    let confirms = |role: &Role| item.confirms(rules, role);
    match item.code {
        code if is_holders(code) => *role == Role::Holder,
        // Two ways to settle what is the holder's are no more a clinician's to choose from.
        FlagCode::DecidedDifferently
            if item.crosses_holder || item.kind == Some(Kind::AdvanceDirective) =>
        {
            *role == Role::Holder
        }
        FlagCode::PossibleDuplicate => {
            let by_clinician = |entry: &EntryId| {
                let sides = item.claims.iter().filter(|side| side.entry == *entry);
                let mut by = sides.filter_map(|side| side.claim.by.as_ref());
                by.any(|stamp| confirms(&stamp.role))
            };
            confirms(role) || !item.entries.iter().all(by_clinician)
        }
        FlagCode::Proposal => {
            let proposed = || item.claims.iter().filter(|side| side.proposed);
            let theirs = |side: &ReviewClaim| {
                let by = side.claim.by.as_ref();
                by.is_some_and(|stamp| stamp.author == person)
            };
            let own = proposed().next().is_some() && proposed().all(theirs);
            let field = item.field.as_deref().unwrap_or_default();
            let holders = |kind| authority::is_holders(kind, field);
            let decides = match item.kind.as_ref().is_some_and(holders) {
                true => *role == Role::Holder,
                false => confirms(role),
            };
            decides || (*verdict == Verdict::Discard && own)
        }
        _ => confirms(role) || !by().any(|stamp| confirms(&stamp.role)),
    }
}

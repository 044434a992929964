//! What entries say together: nothing that a viewer could not work out from what they may see, and
//! everything that they must.

use std::collections::BTreeSet;

use super::super::random::Raw;
use super::look::Look;
use super::*;

/// What an entry was ever said to be: the texts of its labels, products, vaccines.
fn names(raw: &Raw<'_>) -> BTreeSet<String> {
    let keys = ["label", "regimen", "immunization"];
    let values = keys.iter().flat_map(|key| {
        let all = raw.edits.iter();
        all.filter_map(|edit| edit.wrote_text(key))
            .collect::<Vec<_>>()
    });
    let named = values.filter_map(|text| {
        let json: serde_json::Value = serde_json::from_str(text).ok()?;
        let name = json
            .get("text")
            .or_else(|| json.get("product")?.get("text"));
        let name = name.or_else(|| json.get("vaccine")?.get("text"));
        Some(name?.as_str()?.to_lowercase())
    });
    named.collect()
}

fn groups(raw: &Raw<'_>) -> BTreeSet<String> {
    let all = raw.edits.iter();
    let values = all.filter_map(|edit| edit.wrote_text("blood-group"));
    let groups = values.filter_map(|text| {
        let json: serde_json::Value = serde_json::from_str(text).ok()?;
        Some(format!("{} {}", json.get("abo")?, json.get("rhd")?))
    });
    groups.collect()
}

/// Whether two entries could be linked so at all.
fn could_link(code: FlagCode, one: &Raw<'_>, other: &Raw<'_>) -> bool {
    let alike = one.kind == other.kind;
    match code {
        FlagCode::PossibleDuplicate | FlagCode::SubstanceTwice => {
            alike && !names(one).is_disjoint(&names(other))
        }
        FlagCode::DiscordantBloodGroup => {
            let union = groups(one).union(&groups(other)).count();
            one.kind == "blood-group" && alike && union > 1
        }
        FlagCode::NoKnownAllergyContradicted => alike && one.states_none() != other.states_none(),
        FlagCode::TrustedPersonDisputed => alike && one.kind == "trusted-person",
        FlagCode::DirectivesSameDate => alike && one.kind == "advance-directive",
        FlagCode::ReplacedTwice => {
            let parent = |raw: &Raw<'_>| raw.first().wrote_text("replaces").map(str::to_owned);
            alike && parent(one).is_some() && parent(one) == parent(other)
        }
        _ => false,
    }
}

/// The flags that two entries raise together.
const TOGETHER: [FlagCode; 7] = [
    FlagCode::PossibleDuplicate,
    FlagCode::SubstanceTwice,
    FlagCode::DiscordantBloodGroup,
    FlagCode::NoKnownAllergyContradicted,
    FlagCode::TrustedPersonDisputed,
    FlagCode::DirectivesSameDate,
    FlagCode::ReplacedTwice,
];

/// Every flag that entries raise together, in a list or beside a vital fact, has its other side
/// among what the viewer may see: what is hidden from them never raises one.
pub fn links_are_explained_by_what_is_seen(look: &Look<'_>) -> Option<String> {
    let vital = &look.vital;
    let allergies = vital
        .allergies
        .iter()
        .map(|fact| (fact.entry, &fact.doubts));
    let treatments = vital
        .treatments
        .iter()
        .map(|fact| (fact.entry, &fact.doubts));
    let people = vital
        .trusted_persons
        .iter()
        .map(|fact| (fact.entry, &fact.doubts));
    let doubts = allergies.chain(treatments).chain(people);
    let doubts = doubts.flat_map(|(entry, codes)| codes.iter().map(move |code| (entry, *code)));
    let flags = look.flags.iter().map(|(entry, flag)| (*entry, flag.code));
    let items = look.review.iter();
    let items = items.flat_map(|item| item.entries.iter().map(|entry| (*entry, item.code)));
    let unexplained = doubts.chain(flags).chain(items).find(|(entry, code)| {
        if !TOGETHER.contains(code) {
            return false;
        }
        let Some(raw) = look.raws.iter().find(|raw| raw.entry == *entry) else {
            return true;
        };
        // Two groups of one entry differ by themselves.
        let alone = *code == FlagCode::DiscordantBloodGroup && groups(raw).len() > 1;
        let mut others = look.raws.iter().filter(|other| other.entry != *entry);
        !alone && !others.any(|other| could_link(*code, raw, other))
    });
    unexplained.map(|(entry, code)| format!("{} on {entry}", code.code()))
}

/// Whether two vaccinations of this year were on one day or on two that follow each other.
fn within_a_day(one: &Raw<'_>, other: &Raw<'_>) -> bool {
    let this_year = |raw: &Raw<'_>| {
        let said = raw.first().wrote_text("immunization").unwrap_or_default();
        said.contains("2024-05-03") || said.contains("2024-05-04")
    };
    this_year(one) && this_year(other)
}

/// Two entries of one name that nobody ever ended or renamed are linked, until somebody tells them
/// apart; two who replaced one document apart are told so.
pub fn likes_are_linked(look: &Look<'_>) -> Option<String> {
    let plain = |raw: &&Raw<'_>| {
        let fixed = ["label", "regimen", "immunization"];
        raw.was_never_ended() && fixed.iter().all(|key| raw.wrote(key).len() < 2)
    };
    let spent = |raw: &Raw<'_>| {
        let said = raw.first().wrote_text("regimen").unwrap_or_default();
        said.contains("\"ends\"") || raw.states_none()
    };
    let all = || look.raws.iter().filter(plain).filter(|raw| !spent(raw));
    all().find_map(|one| {
        let mut later = all().filter(|other| other.entry > one.entry && other.kind == one.kind);
        later.find_map(|other| {
            let code = match one.kind.as_str() {
                "allergy" => FlagCode::PossibleDuplicate,
                "medication-taken" => FlagCode::SubstanceTwice,
                "immunization" if within_a_day(one, other) => FlagCode::PossibleDuplicate,
                kind if kind.starts_with("document/") => FlagCode::ReplacedTwice,
                _ => return None,
            };
            let apart = !one.first().saw(other.first()) && !other.first().saw(one.first());
            let expected =
                could_link(code, one, other) && (code != FlagCode::ReplacedTwice || apart);
            let pair = [one.entry, other.entry];
            (expected && !look.asks(code, &pair)).then(|| format!("{} of {pair:?}", code.code()))
        })
    })
}

//! What a clinician confirmed: lay people and other professionals propose.

use super::super::random::{Edited, Raw};
use super::look::Look;
use crate::entry::{Value, Write};
use crate::policy::Role;

/// Keys that say nothing of the fact itself, which anybody may write.
fn is_apart(key: &str) -> bool {
    let names = ["kind", "schema", "notes", "source"];
    names.contains(&key) || key.starts_with("hidden-") || key.starts_with("accepts/")
}

/// Whether a write is a reaction that nobody knew of before: adding one is everybody's.
fn is_new_reaction(raw: &Raw<'_>, edit: &Edited, write: &Write) -> bool {
    let mut known = raw.wrote(&write.key).into_iter();
    write.key.starts_with("reaction/") && !known.any(|known| edit.saw(known))
}

/// Whether a clinician took up what an edit proposed under a key.
fn is_taken_up(raw: &Raw<'_>, edit: &Edited, key: &str) -> bool {
    raw.confirming().any(|later| later.accepts(edit, key))
}

/// Which of an edit's writes stand as its author's own, though they may not.
fn stands_unduly(
    look: &Look<'_>,
    raw: &Raw<'_>,
    edit: &Edited,
    wrong: impl Fn(&Write) -> bool,
) -> Option<String> {
    let view = look.view(raw.entry);
    let open = |write: &&Write| !is_taken_up(raw, edit, &write.key);
    let mut writes = edit.writes.iter().filter(|write| wrong(write)).filter(open);
    let stands = writes.find(|write| {
        let mut claims = view.claims(&write.key).iter();
        claims.any(|claim| claim.change == edit.hash)
    });
    stands.map(|write| {
        format!(
            "{} of edit {} of {} stands",
            write.key, edit.place, raw.entry
        )
    })
}

/// A clinician said it is so, by that word or by writing it down without a doubt, and none who
/// knew took that back: then it stays confirmed, and what lay people write who knew is proposed.
pub fn confirmations_stand(look: &Look<'_>) -> Option<String> {
    look.raws
        .iter()
        .filter(|raw| raw.is_clinical())
        .find_map(|raw| {
            let confirmed = raw.confirming().filter(|edit| {
                let said = edit
                    .wrote("verification")
                    .flatten()
                    .and_then(Value::as_text);
                let created = edit.place == raw.first().place;
                said == Some("confirmed") || (created && edit.wrote("verification").is_none())
            });
            let standing = confirmed.filter(|word| {
                let mut later = raw.confirming().filter(|later| later.saw(word));
                !later.any(|later| later.wrote("verification").is_some() || later.accepts_any())
            });
            for word in standing {
                if !look.view(raw.entry).confirmed {
                    return Some(format!("{} is not confirmed", raw.entry));
                }
                let mut lay = raw
                    .edits
                    .iter()
                    .filter(|edit| !raw.confirms(edit) && edit.saw(word));
                let unduly = lay.find_map(|edit| {
                    let of_the_fact =
                        |write: &Write| !is_apart(&write.key) && !is_new_reaction(raw, edit, write);
                    stands_unduly(look, raw, edit, of_the_fact)
                });
                if unduly.is_some() {
                    return unduly;
                }
            }
            None
        })
}

/// A lay person who had in front of them what a clinician wrote into a fact, none of whom doubts
/// it, ends it by a proposal only.
pub fn lay_ends_are_proposals(look: &Look<'_>) -> Option<String> {
    look.raws
        .iter()
        .filter(|raw| raw.is_clinical())
        .find_map(|raw| {
            let doubted = raw.confirming().any(|edit| {
                let doubts = edit.wrote_text("verification") == Some("unconfirmed");
                doubts || edit.accepts_any()
            });
            let of_the_fact = |write: &&Write| {
                let apart =
                    is_apart(&write.key) || ["status", "verification"].contains(&&*write.key);
                !apart
                    && write
                        .value
                        .as_ref()
                        .is_some_and(|value| *value != Value::Null)
            };
            let wrote = |edit: &&Edited| edit.writes.iter().any(|write| of_the_fact(&write));
            let lay = raw.edits.iter().filter(|edit| {
                let mut known = raw.confirming().filter(|known| edit.saw(known));
                !raw.confirms(edit) && known.any(|known| wrote(&known))
            });
            let mut lay = lay.filter(|_| !doubted);
            lay.find_map(|edit| {
                let code = edit.status();
                let over = ["active", "wrong-patient"];
                let ends = |write: &Write| match (write.key.as_str(), raw.kind.as_str()) {
                    ("status", _) => code.as_deref().is_some_and(|code| !over.contains(&code)),
                    ("ended", "condition")
                    | ("removed", "device")
                    | ("ended" | "outcome", "pregnancy") => write
                        .value
                        .as_ref()
                        .is_some_and(|value| *value != Value::Null),
                    _ => false,
                };
                stands_unduly(look, raw, edit, ends)
            })
        })
}

/// What a pharmacist or a nurse writes of somebody else's fact that is not theirs is a proposal.
/// So is anybody's *entered in error* who is neither the author nor a clinician.
pub fn others_propose(look: &Look<'_>) -> Option<String> {
    look.raws.iter().find_map(|raw| {
        let own = |edit: &Edited| raw.first().person() == edit.person();
        let mut others = raw
            .edits
            .iter()
            .filter(|edit| !raw.confirms(edit) && !own(edit));
        others.find_map(|edit| {
            let professional = matches!(edit.role(), Role::Professional(_));
            let code = edit.status();
            let error = matches!(code.as_deref(), Some("entered-in-error" | "wrong-patient"));
            let wrong = |write: &Write| {
                let theirs = is_apart(&write.key) || is_new_reaction(raw, edit, write);
                let fact = raw.is_clinical() && professional && !theirs;
                // Whose wish it is says so themselves, whoever deposited it.
                let wish = raw.kind == "advance-directive" && edit.role() == Role::Holder;
                fact || (write.key == "status" && error && !wish)
            };
            stands_unduly(look, raw, edit, wrong)
        })
    })
}

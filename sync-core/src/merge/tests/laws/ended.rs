//! The oracle of what ends an entry: by the book, and from the sentences of the rules.

use super::super::random::{Edited, Raw};
use super::TODAY;
use crate::entry::Value;
use crate::policy::Role;

/// Somebody's word that an entry is over: a status, or a field that says so; written, or taken up
/// by a clinician who accepts somebody's proposal.
pub struct End<'w> {
    pub by: &'w Edited,
    pub key: &'w str,
    /// The status, if it is one.
    pub code: Option<String>,
}

/// The fields that say that an entry of a kind is over.
fn fields(kind: &str) -> &'static [&'static str] {
    match kind {
        "pregnancy" => &["outcome", "ended"],
        "condition" => &["ended"],
        "device" => &["removed"],
        _ => &[],
    }
}

fn is_said(value: Option<&Value>) -> bool {
    value.is_some_and(|value| *value != Value::Null)
}

/// Whether nobody knows how it ended: then nobody says that it did.
fn is_unknown(value: Option<&Value>) -> bool {
    value.and_then(Value::as_text) == Some("unknown")
}

/// What an edit itself says is over.
fn written<'w>(raw: &Raw<'w>, edit: &'w Edited) -> Vec<End<'w>> {
    let status = edit.status().filter(|code| code != "active");
    let status = status.map(|code| End {
        by: edit,
        key: "status",
        code: Some(code),
    });
    let fields = fields(&raw.kind).iter().filter(|key| {
        let said = edit.wrote(key).flatten();
        // A code has no day; a partial date counts from its last day on.
        let day = match said.and_then(Value::as_text).unwrap_or_default() {
            year if year.len() == 4 => format!("{year}-12-31"),
            month if month.len() == 7 => format!("{month}-31"),
            day => day.to_owned(),
        };
        is_said(said) && !is_unknown(said) && (**key == "outcome" || day <= TODAY.to_string())
    });
    let fields = fields.map(|key| End {
        by: edit,
        key,
        code: None,
    });
    status.into_iter().chain(fields).collect()
}

/// Everything anybody ever said that ends an entry.
pub fn ends<'w>(raw: &Raw<'w>) -> Vec<End<'w>> {
    let own = raw.edits.iter().flat_map(|edit| written(raw, edit));
    let taken_up = raw.confirming().flat_map(|by| {
        let proposals = raw.edits.iter();
        let ends = proposals.flat_map(|edit| written(raw, edit));
        let taken = ends.filter(move |end| by.accepts(end.by, end.key));
        taken.map(move |end| End { by, ..end })
    });
    own.chain(taken_up).collect()
}

impl End<'_> {
    fn is_error(&self) -> bool {
        let code = self.code.as_deref();
        matches!(code, Some("entered-in-error" | "wrong-patient"))
    }

    /// Whether this may count: it is a clinician's word; or its author's or a lay person's, who
    /// had nothing of a clinician's in front of them, or a clinician's doubt.
    fn may_count(&self, raw: &Raw<'_>) -> bool {
        let own = raw.first().person() == self.by.person();
        if raw.confirms(self.by) {
            return true;
        }
        let clinicians = || raw.confirming().filter(|edit| self.by.saw(edit));
        let doubted =
            clinicians().any(|edit| edit.wrote_text("verification") == Some("unconfirmed"));
        let accepted = clinicians().any(Edited::accepts_any);
        let wrote = clinicians().any(|edit| edit.writes.iter().any(is_content));
        let professional = matches!(self.by.role(), Role::Professional(_));
        let wrong_patient = self.code.as_deref() == Some("wrong-patient");
        if (self.is_error() || professional) && !own {
            return false;
        }
        doubted || accepted || !wrote || (wrong_patient && own)
    }

    /// Whether a clinician, or in an entry without any a lay person, took it back for certain.
    fn is_taken_back(&self, raw: &Raw<'_>) -> bool {
        raw.edits.iter().any(|later| {
            let says_not = match self.key {
                "status" => later.status().as_deref() == Some("active"),
                key => later.wrote(key).is_some_and(|value| !is_said(value)),
            };
            later.saw(self.by) && says_not && (raw.confirms(later) || raw.is_lay())
        })
    }

    /// Whether an edit stands beside it that keeps the entry, whose author did not know of it, nor
    /// it of that edit.
    fn is_held_up(&self, raw: &Raw<'_>) -> bool {
        let mut beside = raw
            .edits
            .iter()
            .filter(|edit| edits_beside(raw, self, edit));
        if self.is_error() {
            return false;
        }
        let refuted = self.code.as_deref() == Some("refuted") && raw.confirms(self.by);
        if refuted && raw.kind != "medication-taken" {
            return beside.any(|edit| shows_danger(raw, edit));
        }
        beside.next().is_some()
    }
}

/// Whether a write says what the fact is, rather than who may see it or how sure it is.
fn is_content(write: &crate::entry::Write) -> bool {
    let key = write.key.as_str();
    let apart = [
        "kind",
        "schema",
        "status",
        "verification",
        "notes",
        "source",
    ];
    let hides = key.starts_with("hidden-") || key.starts_with("accepts/");
    !apart.contains(&key) && !hides && is_said(write.value.as_ref())
}

/// Whether an edit of content was made beside an end, neither author knowing of the other.
pub fn edits_beside(raw: &Raw<'_>, end: &End<'_>, edit: &Edited) -> bool {
    let content = |write: &crate::entry::Write| match write.key.as_str() {
        "schema" => false,
        key if key.starts_with("hidden-") || key.starts_with("accepts/") => false,
        "status" => edit.status().as_deref() == Some("active"),
        // Whether that very field says anything is in doubt by its own values.
        key if key == end.key => false,
        key if fields(&raw.kind).contains(&key) => {
            !is_said(write.value.as_ref()) || is_unknown(write.value.as_ref())
        }
        _ => true,
    };
    end.by.apart(edit) && edit.writes.iter().any(content)
}

/// Whether an edit for certain adds a reaction that its author knew nothing of, or raises the
/// criticality to the highest.
pub fn shows_danger(raw: &Raw<'_>, edit: &Edited) -> bool {
    let known = |key: &str| {
        raw.wrote(key)
            .into_iter()
            .filter(|earlier| edit.saw(earlier))
            .collect::<Vec<_>>()
    };
    let high = |edit: &Edited| edit.wrote_text("criticality") == Some("high");
    let reactions = edit
        .writes
        .iter()
        .filter(|write| write.key.starts_with("reaction/"));
    let mut new = reactions.filter(|write| {
        let text = write
            .value
            .as_ref()
            .and_then(Value::as_text)
            .unwrap_or("removed");
        !text.contains("removed") && known(&write.key).is_empty()
    });
    new.next().is_some() || (high(edit) && !known("criticality").into_iter().any(high))
}

/// Whether nothing of what was said can have ended an entry: it must count, if in doubt.
pub fn must_count(raw: &Raw<'_>) -> bool {
    let spent = raw.wrote("regimen").iter().any(|edit| {
        edit.wrote_text("regimen")
            .is_some_and(|json| json.contains("\"ends\""))
    });
    let holds =
        |end: &End<'_>| !end.may_count(raw) || end.is_taken_back(raw) || end.is_held_up(raw);
    !spent && ends(raw).iter().all(holds)
}

/// Whether the last word of all, by somebody entitled who knew everything, is that it is over.
pub fn is_surely_over(raw: &Raw<'_>) -> bool {
    ends(raw).iter().any(|end| {
        let by = end.by;
        let knows_all = raw
            .edits
            .iter()
            .all(|edit| edit.place == by.place || by.saw(edit));
        let own = raw.first().person() == by.person();
        let lay = raw.is_lay() && (!end.is_error() || own);
        // Of two proposals taken up at once, one may say that it is not over.
        let accepts = |edit: &&&Edited| by.wrote(&format!("accepts/{}", edit.hash)).is_some();
        let accepted = raw.edits.iter().filter(accepts).count();
        let one = accepted < 2 && by.status().as_deref() != Some("active");
        knows_all && one && (raw.confirms(by) || lay)
    })
}

/// A clinician's refutation that nobody had in front of them who wrote later, and beside which
/// nobody wrote of a reaction or a criticality.
pub fn stands_refuted<'w>(raw: &Raw<'w>) -> Option<End<'w>> {
    let dangers = |edit: &Edited| {
        let mut keys = edit.writes.iter().map(|write| write.key.as_str());
        keys.any(|key| key == "criticality" || key.starts_with("reaction/")) || edit.accepts_any()
    };
    let mut refuted = ends(raw).into_iter().filter(|end| {
        let by = end.by;
        by.status().as_deref() == Some("refuted")
            && raw.confirms(by)
            && !raw.edits.iter().any(|edit| edit.saw(by))
            && !raw.edits.iter().any(|edit| edit.apart(by) && dangers(edit))
    });
    refuted.next().filter(|_| raw.kind != "medication-taken")
}

/// Somebody entitled said that an entry should never have been written, and nobody who knew that
/// said anything else of its status.
pub fn sure_error<'w>(raw: &Raw<'w>) -> Option<&'w Edited> {
    let all = ends(raw);
    let mut errors = all.iter().filter(|end| {
        let own = raw.first().person() == end.by.person();
        let no_clinician = raw.confirming().all(|edit| !end.by.saw(edit));
        let answered = raw.edits.iter().any(|later| {
            let says = later.wrote("status").is_some() || later.accepts_any();
            later.saw(end.by) && says
        });
        let entitled = raw.confirms(end.by) || (own && no_clinician);
        end.is_error() && end.by.status() == end.code && entitled && !answered
    });
    errors.next().map(|end| end.by)
}

/// Whether an error may have taken an entry out of view.
pub fn may_be_in_error(raw: &Raw<'_>) -> bool {
    ends(raw).iter().any(End::is_error)
}

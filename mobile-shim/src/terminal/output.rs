//! What a person, or with `--json` a program, reads.

use serde::Serialize;
use sync_core::audit::AccessAction;
use sync_core::kind::Kind;
use sync_core::merge::FlagCode;
use sync_core::policy::{RightKind, Role};

use crate::face::{
    Bilingual, Entry, EntryLine, EntryStanding, HeldChange, LiveMode, LogCheck, LogLine,
    ReviewEntry,
};
use crate::face::{
    DangerLevel, DestroyedEntry, ProfileInfo, RecordInfo, RecordState, Stamp, SyncResult,
};

/// The language of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// English.
    En,
    /// Français.
    Fr,
}

/// Where answers go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// As JSON, one document.
    pub json: bool,
    /// In which language.
    pub language: Language,
}

impl Output {
    /// One of two wordings.
    pub fn say<'t>(&self, en: &'t str, fr: &'t str) -> &'t str {
        match self.language {
            Language::En => en,
            Language::Fr => fr,
        }
    }

    pub(super) fn of<'t>(&self, text: &'t Bilingual) -> &'t str {
        self.say(&text.en, &text.fr)
    }

    /// Prints JSON if asked for, else what `people` writes.
    pub fn print<T: Serialize>(&self, value: &T, people: impl FnOnce(&Self)) {
        if self.json {
            let json = serde_json::to_string_pretty(value).unwrap_or_default();
            out!("{}", sync_core::text::shown_json(&json));
        } else {
            people(self);
        }
    }

    /// Where a profile is at home.
    pub(super) fn place<'p>(&self, profile: &'p ProfileInfo) -> &'p str {
        match profile.server.as_str() {
            "" => self.say("on this phone only", "sur ce téléphone seulement"),
            server => server,
        }
    }

    /// Marks a profile that only its person opens.
    pub(super) fn locked(&self, profile: &ProfileInfo) -> &str {
        match profile.left_open {
            true => "",
            false => self.say("  [locked]", "  [verrouillé]"),
        }
    }

    /// Records, each with the role it is opened in, and the others there are to choose.
    pub fn records(&self, records: &[RecordInfo]) {
        if records.is_empty() {
            out!(
                "{}",
                self.say(
                    "No record has been shared with you yet.",
                    "Aucun carnet n’a encore été partagé avec vous."
                )
            );
        }
        for record in records {
            let others = record.roles.iter().filter(|role| **role != record.role);
            let others: Vec<_> = others.map(|role| self.role(role)).collect();
            let more = match (record.ended, others.is_empty()) {
                (true, _) => self.say(" [ended]", " [terminé]").to_owned(),
                (false, true) => String::new(),
                (false, false) => format!(" [{} {}]", self.say("or", "ou"), others.join(", ")),
            };
            let (id, name) = (&record.id, &record.holder_name);
            let role = self.role(&record.role);
            out!("{id}  {name} ({role}){more}");
        }
    }

    /// Marks what ended, with its time.
    pub(super) fn ended(&self, at: Option<i64>) -> String {
        at.map_or_else(String::new, |at| {
            format!("  [{} {}]", self.say("revoked", "révoqué"), moment(at))
        })
    }

    /// Marks what is this phone's own.
    pub(super) fn here(&self, current: bool) -> &str {
        match current {
            true => self.say("  [this phone]", "  [ce téléphone]"),
            false => "",
        }
    }

    /// Entries, grouped by kind.
    pub fn entries(&self, entries: &[EntryLine]) {
        let mut kinds: Vec<&str> = Vec::new();
        for entry in entries {
            if !kinds.contains(&entry.kind.as_str()) {
                kinds.push(&entry.kind);
            }
        }
        if kinds.is_empty() {
            out!("{}", self.say("Nothing here yet.", "Rien pour l’instant."));
        }
        for kind in kinds {
            let of_kind: Vec<_> = entries.iter().filter(|entry| entry.kind == kind).collect();
            if let Some(first) = of_kind.first() {
                out!("{}", self.of(&first.kind_title));
            }
            for entry in of_kind {
                out!(
                    "  {}  {}{}",
                    short(&entry.id),
                    self.of(&entry.summary),
                    self.marks(entry)
                );
            }
        }
    }

    pub(super) fn marks(&self, entry: &EntryLine) -> String {
        let mut marks = Vec::new();
        match entry.standing {
            EntryStanding::Active => {}
            // Its flag says so.
            EntryStanding::ToReconcile if !entry.flags.is_empty() => {}
            EntryStanding::ToReconcile => marks.push(self.say("to reconcile", "à concilier")),
            EntryStanding::Ended | EntryStanding::InError => marks.push(self.of(&entry.status)),
        }
        if entry.hidden {
            marks.push(self.say("hidden", "masqué"));
        }
        if entry.confirmed {
            marks.push(self.say("confirmed", "confirmé"));
        }
        if entry.unsent > 0 {
            marks.push(self.say("not sent yet", "pas encore envoyé"));
        }
        let flags: Vec<_> = entry.flags.iter().map(|code| self.flag(code)).collect();
        let flags = flags.join(", ");
        if !flags.is_empty() {
            marks.push(&flags);
            return format!("  ⚠ {}", marks.join(" · "));
        }
        match marks.is_empty() {
            true => String::new(),
            false => format!("  [{}]", marks.join(" · ")),
        }
    }

    /// One entry, in full.
    pub fn entry(&self, entry: &Entry) {
        out!(
            "{} — {}{}",
            self.of(&entry.kind_title),
            self.of(&entry.summary),
            self.marks(&entry.into())
        );
        out!("  {}", entry.id);
        for field in &entry.fields {
            let texts: Vec<_> = field.current.iter().map(|text| self.of(text)).collect();
            let none = self.say("none is current", "aucune valeur en vigueur");
            let text = match texts.is_empty() {
                true => none.to_owned(),
                false => texts.join(" / "),
            };
            out!("  {:<24} {text}", self.of(&field.title));
            if field.claims.len() > 1 {
                for claim in &field.claims {
                    out!(
                        "      · {}  {}",
                        self.of(&claim.text),
                        self.by(claim.by.as_ref())
                    );
                }
            }
            for claim in &field.proposals {
                let proposed = self.say("proposed", "proposé");
                out!(
                    "      ? {proposed}{} {}  {}",
                    self.say(":", " :"),
                    self.of(&claim.text),
                    self.by(claim.by.as_ref())
                );
            }
        }
        for flag in &entry.flags {
            out!("  ⚠ {}", self.of(&flag.words));
        }
        if let Some(ended) = self.ended_right(entry) {
            out!("  {ended}");
        }
        out!(
            "  {} {}",
            self.say("created", "créé"),
            self.by(entry.created.as_ref())
        );
        if entry.edited != entry.created {
            let edited = self.by(entry.edited.as_ref());
            out!("  {} {edited}", self.say("edited", "modifié"));
        }
    }

    /// What it means that a right does not stand, whichever status says so: `refuted` takes it back
    /// as `revoked` does, and a block that is taken back lets in again.
    fn ended_right(&self, entry: &Entry) -> Option<&str> {
        let right = Kind::from(entry.kind.as_str()).right()?;
        let (en, fr) = match right {
            _ if entry.standing == EntryStanding::Active => return None,
            RightKind::Block => (
                "The block is lifted: this person is no longer kept out.",
                "Le blocage est levé : cette personne n’est plus tenue à l’écart.",
            ),
            _ => (
                "The right is taken back: it gives nothing any more.",
                "Le droit est retiré : il ne donne plus rien.",
            ),
        };
        Some(self.say(en, fr))
    }

    pub(super) fn by(&self, stamp: Option<&Stamp>) -> String {
        let waiting = stamp.is_some_and(|stamp| stamp.accepted.is_none());
        let more = self.say(", not sent yet", ", pas encore envoyé");
        self.stamp(stamp, if waiting { more } else { "" })
    }

    /// Who made an edit that the server has but did not accept.
    fn by_held(&self, stamp: Option<&Stamp>) -> String {
        self.stamp(stamp, "")
    }

    fn stamp(&self, stamp: Option<&Stamp>, more: &str) -> String {
        let Some(stamp) = stamp else {
            return self.say("(author unknown)", "(auteur inconnu)").to_owned();
        };
        let name = stamp.name.as_deref().unwrap_or(&stamp.person);
        let at = moment(stamp.accepted.unwrap_or(stamp.at));
        format!("({name}, {}, {at}{more})", self.role(&stamp.role))
    }

    /// The to-review list.
    pub fn review(&self, numbers: &[usize], items: &[ReviewEntry]) {
        if items.is_empty() {
            out!("{}", self.say("Nothing to review.", "Rien à vérifier."));
        }
        for (number, item) in numbers.iter().zip(items) {
            self.review_item(*number, item);
        }
    }

    /// An item of the to-review list, by its number in it.
    pub fn review_item(&self, number: usize, item: &ReviewEntry) {
        let danger = match item.danger {
            DangerLevel::Critical => self.say("critical", "critique"),
            DangerLevel::High => self.say("high", "élevé"),
            DangerLevel::Moderate => self.say("moderate", "modéré"),
            DangerLevel::Low => self.say("low", "faible"),
            DangerLevel::Notice => self.say("notice", "information"),
        };
        let labels: Vec<_> = item.labels.iter().map(|label| self.of(label)).collect();
        out!("{}. [{danger}] {}", number, labels.join(" | "));
        out!("   {}", self.of(&item.words));
        for side in &item.sides {
            let by = match item.code == FlagCode::HeldEdit.code() {
                true => self.by_held(side.claim.by.as_ref()),
                false => self.by(side.claim.by.as_ref()),
            };
            let text = self.of(&side.claim.text);
            let (title, colon) = (self.of(&side.title), self.say(":", " :"));
            out!("     {title}{colon} {text}  {by}");
        }
        if let Some(assigned) = self.assigned(&item.assigned) {
            out!("   {assigned}");
        }
        for step in self.steps(number, item) {
            out!("   → {step}");
        }
    }

    /// Held edits.
    pub fn held(&self, held: &[HeldChange]) {
        if held.is_empty() {
            out!(
                "{}",
                self.say("No edit is held.", "Aucune modification retenue.")
            );
        }
        for change in held {
            let whose = match change.own {
                true => self.say("yours", "la vôtre"),
                false => self.say("for your decision", "à décider"),
            };
            out!(
                "{}  [{whose}] {}",
                &change.change[..8],
                self.by_held(change.by.as_ref())
            );
            out!("   {}", self.of(&change.words));
            out!("   {}", self.of(&change.label));
            let colon = self.say(":", " :");
            for field in &change.fields {
                let (title, text) = (self.of(&field.title), self.of(&field.text));
                out!("     {title}{colon} {text}");
            }
            if let Some(settled) = &change.settled {
                out!("   → {}", self.settled(settled));
            }
        }
    }

    /// What was destroyed.
    pub fn destroyed(&self, destroyed: &[DestroyedEntry]) {
        for gone in destroyed {
            let (entry, at) = (short(&gone.entry), moment(gone.at));
            out!("{entry}  {at}  {}", self.of(&gone.words));
        }
    }

    /// What a sync did.
    pub fn synced(&self, result: &SyncResult) {
        let (up, down) = (result.bytes_up, result.bytes_down);
        out!(
            "{} {} · {} {} · {} {} · {} {}",
            self.say("sent", "envoyé"),
            result.accepted,
            self.say("received", "reçu"),
            result.received,
            self.say("held", "retenu"),
            result.held + result.refused,
            self.say("gone", "retiré"),
            result.gone,
        );
        if result.destroyed > 0 {
            out!(
                "{} {}",
                result.destroyed,
                self.say(
                    "withdrawn as another patient’s, and destroyed",
                    "retiré(s) comme erreur de patient, et détruit(s)"
                ),
            );
        }
        if result.not_kept > 0 {
            out!(
                "{} {}",
                result.not_kept,
                self.say(
                    "of your edits of that were not kept",
                    "de vos modifications de cela n’ont pas été conservées"
                ),
            );
        }
        match (result.handed_back, self.language) {
            (0, _) => {}
            (1, Language::En) => out!("1 edit handed back that the server had lost"),
            (1, Language::Fr) => out!("1 modification perdue par le serveur lui a été rendue"),
            (n, Language::En) => out!("{n} edits handed back that the server had lost"),
            (n, Language::Fr) => {
                out!("{n} modifications perdues par le serveur lui ont été rendues")
            }
        }
        out!(
            "{} {}, {up} B ↑ {down} B ↓",
            result.round_trips,
            self.say("round trip(s)", "aller(s)-retour(s)"),
        );
    }

    /// The access log.
    pub fn log(&self, lines: &[LogLine]) {
        for line in lines {
            let entries = match line.entries.as_slice() {
                // Nothing else is left of it.
                [entry] if line.action == AccessAction::Destroy.as_str() => {
                    format!("  {}", short(entry))
                }
                [] => String::new(),
                [_] => self.say("  1 entry", "  1 élément").to_owned(),
                all => format!("  {} {}", all.len(), self.say("entries", "éléments")),
            };
            let why = line.reason.as_deref().map(|why| self.why(why));
            let reason = why.map(|why| match self.language {
                Language::En => format!("  “{why}”"),
                Language::Fr => format!("  « {why} »"),
            });
            out!(
                "{:>5}  {}  {:<20} {}{entries}{}{}",
                line.number,
                moment(line.at),
                self.action(&line.action),
                self.who(line),
                reason.unwrap_or_default(),
                match line.lost {
                    true => self.say("  [lost by the server]", "  [perdue par le serveur]"),
                    false => "",
                },
            );
            if let Some(loss) = &line.loss {
                out!("       ! {}", self.of(&loss.words));
            }
        }
    }

    /// Who did something, in what role. The server does what it does in nobody's name.
    fn who(&self, line: &LogLine) -> String {
        let role = self.role(&line.role);
        match line.role == Role::System.as_str() {
            true => self.say("the server", "le serveur").to_owned(),
            false => format!("{} ({role})", line.name.as_deref().unwrap_or(&line.person)),
        }
    }

    /// What checking the log showed.
    pub fn log_check(&self, check: &LogCheck) {
        match (&check.problem, check.broken_at) {
            (Some(problem), Some(at)) => out!(
                "✗ {} {at}{} {}",
                self.say(
                    "The log is broken at line",
                    "Le journal est rompu à la ligne"
                ),
                self.say(":", " :"),
                self.of(problem)
            ),
            (Some(problem), None) => out!("✗ {}", self.of(problem)),
            (None, _) if check.restored.is_none() => out!(
                "✓ {}",
                match self.language {
                    Language::En => format!(
                        "Nothing was removed from the log or changed in it: {}, checked against \
                         {} that the server signed",
                        counted(check.lines, "no line", "line", "lines"),
                        counted(check.heads, "no head", "head", "heads")
                    ),
                    Language::Fr => format!(
                        "Rien n’a été retiré du journal ni modifié (vérification d’après {}) : {}",
                        counted(
                            check.heads,
                            "aucun état signé par le serveur",
                            "état signé par le serveur",
                            "états signés par le serveur"
                        ),
                        counted(check.lines, "aucune ligne", "ligne", "lignes")
                    ),
                }
            ),
            (None, _) => {}
        }
        if let Some(at) = check.restored {
            let (at, lost) = (moment(at), check.lost);
            out!(
                "! {}",
                match self.language {
                    Language::En => format!(
                        "The log says that the server was put back from an older copy on {at}; \
                         what it logged between is lost; of that, this device has {}",
                        counted(lost, "no line", "line", "lines")
                    ),
                    Language::Fr => format!(
                        "Le journal indique que le serveur a été remis à un état antérieur le \
                         {at} ; ce qu’il avait noté entre-temps est perdu ; cet appareil en a \
                         {}",
                        counted(lost, "aucune ligne", "ligne", "lignes")
                    ),
                }
            );
        }
    }

    /// How a record is followed.
    pub fn live(&self, mode: LiveMode) {
        note!(
            "[{}]",
            match mode {
                LiveMode::Live => self.say("following", "suivi en direct"),
                LiveMode::Polling =>
                    self.say("asking now and then", "interrogation de temps en temps"),
                LiveMode::Waiting =>
                    self.say("no connection, trying", "pas de connexion, nouvel essai"),
                LiveMode::Offline => self.say("offline by choice", "hors ligne par choix"),
                LiveMode::SignInNeeded => self.say("sign in first", "connectez-vous d’abord"),
                LiveMode::Ended => self.say("ended", "terminé"),
            }
        );
    }

    /// Where a record stands; on a phone with a server, how it stands with that too.
    pub fn state(&self, state: &RecordState, has_server: bool) {
        let (entries, waiting, aside) = (state.entries, state.waiting, state.set_aside);
        match self.language {
            Language::En => out!("entries: {entries} · waiting: {waiting} · not taken: {aside}"),
            Language::Fr => {
                out!("éléments : {entries} · en attente : {waiting} · non reprises : {aside}")
            }
        }
        if !has_server {
            return;
        }
        match state.seen_until {
            Some(at) => out!("{} {}", self.say("synced", "synchronisé"), moment(at)),
            None => out!("{}", self.say("never synced", "jamais synchronisé")),
        }
        if state.offline {
            out!("{}", self.say("offline by choice", "hors ligne par choix"));
        }
        if !state.signed_in {
            out!(
                "{}",
                self.say("sign in to sync", "connectez-vous pour synchroniser")
            );
        }
    }
}

/// So many of something.
fn counted(n: u64, none: &str, one: &str, many: &str) -> String {
    match n {
        0 => none.to_owned(),
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}

/// The end of an identifier: its beginning is a time, and much the same in all.
pub fn short(id: &str) -> &str {
    let start = id.len().saturating_sub(6);
    id.get(start..).unwrap_or(id)
}

pub(super) fn moment(millis: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(millis);
    moment.map_or_else(
        |_| millis.to_string(),
        |moment| {
            let here = moment.to_zoned(jiff::tz::TimeZone::system());
            here.strftime("%Y-%m-%d %H:%M").to_string()
        },
    )
}

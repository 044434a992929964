//! Where profiles, records and syncs stand.

use super::{Language, Output, moment};
use crate::face::{Lacking, LiveMode, ProfileInfo, RecordInfo, RecordState, SyncResult};

impl Output {
    /// Where a profile is at home.
    pub(in crate::terminal) fn place<'p>(&self, profile: &'p ProfileInfo) -> &'p str {
        match profile.server.as_str() {
            "" => self.say("on this phone only", "sur ce téléphone seulement"),
            server => server,
        }
    }

    /// Marks a profile that only its person opens.
    pub(in crate::terminal) fn locked(&self, profile: &ProfileInfo) -> &str {
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
    pub(in crate::terminal) fn ended(&self, at: Option<i64>) -> String {
        at.map_or_else(String::new, |at| {
            format!("  [{} {}]", self.say("revoked", "révoqué"), moment(at))
        })
    }

    /// Marks what is this phone's own.
    pub(in crate::terminal) fn here(&self, current: bool) -> &str {
        match current {
            true => self.say("  [this phone]", "  [ce téléphone]"),
            false => "",
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

    /// How a record is followed.
    pub fn live(&self, mode: LiveMode) {
        note!(
            "[{}]",
            match mode {
                LiveMode::Live => self.say("following", "suivi en direct"),
                LiveMode::Polling =>
                    self.say("asking now and then", "interrogation de temps en temps"),
                LiveMode::Waiting =>
                    self.say("waiting to try again", "en attente d’un nouvel essai"),
                LiveMode::Offline => self.say("offline by choice", "hors ligne par choix"),
                LiveMode::SignInNeeded => self.say("sign in first", "connectez-vous d’abord"),
                LiveMode::Ended => self.say("ended", "terminé"),
            }
        );
    }

    /// That a record has not come whole yet.
    pub fn lacks(&self, lacking: Lacking) -> &'static str {
        match lacking {
            Lacking::Vital => self.say(
                "this record may not be whole here: what is not shown may be in it",
                "ce carnet n’est peut-être pas entier ici : ce qui n’est pas montré peut s’y trouver",
            ),
            Lacking::Others => self.say(
                "the vital part of this record has come, the rest has not",
                "la partie vitale de ce carnet est arrivée, pas encore le reste",
            ),
        }
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
        if let Some(lacking) = state.lacks {
            out!("{}", self.lacks(lacking));
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

//! The access log, and what checking it showed.

use sync_core::audit::AccessAction;
use sync_core::policy::Role;

use super::{Language, Output, moment, short};
use crate::face::{LogCheck, LogLine};

impl Output {
    /// The access log.
    pub fn log(&self, lines: &[LogLine]) {
        for line in lines {
            out!("{}", self.log_line(line));
            if let Some(loss) = &line.loss {
                out!("       ! {}", self.of(&loss.words));
            }
        }
    }

    fn log_line(&self, line: &LogLine) -> String {
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
        format!(
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
        )
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
}

/// So many of something.
fn counted(n: u64, none: &str, one: &str, many: &str) -> String {
    match n {
        0 => none.to_owned(),
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_what_was_destroyed_and_by_whom() {
        let line = |name: &str, role: &str| LogLine {
            number: 7,
            at: 0,
            person: String::new(),
            name: Some(name.to_owned()),
            role: role.to_owned(),
            action: AccessAction::Destroy.as_str().to_owned(),
            entries: vec!["01a2008b-b47f-750c-b23b-68c262eadae0".to_owned()],
            changes: 1,
            reason: Some("wrong-patient".to_owned()),
            lost: false,
            loss: None,
        };
        let said = |language, line| {
            let json = false;
            let said = Output { json, language }.log_line(&line);
            said[25..].to_owned()
        };
        assert_eq!(
            said(Language::En, line("Dr Anne Petit", "physician")),
            "entry destroyed      Dr Anne Petit (physician)  eadae0  “wrong patient”"
        );
        // Whatever the line's person is: it is the record's, who did nothing.
        assert_eq!(
            said(Language::En, line("JEANNE MARTIN", "system")),
            "entry destroyed      the server  eadae0  “wrong patient”"
        );
        assert_eq!(
            said(Language::Fr, line("JEANNE MARTIN", "system")),
            "élément détruit      le serveur  eadae0  « erreur de patient »"
        );
    }
}

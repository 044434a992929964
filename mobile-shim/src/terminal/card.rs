//! The emergency card as a person reads it.

use super::output::{Output, short};
use crate::face::{BloodGroups, CardContact, CardScreen, EntryLine};

impl Output {
    /// The card, with every doubt marked.
    pub fn card(&self, card: &CardScreen) {
        out!("{}", self.say("EMERGENCY CARD", "CARTE D’URGENCE"));
        self.allergies(card);
        self.part(("Treatments", "Traitements"), &card.treatments, |one| {
            self.treatment(one)
        });
        let title = ("Conditions", "Maladies et antécédents");
        self.part(title, &card.conditions, |line| self.fact(line, ""));
        self.part(
            ("Medical devices", "Dispositifs médicaux"),
            &card.devices,
            |line| {
                self.fact(line, "");
            },
        );
        let title = ("Pregnancy, due on", "Grossesse, terme prévu le");
        self.part(title, &card.pregnancies, |line| self.fact(line, ""));
        self.blood_groups(card);
        let title = ("To call", "À prévenir");
        self.part(title, &card.contacts, |contact| self.contact(contact));
        let title = match card.trusted_persons.len() {
            0 | 1 => ("Trusted person", "Personne de confiance"),
            _ => (
                "Trusted person, disputed: the patient confirms one",
                "Personne de confiance, à confirmer par le patient",
            ),
        };
        self.part(title, &card.trusted_persons, |contact| {
            self.contact(contact)
        });
        let title = (
            "Advance directives in force",
            "Directives anticipées en vigueur",
        );
        self.part(title, &card.directives, |one| self.directive(one));
    }

    fn allergies(&self, card: &CardScreen) {
        let title = ("Allergies", "Allergies");
        self.part(title, &card.allergies, |allergy| {
            let criticality = allergy
                .criticality
                .as_ref()
                .map(|words| self.labelled(("criticality", "criticité"), self.of(words)));
            let reactions: Vec<&str> = allergy.reactions.iter().map(|one| self.of(one)).collect();
            let reactions = (!reactions.is_empty()).then(|| reactions.join(", "));
            let more = [criticality, reactions].into_iter().flatten();
            let more: String = more.map(|more| format!(" · {more}")).collect();
            self.fact(&allergy.line, &more);
        });
        if card.allergies.is_empty() {
            out!("{}", self.say("Allergies", "Allergies"));
            out!(
                "  {}",
                match card.no_known_allergy {
                    true => self.say("none known", "aucune connue"),
                    false => self.say(
                        "nothing to show: that does not say that there is none",
                        "rien à afficher : cela ne dit pas qu’il n’y en a pas",
                    ),
                }
            );
        }
    }

    fn blood_groups(&self, card: &CardScreen) {
        let none = Vec::new();
        let (title, groups) = match &card.blood_groups {
            BloodGroups::Unknown => (("Blood group", "Groupe sanguin"), &none),
            BloodGroups::Agreed { groups } => (("Blood group", "Groupe sanguin"), groups),
            BloodGroups::Discordant { groups } => (
                (
                    "⚠ Blood groups differ: none can be relied on",
                    "⚠ Groupes sanguins discordants : aucun n’est sûr",
                ),
                groups,
            ),
        };
        self.part(title, groups, |group| out!("  {}", self.of(group)));
        if !matches!(card.blood_groups, BloodGroups::Discordant { .. }) {
            for line in &card.blood_groups_in_doubt {
                self.fact(line, "");
            }
        }
        // A card always says so.
        out!("  {}", self.of(&card.not_for_transfusion));
    }

    fn contact(&self, contact: &CardContact) {
        let names = contact.names.join(" / ");
        let relationships = match contact.relationships.is_empty() {
            true => String::new(),
            false => format!(" ({})", contact.relationships.join(" / ")),
        };
        let phones: Vec<&str> = contact.phones.iter().map(|phone| self.of(phone)).collect();
        let phones = match phones.is_empty() {
            true => String::new(),
            false => format!("  {}", phones.join(" · ")),
        };
        let (id, doubts) = (short(&contact.line.id), self.doubts(&contact.line));
        out!("  {id}  {names}{relationships}{phones}{doubts}");
    }

    fn fact(&self, line: &EntryLine, more: &str) {
        let text = self.of(&line.summary);
        out!("  {}  {text}{more}{}", short(&line.id), self.doubts(line));
    }

    /// What is in doubt of a fact; nothing of what is only not sent yet.
    pub(super) fn doubts(&self, line: &EntryLine) -> String {
        let flags: Vec<&str> = line.flags.iter().map(|code| self.flag(code)).collect();
        match flags.is_empty() {
            true => String::new(),
            false => format!("  ⚠ {}", flags.join(", ")),
        }
    }
}

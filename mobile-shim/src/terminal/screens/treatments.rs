//! What is taken, prescribed and handed over.

use super::NO_TREATMENT;
use crate::face::{HandedOverInfo, PrescribedInfo, TreatmentInfo, TreatmentsScreen};
use crate::terminal::none::Reads;
use crate::terminal::output::{Output, short};

impl Output {
    /// What is taken, prescribed and handed over.
    pub fn treatments(&self, screen: &TreatmentsScreen, reads: Reads) {
        self.part(("Taken", "Pris"), &screen.taken, |one| self.treatment(one));
        let title = (
            "Prescribed, not said to be taken",
            "Prescrit, sans mention de prise",
        );
        self.part(title, &screen.only_prescribed, |line| {
            self.prescribed(line, "")
        });
        let title = (
            "Handed over, not said to be taken",
            "Délivré, sans mention de prise",
        );
        self.part(title, &screen.only_dispensed, |one| {
            self.handed_over(one, "")
        });
        self.none(*screen == TreatmentsScreen::default(), reads, NO_TREATMENT);
    }

    /// How something is taken; in doubt, every way that somebody wrote, and none as the one.
    pub(in crate::terminal) fn treatment(&self, one: &TreatmentInfo) {
        let (id, marks) = (short(&one.line.id), self.doubts(&one.line));
        match &one.current {
            Some(current) => out!("  {id}  {}{marks}", self.of(current)),
            None => {
                out!("  {id}  {}{marks}", one.line.label);
                for regimen in &one.regimens {
                    out!("            ? {}", self.of(regimen));
                }
                if let Some(stop) = &one.stop {
                    out!("            ? {}", self.of(stop));
                }
                let none = ("none of these is current", "rien de cela n’est en vigueur");
                out!("            {}", self.say(none.0, none.1));
            }
        }
        one.prescribed
            .iter()
            .for_each(|line| self.prescribed(line, "          "));
        one.dispensed
            .iter()
            .for_each(|one| self.handed_over(one, "          "));
    }

    fn prescribed(&self, line: &PrescribedInfo, margin: &str) {
        let by = [line.date.as_deref(), line.prescriber.as_deref()];
        let by: Vec<&str> = by.into_iter().flatten().collect();
        let said = format!("{} {}", self.say("prescribed", "prescrit"), by.join(", "));
        let text = self.of(&line.text);
        let id = short(&line.entry);
        out!(
            "{margin}  {id}  {}{}{text}",
            said.trim_end(),
            self.say(": ", " : ")
        );
        let margin = format!("{margin}        ");
        line.dispensed
            .iter()
            .for_each(|one| self.handed_over(one, &margin));
    }

    fn handed_over(&self, one: &HandedOverInfo, margin: &str) {
        let said = self.say("handed over", "délivré");
        let date = one.date.as_deref().unwrap_or_default();
        let said = format!("{said} {date}");
        let (id, text) = (short(&one.entry), self.of(&one.text));
        out!(
            "{margin}  {id}  {}{}{text}",
            said.trim_end(),
            self.say(": ", " : ")
        );
    }
}

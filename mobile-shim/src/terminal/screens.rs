//! Commands that show what is derived from a record: treatments, problems, timeline, card, papers.

mod treatments;

use clap::Args;
use sync_core::kind::{Kind, Words};

use super::PhoneError;
use super::here::Here;
use super::kinds::kind_named;
use super::none::{Nothing, Reads};
use super::output::{Output, short};
use super::phone::DOCUMENTS;
use super::read::find;
use crate::face::{
    DirectiveInfo, DirectiveState, DocumentInfo, EntryLine, EntryStanding, MomentInfo, ProblemInfo,
    ProblemsScreen, ProfessionalInfo, TimelinePage, TimelineQuery, WishesScreen,
};

/// How many moments a page of the timeline has unless asked for more.
const PAGE: u32 = 20;

/// Which part of the timeline.
#[derive(Args)]
pub struct Timeline {
    /// Only of this kind: a code, a short name or a title; `document` for documents of all types.
    /// May be repeated.
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// From this year on.
    #[arg(long, value_name = "YEAR")]
    from: Option<i16>,
    /// Up to this year.
    #[arg(long, value_name = "YEAR")]
    to: Option<i16>,
    /// Which page, the latest first.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
    /// How many on a page.
    #[arg(long, default_value_t = PAGE, value_parser = clap::value_parser!(u32).range(1..))]
    most: u32,
}

/// What goes on the card.
#[derive(Args)]
pub struct CardOf {
    /// A hidden entry that shall be on it all the same; may be repeated.
    #[arg(long = "with", value_name = "ENTRY")]
    chosen: Vec<String>,
}

impl Here<'_> {
    pub(super) fn treatments(&self) -> Result<(), PhoneError> {
        self.still_open()?;
        let screen = self.record()?.treatments()?;
        let reads = self.reads([
            Kind::MedicationTaken,
            Kind::MedicationPrescribed,
            Kind::MedicationDispensed,
        ])?;
        self.output
            .print(&screen, |output| output.treatments(&screen, reads));
        Ok(())
    }

    pub(super) fn problems(&self) -> Result<(), PhoneError> {
        self.still_open()?;
        let screen = self.record()?.problems()?;
        let reads = self.reads([Kind::Condition])?;
        self.output
            .print(&screen, |output| output.problems(&screen, reads));
        Ok(())
    }

    pub(super) fn timeline(&self, asked: &Timeline) -> Result<(), PhoneError> {
        self.still_open()?;
        let kinds = asked.kinds.iter().map(|kind| match kind.as_str() {
            DOCUMENTS => Ok(DOCUMENTS.to_owned()),
            kind => kind_named(kind).map(|kind| kind.code().to_owned()),
        });
        let query = TimelineQuery {
            kinds: kinds.collect::<Result<_, _>>()?,
            from_year: asked.from,
            to_year: asked.to,
            skip: (asked.page - 1).saturating_mul(asked.most),
            most: Some(asked.most),
        };
        let page = self.record()?.timeline(query)?;
        let reads = self.reads(Kind::ALL.iter().cloned())?;
        self.output
            .print(&page, |output| output.timeline(&page, asked.page, reads));
        Ok(())
    }

    pub(super) fn card(&self, card: &CardOf) -> Result<(), PhoneError> {
        self.still_open()?;
        let record = self.record()?;
        let chosen = card.chosen.iter().map(|name| Ok(find(&record, name)?.id));
        let card = record.card(chosen.collect::<Result<_, PhoneError>>()?)?;
        self.output.print(&card, |output| output.card(&card));
        Ok(())
    }

    pub(super) fn professionals(&self) -> Result<(), PhoneError> {
        self.still_open()?;
        let seen = self.record()?.professionals()?;
        let reads = self.reads([Kind::ProfessionalSeen, Kind::Consultation])?;
        self.output
            .print(&seen, |output| output.professionals(&seen, reads));
        Ok(())
    }

    pub(super) fn documents(&self) -> Result<(), PhoneError> {
        self.still_open()?;
        let documents = self.record()?.documents()?;
        let reads = self.reads(Kind::documents())?;
        self.output
            .print(&documents, |output| output.documents(&documents, reads));
        Ok(())
    }

    pub(super) fn directives(&self) -> Result<(), PhoneError> {
        self.still_open()?;
        let wishes = self.record()?.wishes()?;
        let reads = self.reads([Kind::AdvanceDirective])?;
        self.output
            .print(&wishes, |output| output.wishes(&wishes, reads));
        Ok(())
    }
}

impl Output {
    /// A heading with what stands under it; nothing when nothing does.
    pub(super) fn part<T>(&self, (en, fr): (&str, &str), all: &[T], one: impl Fn(&T)) {
        if !all.is_empty() {
            out!("{}", self.say(en, fr));
            all.iter().for_each(one);
        }
    }

    /// A label and a text after it.
    pub(super) fn labelled(&self, (en, fr): (&str, &str), text: &str) -> String {
        format!("{}{}{text}", self.say(en, fr), self.say(": ", " : "))
    }

    fn problems(&self, screen: &ProblemsScreen, reads: Reads) {
        self.part(("Active", "En cours"), &screen.active, |one| {
            self.problem(one)
        });
        self.part(("Past", "Passés"), &screen.past, |one| self.problem(one));
        self.none(*screen == ProblemsScreen::default(), reads, NO_CONDITION);
    }

    fn problem(&self, problem: &ProblemInfo) {
        let mut more = Vec::new();
        more.extend(
            problem
                .severity
                .as_ref()
                .map(|severity| self.of(severity).to_owned()),
        );
        more.extend(match (&problem.since, &problem.ended) {
            (Some(since), Some(ended)) => Some(format!("{since} → {ended}")),
            (Some(since), None) => Some(format!("{} {since}", self.say("since", "depuis"))),
            (None, Some(ended)) => Some(format!("→ {ended}")),
            (None, None) => None,
        });
        let more: String = more.iter().map(|more| format!(", {more}")).collect();
        let reason = problem
            .reason
            .as_deref()
            .filter(|_| problem.line.standing != EntryStanding::Active);
        let reason = reason
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default();
        self.line(&problem.line, &format!("{more}{reason}"));
    }

    /// An entry with more of it, and its marks.
    pub(super) fn line(&self, line: &EntryLine, more: &str) {
        let text = self.of(&line.summary);
        out!("  {}  {text}{more}{}", short(&line.id), self.marks(line));
    }

    fn timeline(&self, page: &TimelinePage, number: u32, reads: Reads) {
        self.none(page.total == 0, reads, NO_MOMENT);
        for MomentInfo {
            line,
            occurred,
            day,
        } in &page.moments
        {
            let when = match occurred {
                // The day is UTC's; of an instant it is enough.
                Some(said) => said.get(..10).unwrap_or(said).to_owned(),
                None => format!("[{day}]"),
            };
            let (kind, text) = (self.of(&line.kind_title), self.of(&line.summary));
            out!(
                "{when:<12}  {}  {kind} — {text}{}",
                short(&line.id),
                self.marks(line)
            );
        }
        if page.total > 0 {
            let shown = page.moments.len();
            let total = page.total;
            let next = page.next.map(|_| format!(" · --page {}", number + 1));
            let next = next.unwrap_or_default();
            match self.language {
                super::output::Language::En => out!("{shown} of {total}{next}"),
                super::output::Language::Fr => out!("{shown} sur {total}{next}"),
            }
        }
    }

    fn professionals(&self, seen: &[ProfessionalInfo], reads: Reads) {
        self.none(seen.is_empty(), reads, NO_PROFESSIONAL);
        for who in seen {
            let profession = who.profession.as_ref().map(|words| self.of(words));
            let rpps = who.rpps.as_ref().map(|number| format!("RPPS {number}"));
            let parts = [
                profession,
                who.specialty.as_deref(),
                who.organisation.as_deref(),
                rpps.as_deref(),
            ];
            let parts: String = parts
                .into_iter()
                .flatten()
                .map(|part| format!(", {part}"))
                .collect();
            out!("{}{parts}", who.name);
            let last = who.last.as_deref().unwrap_or("?");
            match who.consultations.len() {
                0 => out!("  {}", self.say("added by hand", "ajouté à la main")),
                1 => out!(
                    "  {} {last}",
                    self.say("1 consultation,", "1 consultation,")
                ),
                count => out!(
                    "  {count} {} {last}",
                    self.say("consultations, the last", "consultations, la dernière")
                ),
            }
        }
    }

    fn documents(&self, documents: &[DocumentInfo], reads: Reads) {
        let (current, replaced): (Vec<&DocumentInfo>, Vec<&DocumentInfo>) =
            documents.iter().partition(|document| document.current);
        self.part(("Current", "En vigueur"), &current, |document| {
            self.document(document)
        });
        self.part(("Replaced", "Remplacés"), &replaced, |document| {
            self.document(document)
        });
        self.none(documents.is_empty(), reads, NO_DOCUMENT);
    }

    fn document(&self, document: &DocumentInfo) {
        let kind = self.of(&document.line.kind_title).to_owned();
        let pages = document.pages.map(|pages| format!("{pages} p."));
        let copies = match document.entries.len() {
            0 | 1 => None,
            count => Some(match self.language {
                super::output::Language::En => format!("deposited {count} times"),
                super::output::Language::Fr => format!("déposé {count} fois"),
            }),
        };
        let replaces = document.replaces.as_deref().map(short);
        let replaces =
            replaces.map(|entry| format!("{} {entry}", self.say("replaces", "remplace")));
        let more = [
            document.date.clone(),
            document.author.clone(),
            pages,
            replaces,
            copies,
        ];
        let more: String = more
            .into_iter()
            .flatten()
            .map(|more| format!(", {more}"))
            .collect();
        self.line(&document.line, &format!(" — {kind}{more}"));
    }

    /// Advance directives by what counts of them, and organ donation.
    pub fn wishes(&self, wishes: &WishesScreen, reads: Reads) {
        for (state, title) in STATES {
            let of_state = |one: &&DirectiveInfo| one.state == state;
            let these: Vec<_> = wishes.directives.iter().filter(of_state).collect();
            self.part(title, &these, |one| self.directive(one));
        }
        let none = !wishes
            .directives
            .iter()
            .any(|one| one.state == DirectiveState::InForce);
        self.none(none, reads, NO_DIRECTIVE);
        let title = ("Organ donation", "Don d’organes");
        self.part(title, &wishes.organ_donation, |line| self.line(line, ""));
    }

    pub(super) fn directive(&self, one: &DirectiveInfo) {
        let undated = self.say("undated", "sans date");
        let date = one.date.as_deref().unwrap_or(undated);
        let deposited = one
            .deposited_by
            .as_ref()
            .map(|who| match one.at_holders_request {
                true => format!(
                    "{} {who}{}",
                    self.say("deposited by", "déposée par"),
                    self.say(" at the holder’s request", " à la demande du titulaire")
                ),
                false => format!("{} {who}", self.say("deposited by", "déposée par")),
            });
        let scan = one
            .has_scan
            .then(|| self.say("with a scan", "avec un scan").to_owned());
        let more = [deposited, scan].into_iter().flatten();
        let more: String = more.map(|more| format!(", {more}")).collect();
        out!(
            "  {}  {date}{more}{}",
            short(&one.line.id),
            self.marks(&one.line)
        );
        for line in one.text.iter().flat_map(|text| text.lines()) {
            out!("          {line}");
        }
    }
}

const NO_TREATMENT: Nothing = [
    Words::new("No treatment is recorded.", "Aucun traitement enregistré."),
    Words::new(
        "No treatment that you may read is recorded.",
        "Aucun traitement enregistré que vous puissiez lire.",
    ),
];
const NO_CONDITION: Nothing = [
    Words::new("No condition is recorded.", "Aucune maladie enregistrée."),
    Words::new(
        "No condition that you may read is recorded.",
        "Aucune maladie enregistrée que vous puissiez lire.",
    ),
];
const NO_MOMENT: Nothing = [
    Words::new("Nothing happened.", "Rien ne s’est passé."),
    Words::new(
        "Nothing happened that you may read.",
        "Rien ne s’est passé que vous puissiez lire.",
    ),
];
const NO_PROFESSIONAL: Nothing = [
    Words::new(
        "No professional is recorded.",
        "Aucun professionnel enregistré.",
    ),
    Words::new(
        "No professional that you may read of is recorded.",
        "Aucun professionnel enregistré que vous puissiez voir.",
    ),
];
const NO_DOCUMENT: Nothing = [
    Words::new("No document is recorded.", "Aucun document enregistré."),
    Words::new(
        "No document that you may read is recorded.",
        "Aucun document enregistré que vous puissiez lire.",
    ),
];
const NO_DIRECTIVE: Nothing = [
    Words::new(
        "No advance directive is in force.",
        "Aucune directive anticipée n’est en vigueur.",
    ),
    Words::new(
        "No advance directive that you may read is in force.",
        "Aucune directive anticipée que vous puissiez lire n’est en vigueur.",
    ),
];

const STATES: [(DirectiveState, (&str, &str)); 5] = [
    (DirectiveState::InForce, ("In force", "En vigueur")),
    (
        DirectiveState::Undated,
        ("Undated: never in force", "Sans date : jamais en vigueur"),
    ),
    (
        DirectiveState::Superseded,
        ("Overtaken by a later one", "Remplacée par une plus récente"),
    ),
    (DirectiveState::Revoked, ("Revoked", "Révoquée")),
    (DirectiveState::Revocation, ("Revocation", "Révocation")),
];

//! The screens of a record: what is derived from all that a person may see of it, in words.

mod card;
mod papers;

use jiff::civil::Date;
use sync_core::kind::{Dispensation, JsonScalar as _, Kind, Occurred};
use sync_core::merge::{self, EntryView, FlagCode, TreatmentFact};
use sync_core::views::{self, HandedOver, Moment, PrescribedLine, Problem, TimelineFilter};

use super::show::{Names, regimen, same};
use super::{Bilingual, EntryLine, Record};
use crate::error::{CarnetError, Error};
use crate::store::Views;

pub use card::{BloodGroups, CardAllergy, CardContact, CardScreen};
pub use papers::{DirectiveInfo, DirectiveState, DocumentInfo, ProfessionalInfo, WishesScreen};

/// What was handed over.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct HandedOverInfo {
    /// The dispensation.
    pub entry: String,
    /// When.
    pub date: Option<String>,
    /// What, in words.
    pub text: Bilingual,
}

/// A line of a prescription.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct PrescribedInfo {
    /// The prescription.
    pub entry: String,
    /// When it was made.
    pub date: Option<String>,
    /// By whom.
    pub prescriber: Option<String>,
    /// What is prescribed, in words.
    pub text: Bilingual,
    /// What was handed over for it.
    pub dispensed: Vec<HandedOverInfo>,
}

/// What is taken, and apart from it what was prescribed and handed over.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct TreatmentInfo {
    /// The entry of what is taken, with what is in doubt.
    pub line: EntryLine,
    /// How it is taken; nothing when that is disputed or to be reconciled.
    pub current: Option<Bilingual>,
    /// Every way that somebody wrote, each as one person wrote it.
    pub regimens: Vec<Bilingual>,
    /// The stop that it is to be reconciled with.
    pub stop: Option<Bilingual>,
    /// The prescriptions of it, the latest first.
    pub prescribed: Vec<PrescribedInfo>,
    /// What was handed over of it beside those, the latest first.
    pub dispensed: Vec<HandedOverInfo>,
}

/// Current treatments.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct TreatmentsScreen {
    /// What is taken.
    pub taken: Vec<TreatmentInfo>,
    /// Prescribed, and not said to be taken.
    pub only_prescribed: Vec<PrescribedInfo>,
    /// Handed over, and not said to be taken.
    pub only_dispensed: Vec<HandedOverInfo>,
}

/// A condition on the problem list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct ProblemInfo {
    /// The entry, with its status and what is in doubt.
    pub line: EntryLine,
    /// Why it has its status.
    pub reason: Option<String>,
    /// How severe.
    pub severity: Option<Bilingual>,
    /// Since when.
    pub since: Option<String>,
    /// When it was over.
    pub ended: Option<String>,
}

/// The problem list.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct ProblemsScreen {
    /// What stands, the latest begun first.
    pub active: Vec<ProblemInfo>,
    /// What is over or was ruled out.
    pub past: Vec<ProblemInfo>,
}

/// Which part of the timeline is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct TimelineQuery {
    /// These kinds only, by their codes; `document` for documents of every type. All when empty.
    #[uniffi(default = [])]
    pub kinds: Vec<String>,
    /// From this year on.
    #[uniffi(default = None)]
    pub from_year: Option<i16>,
    /// Up to the end of this year.
    #[uniffi(default = None)]
    pub to_year: Option<i16>,
    /// How many to pass over: of a page, what the one before names as `next`.
    #[uniffi(default = 0)]
    pub skip: u32,
    /// At most so many; nothing for all.
    #[uniffi(default = None)]
    pub most: Option<u32>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct MomentInfo {
    /// The entry, with its status and what is in doubt.
    pub line: EntryLine,
    /// When, as exactly as somebody said; nothing when nobody did.
    pub occurred: Option<String>,
    /// The day it is put under: the first it may have happened on, else the day it was recorded.
    pub day: String,
}

/// A page of the timeline, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct TimelinePage {
    /// What happened.
    pub moments: Vec<MomentInfo>,
    /// How many there are by the same question, on all pages.
    pub total: u32,
    /// How many the next page passes over; nothing when this is the last.
    pub next: Option<u32>,
}

/// The kind by which documents of every type are asked for.
const DOCUMENTS: &str = "document";

#[uniffi::export]
impl Record {
    /// What is taken, and apart from it what was prescribed and handed over.
    pub fn treatments(&self) -> Result<TreatmentsScreen, CarnetError> {
        let told = self.told()?;
        let today = self.device.today();
        let facts = merge::vital(&told.views, today);
        let treatments = views::treatments(&told.views, &facts, today);
        let taken = treatments.taken.iter().filter_map(|one| {
            Some(TreatmentInfo {
                prescribed: one.prescribed.iter().map(prescribed).collect(),
                dispensed: one.dispensed.iter().map(handed_over).collect(),
                ..told.treatment(&one.taken)?
            })
        });
        Ok(TreatmentsScreen {
            taken: taken.collect(),
            only_prescribed: treatments.only_prescribed.iter().map(prescribed).collect(),
            only_dispensed: treatments.only_dispensed.iter().map(handed_over).collect(),
        })
    }

    /// The problem list: conditions that stand, and those that are over or were ruled out.
    pub fn problems(&self) -> Result<ProblemsScreen, CarnetError> {
        let told = self.told()?;
        let problems = views::problems(&told.views, self.device.today());
        let part = |part: &[Problem]| part.iter().filter_map(|one| told.problem(one)).collect();
        Ok(ProblemsScreen {
            active: part(&problems.active),
            past: part(&problems.past),
        })
    }

    /// A page of everything that happened, the latest first.
    pub fn timeline(&self, query: TimelineQuery) -> Result<TimelinePage, CarnetError> {
        let filter = query.filter()?;
        let told = self.told()?;
        let moments = views::timeline(&told.views);
        let asked: Vec<&Moment> = moments.iter().filter(|one| filter.takes(one)).collect();
        let (skip, most) = (query.skip as usize, query.most.map(|most| most as usize));
        let page = asked.iter().skip(skip).take(most.unwrap_or(usize::MAX));
        let page: Vec<MomentInfo> = page.filter_map(|moment| told.moment(moment)).collect();
        let shown = skip.saturating_add(page.len());
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(TimelinePage {
            next: (shown < asked.len() && !page.is_empty()).then(|| number(shown)),
            total: number(asked.len()),
            moments: page,
        })
    }
}

impl TimelineQuery {
    fn filter(&self) -> Result<TimelineFilter, Error> {
        let (documents, kinds): (Vec<&String>, Vec<&String>) =
            self.kinds.iter().partition(|kind| *kind == DOCUMENTS);
        let kinds: Vec<Kind> = kinds.into_iter().map(|kind| kind.as_str().into()).collect();
        if kinds.iter().any(|kind| matches!(kind, Kind::Unknown(_))) {
            return Err(Error::Argument { field: "kind" });
        }
        Ok(TimelineFilter {
            kinds,
            documents: !documents.is_empty(),
            from: self.from_year,
            to: self.to_year,
        })
    }
}

/// What a screen is made of: the views of a record, and the names that go with them.
struct Told {
    names: Names,
    views: std::sync::Arc<Views>,
    today: Date,
}

impl Record {
    fn told(&self) -> Result<Told, CarnetError> {
        let profile = self.profile()?;
        Ok(Told {
            names: self.names(&profile)?,
            views: self.views()?,
            today: self.device.today(),
        })
    }
}

impl Told {
    /// An entry in a list, with all that is in doubt of it.
    fn line(&self, entry: &sync_core::EntryId) -> Option<EntryLine> {
        let view = self.views.find_shown(entry)?;
        Some(
            self.names
                .line(view, &self.views.cast_on(entry, self.today)),
        )
    }

    /// An entry in a list, with these doubts: of a card, those that what it shows gives rise to.
    fn doubted(&self, entry: &sync_core::EntryId, doubts: &[FlagCode]) -> Option<EntryLine> {
        let mut line = self.names.line(self.views.find_shown(entry)?, &[]);
        line.flags = doubts.iter().map(|flag| flag.code().to_owned()).collect();
        line.flags.dedup();
        Some(line)
    }

    fn treatment(&self, fact: &TreatmentFact) -> Option<TreatmentInfo> {
        let view = self.views.find(&fact.entry)?;
        let stop = fact
            .stop
            .as_ref()
            .map(|stop| self.text(view, "status", stop));
        Some(TreatmentInfo {
            line: self.doubted(&fact.entry, &fact.doubts)?,
            current: fact.current.as_ref().map(regimen),
            regimens: fact.regimens.iter().map(regimen).collect(),
            stop,
            prescribed: Vec::new(),
            dispensed: Vec::new(),
        })
    }

    fn problem(&self, problem: &Problem) -> Option<ProblemInfo> {
        let severity = problem.severity.as_ref();
        Some(ProblemInfo {
            line: self.line(&problem.entry)?,
            reason: problem.status.reason.clone(),
            severity: severity.and_then(|severity| Some(severity.words()?.into())),
            since: text(problem.since),
            ended: text(problem.ended),
        })
    }

    fn moment(&self, moment: &Moment) -> Option<MomentInfo> {
        Some(MomentInfo {
            line: self.line(&moment.entry)?,
            occurred: text(moment.occurred),
            day: moment.day.to_string(),
        })
    }

    /// A structured value of an entry in words.
    fn text<T: sync_core::kind::JsonScalar>(
        &self,
        view: &EntryView,
        key: &str,
        value: &T,
    ) -> Bilingual {
        self.names.text(&view.kind, key, &value.to_value())
    }
}

fn text(date: Option<Occurred>) -> Option<String> {
    date.map(|date| date.to_string())
}

fn prescribed(line: &PrescribedLine) -> PrescribedInfo {
    let who = line.prescriber.as_ref();
    PrescribedInfo {
        entry: line.entry.to_string(),
        date: text(line.date),
        prescriber: who.map(|who| who.name.clone()),
        text: regimen(&line.regimen),
        dispensed: line.dispensed.iter().map(handed_over).collect(),
    }
}

fn handed_over(one: &HandedOver) -> HandedOverInfo {
    HandedOverInfo {
        entry: one.entry.to_string(),
        date: text(one.date),
        text: dispensed(&one.dispensation),
    }
}

fn dispensed(dispensation: &Dispensation) -> Bilingual {
    let kind = Kind::MedicationDispensed;
    let said = kind.field("dispensation");
    let said = said.and_then(|spec| spec.say(&dispensation.to_value()));
    said.map_or_else(|| same(dispensation.product.text.clone()), Bilingual::from)
}

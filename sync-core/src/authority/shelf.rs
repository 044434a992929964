//! Where an entry stands, so that whoever asks what is new meets only what they may see.
//!
//! A *shelf* is all of an entry's class that decides who may read it. An entry stands on the shelf
//! of its class at the tick of its last change; one with a delay stands on two, for those who mind
//! the delay and for those who do not. When an entry leaves a shelf, that is noted there, for those
//! who may have it and must forget it. Whoever keeps a log looks up a viewer's shelves alone, so
//! the work of an answer tells nothing of what stands elsewhere.

use serde::{Deserialize, Serialize};

use super::Among;
use crate::entry::{EntryClass, Visibility};
use crate::policy::{Matrix, Standing, Subject, is_right};
use crate::{PersonId, Tick};

/// What of an entry's class decides who may read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    #[serde(rename = "k")]
    kind: String,
    #[serde(rename = "p")]
    hidden_from_professionals: bool,
    #[serde(rename = "r")]
    hidden_from_representatives: bool,
    /// Of what is hidden from professionals: its author sees it.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    author: Option<PersonId>,
    /// Of a right: whom it names.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    concerns: Option<PersonId>,
    /// Of a decision: the kinds it is about.
    #[serde(rename = "b", default, skip_serializing_if = "String::is_empty")]
    about: String,
    #[serde(rename = "d")]
    delay: Delay,
}

/// Whom of those who may read an entry its shelf is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Delay {
    /// All: there is no delay.
    #[serde(rename = "n")]
    None,
    /// Those who do not mind the delay.
    #[serde(rename = "i")]
    Ignored,
    /// Those who must wait for its end.
    #[serde(rename = "m")]
    Minded,
}

/// Where an entry stands, and since or from when.
pub type Place = (Shelf, Tick);

/// Where an entry stood that was destroyed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// On which shelves then; none if that is not known.
    pub stood: Vec<Shelf>,
    /// Which it had left before, and when.
    pub left: Vec<Place>,
}

impl Shelf {
    fn new(class: &EntryClass, delay: Delay) -> Self {
        let EntryClass {
            kind,
            visibility,
            author,
            concerns,
            about,
        } = class;
        Shelf {
            kind: kind.clone(),
            hidden_from_professionals: visibility.hidden_from_professionals,
            hidden_from_representatives: visibility.hidden_from_representatives,
            author: visibility.hidden_from_professionals.then_some(*author),
            concerns: concerns.filter(|_| is_right(kind)),
            about: about.clone(),
            delay,
        }
    }

    /// Whether a viewer looks for news on this shelf.
    pub fn is_for(&self, standing: &Standing, matrix: &Matrix) -> bool {
        let reads = |until| standing.may_read(&self.class(until), matrix, Tick(0));
        match self.delay {
            Delay::None => reads(None),
            Delay::Ignored => reads(Some(Tick(u64::MAX))),
            Delay::Minded => reads(None) && !reads(Some(Tick(u64::MAX))),
        }
    }

    /// Whether its entries are among some.
    pub fn is_among(&self, among: Among) -> bool {
        among.has(&self.kind)
    }

    /// The class of an entry on this shelf that is kept from the patient until a tick.
    fn class(&self, until: Option<Tick>) -> EntryClass {
        EntryClass {
            kind: self.kind.clone(),
            visibility: Visibility {
                hidden_from_professionals: self.hidden_from_professionals,
                hidden_from_patient_until: until,
                hidden_from_representatives: self.hidden_from_representatives,
            },
            // Where it is not named it makes no difference.
            author: self.author.unwrap_or(Subject::SYSTEM.person),
            concerns: self.concerns,
            about: self.about.clone(),
        }
    }
}

/// Where an entry of this class stands that was touched last at a tick: on a shelf since then, or
/// once its delay ends.
pub fn places(class: &EntryClass, touched: Tick) -> Vec<Place> {
    let place = |delay, at| (Shelf::new(class, delay), at);
    match class.visibility.hidden_from_patient_until {
        None => vec![place(Delay::None, touched)],
        Some(due) => vec![
            place(Delay::Ignored, touched),
            place(Delay::Minded, due.max(touched)),
        ],
    }
}

/// The shelves that an entry leaves at `at`, when its class becomes `after`; it was touched last
/// at `touched`. Where it does not stand yet it does not leave.
pub fn leaves((before, touched): (&EntryClass, Tick), after: &EntryClass, at: Tick) -> Vec<Shelf> {
    if before == after {
        return Vec::new();
    }
    let stays: Vec<Place> = places(after, at);
    let stays = |shelf: &Shelf| stays.iter().any(|(on, from)| on == shelf && *from <= at);
    let stood = places(before, touched).into_iter();
    let stood = stood.filter(|(_, from)| *from <= at);
    stood
        .map(|(shelf, _)| shelf)
        .filter(|on| !stays(on))
        .collect()
}

/// The shelves that an entry leaves at `at` when it is destroyed; it was touched last at
/// `touched`.
pub fn leaves_all((before, touched): (&EntryClass, Tick), at: Tick) -> Vec<Shelf> {
    let stood = places(before, touched).into_iter();
    let stood = stood.filter(|(_, from)| *from <= at);
    stood.map(|(shelf, _)| shelf).collect()
}

/// Where an entry stands, and which shelves it left and when, by its class after each of its
/// changes, in order.
pub fn stands(touches: &[(Tick, EntryClass)]) -> (Vec<Place>, Vec<Place>) {
    let present = touches.last().map(|(at, class)| places(class, *at));
    let left = touches.windows(2).flat_map(|pair| match pair {
        [(touched, before), (at, after)] => leaves((before, *touched), after, *at)
            .into_iter()
            .map(|shelf| (shelf, *at))
            .collect(),
        _ => Vec::new(),
    });
    (present.unwrap_or_default(), left.collect())
}

#[cfg(test)]
mod tests;

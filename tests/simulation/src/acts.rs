//! Which of a history's steps are played.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Steps by their numbers, written as `0-3,7`. Each has dice of its own, so that one can be left out
/// and the others stay what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acts(BTreeSet<u64>);

impl Acts {
    /// The first so many.
    pub fn first(steps: u64) -> Self {
        Acts((0..steps).collect())
    }

    /// Their numbers, in order.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those up to a number.
    pub fn up_to(&self, last: u64) -> Self {
        Acts(self.0.range(..=last).copied().collect())
    }

    /// All but every one of a part: the `part`-th of so many parts of about the same length.
    pub(crate) fn without_part(&self, part: usize, parts: usize) -> Self {
        let all = self.0.iter().enumerate();
        let stays = all.filter(|(at, _)| at * parts / self.len() != part);
        Acts(stays.map(|(_, number)| *number).collect())
    }
}

impl FromIterator<u64> for Acts {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        Acts(numbers.into_iter().collect())
    }
}

impl fmt::Display for Acts {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for number in self.numbers() {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => runs.push((number, number)),
            }
        }
        let said = runs.iter().map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        });
        to.write_str(&said.collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Acts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut numbers = BTreeSet::new();
        for run in text.split(',').filter(|run| !run.is_empty()) {
            let (first, last) = run.split_once('-').unwrap_or((run, run));
            let number = |text: &str| {
                let number = text.trim().parse::<u64>();
                number.map_err(|_| format!("{run:?} is no number and no run of numbers"))
            };
            numbers.extend(number(first)?..=number(last)?);
        }
        Ok(Acts(numbers))
    }
}

//! Makes a history that fails shorter: steps are left out for as long as the same check fails.

use super::acts::Acts;
use super::cast::is_name;
use super::{Options, play};

/// How many histories are played at most to shorten one.
const MOST: usize = 600;

/// A history that fails, with as few steps as were found to do.
#[derive(Clone, Debug)]
pub struct Minimised {
    /// How to play it.
    pub options: Options,
    /// The check that does not hold.
    pub failure: String,
    /// How many histories were played to find it.
    pub played: usize,
}

/// Which check a failure is of: what it says without the names of whom and what it says it.
pub fn check_of(failure: &str) -> String {
    let is_hash = |word: &str| word.len() == 6 && word.chars().all(|c| c.is_ascii_hexdigit());
    let words = failure.split_whitespace().map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let named = bare.contains(|c: char| c.is_ascii_digit()) || is_hash(bare) || is_name(bare);
        if named { "…" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Shortens a history that fails: first what comes after the failure is cut, then parts are left out,
/// smaller and smaller ones, until no single step can be spared.
pub fn minimise(options: &Options, failure: &str) -> Minimised {
    let check = check_of(failure);
    let mut search = Search {
        check,
        best: Minimised {
            options: options.clone(),
            failure: failure.to_owned(),
            played: 0,
        },
    };
    search.cut();
    let mut parts = 2;
    loop {
        let acts = search.acts();
        if acts.is_empty() || search.best.played >= MOST {
            return search.best;
        }
        parts = parts.min(acts.len());
        let shorter = (0..parts).any(|part| search.does(acts.without_part(part, parts)));
        parts = match shorter {
            true => (parts - 1).max(2),
            false if parts == acts.len() => return search.best,
            false => parts * 2,
        };
    }
}

struct Search {
    check: String,
    best: Minimised,
}

impl Search {
    fn acts(&self) -> Acts {
        self.best.options.acts()
    }

    /// Whether these steps fail by the same check; they are the best then.
    fn does(&mut self, acts: Acts) -> bool {
        if self.best.played >= MOST {
            return false;
        }
        let options = Options {
            only: Some(acts),
            trace: false,
            ..self.best.options.clone()
        };
        self.best.played += 1;
        let failure = play(&options).failure;
        let same = failure.filter(|failure| check_of(failure) == self.check);
        let Some(failure) = same else {
            return false;
        };
        self.best.options = options;
        self.best.failure = failure;
        true
    }

    /// Leaves out what comes after the step in which it fails.
    fn cut(&mut self) {
        let all = self.acts();
        if let Some(last) = play(&self.best.options).failed_in {
            self.does(all.up_to(last));
        }
    }
}

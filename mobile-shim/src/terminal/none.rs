//! What a screen says when it shows nothing: that there is nothing, or that it is not for this
//! person to read.

use sync_core::kind::{Kind, Words};

use super::PhoneError;
use super::here::Here;
use super::output::Output;
use crate::face::Wish;

/// How much of what a screen shows a person may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// All there is: it is their own record.
    All,
    /// What the record shows them.
    Some,
    /// Nothing of these kinds.
    Nothing,
}

/// Of a screen that shows nothing: what is so when its reader reads all, and what when not.
pub type Nothing = [Words; 2];

const NOT_FOR_YOU: Words = Words::new(
    "This is not for you to read; that does not say that there is none.",
    "Vous n’avez pas accès à ces éléments ; cela ne dit pas qu’il n’y en a pas.",
);

impl Reads {
    fn says(self, [none, none_to_read]: Nothing) -> Words {
        match self {
            Reads::All => none,
            Reads::Some => none_to_read,
            Reads::Nothing => NOT_FOR_YOU,
        }
    }
}

impl Here<'_> {
    /// How much of these kinds the current person may read.
    pub(super) fn reads(&self, kinds: impl IntoIterator<Item = Kind>) -> Result<Reads, PhoneError> {
        let (profile, chosen) = self.chosen()?;
        if chosen.holder == profile.info()?.person {
            return Ok(Reads::All);
        }
        let record = profile.record(chosen.id)?;
        for kind in kinds {
            let kind = kind.code().to_owned();
            if record.may(Wish::Read { kind })?.allowed {
                return Ok(Reads::Some);
            }
        }
        Ok(Reads::Nothing)
    }
}

impl Output {
    /// Says why a screen shows nothing, when it does.
    pub(super) fn none(&self, none: bool, reads: Reads, nothing: Nothing) {
        if none {
            let Words { en, fr } = reads.says(nothing);
            out!("{}", self.say(en, fr));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_reads_all_is_told_that_there_is_none() {
        let none = Words::new("None.", "Rien.");
        let none_to_read = Words::new("None you may read.", "Rien que vous puissiez lire.");
        let says = |reads: Reads| reads.says([none, none_to_read]);
        assert_eq!(says(Reads::All), none);
        assert_eq!(says(Reads::Some), none_to_read);
        assert_eq!(says(Reads::Nothing), NOT_FOR_YOU);
    }
}

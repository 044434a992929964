//! Commands that share, hide and resolve.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use sync_core::kind::Verdict;
use sync_core::policy::DelegationType;

use super::PhoneError;
use super::assign::Review;
use super::here::Here;
use super::read::find;
use crate::error::CarnetError;
use crate::face::{ReviewChoice, Wish};

/// Which right to give. A person is an identifier, or a professional's RPPS number.
#[derive(Subcommand)]
pub enum Share {
    /// A professional may read and write.
    Grant {
        /// Whom.
        person: String,
        /// Read only.
        #[arg(long)]
        read_only: bool,
        /// Until when: RFC 3339, or a day.
        #[arg(long)]
        until: Option<String>,
    },
    /// Somebody is kept out.
    Block {
        /// Whom.
        person: String,
    },
    /// A caregiver (aidant) looks after the record.
    Delegate {
        /// Whom.
        person: String,
        /// What they are to the holder.
        #[arg(
            long = "type",
            default_value = "caregiver",
            value_parser = PossibleValuesParser::new(DelegationType::CODES.iter().copied())
        )]
        kind: String,
        /// Until when.
        #[arg(long)]
        until: Option<String>,
    },
    /// The treating physician (médecin traitant).
    TreatingPhysician {
        /// Whom.
        person: String,
    },
    /// Somebody who sees hidden entries too.
    Administrator {
        /// Whom.
        person: String,
    },
}

/// How to settle an item.
#[derive(Args)]
pub struct Resolve {
    /// Its number in the list.
    item: usize,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct How {
    /// Take the side of this change: the first characters of its name, as the list gives them.
    #[arg(long, value_name = "CHANGE")]
    take: Option<String>,
    /// What to decide, of what the list offers.
    #[arg(
        long,
        value_name = "VERDICT",
        value_parser = PossibleValuesParser::new(Verdict::CODES.iter().copied())
    )]
    decide: Option<String>,
}

impl Here<'_> {
    pub(super) fn resolve(&self, resolve: &Resolve) -> Result<(), PhoneError> {
        let record = self.record()?;
        let items = record.to_review()?;
        let at = resolve.item.checked_sub(1);
        let item = at.and_then(|at| items.get(at)).ok_or(PhoneError::NoItem)?;
        let choice = match (&resolve.how.take, &resolve.how.decide) {
            (Some(start), _) => {
                let mut changes = item.sides.iter().map(|side| &side.claim.change);
                let change = changes.find(|change| change.starts_with(start.as_str()));
                ReviewChoice::Take {
                    change: change.ok_or(PhoneError::NoItem)?.clone(),
                }
            }
            (None, verdict) => ReviewChoice::Decide {
                verdict: verdict.clone().unwrap_or_default(),
            },
        };
        let item = item.key.clone();
        let wish = Wish::Settle {
            item: item.clone(),
            choice: choice.clone(),
        };
        self.allowed(&record, wish)?;
        record.resolve(item, choice)?;
        self.review(&Review::default())
    }

    pub(super) fn share(&self, share: Share) -> Result<(), PhoneError> {
        let record = self.record()?;
        self.allowed(&record, Wish::Share)?;
        let id = match share {
            Share::Grant {
                person,
                read_only,
                until,
            } => record.grant(self.person(&person)?, !read_only, moment(until)?)?,
            Share::Block { person } => record.block(self.person(&person)?)?,
            Share::Delegate {
                person,
                kind,
                until,
            } => record.delegate(self.person(&person)?, kind, None, moment(until)?)?,
            Share::TreatingPhysician { person } => {
                record.set_treating_physician(self.person(&person)?)?
            }
            Share::Administrator { person } => record.add_administrator(self.person(&person)?)?,
        };
        let entry = record.entry(id)?;
        self.output.print(&entry, |output| output.entry(&entry));
        Ok(())
    }

    pub(super) fn revoke(&self, right: &str, reason: Option<String>) -> Result<(), PhoneError> {
        let record = self.record()?;
        let rights = match find(&record, right) {
            Ok(entry) => vec![entry],
            Err(PhoneError::NoneCalled) => record.rights_of(self.person(right)?)?,
            Err(error) => return Err(error),
        };
        if rights.is_empty() {
            return Err(CarnetError::NotFound.into());
        }
        for entry in &rights {
            let entry = entry.id.clone();
            self.allowed(&record, Wish::Edit { entry })?;
        }
        for entry in rights {
            record.revoke(entry.id.clone(), reason.clone())?;
            let entry = record.entry(entry.id)?;
            self.output.print(&entry, |output| output.entry(&entry));
        }
        Ok(())
    }

    pub(super) fn hide(&self, name: &str, hide: bool) -> Result<(), PhoneError> {
        let record = self.record()?;
        let entry = find(&record, name)?;
        let id = entry.id.clone();
        self.allowed(&record, Wish::Hide { entry: id })?;
        if hide {
            record.hide(entry.id.clone())?;
        } else {
            record.unhide(entry.id.clone())?;
        }
        let entry = record.entry(entry.id)?;
        self.output.print(&entry, |output| output.entry(&entry));
        Ok(())
    }

    /// An identifier, or the professional with this RPPS number.
    pub(super) fn person(&self, who: &str) -> Result<String, PhoneError> {
        let digits = who.len() == 11 && who.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            let id: Result<uuid::Uuid, _> = who.trim().parse();
            let id = id.map_err(|_| PhoneError::NotAPerson)?.to_string();
            return match self.record()?.entry(id.clone()) {
                Ok(_) => Err(PhoneError::NotAPersonButEntry),
                Err(CarnetError::NotFound) => Ok(id),
                Err(error) => Err(error.into()),
            };
        }
        let found = self.profile()?.find_professional(who.to_owned())?;
        if !self.output.json {
            note!("{}", found.name);
        }
        Ok(found.id)
    }
}

/// A day or an instant, in milliseconds.
fn moment(text: Option<String>) -> Result<Option<i64>, CarnetError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let instant = text.parse::<jiff::Timestamp>().or_else(|_| {
        let day: jiff::civil::Date = text.parse()?;
        let end = day.tomorrow()?.to_zoned(jiff::tz::TimeZone::system())?;
        Ok::<_, jiff::Error>(end.timestamp())
    });
    let instant = instant.map_err(|_| CarnetError::Invalid {
        field: "until".to_owned(),
        problem: "not-a-date".to_owned(),
    })?;
    Ok(Some(instant.as_millisecond()))
}

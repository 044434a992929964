//! The decisions themselves (MISSION: "Who may do what"; French law is cited where it is the source).

use super::matrix::never_writes;
use super::{
    Access, Action, Decision, Flag, Matrix, Reason, Rights, Role, Standing, Subject, is_right,
};
use crate::entry::{EntryClass, KIND};
use crate::kind::Kind;
use crate::{Epoch, Tick};

/// What a decision depends on besides who asks and for what.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    /// The record's rights.
    pub rights: &'c Rights,
    /// What each profession reads and writes.
    pub matrix: &'c Matrix,
    /// The moment, on the record's clock.
    pub now: Tick,
}

impl Context<'_> {
    /// What a subject is to the record now.
    pub fn standing(&self, subject: &Subject) -> Standing {
        self.rights.standing(subject, self.now)
    }

    /// Names all that decides for a subject now: their rights and the matrix. While it stays the
    /// same, a decision changes only with the entry's class or as a delayed result falls due.
    pub fn epoch(&self, subject: &Subject) -> Epoch {
        self.standing(subject).epoch_under(&self.matrix.digest())
    }
}

/// Whether `subject` may do `action`, acting as `as_role`, with an entry of this class.
pub fn decide(
    subject: &Subject,
    as_role: &Role,
    action: Action,
    class: &EntryClass,
    context: &Context<'_>,
) -> Decision {
    context
        .standing(subject)
        .decide(as_role, action, class, context.matrix, context.now)
}

/// Whether `subject`, acting as `as_role`, may write these keys of an entry of this class; the
/// class is the one before the change.
pub fn decide_edit<'k>(
    subject: &Subject,
    as_role: &Role,
    keys: impl IntoIterator<Item = &'k str>,
    class: &EntryClass,
    context: &Context<'_>,
) -> Decision {
    context
        .standing(subject)
        .decide_edit(as_role, keys, class, context.matrix, context.now)
}

impl Standing {
    /// Whether the subject may do `action`, acting as `role`, with an entry of this class.
    pub fn decide(
        &self,
        role: &Role,
        action: Action,
        class: &EntryClass,
        matrix: &Matrix,
        now: Tick,
    ) -> Decision {
        Asked {
            standing: self,
            role,
            class,
            matrix,
            now,
        }
        .may(action)
        .into()
    }

    /// Whether the subject, acting as `role`, may write these keys of an entry of this class; the
    /// class is the one before the change. The kind of an entry never changes.
    pub fn decide_edit<'k>(
        &self,
        role: &Role,
        keys: impl IntoIterator<Item = &'k str>,
        class: &EntryClass,
        matrix: &Matrix,
        now: Tick,
    ) -> Decision {
        let asked = Asked {
            standing: self,
            role,
            class,
            matrix,
            now,
        };
        let each = |key| match Flag::of_key(key) {
            Some(flag) => asked.may(Action::Hide(flag)),
            None if key == KIND => Err(Reason::KindNotWritable),
            None => Ok(()),
        };
        asked
            .may(Action::Edit)
            .and_then(|()| keys.into_iter().try_for_each(each))
            .into()
    }

    /// Whether the subject sees an entry of this class in any of its roles.
    pub fn may_read(&self, class: &EntryClass, matrix: &Matrix, now: Tick) -> bool {
        self.roles().any(|role| {
            self.decide(role, Action::Read, class, matrix, now)
                .is_allowed()
        })
    }
}

impl EntryClass {
    /// Until when the holder may not know of an entry of this class, if its author said so. Of a
    /// right they always may: one they could not see they could not take back.
    pub fn kept_from_holder_until(&self) -> Option<Tick> {
        let until = self.visibility.hidden_from_patient_until;
        until.filter(|_| !is_right(&self.kind))
    }
}

/// One question.
struct Asked<'q> {
    standing: &'q Standing,
    role: &'q Role,
    class: &'q EntryClass,
    matrix: &'q Matrix,
    now: Tick,
}

impl Asked<'_> {
    fn may(&self, action: Action) -> Result<(), Reason> {
        if !self.standing.roles.contains(self.role) {
            return Err(Reason::NoRight);
        }
        match action {
            Action::Read => self.read(),
            Action::Create => {
                self.write()?;
                let raised = Flag::raised(&self.class.visibility);
                let mut raised = raised.filter(|flag| !self.inherits(*flag));
                raised.try_for_each(|flag| self.flag(flag))
            }
            Action::Edit => self.read().and_then(|()| self.write()),
            Action::Hide(flag) => self
                .read()
                .and_then(|()| self.write())
                .and_then(|()| self.flag(flag)),
            Action::ReadLog => match self.role {
                Role::Holder | Role::System => Ok(()),
                _ => Err(Reason::LogIsTheHolders),
            },
            Action::SetRight => self.set_right(),
        }
    }

    fn read(&self) -> Result<(), Reason> {
        let kind = self.class.kind.as_str();
        let by_role = match self.role {
            Role::System => return Ok(()),
            _ if kind.is_empty() => false,
            Role::Holder => true,
            // Whom a right names may know of it; of a block and the emergency switches, nobody.
            _ if is_right(kind) => {
                self.class.concerns == Some(self.standing.person)
                    && !matches!(kind, "block" | "emergency-switches")
            }
            role => self.matrix.access(role, kind) >= Access::Read && self.reads_all_it_is_about(),
        };
        if by_role && self.visible() {
            Ok(())
        } else {
            Err(Reason::UnknownEntry)
        }
    }

    /// Whether the subject's role reads every kind of entry that a decision is about: to whom an
    /// entry does not exist, nothing was decided on it either.
    fn reads_all_it_is_about(&self) -> bool {
        let about = self.class.about.as_str();
        let reads =
            |kind: &str| !is_right(kind) && self.matrix.access(self.role, kind) >= Access::Read;
        about.is_empty() || about.split(' ').all(reads)
    }

    /// Whether this is the flag of what a professional decides on: a decision on something hidden
    /// is hidden with it, also when the treating physician makes it.
    fn inherits(&self, flag: Flag) -> bool {
        let author = self.class.author == self.standing.person;
        self.class.kind == Kind::ReviewDecision.code()
            && flag == Flag::Professionals
            && author
            && matches!(self.role, Role::Professional(_))
    }

    /// Whether the flags let the subject see the entry.
    fn visible(&self) -> bool {
        let flags = &self.class.visibility;
        let hidden = flags.hidden_from_professionals
            && !self.standing.sees_hidden
            && self.class.author != self.standing.person;
        let until = match self.role {
            Role::Holder => self.class.kept_from_holder_until(),
            role if role.is_delegate() => flags.hidden_from_patient_until,
            _ => None,
        };
        let delayed = until.is_some_and(|until| self.now < until);
        let kept_from_delegates = self.role.is_delegate() && flags.hidden_from_representatives;
        !hidden && !delayed && !kept_from_delegates
    }

    fn write(&self) -> Result<(), Reason> {
        let kind = self.class.kind.as_str();
        if is_right(kind) {
            return self.set_right();
        }
        let allowed = match self.role {
            _ if kind.is_empty() => false,
            Role::Holder => true,
            Role::Professional(_) if !self.standing.writes => return Err(Reason::ReadOnly),
            role if never_writes(role, kind) => false,
            role => self.matrix.access(role, kind) >= Access::Write,
        };
        allowed.then_some(()).ok_or(Reason::KindNotWritable)
    }

    fn set_right(&self) -> Result<(), Reason> {
        match self.role {
            _ if !is_right(&self.class.kind) => Err(Reason::KindNotWritable),
            // The server writes down what was signed on paper at a desk.
            Role::Holder | Role::System => Ok(()),
            _ => Err(Reason::RightsAreTheHolders),
        }
    }

    /// Whether a flag of this entry is the subject's to change.
    fn flag(&self, flag: Flag) -> Result<(), Reason> {
        let author =
            matches!(self.role, Role::Professional(_)) && self.class.author == self.standing.person;
        let holder = *self.role == Role::Holder;
        let theirs = !is_right(&self.class.kind)
            && match flag {
                Flag::Professionals => holder,
                Flag::Patient => author,
                Flag::Representatives => holder || author,
            };
        theirs.then_some(()).ok_or(Reason::MayNotHide)
    }
}

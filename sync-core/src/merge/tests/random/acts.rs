//! What people do in a random history.

use proptest::prelude::*;

use super::*;
use crate::kind::StatusCode;

/// What somebody does: who, which of the things one can do, and how. Those who cannot do it do
/// nothing.
pub type Act = (Device, u8, u64);

/// A history: what it is about most, and what people do.
pub type History = (usize, Vec<Act>);

pub fn histories() -> impl Strategy<Value = History> {
    let act = (0..DEVICES.len(), 0_u8..20, any::<u64>());
    (0..THEMES.len(), prop::collection::vec(act, 1..48))
}

/// What a history can be about: kinds of entry, and the devices of those who write them.
pub(super) const THEMES: &[(&[&str], &[Device])] = &[
    (&[], &[0, 1, 2, 3, 4, 5, 6, 7]),
    (&["allergy"], &[0, 2, 4, 5, 4, 5, 6, 7]),
    (&["allergy"], &[2, 4, 5]),
    (&["medication-taken"], &[0, 1, 2, 4, 5, 6]),
    (&["advance-directive"], &[0, 1, 4, 5]),
    (
        &["trusted-person", "emergency-contact"],
        &[0, 1, 0, 1, 2, 4],
    ),
    (&["blood-group"], &[0, 1, 2, 3, 4, 5]),
    (&["grant", "block"], &[0, 1]),
    (&["delegation", "delegation", "delegation"], &[0, 1]),
    (&["condition", "device", "pregnancy"], &[0, 2, 3, 4, 5]),
    (&["document/11502-2", "immunization"], &[0, 1, 4, 5, 7]),
];

/// Chance taken out of a number, the smaller the simpler, so that histories shrink.
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// One of so many.
    pub fn of(&mut self, sides: usize) -> usize {
        let sides = u64::try_from(sides.max(1)).expect("few sides");
        let rolled = self.0 % sides;
        self.0 /= sides;
        usize::try_from(rolled).expect("few sides")
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.of(from.len())].clone()
    }

    /// One time in so many.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.of(times) == times - 1
    }
}

impl World {
    /// What the history is about, each kind of it once.
    pub(super) fn begin(&mut self) {
        let (kinds, writers) = THEMES[self.theme];
        for (place, kind) in kinds.iter().enumerate() {
            let token = format!("§{}§", self.book.len());
            let writes = drafts::draft(Some(kind), &mut Dice(place as u64), &[], &token);
            self.try_create(writers[place % writers.len()], &writes);
        }
    }

    pub(super) fn act(&mut self, (device, what, how): &Act) {
        let mut dice = Dice(*how);
        let device = *device;
        match what {
            0..=2 => {
                let device = match dice.of(2) {
                    0 => self.about(device, &mut dice).1,
                    _ => device,
                };
                self.send(device, usize::MAX);
                self.receive(device, usize::MAX);
            }
            // An answer that was lost, or of which only the first page came.
            3 => {
                self.send(device, 1 + dice.of(3));
                self.receive(device, dice.of(4));
            }
            4 | 5 => self.create(device, &mut dice),
            6 => self.settle_item(device, &mut dice),
            7 => self.assign(device, &mut dice),
            8 => self.answer_a_proposal(device, &mut dice),
            9 => self.hide_decisions(device),
            _ => self.edit(device, &mut dice),
        }
    }

    /// Three times in four, what the history is about: a kind, and one of those who write it.
    fn about(&self, device: Device, dice: &mut Dice) -> (Option<&'static str>, Device) {
        let (kinds, writers) = THEMES[self.theme];
        if kinds.is_empty() || dice.of(4) == 3 {
            return (None, device);
        }
        let writer = writers[device % writers.len()];
        (Some(dice.pick(kinds)), writer)
    }

    fn create(&mut self, device: Device, dice: &mut Dice) {
        let (kind, device) = self.about(device, dice);
        let seen = self.seen_on(device);
        let later = self.now().0 + dice.of(40) as u64;
        let token = format!("§{}§", self.book.len());
        let mut writes = drafts::draft(kind, dice, &seen, &token);
        writes.extend(patches::hides(dice, later));
        self.try_create(device, &writes);
    }

    fn try_create(&mut self, device: Device, writes: &[Write]) {
        let mut document = EntryDocument::new();
        let written = document.edit(Actor([255; 16]), writes, DeviceTime(0));
        let class = EntryClass::of(&document.state(), person(device));
        if written.is_ok() && self.may(device, Action::Create, &class) {
            let entry = self.next_entry();
            self.write(device, entry, writes);
        }
    }

    fn try_edit(&mut self, device: Device, entry: EntryId, writes: &[Write]) {
        let state = self.copy(device, entry).state.clone();
        let Some(first) = state.creation() else {
            return;
        };
        let author = self.provenance[&first.hash].origin.author;
        let class = EntryClass::of(&state, author);
        let keys = writes.iter().map(|write| write.key.as_str());
        let now = self.now();
        let position = &self.positions[device];
        let decision = position.decide_edit(&role(device), keys, &class, &self.matrix, now);
        if decision == Decision::Allow && !writes.is_empty() {
            self.write(device, entry, writes);
        }
    }

    /// Mostly what the history is about, or one of the entries that there are from the start, so
    /// that people meet.
    fn edit(&mut self, device: Device, dice: &mut Dice) {
        let (kind, device) = self.about(device, dice);
        let mut seen = self.seen_on(device);
        if let Some(kind) = kind {
            seen.retain(|view| view.kind.code() == kind);
        }
        if dice.of(3) > 0 {
            let few = if kind.is_some() { 2 } else { 4 };
            seen.truncate(few);
        }
        let Some(view) = seen.get(dice.of(seen.len())) else {
            return;
        };
        let token = format!("§{}§", self.book.len());
        let writes = patches::patch(view, dice, &token, self.now());
        self.try_edit(device, view.id, &writes);
    }

    pub fn list(&mut self, device: Device) -> Vec<ReviewItem> {
        let seen = self.seen_on(device);
        review(&seen, &[], &self.viewer(device))
    }

    pub fn carry_out(&mut self, device: Device, item: &ReviewItem, choice: &Choice) {
        let Some(resolution) = resolve(item, choice) else {
            return;
        };
        for (entry, writes) in &resolution.edits {
            self.try_edit(device, *entry, writes);
        }
        if let Some(decision) = resolution.decision {
            self.try_create(device, &decision.writes().expect("a decision can stand"));
        }
    }

    /// Somebody decides on what their list has of an entry under a code.
    pub fn decide(&mut self, device: Device, code: FlagCode, entry: EntryId, verdict: Verdict) {
        let mut list = self.list(device).into_iter();
        let item = list.find(|item| item.code == code && item.entries.contains(&entry));
        let item = item.expect("it is on the list");
        self.carry_out(device, &item, &Choice::Decide(verdict));
    }

    fn settle_item(&mut self, device: Device, dice: &mut Dice) {
        let list = self.list(device);
        let Some(item) = list.get(dice.of(list.len())) else {
            return;
        };
        let sides = item.claims.iter();
        let sides = sides.map(|side| Choice::Take(side.claim.change));
        let verdicts = item.verdicts.iter().cloned().map(Choice::Decide);
        let choices: Vec<Choice> = verdicts.chain(sides).collect();
        if let Some(choice) = choices.get(dice.of(choices.len())) {
            self.carry_out(device, item, choice);
        }
    }

    /// Takes a proposal up, or leaves it out.
    fn answer_a_proposal(&mut self, device: Device, dice: &mut Dice) {
        let mut list = self.list(device);
        list.retain(|item| item.code == FlagCode::Proposal);
        let Some(item) = list.get(dice.of(list.len())) else {
            return;
        };
        let verdict = dice.pick(&[Verdict::Accept, Verdict::Accept, Verdict::Discard]);
        self.carry_out(device, item, &Choice::Decide(verdict));
    }

    fn assign(&mut self, device: Device, dice: &mut Dice) {
        let list = self.list(device);
        let Some(item) = list.get(dice.of(list.len())) else {
            return;
        };
        let to = Some(dice.of(DEVICES.len() + 1)).filter(|to| *to < DEVICES.len());
        self.carry_out(device, item, &Choice::Assign(to.map(person)));
    }

    /// What the holder's devices do after they synced: hide what was decided on hidden entries.
    fn hide_decisions(&mut self, device: Device) {
        if role(device) != Role::Holder {
            return;
        }
        let seen = self.seen_on(device);
        for (entry, visibility) in decisions_to_hide(seen.iter()) {
            let hides = [
                (
                    crate::entry::HIDDEN_FROM_PROFESSIONALS,
                    visibility.hidden_from_professionals,
                ),
                (
                    crate::entry::HIDDEN_FROM_REPRESENTATIVES,
                    visibility.hidden_from_representatives,
                ),
            ];
            let writes = hides.into_iter().filter(|(_, up)| *up);
            let writes: Vec<Write> = writes.map(|(key, _)| Write::set(key, true)).collect();
            self.try_edit(device, entry, &writes);
        }
    }
}

/// The statuses that people give entries.
pub(super) fn status(dice: &mut Dice, token: &str) -> Write {
    let code = match dice.of(5) {
        0 => StatusCode::Active,
        1 => StatusCode::Refuted,
        _ => dice.pick(StatusCode::ALL),
    };
    let status = Status::because(code, token);
    Write::set(crate::entry::STATUS, status.to_value())
}

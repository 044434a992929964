//! What lies between the devices and the server.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sync_core::sync::{Frame, SyncAnswer, SyncRequest};

use super::dice::Dice;

/// A message under way.
#[derive(Clone, Debug)]
pub enum Message {
    /// To the server.
    Request(Rc<SyncRequest>),
    /// To the device.
    Answer(Rc<SyncAnswer>),
}

/// How a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By itself: an answer belongs to its request.
    Loose,
    /// Over the line of this number, in order, for as long as that lasts.
    Line(u64),
    /// By somebody who carries it there, once they come by.
    Relay,
    /// It was meant for another record, and shows a cursor of this one, or not.
    Astray(bool),
}

impl Way {
    /// The line it goes over, if it goes over one.
    pub fn line(self) -> Option<u64> {
        match self {
            Way::Line(number) => Some(number),
            Way::Loose | Way::Relay | Way::Astray(_) => None,
        }
    }
}

/// A message and where it belongs.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Which profile's.
    pub device: usize,
    /// On which hardware.
    pub unit: usize,
    /// The request, or the request it answers.
    pub id: u64,
    /// How it goes.
    pub way: Way,
    /// What it says.
    pub message: Message,
}

/// How many messages met what.
#[derive(Clone, Copy, Debug, Default)]
pub struct Met {
    /// They were lost.
    pub lost: u64,
    /// They were under way for long.
    pub delayed: u64,
    /// They came twice.
    pub doubled: u64,
    /// They came after one that was sent later.
    pub overtaken: u64,
    /// They came damaged.
    pub damaged: u64,
}

/// Messages under way, by when they arrive.
#[derive(Default)]
pub struct Network {
    under_way: BTreeMap<(u64, u64), Parcel>,
    sent: u64,
    /// The last of those that arrived.
    arrived: u64,
    /// What became of messages.
    pub met: Met,
    /// Hardware without a connection.
    pub cut_off: BTreeSet<usize>,
    /// Nothing goes wrong any more.
    pub healed: bool,
}

impl Network {
    /// Sends a message. It may get lost, damaged, delayed, doubled, and overtaken.
    pub fn send(&mut self, dice: &mut Dice, now: u64, parcel: Parcel) {
        if self.healed {
            self.put(now + 20_000, parcel);
            return;
        }
        if self.cut_off.contains(&parcel.unit) || dice.percent(7) {
            self.met.lost += 1;
            return;
        }
        if dice.percent(8) {
            self.met.doubled += 1;
            let later = now + dice.between(1_000, 60_000_000);
            self.put(later, parcel.clone());
        }
        let delay = if dice.percent(85) {
            dice.between(5_000, 400_000)
        } else {
            self.met.delayed += 1;
            dice.between(400_000, 50_000_000)
        };
        let parcel = if dice.percent(2) {
            self.met.damaged += 1;
            damaged(dice, parcel)
        } else {
            parcel
        };
        self.put(now + delay, parcel);
    }

    /// Sends a message over a line, on which the one before arrives at `last`; answers when this one
    /// does. Nothing is lost there without the line.
    pub fn send_on_line(&mut self, dice: &mut Dice, now: u64, last: u64, parcel: Parcel) -> u64 {
        let delay = match self.healed {
            true => 20_000,
            false => dice.between(5_000, 2_000_000),
        };
        let due = last.max(now + delay);
        self.put(due, parcel);
        due
    }

    fn put(&mut self, due: u64, parcel: Parcel) {
        self.sent += 1;
        self.under_way.insert((due, self.sent), parcel);
    }

    /// The next message that arrives by `until`, and when.
    pub fn next(&mut self, until: u64) -> Option<(u64, Parcel)> {
        let (key, _) = self.under_way.first_key_value()?;
        if key.0 > until {
            return None;
        }
        let ((due, sent), parcel) = self.under_way.pop_first()?;
        self.met.overtaken += u64::from(sent < self.arrived);
        self.arrived = self.arrived.max(sent);
        Some((due, parcel))
    }

    /// When the next message arrives.
    pub fn next_due(&self) -> Option<u64> {
        self.under_way.keys().next().map(|(due, _)| *due)
    }
}

/// One byte of the frame is another one on arrival.
fn damaged(dice: &mut Dice, parcel: Parcel) -> Parcel {
    let mut damage = |frame: &mut Option<Frame>| {
        if let Some(Frame(bytes)) = frame {
            let place = dice.below(bytes.0.len().max(1) as u64) as usize;
            if let Some(byte) = bytes.0.get_mut(place) {
                *byte ^= 1 << dice.below(8);
            }
        }
    };
    let message = match parcel.message {
        Message::Request(request) => {
            let mut request = (*request).clone();
            damage(&mut request.edits);
            Message::Request(Rc::new(request))
        }
        Message::Answer(answer) => {
            let mut answer = (*answer).clone();
            damage(&mut answer.news);
            Message::Answer(Rc::new(answer))
        }
    };
    Parcel { message, ..parcel }
}

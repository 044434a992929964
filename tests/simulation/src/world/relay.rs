//! A party without rights that stores messages and carries them: requests to the server, once it comes
//! by there, and answers back to the devices, days later, in another order, or twice. It may be put
//! back from a copy. To whoever looks it shows the edits that it carries, and what it heard of them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sync_core::sync::{SyncAnswer, SyncRequest, Verdict};
use sync_core::{ChangeHash, guard};

use super::{PATIENCE, World};
use crate::network::Way;

/// Most messages of a kind that it keeps.
const MOST: usize = 12;

/// A request that is carried, and of which device it is.
type Request = (usize, u64, Rc<SyncRequest>);
type Answer = (usize, u64, Rc<SyncAnswer>);

/// What it keeps.
#[derive(Clone, Default)]
struct Store {
    requests: Vec<Request>,
    answers: Vec<Answer>,
}

/// The relay.
#[derive(Default)]
pub(super) struct Relay {
    store: Store,
    copy: Option<Store>,
    /// The edits that it carried and showed, and what the server said of each last.
    pub shown: BTreeMap<ChangeHash, Option<Verdict>>,
    /// The edits of each request that it carried.
    carried: BTreeMap<u64, Vec<ChangeHash>>,
    /// Those of which the server said nothing when it took their request.
    pub unsaid: BTreeSet<ChangeHash>,
}

impl Relay {
    /// The server answers what it brought.
    pub(super) fn is_given(&mut self, device: usize, id: u64, answer: SyncAnswer) {
        for outcome in &answer.outcomes {
            if let Some(told) = self.shown.get_mut(&outcome.change) {
                *told = Some(outcome.verdict.clone());
            }
        }
        let said: BTreeSet<ChangeHash> = answer.outcomes.iter().map(|one| one.change).collect();
        // Nothing is taken of who follows a life of the log that is lost.
        let taken = !answer.reset || !said.is_empty();
        for change in self.carried.get(&id).into_iter().flatten() {
            match said.contains(change) {
                true => self.unsaid.remove(change),
                false => taken && self.unsaid.insert(*change),
            };
        }
        self.store.answers.push((device, id, Rc::new(answer)));
        if self.store.answers.len() > MOST {
            self.store.answers.remove(0);
        }
    }
}

impl World {
    pub(super) fn relay_goes_round(&mut self) -> Result<(), String> {
        match self.dice.below(10) {
            0..4 => {
                let device = self.any_device();
                self.hand_to_relay(device)
            }
            4..6 => self.relay_meets_server(),
            6..9 => self.relay_meets_devices(),
            _ => {
                match self.relay.copy.clone() {
                    Some(copy) => {
                        self.say(|| "the relay is put back from its copy".to_owned());
                        self.relay.store = copy;
                    }
                    None => self.relay.copy = Some(self.relay.store.clone()),
                }
                Ok(())
            }
        }
    }

    /// A device gives the relay what it would send.
    fn hand_to_relay(&mut self, device: usize) -> Result<(), String> {
        let (id, request) = self.make_request(device)?;
        let record = self.cast.record();
        let frame = request.edits.as_ref();
        let items = frame.and_then(|frame| frame.unpack(&record).ok());
        for item in items.into_iter().flatten() {
            if let Ok(inspected) = guard::inspect(&item.edit.change) {
                let change = inspected.hash();
                self.relay.shown.entry(change).or_default();
                self.relay.carried.entry(id).or_default().push(change);
            }
        }
        self.say_of(device, "gives its request to the relay");
        self.relay.store.requests.push((device, id, request));
        if self.relay.store.requests.len() > MOST {
            self.relay.store.requests.remove(0);
        }
        Ok(())
    }

    /// The relay comes by the server with all it has, in any order, and keeps some of it.
    fn relay_meets_server(&mut self) -> Result<(), String> {
        let mut brings = std::mem::take(&mut self.relay.store.requests);
        self.say(|| format!("the relay brings the server {} requests", brings.len()));
        while !brings.is_empty() {
            let at = self.dice.below(brings.len() as u64) as usize;
            let (device, id, request) = brings.swap_remove(at);
            self.checks.counts.carried += 1;
            self.begin(device, id, &request, Way::Relay)?;
            if !self.network.healed && self.dice.percent(30) {
                self.relay.store.requests.push((device, id, request));
            }
        }
        Ok(())
    }

    /// The relay comes by the devices with all it has for them, in any order, and keeps some of it.
    fn relay_meets_devices(&mut self) -> Result<(), String> {
        let mut brings = std::mem::take(&mut self.relay.store.answers);
        while !brings.is_empty() {
            let at = self.dice.below(brings.len() as u64) as usize;
            let (device, id, answer) = brings.swap_remove(at);
            self.checks.counts.carried += 1;
            self.take(device, id, &answer)?;
            if !self.network.healed && self.dice.percent(30) {
                self.relay.store.answers.push((device, id, answer));
            }
        }
        Ok(())
    }

    /// All faults are over: what the relay still has it brings where it belongs.
    pub(super) fn relay_comes_last(&mut self) -> Result<(), String> {
        self.relay_meets_server()?;
        self.run_until(self.now + 2 * PATIENCE)?;
        self.relay_meets_devices()
    }
}

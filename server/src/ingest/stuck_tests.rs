//! No state in which an entry is stuck, whatever was held of it.
//!
//! Histories of a household: people write, rights come and go, answers are lost, devices are
//! revoked or put back from copies, and so is the server's store; the holder decides on some of what
//! is held. From wherever that leads, once everybody has synced:
//!
//! - nothing waits to be sent, and who may see the same sees the same;
//! - whoever has a right writes in every entry that their phone shows, and it is accepted; whoever
//!   has none any more is told that it is held;
//! - what a phone says to be held the server holds, and what is held because it follows what is held
//!   does follow something that is;
//! - the holder is asked of every held edit that is theirs to decide on, and each way of deciding is
//!   carried out and taken; any other can be left out by its name;
//! - and its author is told at the next contact.
//!
//! `CARNET_HELD=500 CARNET_HELD_SEED=1 cargo test -p server no_history_leaves` plays more.

mod cases;
mod household;

use std::collections::BTreeMap;

use sync_core::ChangeHash;
use sync_core::entry::{STATUS, Write};
use sync_core::kind::Verdict;
use sync_core::replica::{AsideReason, Memory, ReplicaHead};
use sync_core::sync::{HoldReason, Refusal};

use crate::records::world::Phone;
use household::{CARER, DOCTOR, HOLDER, Household, PHONES, TABLET};

/// How many histories are played, and how long each is.
const HISTORIES: u64 = 12;
const ACTS: u64 = 36;

/// What decides a history: SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(usize::try_from(self.below(of.len() as u64)).ok()?)
            .copied()
    }

    fn phone(&mut self) -> usize {
        self.pick(&[HOLDER, TABLET, CARER, CARER, household::SECOND, DOCTOR])
            .unwrap_or(HOLDER)
    }
}

/// A history under way.
struct History {
    home: Household,
    dice: Dice,
    story: Vec<String>,
    server: Option<Vec<u8>>,
    stores: BTreeMap<usize, (ReplicaHead, Memory)>,
}

impl History {
    fn of(home: Household, seed: u64) -> Self {
        History {
            home,
            dice: Dice(seed),
            story: Vec::new(),
            server: None,
            stores: BTreeMap::new(),
        }
    }

    async fn act(&mut self) -> Result<(), String> {
        let by = self.dice.phone();
        let said = match self.dice.below(100) {
            0..28 => self.remark(by),
            28..34 => {
                self.home.create(by);
                format!("{by} adds an entry")
            }
            34..60 => {
                let small = self.dice.below(100) < 30;
                self.home.sync_by(by, small.then_some(1)).await?;
                format!("{by} syncs{}", if small { " bit by bit" } else { "" })
            }
            60..66 => {
                self.home.lose_answer(by).await;
                format!("{by} does not get its answer")
            }
            66..76 => {
                let right = self.dice.pick(&self.home.rights).expect("there are two");
                let given = self.dice.below(100) < 45;
                let on = self.dice.pick(&[HOLDER, TABLET]).expect("there are two");
                self.home.set_right(on, right, given);
                format!("{on} gives {given} for {right}")
            }
            76..84 => self.decide()?,
            84..87 => self.hide(),
            87..90 => {
                let Household { world, phones, .. } = &mut self.home;
                world.another_key(&mut phones[by]).await;
                format!("{by} is revoked, and signs in again")
            }
            90..92 => {
                let Phone { head, kept, .. } = &self.home.phones[by];
                self.stores.insert(by, (head.clone(), kept.clone()));
                format!("{by} is copied")
            }
            92..95 => match self.stores.get(&by) {
                Some(store) => {
                    self.home.put_phone_back(by, store);
                    format!("{by} is put back")
                }
                None => return Ok(()),
            },
            95 => {
                self.server = Some(self.home.world.copy());
                "the server is copied".to_owned()
            }
            96 => match &self.server {
                Some(copy) => {
                    self.home.put_back(copy);
                    "the server is put back".to_owned()
                }
                None => return Ok(()),
            },
            97 => {
                let person = self.home.person(by);
                let right =
                    self.home.phones[CARER].right(sync_core::policy::RightKind::Grant, person);
                format!("{CARER} gives a right: {right}")
            }
            98 => {
                let held = self.home.held().await;
                let Some(change) = held.keys().next().copied() else {
                    return Ok(());
                };
                self.home.leave_out(CARER, change);
                format!("{CARER} decides on {change}")
            }
            _ => self.mark(by),
        };
        self.story.push(said);
        Ok(())
    }

    fn remark(&mut self, by: usize) -> String {
        match self.dice.pick(&self.home.shown(by)) {
            Some(entry) => {
                let change = self.home.remark(by, entry);
                format!("{by} writes {change} in {entry}")
            }
            None => format!("{by} has nothing to write in"),
        }
    }

    fn hide(&mut self) -> String {
        let Some(entry) = self.dice.pick(&self.home.shown(HOLDER)) else {
            return "nothing to hide".to_owned();
        };
        let key = ["hidden-from-professionals", "hidden-from-representatives"];
        let key = self.dice.pick(&key).expect("there are two");
        let hidden = self.dice.below(2) == 0;
        self.home
            .write(HOLDER, entry, &[Write::set(key, hidden)], Vec::new());
        format!("{HOLDER} sets {key} of {entry} to {hidden}")
    }

    fn mark(&mut self, by: usize) -> String {
        let Some(entry) = self.dice.pick(&self.home.shown(by)) else {
            return "nothing to mark".to_owned();
        };
        let status = r#"{"status":"wrong-patient","reason":"of her sister"}"#;
        self.home
            .write(by, entry, &[Write::set(STATUS, status)], Vec::new());
        format!("{by} says that {entry} is another patient's")
    }

    fn decide(&mut self) -> Result<String, String> {
        let on = self.dice.pick(&[HOLDER, TABLET]).expect("there are two");
        let asked = self.home.asked(on);
        let Some(item) =
            asked.get(usize::try_from(self.dice.below(asked.len() as u64)).unwrap_or(0))
        else {
            return Ok(format!("{on} has nothing to decide"));
        };
        let verdict = match self.dice.below(2) {
            0 if item.verdicts.contains(&Verdict::Accept) => Verdict::Accept,
            _ => Verdict::Discard,
        };
        self.home.decide(on, item, verdict.clone())?;
        Ok(format!("{on} decides: {verdict} {}", item.key))
    }

    /// Everybody syncs, until nobody has anything to send.
    async fn settle(&mut self) -> Result<(), String> {
        for _ in 0..3 {
            for on in 0..PHONES {
                self.home.sync_by(on, None).await?;
            }
        }
        for (on, phone) in self.home.phones.iter().enumerate() {
            if let Some(waits) = phone.kept.unsent.first() {
                return Err(format!("{on} never hears of {}", waits.change));
            }
        }
        Ok(())
    }

    fn same(&self) -> Result<(), String> {
        let holder = &self.home.phones[HOLDER].kept.entries;
        for (on, phone) in self.home.phones.iter().enumerate() {
            for (entry, local) in &phone.kept.entries {
                let same = holder.get(entry).is_some_and(|mine| {
                    (mine.state(), mine.provenance()) == (local.state(), local.provenance())
                });
                if !same {
                    return Err(format!("{on} has {entry} otherwise than the holder"));
                }
            }
        }
        let tablet = self.home.phones[TABLET].kept.entries.len();
        match tablet == holder.len() {
            true => Ok(()),
            false => Err("the holder's phones show not the same entries".to_owned()),
        }
    }

    /// Whatever a phone says to be held is, and what is held because it follows what is held does.
    async fn honest(&self) -> Result<(), String> {
        let held = self.home.held().await;
        let stuck = held.iter().find(|(_, kept)| {
            let waits = kept.settlement.is_none() && kept.reason == HoldReason::FollowsHeld;
            waits && kept.follows_nothing_held
        });
        if let Some((change, _)) = stuck {
            return Err(format!("{change} follows nothing that is held any more"));
        }
        for (on, phone) in self.home.phones.iter().enumerate() {
            for aside in &phone.kept.aside {
                let is_held = held.contains_key(&aside.change);
                if matches!(aside.why, AsideReason::Held(_)) && !is_held {
                    return Err(format!(
                        "{on} says that {} is held: {:?}",
                        aside.change, aside.why
                    ));
                }
            }
        }
        Ok(())
    }

    /// Everybody writes in all that their phone shows, and hears of it.
    async fn all_write(&mut self) -> Result<(), String> {
        for by in 0..PHONES {
            let entitled = self.home.has_right(by);
            for entry in self.home.shown(by) {
                let change = self.home.remark(by, entry);
                let heard = self.home.sync_by(by, None).await?;
                let held = matches!(heard.aside.get(&change), Some(AsideReason::Held(_)));
                let answered = heard.accepted.contains(&change) || held && !entitled;
                if !answered {
                    let aside = heard.aside.get(&change);
                    return Err(format!("{by} cannot write in {entry}: {aside:?}"));
                }
            }
        }
        Ok(())
    }

    /// The holder decides on all that they are asked of, and leaves out the rest.
    async fn all_decided(&mut self) -> Result<(), String> {
        let mut turn = 0;
        loop {
            self.home.sync_by(HOLDER, None).await?;
            let asked = self.home.asked(HOLDER);
            let Some(item) = asked.first() else {
                break;
            };
            turn += 1;
            if turn > 400 {
                return Err(format!("{} is asked again and again", item.key));
            }
            let verdict = match turn % 3 {
                0 => Verdict::Discard,
                _ if !item.verdicts.contains(&Verdict::Accept) => Verdict::Discard,
                _ => Verdict::Accept,
            };
            let made = self.home.decide(HOLDER, item, verdict)?;
            let heard = self.home.sync_by(HOLDER, None).await?;
            if let Some(refused) = made.iter().find(|change| !heard.accepted.contains(*change)) {
                let why = heard.aside.get(refused);
                return Err(format!("a decision on {} is not taken: {why:?}", item.key));
            }
        }
        let held = self.home.held().await;
        let open = held.iter().filter(|(_, kept)| kept.settlement.is_none());
        let open: BTreeMap<ChangeHash, bool> = open
            .map(|(change, kept)| (*change, kept.for_holder))
            .collect();
        if let Some((change, _)) = open.iter().find(|(_, for_holder)| **for_holder) {
            return Err(format!(
                "the holder is never asked of {change}: {:?}",
                held[change].reason
            ));
        }
        for change in open.keys() {
            self.home.leave_out(HOLDER, *change);
        }
        self.home.sync_by(HOLDER, None).await?;
        let held = self.home.held().await;
        match held.iter().find(|(_, kept)| kept.settlement.is_none()) {
            Some((change, _)) => Err(format!("{change} cannot be left out")),
            None => Ok(()),
        }
    }

    /// Every author hears what was decided.
    async fn all_told(&mut self) -> Result<(), String> {
        let held = self.home.held().await;
        for on in 0..PHONES {
            self.home.sync_by(on, None).await?;
            let Phone { kept, author, .. } = &self.home.phones[on];
            let settled = kept.held.iter().filter(|held| held.settled.is_some());
            let told: Vec<ChangeHash> = settled.filter_map(|held| held.change().ok()).collect();
            for aside in &kept.aside {
                let own = aside
                    .edit
                    .origin
                    .read()
                    .is_ok_and(|o| o.author == author.person);
                // That its entry was destroyed is what became of it.
                let destroyed = aside.why == AsideReason::Refused(Refusal::Destroyed);
                let told = destroyed || told.contains(&aside.change);
                if own && held.contains_key(&aside.change) && !told {
                    return Err(format!("{on} is not told what became of {}", aside.change));
                }
            }
        }
        Ok(())
    }

    async fn play(&mut self) -> Result<(), String> {
        for _ in 0..ACTS {
            self.act().await?;
        }
        self.end().await
    }

    /// From here on nothing is stuck.
    async fn end(&mut self) -> Result<(), String> {
        self.settle().await?;
        self.same()?;
        self.honest().await?;
        self.all_write().await?;
        self.settle().await?;
        self.all_decided().await?;
        self.all_told().await?;
        self.same()?;
        self.all_write().await
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    let said = std::env::var(name).ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test]
async fn no_history_leaves_an_entry_stuck() {
    let first = number("CARNET_HELD_SEED", 1);
    let (mut held, mut settled) = (0, 0);
    for seed in first..first + number("CARNET_HELD", HISTORIES) {
        let mut history = History::of(Household::new().await, seed);
        if let Err(stuck) = history.play().await {
            panic!(
                "{}\nCARNET_HELD=1 CARNET_HELD_SEED={seed}: {stuck}",
                history.story.join("\n")
            );
        }
        let all = history.home.held().await;
        held += all.len();
        settled += all
            .values()
            .filter(|kept| kept.settlement.is_some())
            .count();
    }
    println!("{held} edits were held, {settled} of them decided on");
    assert!(held > 0, "nothing was held, and nothing shown");
}

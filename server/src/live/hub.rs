//! Who listens to which record, in this process. What is passed on is only *that* something
//! changed: each listener asks for what it may see, so nothing piles up for a slow one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_core::RecordId;
use tokio::sync::watch;

type Senders = HashMap<RecordId, watch::Sender<()>>;

/// Who listens to which record.
#[derive(Clone, Default)]
pub struct Hub(Arc<Mutex<Senders>>);

/// One who listens to a record until dropped.
pub struct Listener {
    hub: Hub,
    record: RecordId,
    changes: watch::Receiver<()>,
}

impl Hub {
    /// Says that something durable changed in a record.
    pub fn changed(&self, record: RecordId) {
        if let Some(sender) = self.senders().get(&record) {
            sender.send_replace(());
        }
    }

    /// Listens to a record from now on.
    pub fn listen(&self, record: RecordId) -> Listener {
        let mut senders = self.senders();
        let sender = senders
            .entry(record)
            .or_insert_with(|| watch::Sender::new(()));
        Listener {
            hub: self.clone(),
            record,
            changes: sender.subscribe(),
        }
    }

    /// How many records somebody listens to.
    pub fn records(&self) -> usize {
        self.senders().len()
    }

    fn senders(&self) -> MutexGuard<'_, Senders> {
        // Nothing panics while it holds this.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Waits until something changed since the last time this was answered.
    pub async fn changed(&mut self) {
        // The sender lives as long as somebody listens.
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut senders = self.hub.senders();
        // This listener still counts.
        if senders
            .get(&self.record)
            .is_some_and(|sender| sender.receiver_count() <= 1)
        {
            senders.remove(&self.record);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn listeners_hear_of_their_record_only_and_leave_nothing_behind() {
        let hub = Hub::default();
        let (one, other) = (RecordId(Uuid::from_u128(1)), RecordId(Uuid::from_u128(2)));
        let mut first = hub.listen(one);
        let mut second = hub.listen(one);
        let third = hub.listen(other);
        hub.changed(one);
        hub.changed(one);
        first.changed().await;
        second.changed().await;
        assert!(!first.changes.has_changed().expect("open"));
        assert!(!third.changes.has_changed().expect("open"));
        assert_eq!(hub.records(), 2);
        drop(first);
        assert_eq!(hub.records(), 2);
        drop((second, third));
        assert_eq!(hub.records(), 0);
        hub.changed(one);
    }
}

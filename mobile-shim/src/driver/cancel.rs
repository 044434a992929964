//! Stopping what runs.

use std::sync::Arc;

use tokio::sync::watch;

/// Stops whatever was given a clone of it, between two steps of a sync: nothing is half done.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Default for Cancel {
    fn default() -> Self {
        Cancel(Arc::new(watch::Sender::new(false)))
    }
}

impl Cancel {
    /// Stops it.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was stopped.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Comes back when it is stopped.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives in self, so this ends only when the value is true.
        let _ = receiver.wait_for(|stopped| *stopped).await;
    }
}

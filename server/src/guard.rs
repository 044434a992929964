//! Where changes that come from outside meet Automerge.
//!
//! The guard of [`sync_core::guard`] lets little through, and takes a panic for an answer. What it
//! cannot contain by itself, an abort, a hang or a claim of more memory than there is, is contained
//! here, where it is asked for ([`Place::Process`]): a change is tried in a process of its own, this
//! very program in another role, with limits on processor time and memory. What it says is taken over by the writer
//! ([`sync_core::guard::adopt`]); what ends it is refused, and another process begins.

mod keeper;
mod pool;
mod progress;
mod talk;
#[cfg(test)]
pub(crate) mod tests;
mod worker;

use std::sync::Arc;

use clap::ValueEnum;
use serde::Deserialize;

pub use pool::{Pool, Program};
pub use talk::{Ask, Limits, MOST_BYTES, Tries, Unanswered, Verdicts};
pub use worker::{ROLE, Steps, is_worker, work, work_with};

/// Where changes are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the server's own process.
    #[default]
    Thread,
    /// In processes of their own.
    Process,
}

/// The guard of a running server: nothing, if changes are tried in its own process.
pub type Guard = Option<Arc<Pool>>;

//! The sync driver: the network behind a trait, one request at a time per record, retries that
//! spread out, live updates, and the counting of what it all costs.

mod backoff;
mod cancel;
mod clock;
mod http;
mod live;
mod portion;
mod sync;
#[cfg(test)]
mod tests;
mod transport;

pub use backoff::Backoff;
pub use cancel::Cancel;
pub use clock::{Clock, SystemClock};
pub use http::HttpTransport;
pub use live::{LiveState, follow};
pub use portion::Portion;
pub use sync::{Patience, Progress, SyncResult, synchronise};
pub(crate) use sync::{end_session, signed_call, token};
pub use transport::{
    Body, Call, Heard, Line, LineOrReply, Method, NetError, Pending, Reply, Transport, json_call,
};

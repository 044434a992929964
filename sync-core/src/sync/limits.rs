//! The bounds of the protocol, in one place.

/// The most edits in one request.
pub const MAX_EDITS: usize = 1_000;
/// The most changes in one frame.
pub const MAX_ITEMS: usize = 50_000;
/// The largest frame once decompressed, in bytes.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;
/// How many bytes of edits an answer carries at most, unless one entry has more: so a frame holds it.
pub const MAX_PAGE: usize = MAX_FRAME / 4 * 3;
/// The largest request body once decompressed, in bytes.
pub const MAX_REQUEST: usize = 4 * 1024 * 1024;
/// The largest frame of a WebSocket that goes to the server, in bytes: it is in memory before anything
/// is known of it. A larger message goes in several.
pub const MAX_LIVE_FRAME: usize = 256 * 1024;
/// How many bytes an origin's statement may take: all readers of its entry are sent it.
pub const MAX_ORIGIN: usize = 2 * 1024;
/// How many bytes the changes of one entry may take in all, so that it fits a frame.
pub const MAX_ENTRY: usize = 8 * 1024 * 1024;
/// How many bytes the changes of one entry may take that is a right: all rights of a record are kept
/// at hand.
pub const MAX_RIGHT: usize = 128 * 1024;
/// How many bytes more they may take with edits after which the right is over: what gives somebody a
/// right can always be taken back.
pub const MAX_RIGHT_ENDING: usize = 32 * 1024;
/// The longest message of a reconciliation, in bytes.
pub const MAX_RECONCILE: usize = 64 * 1024;
/// How many entries a device may want of what a reconciliation found.
pub const MAX_WANTED: usize = 8_192;
/// How much a device is given at once that could compare its copy instead, in bytes before
/// compression: to compare it would not cost less.
pub const AT_ONCE: usize = 8 * 1024;
/// How much of its edits a device puts into one request, in bytes before compression; a longer queue
/// takes several.
pub const REQUEST: usize = 1024 * 1024;
/// How much an answer carries at most when the device does not say, in bytes before compression.
pub const ANSWER: usize = 4 * 1024 * 1024;
/// The least an answer carries if there is so much, in bytes before compression.
pub const LEAST_ANSWER: usize = 16 * 1024;

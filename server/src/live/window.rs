//! How much is on its way to the other side: what was sent and not read yet stays in memory, so
//! no more is sent than this.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Bytes on their way, after which nothing more is sent until some are read.
const BYTES: usize = 1024 * 1024;

/// Messages on their way, likewise.
const MESSAGES: usize = 8;

/// How long the other side may read nothing of what is on its way, though it answers otherwise.
const READ_WITHIN: Duration = Duration::from_secs(120);

/// What was sent and, as far as is known, not read. Every message is followed by a ping that names
/// it; its pong says that all before it was read.
#[derive(Default)]
pub struct Window {
    sent: u64,
    unread: VecDeque<(u64, usize)>,
    /// When something was read last while there was something to read; or since when there is.
    since: Option<Instant>,
}

impl Window {
    /// Whether there is room for another message.
    pub fn is_open(&self) -> bool {
        self.bytes() < BYTES && self.unread.len() < MESSAGES
    }

    /// How many bytes are on their way.
    pub fn bytes(&self) -> usize {
        self.unread.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Whether nothing of what is on its way was read for too long: whoever reads nothing pins it,
    /// and what waits for room.
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now >= since + READ_WITHIN)
    }

    /// Notes a message that is sent, and answers what its ping carries.
    pub fn send(&mut self, bytes: usize, now: Instant) -> [u8; 8] {
        self.sent += 1;
        self.unread.push_back((self.sent, bytes));
        self.since.get_or_insert(now);
        self.sent.to_be_bytes()
    }

    /// Takes a pong; one that answers no ping of a message says nothing.
    pub fn read(&mut self, pong: &[u8], now: Instant) {
        let Ok(number) = pong.try_into() else { return };
        let number = u64::from_be_bytes(number);
        let before = self.unread.len();
        if number <= self.sent {
            self.unread.retain(|(message, _)| *message > number);
        }
        if self.unread.len() < before {
            self.since = (!self.unread.is_empty()).then_some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_closes_by_bytes_and_by_messages_and_opens_as_they_are_read() {
        let (mut window, now) = (Window::default(), Instant::now());
        let first = window.send(BYTES / 2, now);
        assert!(window.is_open());
        let second = window.send(BYTES, now);
        assert!(!window.is_open());
        window.read(&first, now);
        assert!(!window.is_open());
        window.read(&second, now);
        assert!(window.is_open());
        let pings: Vec<_> = (0..MESSAGES).map(|_| window.send(1, now)).collect();
        assert!(!window.is_open());
        window.read(&pings[MESSAGES - 1], now);
        assert!(window.is_open());
    }

    #[test]
    fn pongs_of_what_was_not_sent_open_nothing() {
        let (mut window, now) = (Window::default(), Instant::now());
        window.send(BYTES, now);
        for pong in [&[][..], &[0xff; 8], &[0; 8], &[1; 9]] {
            window.read(pong, now);
            assert!(!window.is_open(), "{pong:?}");
        }
    }

    #[test]
    fn whoever_answers_and_reads_nothing_is_overdue_and_whoever_reads_is_not() {
        let (mut window, begun) = (Window::default(), Instant::now());
        assert!(!window.is_overdue(begun + READ_WITHIN));
        let first = window.send(1, begun);
        let half = begun + READ_WITHIN / 2;
        window.send(1, half);
        for pong in [&[][..], &[0; 8], &[0xff; 8]] {
            window.read(pong, half);
        }
        assert!(!window.is_overdue(half));
        assert!(window.is_overdue(begun + READ_WITHIN));
        // Something was read: it has as long again for the rest.
        window.read(&first, half);
        window.read(&first, begun + READ_WITHIN);
        assert!(!window.is_overdue(begun + READ_WITHIN));
        assert!(window.is_overdue(half + READ_WITHIN));
        window.read(&2_u64.to_be_bytes(), half);
        assert!(!window.is_overdue(half + READ_WITHIN));
    }
}

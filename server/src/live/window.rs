//! How much is on its way to the other side: what was sent and not read yet stays in memory, so
//! no more is sent than this.

use std::collections::VecDeque;

/// Bytes on their way, after which nothing more is sent until some are read.
const BYTES: usize = 1024 * 1024;

/// Messages on their way, likewise.
const MESSAGES: usize = 8;

/// What was sent and, as far as is known, not read. Every message is followed by a ping that names
/// it; its pong says that all before it was read.
#[derive(Default)]
pub struct Window {
    sent: u64,
    unread: VecDeque<(u64, usize)>,
}

impl Window {
    /// Whether there is room for another message.
    pub fn is_open(&self) -> bool {
        let bytes: usize = self.unread.iter().map(|(_, bytes)| bytes).sum();
        bytes < BYTES && self.unread.len() < MESSAGES
    }

    /// Notes a message that is sent, and answers what its ping carries.
    pub fn send(&mut self, bytes: usize) -> [u8; 8] {
        self.sent += 1;
        self.unread.push_back((self.sent, bytes));
        self.sent.to_be_bytes()
    }

    /// Takes a pong; one that answers no ping of a message says nothing.
    pub fn read(&mut self, pong: &[u8]) {
        let Ok(number) = pong.try_into() else { return };
        let number = u64::from_be_bytes(number);
        if number <= self.sent {
            self.unread.retain(|(message, _)| *message > number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_closes_by_bytes_and_by_messages_and_opens_as_they_are_read() {
        let mut window = Window::default();
        let first = window.send(BYTES / 2);
        assert!(window.is_open());
        let second = window.send(BYTES);
        assert!(!window.is_open());
        window.read(&first);
        assert!(!window.is_open());
        window.read(&second);
        assert!(window.is_open());
        let pings: Vec<_> = (0..MESSAGES).map(|_| window.send(1)).collect();
        assert!(!window.is_open());
        window.read(&pings[MESSAGES - 1]);
        assert!(window.is_open());
    }

    #[test]
    fn pongs_of_what_was_not_sent_open_nothing() {
        let mut window = Window::default();
        window.send(BYTES);
        for pong in [&[][..], &[0xff; 8], &[0; 8], &[1; 9]] {
            window.read(pong);
            assert!(!window.is_open(), "{pong:?}");
        }
    }
}

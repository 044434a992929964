//! Messages that come in several frames. What is not whole yet stays in memory, so it is bounded: in
//! bytes, in frames, and in time.

use std::time::Duration;

use actix_web::web::{Bytes, BytesMut};
use actix_ws::{Item, Message};
use sync_core::codec::Encoding;
use sync_core::sync::limits::MAX_REQUEST;
use tokio::time::Instant;

/// The most frames of one message: those of the largest are 1 KiB each then.
const MOST_FRAMES: u32 = 4_096;

/// How long a message may take from its first frame to its last.
const WHOLE_WITHIN: Duration = Duration::from_secs(60);

/// What a frame amounts to.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A whole message.
    Message(Encoding, Bytes),
    /// A part of one: there is more to come.
    Part,
    /// The other side asks whether this one is there.
    Ping(Bytes),
    /// It answers that it is.
    Pong(Bytes),
    /// It ends the connection.
    Close,
}

/// A message that is too large, in too many frames, or no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit;

/// What came of a message so far.
#[derive(Default)]
pub struct Parts(Option<Open>);

struct Open {
    encoding: Encoding,
    bytes: BytesMut,
    frames: u32,
    until: Instant,
}

impl Parts {
    /// Takes a frame that came at `now`.
    ///
    /// # Errors
    /// When the message cannot be taken; the connection is to be ended.
    pub fn take(&mut self, frame: Message, now: Instant) -> Result<Heard, Unfit> {
        Ok(match frame {
            Message::Binary(_) | Message::Text(_) if self.0.is_some() => return Err(Unfit),
            Message::Binary(bytes) => Heard::Message(Encoding::Cbor, bytes),
            Message::Text(text) => Heard::Message(Encoding::Json, text.into_bytes()),
            Message::Continuation(Item::FirstBinary(bytes)) => {
                self.begin(Encoding::Cbor, &bytes, now)?
            }
            Message::Continuation(Item::FirstText(bytes)) => {
                self.begin(Encoding::Json, &bytes, now)?
            }
            Message::Continuation(Item::Continue(bytes)) => {
                self.go_on(&bytes)?;
                Heard::Part
            }
            Message::Continuation(Item::Last(bytes)) => {
                self.go_on(&bytes)?;
                let Open {
                    encoding, bytes, ..
                } = self.0.take().ok_or(Unfit)?;
                Heard::Message(encoding, bytes.freeze())
            }
            Message::Ping(payload) => Heard::Ping(payload),
            Message::Pong(payload) => Heard::Pong(payload),
            Message::Close(_) => Heard::Close,
            Message::Nop => Heard::Part,
        })
    }

    /// By when the message that has begun must be whole; nothing if none has.
    pub fn due(&self) -> Option<Instant> {
        self.0.as_ref().map(|open| open.until)
    }

    /// How many bytes of a message have come that is not whole yet.
    pub fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |open| open.bytes.len())
    }

    fn begin(&mut self, encoding: Encoding, bytes: &[u8], now: Instant) -> Result<Heard, Unfit> {
        if self.0.is_some() {
            return Err(Unfit);
        }
        self.0 = Some(Open {
            encoding,
            bytes: BytesMut::new(),
            frames: 0,
            until: now + WHOLE_WITHIN,
        });
        self.go_on(bytes)?;
        Ok(Heard::Part)
    }

    fn go_on(&mut self, bytes: &[u8]) -> Result<(), Unfit> {
        let open = self.0.as_mut().ok_or(Unfit)?;
        open.frames += 1;
        if open.frames > MOST_FRAMES || open.bytes.len() + bytes.len() > MAX_REQUEST {
            return Err(Unfit);
        }
        open.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(bytes: &[u8]) -> Message {
        Message::Continuation(Item::FirstBinary(Bytes::copy_from_slice(bytes)))
    }

    fn more(bytes: &[u8]) -> Message {
        Message::Continuation(Item::Continue(Bytes::copy_from_slice(bytes)))
    }

    fn last(bytes: &[u8]) -> Message {
        Message::Continuation(Item::Last(Bytes::copy_from_slice(bytes)))
    }

    #[test]
    fn what_comes_in_parts_is_one_message_and_pings_may_come_between() {
        let (mut parts, now) = (Parts::default(), Instant::now());
        assert_eq!(parts.take(first(b"ab"), now), Ok(Heard::Part));
        let ping = Message::Ping(Bytes::from_static(b"?"));
        let pinged = Heard::Ping(Bytes::from_static(b"?"));
        assert_eq!(parts.take(ping, now), Ok(pinged));
        assert_eq!(parts.take(more(b""), now), Ok(Heard::Part));
        let whole = Heard::Message(Encoding::Cbor, Bytes::from_static(b"abc"));
        assert_eq!(parts.take(last(b"c"), now), Ok(whole));
        assert_eq!(parts.due(), None);
        assert_eq!(parts.take(last(b"c"), now), Err(Unfit));
    }

    #[test]
    fn no_message_begins_within_another() {
        let now = Instant::now();
        let whole = Message::Binary(Bytes::from_static(b"c"));
        for second in [first(b"c"), whole] {
            let mut parts = Parts::default();
            parts.take(first(b"ab"), now).expect("begins");
            assert_eq!(parts.take(second, now), Err(Unfit));
        }
    }

    #[test]
    fn a_message_has_so_many_frames_whatever_is_in_them() {
        let now = Instant::now();
        for bytes in [&b""[..], b"1"] {
            let mut parts = Parts::default();
            parts.take(first(bytes), now).expect("begins");
            for _ in 1..MOST_FRAMES {
                parts.take(more(bytes), now).expect("goes on");
            }
            assert_eq!(parts.take(more(bytes), now), Err(Unfit));
        }
    }

    #[test]
    fn a_message_has_so_many_bytes() {
        let (mut parts, now) = (Parts::default(), Instant::now());
        parts.take(first(&vec![0; MAX_REQUEST]), now).expect("fits");
        assert_eq!(parts.take(last(b"1"), now), Err(Unfit));
    }

    /// Frames that come one by one do not put off the end of it.
    #[test]
    fn a_message_has_so_long() {
        let (mut parts, now) = (Parts::default(), Instant::now());
        assert_eq!(parts.due(), None);
        parts.take(first(b"1"), now).expect("begins");
        let later = now + WHOLE_WITHIN / 2;
        parts.take(more(b"2"), later).expect("goes on");
        assert_eq!(parts.due(), Some(now + WHOLE_WITHIN));
    }
}

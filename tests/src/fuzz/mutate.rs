//! What is done to valid input to make it hostile.

use ciborium::Value;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

use super::chunk::{self, Chunk};

/// Numbers at which code goes wrong.
const NUMBERS: [u64; 18] = [
    0,
    1,
    2,
    3,
    0x3f,
    0x40,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x1fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    i64::MAX as u64,
    u64::MAX,
];

/// Words at which code goes wrong: empty, of many bytes, of another script, of both directions, of
/// formats that are nearly right.
const WORDS: [&str; 30] = [
    "",
    " ",
    "0",
    "-1",
    "9223372036854775807",
    "1e309",
    "NaN",
    "null",
    "{}",
    "[]",
    "\"\"",
    "{\"label\":\"\"}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "2024-02-30",
    "0000-01-01",
    "9999-12-31",
    "-9999-01-01",
    "2026-11",
    "2026",
    "2026-11-25T25:61:61Z",
    "9999-12-31T23:59:59.999999999Z",
    "entered-in-error",
    "refuted",
    "ended",
    "ma\u{308}che",
    "\u{202e}abc",
    "\u{1F469}\u{200d}\u{1F469}\u{200d}\u{1F467}",
    "ﬁ",
    "\u{0}",
    "İ",
];

/// The most that a value is repeated to, in bytes.
const WEIGHT: usize = 256 * 1024;

/// One of the numbers, or any.
pub(super) fn some_number(dice: &mut ChaCha8Rng, was: u64) -> u64 {
    match dice.random_range(0..6) {
        0 => was.wrapping_add(1),
        1 => was.wrapping_sub(1),
        2 => was ^ (1 << dice.random_range(0..64)),
        3 => dice.random(),
        _ => *NUMBERS.choose(dice).unwrap_or(&0),
    }
}

/// One of the words, a piece of what was there, or that with something put in.
pub(super) fn some_text(dice: &mut ChaCha8Rng, was: &str) -> String {
    let at = |dice: &mut ChaCha8Rng| {
        let places: Vec<usize> = was.char_indices().map(|(at, _)| at).collect();
        places.choose(dice).copied().unwrap_or(0)
    };
    let word = *WORDS.choose(dice).unwrap_or(&"");
    match dice.random_range(0..6) {
        0 => was[..at(dice)].to_owned(),
        1 => was[at(dice)..].to_owned(),
        2 => {
            let at = at(dice);
            format!("{}{word}{}", &was[..at], &was[at..])
        }
        3 => was.repeat(dice.random_range(2..60)),
        4 => {
            let at = at(dice);
            let byte = dice.random_range(0x20..0x7f_u8) as char;
            let after = was[at..].chars().next().map_or(at, |c| at + c.len_utf8());
            format!("{}{byte}{}", &was[..at], &was[after..])
        }
        _ => word.to_owned(),
    }
}

/// Flips, cuts, doubles, moves and overwrites bytes.
pub(super) fn bytes(dice: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    for _ in 0..dice.random_range(1..5) {
        let length = bytes.len();
        if length == 0 {
            bytes.push(dice.random());
            continue;
        }
        let at = dice.random_range(0..length);
        let piece = at..(at + dice.random_range(1..16)).min(length);
        match dice.random_range(0..8) {
            0 => bytes[at] ^= 1 << dice.random_range(0..8),
            1 => bytes[at] = dice.random(),
            2 => bytes[at] = *[0, 1, 0x7f, 0x80, 0xff].choose(dice).unwrap_or(&0),
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(piece)),
            5 => {
                let copy = bytes[piece].to_vec();
                let to = dice.random_range(0..=length);
                drop(bytes.splice(to..to, copy));
            }
            6 => {
                let mut written = Vec::new();
                let value = some_number(dice, u64::from(bytes[at]));
                chunk::number(&mut written, value);
                drop(bytes.splice(piece, written));
            }
            _ => bytes.insert(at, dice.random()),
        }
    }
}

/// A change chunk with some of its parts changed, lengths and checksum repaired; sometimes only
/// its checksum.
pub(super) fn change(dice: &mut ChaCha8Rng, valid: &[u8]) -> Vec<u8> {
    let parts = Chunk::parse(valid).filter(|_| dice.random_bool(0.8));
    let Some(mut parts) = parts else {
        let mut out = valid.to_vec();
        bytes(dice, &mut out);
        return chunk::with_checksum(out);
    };
    for _ in 0..dice.random_range(1..4) {
        part(dice, &mut parts);
    }
    parts.write()
}

fn part(dice: &mut ChaCha8Rng, parts: &mut Chunk) {
    match dice.random_range(0..14) {
        0 => {
            let hash = parts.dependencies.first().cloned();
            match dice.random_bool(0.5) {
                true => drop(parts.dependencies.pop()),
                false => parts.dependencies.push(hash.unwrap_or(vec![7; 32])),
            }
        }
        1 => bytes(dice, &mut parts.actor),
        2 | 3 => {
            let at = dice.random_range(0..3);
            parts.numbers[at] = some_number(dice, parts.numbers[at]);
        }
        4 => match dice.random_bool(0.5) {
            true => bytes(dice, &mut parts.message),
            false => bytes(dice, &mut parts.rest),
        },
        5 => match dice.random_bool(0.5) {
            true => parts.others.push(vec![dice.random(); 16]),
            false => drop(parts.others.pop()),
        },
        6 if !parts.columns.is_empty() => {
            let at = dice.random_range(0..parts.columns.len());
            match dice.random_range(0..4) {
                0 => drop(parts.columns.remove(at)),
                1 => {
                    let copy = parts.columns[at].clone();
                    parts.columns.insert(at, copy);
                }
                2 => {
                    let other = dice.random_range(0..parts.columns.len());
                    parts.columns.swap(at, other);
                }
                _ => parts.columns[at].0 = some_number(dice, parts.columns[at].0),
            }
        }
        _ => {
            let Some(at) = (0..parts.columns.len())
                .collect::<Vec<_>>()
                .choose(dice)
                .copied()
            else {
                return;
            };
            let data = &mut parts.columns[at].1;
            if dice.random_bool(0.5) {
                return bytes(dice, data);
            }
            // A run of its own: how long, of which value.
            let place = dice.random_range(0..=data.len());
            let mut run = Vec::new();
            let length = some_number(dice, 3) as i64;
            chunk::signed(
                &mut run,
                if dice.random_bool(0.5) {
                    length
                } else {
                    length % 64
                },
            );
            chunk::number(&mut run, some_number(dice, 1));
            drop(data.splice(place..place, run));
        }
    }
}

/// CBOR with some of its values changed; sometimes bytes only.
pub(super) fn cbor(dice: &mut ChaCha8Rng, valid: &[u8]) -> Vec<u8> {
    let read: Option<Value> = ciborium::from_reader(valid).ok();
    let Some(mut value) = read.filter(|_| dice.random_bool(0.7)) else {
        let mut out = valid.to_vec();
        bytes(dice, &mut out);
        return out;
    };
    for _ in 0..dice.random_range(1..4) {
        let depth = dice.random_range(0..8);
        node(dice, &mut value, depth);
    }
    let mut out = Vec::new();
    ciborium::into_writer(&value, &mut out).expect("a value in memory can be written to memory");
    out
}

fn node(dice: &mut ChaCha8Rng, value: &mut Value, depth: u32) {
    let inner = depth > 0;
    match value {
        Value::Array(all) if inner && !all.is_empty() => {
            let at = dice.random_range(0..all.len());
            match dice.random_range(0..8) {
                0 => drop(all.remove(at)),
                1 => {
                    let copy = all[at].clone();
                    let times = *[1, 2, 100, 2_000].choose(dice).unwrap_or(&1);
                    // What is larger than a request is not read at all.
                    let times = times.min(WEIGHT / weight(&copy).max(1));
                    all.extend(std::iter::repeat_n(copy, times));
                }
                _ => node(dice, &mut all[at], depth - 1),
            }
        }
        Value::Map(all) if inner && !all.is_empty() => {
            let at = dice.random_range(0..all.len());
            match dice.random_range(0..8) {
                0 => drop(all.remove(at)),
                1 => all.push(all[at].clone()),
                2 => node(dice, &mut all[at].0, depth - 1),
                _ => node(dice, &mut all[at].1, depth - 1),
            }
        }
        Value::Bytes(all) if dice.random_bool(0.9) => bytes(dice, all),
        Value::Text(text) if dice.random_bool(0.9) => *text = some_text(dice, text),
        Value::Integer(number) if dice.random_bool(0.9) => {
            let was = u64::try_from(*number).unwrap_or(0);
            *number = some_number(dice, was).into();
        }
        other => *other = some_value(dice),
    }
}

/// About how many bytes a value takes.
fn weight(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Text(text) => text.len(),
        Value::Array(all) => all.iter().map(weight).sum::<usize>() + 1,
        Value::Map(all) => {
            all.iter()
                .map(|(k, v)| weight(k) + weight(v))
                .sum::<usize>()
                + 1
        }
        Value::Tag(_, inner) => weight(inner) + 1,
        _ => 1,
    }
}

fn some_value(dice: &mut ChaCha8Rng) -> Value {
    match dice.random_range(0..9) {
        0 => Value::Null,
        1 => Value::Bool(dice.random()),
        2 => Value::Integer((-(dice.random_range(0..i64::MAX))).into()),
        3 => Value::Float(*[f64::NAN, f64::INFINITY, -0.0].choose(dice).unwrap_or(&0.5)),
        4 => Value::Bytes(vec![dice.random(); dice.random_range(0..70)]),
        5 => Value::Text(some_text(dice, "Carnet")),
        6 => Value::Tag(dice.random(), Box::new(Value::Null)),
        7 => {
            let deep = dice.random_range(1..300);
            (0..deep).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
        }
        _ => Value::Map(vec![(Value::Null, Value::Null)]),
    }
}

/// JSON, or any text, with a piece of it changed; sometimes with what is not UTF-8.
pub(super) fn text(dice: &mut ChaCha8Rng, valid: &str) -> Vec<u8> {
    if dice.random_bool(0.2) {
        let mut out = valid.as_bytes().to_vec();
        bytes(dice, &mut out);
        return out;
    }
    let mut out = valid.to_owned();
    for _ in 0..dice.random_range(1..4) {
        let places: Vec<usize> = out.char_indices().map(|(at, _)| at).collect();
        let Some(at) = places.choose(dice).copied() else {
            break;
        };
        let end = places
            .iter()
            .copied()
            .find(|end| *end >= at + dice.random_range(1..20))
            .unwrap_or(out.len());
        let piece = some_text(dice, &out[at..end]);
        out.replace_range(at..end, &piece);
    }
    out.into_bytes()
}

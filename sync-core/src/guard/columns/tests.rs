use super::*;
use crate::Digest32;
use crate::guard::inspect;

type Columns = Vec<(u64, Vec<u8>)>;

fn number(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

fn signed(mut value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

/// So many rows of one value.
fn run(rows: i64, value: &[u8]) -> Vec<u8> {
    let length = if rows == 1 { -1 } else { rows };
    [signed(length).as_slice(), value].concat()
}

fn chunk(columns: &Columns) -> Vec<u8> {
    let mut contents = [number(0), number(16), vec![7; 16]].concat();
    contents.extend([1, 1, 0, 0, 0]);
    contents.extend(number(columns.len() as u64));
    for (specification, data) in columns {
        contents.extend(number(*specification));
        contents.extend(number(data.len() as u64));
    }
    for (_, data) in columns {
        contents.extend(data);
    }
    let body = [vec![1], number(contents.len() as u64), contents].concat();
    let checksum = Digest32::of(&[&body]);
    [&[0x85, 0x6f, 0x4a, 0x83], &checksum.0[..4], &body].concat()
}

/// So many operations that remove a key, each of which overwrites so many values.
fn columns(operations: i64, overwritten: u64) -> Columns {
    let mut columns = vec![
        (column::KEY, run(operations, b"\x04kind")),
        (column::INSERT, number(operations.unsigned_abs())),
        (column::ACTION, run(operations, &[3])),
        (column::VALUE_META, run(operations, &[0])),
        (column::PREDECESSORS, run(operations, &number(overwritten))),
    ];
    if overwritten > 0 {
        let all = overwritten.cast_signed();
        columns.push((column::PREDECESSOR_ACTOR, run(all, &[0])));
        columns.push((column::PREDECESSOR_COUNTER, run(all, &[1])));
    }
    columns
}

const MANY: i64 = 1 << 60;

#[test]
fn what_is_made_here_is_what_automerge_reads() {
    let change = automerge::Change::from_bytes(chunk(&columns(3, 0))).expect("it is well formed");
    assert_eq!(change.len(), 3);
}

#[test]
fn a_run_of_more_operations_than_a_change_may_have_is_counted_and_not_unrolled() {
    assert_eq!(
        inspect(&chunk(&columns(MANY, 0))).err(),
        Some(Unsafe::TooLarge)
    );
    let most = MAX_OPERATIONS as i64;
    let above = inspect(&chunk(&columns(most + 1, 0)));
    assert_eq!(above.err(), Some(Unsafe::TooLarge));
    // One key many times over is not flat, but that is for others to say.
    let within = inspect(&chunk(&columns(most, 0)));
    assert_eq!(within.err(), Some(Unsafe::NotFlat));
}

#[test]
fn every_column_is_counted_for_itself() {
    for at in 0..columns(1, 1).len() {
        let mut one = columns(1, 1);
        let (specification, data) = &mut one[at];
        *data = match *specification {
            column::INSERT => number(1 << 60),
            column::KEY => run(MANY, b"\x04kind"),
            column::PREDECESSORS => run(1, &number(1 << 60)),
            _ => run(MANY, &[1]),
        };
        assert_eq!(inspect(&chunk(&one)).err(), Some(Unsafe::TooLarge), "{at}");
        // Rows without a value are rows too.
        let mut empty = columns(1, 1);
        let (specification, data) = &mut empty[at];
        if *specification != column::INSERT {
            *data = [number(0), number(1 << 60)].concat();
            assert_eq!(
                inspect(&chunk(&empty)).err(),
                Some(Unsafe::TooLarge),
                "{at}"
            );
        }
    }
}

#[test]
fn sums_do_not_wrap() {
    let mut one = columns(2, 0);
    one[4].1 = run(4, &number(1 << 62));
    assert_eq!(inspect(&chunk(&one)).err(), Some(Unsafe::TooLarge));
    let mut two = columns(1, 0);
    two[1].1 = [number(u64::MAX), number(1)].concat();
    assert_eq!(inspect(&chunk(&two)).err(), Some(Unsafe::TooLarge));
    let mut least = columns(1, 0);
    least[2].1 = signed(i64::MIN);
    assert_eq!(inspect(&chunk(&least)).err(), Some(Unsafe::Unreadable));
}

#[test]
fn columns_that_a_flat_edit_has_not_are_refused() {
    // An object, an element's counter, a mark; and deflated, twice, out of order.
    for unknown in [0x02, 0x13, 0x94, 0xa5, column::VALUE | 8] {
        let mut more = columns(1, 0);
        more.push((unknown, run(1, &[1])));
        more.sort();
        assert_eq!(
            inspect(&chunk(&more)).err(),
            Some(Unsafe::NotFlat),
            "{unknown}"
        );
    }
    let mut twice = columns(1, 0);
    twice.insert(0, twice[0].clone());
    assert_eq!(inspect(&chunk(&twice)).err(), Some(Unsafe::NotFlat));
    let mut swapped = columns(1, 0);
    swapped.swap(0, 1);
    assert_eq!(inspect(&chunk(&swapped)).err(), Some(Unsafe::NotFlat));
}

#[test]
fn what_is_cut_short_is_unreadable() {
    let whole = chunk(&columns(2, 1));
    for length in 11..whole.len() {
        assert!(check(&whole[10..length]).is_err(), "{length}");
    }
}

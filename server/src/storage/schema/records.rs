//! Tables of records: log, entries, held edits, access log and what is kept apart from it.
#![allow(missing_docs, reason = "the columns are described in the migration")]

diesel::table! {
    records (record_id) {
        record_id -> Binary,
        holder -> Binary,
        log_incarnation -> Binary,
        last_tick -> BigInt,
        rights_tick -> BigInt,
        audit_len -> BigInt,
        audit_head -> Binary,
        status -> Text,
        opening -> Binary,
        created -> BigInt,
        apart_len -> BigInt,
        apart_head -> Nullable<Binary>,
        shelves -> BigInt,
        bytes -> BigInt,
    }
}

diesel::table! {
    shelves (record_id, shelf) {
        record_id -> Binary,
        shelf -> BigInt,
        sealed -> Binary,
    }
}

diesel::table! {
    places (record_id, shelf, since, entry_id) {
        record_id -> Binary,
        shelf -> BigInt,
        since -> BigInt,
        entry_id -> Binary,
    }
}

diesel::table! {
    departures (record_id, shelf, since, entry_id) {
        record_id -> Binary,
        shelf -> BigInt,
        since -> BigInt,
        entry_id -> Binary,
    }
}

diesel::table! {
    entries (record_id, entry_id) {
        record_id -> Binary,
        entry_id -> Binary,
        key_id -> Binary,
        touched -> BigInt,
        due -> Nullable<BigInt>,
        is_right -> Integer,
        changes -> BigInt,
        bytes -> BigInt,
        class -> Binary,
    }
}

diesel::table! {
    contents (record_id, entry_id) {
        record_id -> Binary,
        entry_id -> Binary,
        document -> Binary,
        history -> Nullable<Binary>,
    }
}

diesel::table! {
    log (record_id, tick) {
        record_id -> Binary,
        tick -> BigInt,
        entry_id -> Binary,
        change_blind -> Binary,
        actor_blind -> Binary,
        seq -> BigInt,
        about -> Binary,
        change -> Binary,
    }
}

diesel::table! {
    parties (person_blind, record_id, entry_id) {
        person_blind -> Binary,
        record_id -> Binary,
        entry_id -> Binary,
    }
}

diesel::table! {
    held (record_id, change_blind) {
        record_id -> Binary,
        change_blind -> Binary,
        entry_id -> Binary,
        author_blind -> Binary,
        received -> BigInt,
        changed -> BigInt,
        settlement -> Nullable<Text>,
        sealed -> Binary,
        due -> Nullable<BigInt>,
        shown -> BigInt,
        about -> Binary,
    }
}

diesel::table! {
    destroyed (record_id, entry_id) {
        record_id -> Binary,
        entry_id -> Binary,
        key_id -> Binary,
        tick -> BigInt,
        sealed -> Binary,
    }
}

diesel::table! {
    given_up (record_id, entry_id, key_id) {
        record_id -> Binary,
        entry_id -> Binary,
        key_id -> Binary,
        tick -> BigInt,
        changes -> BigInt,
        held -> BigInt,
    }
}

diesel::table! {
    doomed (record_id, entry_id, tick) {
        record_id -> Binary,
        entry_id -> Binary,
        tick -> BigInt,
    }
}

diesel::table! {
    audit_apart (record_id, seq) {
        record_id -> Binary,
        seq -> BigInt,
        tick -> BigInt,
        hash -> Binary,
        entry_id -> Binary,
        due -> BigInt,
        told -> Nullable<BigInt>,
        sealed -> Binary,
    }
}

diesel::table! {
    lives (record_id, log_incarnation) {
        record_id -> Binary,
        log_incarnation -> Binary,
        ended -> BigInt,
        kept -> Nullable<BigInt>,
        had -> BigInt,
    }
}

diesel::table! {
    audit (record_id, seq) {
        record_id -> Binary,
        seq -> BigInt,
        tick -> BigInt,
        hash -> Binary,
        sealed -> Binary,
    }
}

diesel::allow_tables_to_appear_in_same_query!(contents, entries);
diesel::allow_tables_to_appear_in_same_query!(places, entries);
diesel::allow_tables_to_appear_in_same_query!(departures, entries);

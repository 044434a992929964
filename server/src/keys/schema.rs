//! Tables of the key store.

diesel::table! {
    store (only) {
        only -> Integer,
        store_id -> Binary,
    }
}

diesel::table! {
    masters (generation) {
        generation -> BigInt,
        check_value -> Binary,
        created -> BigInt,
    }
}

diesel::table! {
    named_keys (name, version) {
        name -> Text,
        version -> BigInt,
        generation -> BigInt,
        wrapped -> Binary,
    }
}

diesel::table! {
    record_keys (record_id) {
        record_id -> Binary,
        generation -> BigInt,
        wrapped -> Binary,
    }
}

diesel::table! {
    entry_keys (key_id) {
        key_id -> Binary,
        version -> BigInt,
        wrapped -> Binary,
    }
}

diesel::table! {
    destructions (sequence) {
        sequence -> BigInt,
        kind -> Text,
        subject -> Binary,
        time -> BigInt,
    }
}

diesel::table! {
    destroyed_entries (sequence) {
        sequence -> BigInt,
        record_id -> Binary,
        entry_id -> Binary,
        key_id -> Binary,
        time -> BigInt,
    }
}

diesel::table! {
    revocations (sequence) {
        sequence -> BigInt,
        kind -> Text,
        subject -> Binary,
        time -> BigInt,
        expires -> Nullable<BigInt>,
    }
}

//! The tables, as `migrations/` makes them.

diesel::table! {
    settings (name) {
        name -> Text,
        sealed -> Binary,
    }
}

diesel::table! {
    profiles (profile) {
        profile -> Binary,
        card -> Binary,
        secrets -> Binary,
    }
}

diesel::table! {
    records (record) {
        record -> Binary,
        profile -> Binary,
        card -> Binary,
        head -> Binary,
    }
}

diesel::table! {
    entries (record, entry) {
        record -> Binary,
        entry -> Binary,
        generation -> BigInt,
        format -> BigInt,
        view -> Binary,
        document -> Binary,
    }
}

diesel::table! {
    unsent (record, place) {
        record -> Binary,
        place -> BigInt,
        edit -> Binary,
        sealed -> Binary,
    }
}

diesel::table! {
    notes (record, shelf, note) {
        record -> Binary,
        shelf -> Integer,
        note -> Binary,
        place -> BigInt,
        sealed -> Binary,
    }
}

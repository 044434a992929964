//! Tables of people, passkeys, devices and sessions.
#![allow(missing_docs, reason = "the columns are described in the migration")]

diesel::table! {
    settings (key) {
        key -> Text,
        value -> Text,
    }
}

diesel::table! {
    people (person_id) {
        person_id -> Binary,
        sealed -> Binary,
        ins_blind -> Nullable<Binary>,
        rpps_blind -> Nullable<Binary>,
        profession -> Nullable<Text>,
        created -> BigInt,
    }
}

diesel::table! {
    enrolment_codes (selector) {
        selector -> Binary,
        secret_hash -> Binary,
        person_id -> Binary,
        purpose -> Text,
        sealed -> Binary,
        created -> BigInt,
        expires -> BigInt,
        tries_left -> Integer,
        used -> Nullable<BigInt>,
    }
}

diesel::table! {
    code_guesses (peer_blind, hour) {
        peer_blind -> Binary,
        hour -> BigInt,
        guesses -> Integer,
    }
}

diesel::table! {
    ceremonies (ceremony_id) {
        ceremony_id -> Binary,
        kind -> Text,
        person_id -> Nullable<Binary>,
        selector -> Nullable<Binary>,
        sealed -> Binary,
        expires -> BigInt,
    }
}

diesel::table! {
    passkeys (passkey_id) {
        passkey_id -> Binary,
        credential_id -> Binary,
        person_id -> Binary,
        sealed -> Binary,
        created -> BigInt,
        last_used -> Nullable<BigInt>,
        revoked -> Nullable<BigInt>,
    }
}

diesel::table! {
    devices (device_id) {
        device_id -> Binary,
        public_key -> Binary,
        person_id -> Binary,
        sealed -> Binary,
        created -> BigInt,
        revoked -> Nullable<BigInt>,
    }
}

diesel::table! {
    sessions (session_id) {
        session_id -> Binary,
        token_hash -> Binary,
        person_id -> Binary,
        passkey_id -> Binary,
        device_id -> Nullable<Binary>,
        created -> BigInt,
        expires -> BigInt,
        last_seen -> BigInt,
        ended -> Nullable<BigInt>,
    }
}

diesel::joinable!(passkeys -> people (person_id));
diesel::joinable!(devices -> people (person_id));
diesel::joinable!(sessions -> people (person_id));
diesel::joinable!(sessions -> devices (device_id));
diesel::joinable!(sessions -> passkeys (passkey_id));
diesel::allow_tables_to_appear_in_same_query!(people, passkeys, devices, sessions);

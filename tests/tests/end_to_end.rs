//! Stories: the `carnet` binary as a process of its own, phones and wire clients that come to it
//! over HTTP, and what people see.

mod end_to_end {
    mod access_log;
    mod back_online;
    mod backup;
    mod caregivers;
    mod clinic;
    mod clock_jumps;
    mod conflicts;
    mod first_days;
    mod frames;
    mod full_disk;
    mod half_open;
    mod hiding;
    mod kill;
    mod live;
    mod load;
    mod misuse;
    mod passkeys;
    mod plaintext;
    mod power_cut;
    mod power_cut_acts;
    mod put_back;
    mod settled;
    mod slow_disk;
    mod stage;
    mod terminal;
    mod tls;
    mod verify;
    mod wire;
    mod wrong_patient;
}

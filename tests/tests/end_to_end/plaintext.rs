//! Nothing people wrote, and nobody's identity, is readable in what is kept on disk.

use std::path::Path;

use carnet_tests::support::Phone;
use sync_core::kind::{EmergencyContactDraft, Phone as Telephone};
use sync_core::policy::Profession;

use super::stage::{Someone, Stage, allergy, condition, files, note, sync, sync_all};

/// Text in the ways a program might have kept it.
fn forms(text: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    // Whole groups of three bytes read the same whatever follows.
    let whole = &text.as_bytes()[..text.len() / 3 * 3];
    vec![
        text.as_bytes().to_vec(),
        text.to_uppercase().into_bytes(),
        text.to_lowercase().into_bytes(),
        utf16,
        hex.into_bytes(),
        STANDARD_NO_PAD.encode(whole).into_bytes(),
        URL_SAFE_NO_PAD.encode(whole).into_bytes(),
    ]
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn search(folder: &Path, planted: &[String]) {
    let found = files(folder);
    assert!(!found.is_empty());
    for (path, bytes) in found {
        for text in planted {
            for form in forms(text) {
                assert!(!contains(&bytes, &form), "{text} is in {}", path.display());
            }
        }
    }
}

#[test]
fn what_is_planted_is_found_nowhere() {
    let mut stage = Stage::with(&["--log", "trace"]);
    let opened = stage.desk("Quatrefages");
    let camille = stage.enrol("phone", &opened.code);
    let mine = camille.synced(opened.record);
    let doctor = stage.professional("Vercingétorix", Profession::Physician);
    mine.record
        .grant(doctor.person.to_string(), true, None)
        .expect("grants");
    mine.add(allergy("Zylophénicilline")).expect("added");
    mine.add(note("Kystalgie", "Rhumarthrose du lundi"))
        .expect("added");
    mine.add(EmergencyContactDraft {
        name: "Philomène Oudinot".to_owned(),
        phones: vec![Telephone::new("+33 6 98 76 54 32", 1)],
        ..EmergencyContactDraft::default()
    })
    .expect("added");
    let hidden = mine.add(condition("Xérodermite")).expect("added");
    mine.record.hide(hidden.to_string()).expect("hides");
    sync(&mine);
    let tablet = Phone::open(&stage.place("tablet")).expect("a tablet");
    let doctor = Someone::enrol(&stage, &tablet, &doctor.code);
    let theirs = doctor.synced(opened.record);
    theirs.add(condition("Bronchopathie")).expect("added");
    // Held: kept at the server, out of the record.
    let rights = mine.record.rights_of(doctor.id()).expect("rights");
    tablet.set_offline(true).expect("no uplink");
    theirs.add(condition("Urémicosie")).expect("added");
    mine.record
        .revoke(rights[0].id.clone(), None)
        .expect("revokes");
    sync(&mine);
    tablet.set_offline(false).expect("uplink");
    let _answered = theirs.sync();
    sync_all(&[&mine]);
    mine.record.access_log().expect("the holder's log");
    // Somebody looks the doctor up by number; somebody gets it wrong.
    let rpps = rpps_of("Vercingétorix");
    camille
        .profile
        .find_professional(rpps.clone())
        .expect("found by number");

    let mut planted: Vec<String> = [
        "Quatrefages",
        "Camille",
        "Vercingétorix",
        "Zylophénicilline",
        "Kystalgie",
        "Rhumarthrose",
        "Philomène",
        "Oudinot",
        "98 76 54 32",
        "Xérodermite",
        "Bronchopathie",
        "Urémicosie",
    ]
    .map(str::to_owned)
    .to_vec();
    planted.push(rpps);
    planted.push(opened.code.replace('-', ""));
    // The NIR of the desk's identity, without its key.
    planted.push("26603593500".to_owned());

    // Running, with its write-ahead log and its logs; its backup; stopped; the phones.
    let backup = stage.place("backup");
    let to = backup.to_str().expect("a plain name").to_owned();
    stage
        .server()
        .carnet_text(&["backup", &to, "--keys"])
        .expect("backs up");
    search(&stage.data(), &planted);
    search(&backup, &planted);
    stage.stop();
    search(&stage.data(), &planted);
    for phone in ["phone", "tablet"] {
        search(&stage.place(phone), &planted);
    }
}

/// The number that the desk gave this professional.
fn rpps_of(name: &str) -> String {
    let number = super::stage::number_of(name);
    (0..10)
        .map(|key| format!("10{number:08}{key}"))
        .find(|text| sync_core::identity::Rpps::parse(text).is_ok())
        .expect("a key")
}

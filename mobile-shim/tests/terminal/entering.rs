//! Adding and editing by the options of the kinds.

use super::Tried;

#[test]
fn what_is_missing_or_no_value_is_said_in_the_readers_language_and_nothing_is_written() {
    let phone = Tried::new();
    for (arguments, english, french) in [
        (
            &["immunization", "Tétanos"][..],
            "still missing: --when",
            "il manque encore : --when",
        ),
        (
            &["prescription", "--when", "2026"],
            "still missing: --line, --prescriber",
            "il manque encore : --line, --prescriber",
        ),
        (
            &["allergy", "Latex", "--criticality", "severe"],
            "--criticality is one of: low, high, unable-to-assess",
            "--criticality se choisit parmi : low, high, unable-to-assess",
        ),
        (
            &["condition", "Asthme", "--when", "hier"],
            "--when is a date: 2024, 2024-05 or 2024-05-03",
            "--when est une date : 2024, 2024-05 ou 2024-05-03",
        ),
        (
            &[
                "document",
                "Bilan",
                "--type",
                "nothing such",
                "--file",
                "x.pdf",
            ],
            "no such type of document",
            "ce type de document n’existe pas",
        ),
        (
            &[
                "document",
                "Bilan",
                "--type",
                "11488-4",
                "--file",
                "not-there.pdf",
            ],
            "--file names no file that can be read",
            "--file ne désigne pas de fichier lisible",
        ),
        (
            &["directive", "directive", "--when", "2026"],
            "Text is missing",
            "Texte manque",
        ),
    ] {
        let said = phone.refuses(&[&["add"], arguments].concat());
        assert!(said.contains(english), "{said}");
        let said = phone.refuses(&[&["--lang", "fr", "add"], arguments].concat());
        assert!(said.contains(french), "{said}");
    }
    assert_eq!(phone.says(&["list"]), "Nothing here yet.");
}

#[test]
fn an_edit_changes_the_parts_named_and_keeps_the_others() {
    let phone = Tried::new();
    let dosage = [
        "--dose",
        "1,5",
        "--unit",
        "comprimé",
        "--frequency",
        "le soir",
    ];
    phone.says(&[&["add", "medication", "Doliprane"][..], &dosage].concat());
    let edited = phone.says(&[
        "edit",
        "doliprane",
        "--dose",
        "2",
        "--notes",
        "avec de l’eau",
    ]);
    assert!(
        edited.contains("Doliprane, 2 comprimé, le soir"),
        "{edited}"
    );
    assert!(edited.contains("avec de l’eau"), "{edited}");
    let cleared = phone.says(&[
        "edit",
        "doliprane",
        "--clear",
        "frequency",
        "--clear",
        "notes",
    ]);
    assert!(
        cleared.contains("Regimen                  Doliprane, 2 comprimé\n"),
        "{cleared}"
    );
    let renamed = phone.says(&["edit", "doliprane", "--label", "Dafalgan"]);
    assert!(renamed.contains("Dafalgan, 2 comprimé"), "{renamed}");
    let stopped = phone.says(&["edit", "dafalgan", "--status", "arrêté", "--reason", "fini"]);
    assert!(stopped.contains("stopped (fini)"), "{stopped}");
    let other = phone.refuses(&["edit", "dafalgan", "--criticality", "high"]);
    assert!(other.contains("has no --criticality"), "{other}");
    let nothing = phone.refuses(&["edit", "dafalgan"]);
    assert!(nothing.contains("say what to change"), "{nothing}");
}

#[test]
fn of_several_called_so_an_edit_means_the_one_it_fits() {
    let phone = Tried::new();
    phone.says(&["add", "medication", "Levothyrox", "--dose", "75"]);
    let line = [
        "--line",
        "Levothyrox; dose=75",
        "--prescriber",
        "Dr Petit",
        "--when",
        "2026",
    ];
    phone.says(&[&["add", "prescription"][..], &line].concat());
    let edited = phone.says(&["edit", "levothyrox", "--dose", "88"]);
    assert!(edited.starts_with("Medication taken"), "{edited}");
    let several = phone.refuses(&["edit", "levothyrox", "--status", "active", "--reason", "x"]);
    assert!(several.contains("several are called so"), "{several}");
}

#[test]
fn members_are_added_and_taken_back() {
    let phone = Tried::new();
    phone.says(&["add", "contact", "Nadia", "--phone", "06 39 98 44 01"]);
    let added = phone.says(&["edit", "nadia", "--phone", "03 53 01 77 20; use=maison"]);
    let numbers: Vec<&str> = added
        .lines()
        .filter(|line| line.contains("Telephone"))
        .collect();
    assert!(
        numbers[0].contains("06 39") && numbers[1].contains("(maison)"),
        "{added}"
    );
    let taken = phone.says(&["edit", "nadia", "--remove-phone", "0639984401"]);
    assert!(taken.contains("06 39 98 44 01 [taken back]"), "{taken}");
    phone.refuses(&["edit", "nadia", "--remove-phone", "01 01 01 01 01"]);
    phone.says(&["add", "allergy", "Latex", "--reaction", "urticaire:mild"]);
    let taken = phone.says(&["edit", "latex", "--remove-reaction", "Urticaire"]);
    assert!(taken.contains("urticaire (mild) [taken back]"), "{taken}");
}

#[test]
fn what_is_often_measured_is_known_by_its_name() {
    let phone = Tried::new();
    let weight = phone.says(&[
        "add",
        "measurement",
        "poids",
        "--value",
        "72,5",
        "--when",
        "2026",
    ]);
    assert!(weight.contains("Weight 72.5 kg"), "{weight}");
    let pressure = [
        "add",
        "measurement",
        "blood pressure",
        "--value",
        "128/79",
        "--when",
        "2026",
    ];
    let pressure = phone.says(&pressure);
    assert!(
        pressure.contains("systolic 128 mm[Hg]; diastolic 79 mm[Hg]"),
        "{pressure}"
    );
    let json = phone.says(&["--json", "show", "weight"]);
    assert!(json.contains("29463-7"), "{json}");
    let again = phone.says(&["edit", "blood pressure", "--value", "131/80"]);
    assert!(
        again.contains("systolic 131 mm[Hg]; diastolic 80 mm[Hg]"),
        "{again}"
    );
    let odd = phone.refuses(&[
        "add",
        "measurement",
        "poids",
        "--value",
        "72/5",
        "--when",
        "2026",
    ]);
    assert!(odd.contains("--value is a number"), "{odd}");
}

#[test]
fn a_kind_is_named_by_its_code_its_short_name_or_its_title() {
    let phone = Tried::new();
    phone.says(&["add", "vaccination", "Tétanos", "--when", "2022"]);
    for name in ["immunization", "Vaccination"] {
        assert!(phone.says(&["list", "--kind", name]).contains("Tétanos"));
    }
    assert_eq!(
        phone.says(&["list", "--kind", "médicament pris"]),
        "Nothing here yet."
    );
    let json = phone.says(&["--json", "kinds", "medication"]);
    assert!(json.contains("\"option\": \"substance\""), "{json}");
    phone.refuses(&["kinds", "grant"]);
}

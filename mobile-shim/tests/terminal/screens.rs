//! The screens in the terminal, in both languages, as snapshots.

use super::Tried;

/// A record with something on every screen. Dates are in the past or far ahead, so that the day on
/// which the test runs changes nothing.
fn record() -> Tried {
    let phone = Tried::new();
    let folder = phone.store.parent().unwrap().to_owned();
    let file = folder.join("compte-rendu.pdf");
    std::fs::write(&file, b"%PDF-1.7").unwrap();
    let newer = folder.join("corrige.pdf");
    std::fs::write(&newer, b"%PDF-1.7 corrige").unwrap();
    let (file, newer) = (file.to_str().unwrap(), newer.to_str().unwrap());
    let all: &[&[&str]] = &[
        &[
            "allergy",
            "Pénicilline",
            "--criticality",
            "high",
            "--reaction",
            "urticaire:severe",
            "--when",
            "2001",
        ],
        &[
            "allergy",
            "Aucune allergie alimentaire connue",
            "--none-known",
            "--category",
            "food",
            "--when",
            "2002",
        ],
        &[
            "condition",
            "Asthme",
            "--severity",
            "modérée",
            "--when",
            "1998-04",
        ],
        &[
            "condition",
            "Pneumonie",
            "--when",
            "2011-01",
            "--ended",
            "2011-02-20",
        ],
        &[
            "medication",
            "Levothyrox",
            "--dose",
            "75",
            "--unit",
            "µg",
            "--frequency",
            "le matin",
            "--when",
            "2020",
        ],
        &[
            "prescription",
            "--line",
            "Levothyrox; dose=75; unit=µg; renewals=2",
            "--prescriber",
            "Dr Anne Petit; profession=physician",
            "--when",
            "2021-05-03",
        ],
        &[
            "dispensation",
            "Levothyrox",
            "--quantity",
            "3",
            "--unit",
            "boîtes",
            "--for-prescription",
            "levothyrox, 75 µg, ren",
            "--when",
            "2021-05-04",
        ],
        &[
            "prescription",
            "--line",
            "Amoxicilline 1 g; dose=1; unit=g",
            "--prescriber",
            "Dr Anne Petit",
            "--when",
            "2999-01-02",
        ],
        &[
            "blood-group",
            "A+",
            "--group-source",
            "laboratory",
            "--when",
            "1990",
        ],
        &["blood-group", "O-", "--when", "1991"],
        &[
            "device",
            "Stimulateur cardiaque",
            "--mri-safety",
            "mr-conditional",
            "--implanted",
            "2020-06",
            "--when",
            "2020-06",
        ],
        &["pregnancy", "--due", "1994-05-20", "--when", "1993"],
        &["pregnancy", "--due", "2999-01-05", "--when", "1995"],
        &[
            "contact",
            "Nadia Benali",
            "--relationship",
            "voisine",
            "--phone",
            "06 39 98 44 01",
            "--phone",
            "03 53 01 77 20; use=maison",
            "--when",
            "2010",
        ],
        &[
            "trusted-person",
            "Camille Martin",
            "--phone",
            "06 39 98 10 20",
            "--when",
            "2015",
        ],
        &[
            "consultation",
            "Dr Anne Petit",
            "--profession",
            "physician",
            "--specialty",
            "Cardiologie",
            "--when",
            "2023-02-01",
        ],
        &["consultation", "Dr Anne Petit", "--when", "2024-03"],
        &[
            "professional-seen",
            "Paul Durand",
            "--profession",
            "chirurgien-dentiste",
            "--when",
            "2022",
        ],
        &[
            "document",
            "Compte rendu",
            "--type",
            "11488-4",
            "--file",
            file,
            "--when",
            "2023-02-01",
        ],
        &[
            "document",
            "Compte rendu corrigé",
            "--type",
            "11488-4",
            "--file",
            newer,
            "--replaces",
            "compte rendu",
            "--when",
            "2023-02-02",
        ],
        &[
            "directive",
            "directive",
            "--text",
            "Pas de réanimation.",
            "--when",
            "2019-05-12",
        ],
        &[
            "directive",
            "directive",
            "--text",
            "Soins de confort.",
            "--when",
            "2024-03-01",
            "--deposited-by",
            "Dr Anne Petit",
            "--at-holders-request",
        ],
        &["directive", "directive", "--text", "Sans date."],
        &[
            "organ-donation",
            "donneur",
            "--registered-with",
            "carte",
            "--when",
            "2018",
        ],
        &[
            "immunization",
            "Tétanos",
            "--dose",
            "2",
            "--lot",
            "A12",
            "--when",
            "2022-05-03",
        ],
        &[
            "measurement",
            "pression artérielle",
            "--value",
            "128/79",
            "--when",
            "2022-05-04",
        ],
        &[
            "lifestyle",
            "tabac",
            "--lifestyle-status",
            "former",
            "--quantity",
            "10",
            "--unit",
            "cigarettes par jour",
            "--when",
            "2005",
        ],
    ];
    for arguments in all {
        phone.says(&[&["add"], *arguments].concat());
    }
    phone
}

#[test]
fn every_screen_is_told_in_both_languages() {
    let phone = record();
    let said = |language: &str| {
        let screens: &[&[&str]] = &[
            &["treatments"],
            &["problems"],
            &["card"],
            &["professionals"],
            &["documents"],
            &["directives"],
            &["timeline", "--from", "2019", "--to", "2023", "--most", "6"],
            &["timeline", "--kind", "vaccination", "--kind", "document"],
        ];
        let told = screens.iter().map(|screen| {
            let said = phone.says(&[&["--lang", language], *screen].concat());
            format!("$ carnet-phone {}\n{said}", screen.join(" "))
        });
        told.collect::<Vec<_>>().join("\n\n")
    };
    insta::assert_snapshot!("screens_en", said("en"));
    insta::assert_snapshot!("screens_fr", said("fr"));
}

#[test]
fn the_options_of_a_kind_are_told_in_both_languages() {
    let phone = Tried::new();
    let told = ["en", "fr"].map(|language| {
        let kinds: &[&[&str]] = &[
            &["kinds"],
            &["kinds", "vaccination"],
            &["kinds", "prescription"],
        ];
        let said = kinds
            .iter()
            .map(|kind| phone.says(&[&["--lang", language], *kind].concat()));
        said.collect::<Vec<_>>().join("\n\n")
    });
    insta::assert_snapshot!("kinds", told.join("\n\n"));
}

#[test]
fn nothing_is_said_of_an_empty_record_that_it_does_not_know() {
    let phone = Tried::new();
    let card = phone.says(&["card"]);
    assert!(
        card.contains("that does not say that there is none"),
        "{card}"
    );
    assert!(!card.contains("none known"), "{card}");
    assert!(card.contains("Not valid for transfusion."), "{card}");
    let directives = phone.says(&["--lang", "fr", "directives"]);
    assert_eq!(directives, "Aucune directive anticipée n’est en vigueur.");
    assert_eq!(phone.says(&["treatments"]), "No treatment is recorded.");
}

#[test]
fn a_hidden_entry_is_on_the_card_only_by_choice() {
    let phone = Tried::new();
    phone.says(&["add", "condition", "Épilepsie", "--hidden"]);
    assert!(!phone.says(&["card"]).contains("Épilepsie"));
    assert!(
        phone
            .says(&["card", "--with", "épilepsie"])
            .contains("Épilepsie")
    );
    // What is hidden by an edit is hidden too.
    phone.says(&["edit", "épilepsie", "--hidden=no"]);
    assert!(phone.says(&["card"]).contains("Épilepsie"));
}

#[test]
fn a_page_of_the_timeline_names_the_next_and_the_pages_are_all_of_it() {
    let phone = Tried::new();
    for year in 2001..2006 {
        let year = year.to_string();
        phone.says(&[
            "add",
            "condition",
            &format!("Grippe {year}"),
            "--when",
            &year,
        ]);
    }
    let page = |number: &str| phone.says(&["timeline", "--most", "2", "--page", number]);
    assert!(page("1").contains("2005") && page("1").ends_with("2 of 5 · --page 2"));
    assert!(page("3").contains("2001") && page("3").ends_with("1 of 5"));
}

use proptest::prelude::*;

use super::*;
use crate::kind::Kind;

fn access(profession: Profession, kind: &str) -> Access {
    Matrix::default().access(&Role::Professional(profession), kind)
}

#[test]
fn physicians_read_all_but_residence_attestations_and_own_notes() {
    let matrix = Matrix::default();
    let unread = |rows: &BTreeMap<String, Row>| {
        let none = rows.iter().filter(|(_, row)| row[0] == Access::None);
        none.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(unread(&matrix.kinds), ["own-note"]);
    assert_eq!(unread(&matrix.documents), ["ATTEST-RESID"]);
}

#[test]
fn pharmacists_read_the_known_rows() {
    let reads = |codes: &[&str], expected: bool| {
        for code in codes {
            let kind = format!("document/{code}");
            let read = access(Profession::Pharmacist, &kind) >= Access::Read;
            assert_eq!(read, expected, "{code}");
        }
    };
    let laboratory_imaging_stay = ["11502-2", "85208-7", "18748-4", "34112-3"];
    reads(&laboratory_imaging_stay, true);
    let vaccination_reimbursement_dispensation = ["11369-6", "REMB", "60593-1"];
    reads(&vaccination_reimbursement_dispensation, true);
    reads(
        &["57833-6", "57828-6", "57832-8", "PRESC-BIO", "55115-0"],
        true,
    );
    let psychological_child_certificate = ["68599-0", "83901-9", "59283-2", "68817-6", "89601-9"];
    reads(&psychological_child_certificate, false);
    let directive_social_attestation = ["EXPPAT_3", "28653-4", "34842-5", "ATTEST-HEBGT"];
    reads(&directive_social_attestation, false);
}

#[test]
fn dentists_read_neither_social_nor_psychological_documents() {
    for code in ["28653-4", "34842-5", "80788-3", "68599-0", "83901-9"] {
        let kind = format!("document/{code}");
        assert_eq!(access(Profession::Dentist, &kind), Access::None, "{code}");
    }
}

#[test]
fn what_nobody_listed_physicians_read() {
    for kind in ["of-a-newer-version", "document/00000-0", "document/"] {
        assert_eq!(access(Profession::Physician, kind), Access::Read);
        for role in &COLUMNS[1..] {
            assert_eq!(Matrix::default().access(role, kind), Access::None);
        }
    }
    let unknown = Role::Other("astrologer".to_owned());
    assert_eq!(Matrix::default().access(&unknown, "allergy"), Access::None);
}

#[test]
fn an_operators_mistake_is_named() {
    let row = |from: &str, to: &str| {
        let changed = EMBEDDED.replacen(from, to, 1);
        assert_ne!(changed, EMBEDDED, "the test changes something");
        Matrix::parse(&changed).map(|_| ())
    };
    assert_eq!(
        row("version = 1", "version = 2"),
        Err(MatrixError::Version(2))
    );
    let columns = row("\"midwife\", \"dentist\"", "\"dentist\", \"midwife\"");
    assert!(matches!(columns, Err(MatrixError::Columns { .. })));
    let allergy = "allergy                    = \"rw   rw ";
    let cell = MatrixError::Cell {
        row: "allergy".into(),
        column: "midwife".into(),
        found: "w".into(),
    };
    assert_eq!(row(allergy, "allergy = \"rw w "), Err(cell));
    let cells = MatrixError::Cells {
        row: "allergy".into(),
        expected: 8,
        found: 7,
    };
    assert_eq!(row(allergy, "allergy = \"rw "), Err(cells));
    let default = row("\"*\"  ", "star ");
    assert_eq!(default, Err(MatrixError::NoDefault("kinds")));
    let right = row("[kinds]", "[kinds]\nblock = \"r r r r r r r r\"");
    assert_eq!(right, Err(MatrixError::Right("block".into())));
    let holder_only = row(
        "trusted-person             = \"r    r    -    -    r    -    r ",
        "trusted-person = \"r r - - r - rw ",
    );
    let named = MatrixError::HolderOnly {
        row: "trusted-person".into(),
        column: "caregiver".into(),
    };
    assert_eq!(holder_only, Err(named));
    let physician = row(
        "organ-donation             = \"r ",
        "organ-donation = \"rw ",
    );
    let named = MatrixError::HolderOnly {
        row: "organ-donation".into(),
        column: "physician".into(),
    };
    assert_eq!(physician, Err(named));
    assert!(matches!(
        row("[documents]", "[docs]"),
        Err(MatrixError::Toml(_))
    ));
}

#[test]
fn every_kind_and_every_document_of_this_version_has_a_row_of_its_own() {
    let matrix = Matrix::default();
    let rows = matrix.kinds.len() + matrix.documents.len();
    let kinds = Kind::ALL.iter().cloned().chain(Kind::documents());
    let kinds: Vec<Kind> = kinds.filter(|kind| !is_right(kind.code())).collect();
    for kind in &kinds {
        let found = match kind.code().strip_prefix("document/") {
            Some(code) => matrix.documents.contains_key(code),
            None => matrix.kinds.contains_key(kind.code()),
        };
        assert!(found, "{kind}");
    }
    assert_eq!(rows, kinds.len() + 2, "and no row is of anything else");
}

#[test]
fn dispensations_are_the_pharmacists_own() {
    for profession in Profession::ALL {
        let writes = access(profession, "medication-dispensed") == Access::Write;
        assert_eq!(writes, profession == Profession::Pharmacist);
    }
    let prescribes = |profession| access(profession, "medication-prescribed") == Access::Write;
    assert!(prescribes(Profession::Physician) && !prescribes(Profession::Pharmacist));
}

#[test]
fn the_digest_follows_the_cells_not_the_comments() {
    let commented = format!("{EMBEDDED}# a note\n");
    let digest = |text: &str| Matrix::parse(text).map(|matrix| matrix.digest());
    assert_eq!(digest(&commented), digest(EMBEDDED));
    let narrowed = EMBEDDED.replacen("allergy                    = \"rw ", "allergy = \"r ", 1);
    assert_ne!(digest(&narrowed), digest(EMBEDDED));
}

proptest! {
    #[test]
    fn any_text_is_answered(text in ".*") {
        let _ = Matrix::parse(&text);
    }

    #[test]
    fn any_row_is_answered(name in "[a-z/*-]{1,12}", cells in "[rw \\-x]{0,24}") {
        let _ = row(&name, &cells);
    }
}

#[test]
fn a_matrix_travels_whole() {
    let matrix = Matrix::default();
    let sent = crate::codec::to_cbor(&matrix);
    let got: Matrix = crate::codec::from_cbor(&sent).expect("a matrix");
    assert_eq!((got.digest(), &got), (matrix.digest(), &matrix));
    let text = serde_json::to_string(&matrix).expect("JSON");
    let short = text.replace("\"own-note\":\"- -", "\"own-note\":\"-");
    assert_ne!(short, text);
    assert!(serde_json::from_str::<Matrix>(&short).is_err());
}

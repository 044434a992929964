//! Whatever can be printed has a French wording, and that is not the bare code.

use sync_core::kind::{
    Abo, AllergyCategory, BloodGroupSource, Criticality, Kind, Severity, StatusCode, Verification,
};
use sync_core::policy::{DelegationType, Profession};

use super::*;

const FRENCH: Output = Output {
    json: false,
    language: Language::Fr,
};
const ENGLISH: Output = Output {
    json: false,
    language: Language::En,
};

fn has_french(code: &str, words: Option<Words>) {
    let words = words.unwrap_or_else(|| panic!("{code} has no words"));
    assert!(!words.fr.is_empty() && words.fr != code, "{code}");
}

#[test]
fn every_code_is_said_in_french() {
    for profession in Profession::ALL {
        has_french(profession.as_str(), Some(profession.words()));
    }
    for role in [
        "holder",
        "caregiver",
        "representative",
        "desk",
        "system",
        "professional",
    ] {
        has_french(role, Role::from(role).words());
    }
    for action in AccessAction::KNOWN {
        has_french(action.as_str(), action.words());
    }
    for code in FlagCode::ALL {
        has_french(code.code(), Some(code.title()));
        has_french(code.code(), Some(code.words()));
    }
    for kind in Kind::ALL {
        has_french(kind.code(), Some(kind.title()));
    }
    for delegation in DelegationType::CODES {
        has_french(
            delegation,
            DelegationType::from((*delegation).to_owned()).words(),
        );
    }
    for settled in ["released", "discarded"] {
        assert_ne!(FRENCH.settled(settled), settled);
    }
}

#[test]
fn every_code_of_a_field_is_said_in_french() {
    // Blood groups are written alike in both.
    assert!(Abo::ALL.iter().all(|abo| abo.words().is_some()));
    macro_rules! check {
        ($($list:ident),*) => { $( for code in $list::ALL {
            has_french(code.code(), code.words());
        } )* };
    }
    check!(
        AllergyCategory,
        BloodGroupSource,
        Criticality,
        Severity,
        StatusCode,
        Verdict,
        Verification
    );
}

fn errors() -> Vec<PhoneError> {
    let text = || "word".to_owned();
    let carnet = [
        CarnetError::Offline,
        CarnetError::SignInNeeded,
        CarnetError::Locked,
        CarnetError::NotPermitted {
            reason: "no-right".to_owned(),
        },
        CarnetError::Invalid {
            field: "criticality".to_owned(),
            problem: "excluded".to_owned(),
        },
        CarnetError::NothingToChange,
        CarnetError::NotFound,
        CarnetError::NotSynced,
        CarnetError::Cancelled,
        CarnetError::ServerProblem {
            problem: "code-refused".to_owned(),
            status: 403,
            title: Some(text()),
            detail: Some(text()),
        },
        CarnetError::ServerWrong {
            problem: "frame".to_owned(),
        },
        CarnetError::Storage {
            problem: "damaged".to_owned(),
        },
        CarnetError::NotWiped {
            files: vec![text()],
        },
    ];
    let authenticator = [
        AuthenticatorError::Options,
        AuthenticatorError::NoPasskey,
        AuthenticatorError::Denied,
        AuthenticatorError::Failed,
        AuthenticatorError::File,
    ];
    let others = [
        PhoneError::Folder(std::io::ErrorKind::NotFound.into()),
        PhoneError::UnknownKind,
        PhoneError::Empty,
        PhoneError::NoRecord,
        PhoneError::NotAPerson,
        PhoneError::NoneCalled,
        PhoneError::NoItem,
        PhoneError::NoServer,
        PhoneError::StayingOffline,
        PhoneError::NothingNamed,
        PhoneError::WrongPatient(WrongPatient::Destroys),
        PhoneError::WrongPatient(WrongPatient::Withdraws),
        PhoneError::WrongPatient(WrongPatient::Proposes),
        PhoneError::NotAPersonButEntry,
        PhoneError::NotForThisKind {
            option: text(),
            kind: text(),
        },
        PhoneError::Missing {
            options: vec![text()],
        },
        PhoneError::UnknownDocumentType,
        PhoneError::Ended {
            waiting: 1,
            set_aside: 2,
        },
        PhoneError::Several {
            which: vec![text()],
        },
    ];
    let carnet = carnet.into_iter().map(PhoneError::Carnet);
    let authenticator = authenticator.into_iter().map(PhoneError::Authenticator);
    let unfit = [
        Unfit::Code(vec!["low"]),
        Unfit::Date,
        Unfit::Day,
        Unfit::Decimal,
        Unfit::Number(100),
        Unfit::Number(u32::MAX),
        Unfit::Flag,
        Unfit::Group,
        Unfit::NoRhesus("AB"),
        Unfit::Json,
        Unfit::File,
        Unfit::FileType,
    ];
    let unfit = unfit.into_iter().map(|why| PhoneError::Unfit {
        option: text(),
        why,
    });
    let all = carnet.chain(authenticator).chain(others);
    all.chain(unfit).collect()
}

/// Fails to compile when an error is added that `errors` lacks.
fn is_listed(error: &PhoneError) {
    match error {
        PhoneError::Carnet(
            CarnetError::Offline
            | CarnetError::SignInNeeded
            | CarnetError::Locked
            | CarnetError::NotPermitted { .. }
            | CarnetError::Invalid { .. }
            | CarnetError::NothingToChange
            | CarnetError::NotFound
            | CarnetError::NotSynced
            | CarnetError::Cancelled
            | CarnetError::ServerProblem { .. }
            | CarnetError::ServerWrong { .. }
            | CarnetError::Storage { .. }
            | CarnetError::NotWiped { .. },
        )
        | PhoneError::Authenticator(_)
        | PhoneError::Folder(_)
        | PhoneError::UnknownKind
        | PhoneError::Empty
        | PhoneError::NoRecord
        | PhoneError::NotAPerson
        | PhoneError::NoneCalled
        | PhoneError::NoItem
        | PhoneError::NoServer
        | PhoneError::StayingOffline
        | PhoneError::NothingNamed
        | PhoneError::WrongPatient(
            WrongPatient::Destroys | WrongPatient::Withdraws | WrongPatient::Proposes,
        )
        | PhoneError::NotAPersonButEntry
        | PhoneError::NotForThisKind { .. }
        | PhoneError::Missing { .. }
        | PhoneError::UnknownDocumentType
        | PhoneError::Unfit {
            why:
                Unfit::Code(_)
                | Unfit::Date
                | Unfit::Day
                | Unfit::Decimal
                | Unfit::Number(_)
                | Unfit::Flag
                | Unfit::Group
                | Unfit::NoRhesus(_)
                | Unfit::Json
                | Unfit::File
                | Unfit::FileType,
            ..
        }
        | PhoneError::Ended { .. }
        | PhoneError::Several { .. } => {}
    }
}

#[test]
fn every_error_is_said_in_french() {
    for error in errors() {
        is_listed(&error);
        let (english, french) = (ENGLISH.error(&error), FRENCH.error(&error));
        assert_ne!(english, french);
        for code in [
            "no-right",
            "excluded",
            "code-refused",
            "frame",
            "damaged",
            "échec",
        ] {
            assert!(!french.contains(code), "{french}");
        }
    }
}

#[test]
fn a_server_says_what_to_do_and_a_field_which_values_it_has() {
    let detail = "enrol another first";
    let refused = CarnetError::ServerProblem {
        problem: "last-passkey".to_owned(),
        status: 409,
        title: Some("The last passkey cannot be revoked".to_owned()),
        detail: Some(detail.to_owned()),
    };
    let refused = PhoneError::Carnet(refused);
    assert_eq!(
        ENGLISH.error(&refused),
        "the server refused: the last passkey cannot be revoked\n  enrol another first"
    );
    assert!(FRENCH.error(&refused).contains(detail));
    let odd = CarnetError::Invalid {
        field: "criticality".to_owned(),
        problem: "unknown-code".to_owned(),
    };
    let said = FRENCH.error(&PhoneError::Carnet(odd));
    assert_eq!(
        said,
        "Criticité n’est pas une valeur connue : low, high, unable-to-assess"
    );
}

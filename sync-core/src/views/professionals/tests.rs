use std::collections::BTreeMap;

use uuid::Uuid;

use super::*;
use crate::DeviceTime;
use crate::change::Actor;
use crate::entry::EntryDocument;
use crate::kind::{
    Common, ConsultationDraft, Draft, ProfessionCode, ProfessionalSeenDraft, Status, StatusCode,
};

const NUMBER: &str = "10101010105";

fn entry(number: u128, draft: impl Into<Draft>) -> EntryView {
    let mut document = EntryDocument::new();
    let writes = draft.into().writes().expect("a good draft");
    let made = document.edit(Actor([1; 16]), &writes, DeviceTime(0));
    made.expect("writes make a change");
    let id = EntryId(Uuid::from_u128(number));
    crate::merge::view(id, &document.state(), &BTreeMap::new())
}

fn consultation(number: u128, who: Professional, when: &str) -> EntryView {
    let mut draft = ConsultationDraft::new(who);
    draft.common.occurred = when.parse().ok();
    entry(number, draft)
}

fn petit(rpps: Option<&str>) -> Professional {
    Professional {
        profession: Some(ProfessionCode::Physician),
        rpps: rpps.map(str::to_owned),
        ..Professional::from("Dr Anne Petit")
    }
}

fn ids(entries: &[EntryId]) -> Vec<u128> {
    entries.iter().map(|entry| entry.0.as_u128()).collect()
}

#[test]
fn consultations_with_one_professional_are_gathered_the_latest_first() {
    let views = [
        consultation(1, petit(None), "2024-03"),
        consultation(2, "Durand".into(), "2025-01-02"),
        consultation(3, petit(Some(NUMBER)), "2026-05-01"),
        entry(4, ProfessionalSeenDraft::new("DR ANNE PETIT")),
    ];
    let seen = professionals_seen(&views);
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].professional, petit(Some(NUMBER)));
    assert_eq!(ids(&seen[0].consultations), [3, 1]);
    assert_eq!(ids(&seen[0].added), [4]);
    assert_eq!(seen[0].last, "2026-05-01".parse().ok());
    assert_eq!(seen[1].professional.name, "Durand");
    let reversed: Vec<EntryView> = views.into_iter().rev().collect();
    assert_eq!(professionals_seen(&reversed), seen);
}

#[test]
fn namesakes_of_other_numbers_or_professions_are_others() {
    let midwife = Professional {
        profession: Some(ProfessionCode::Midwife),
        ..petit(None)
    };
    let other = Professional {
        profession: Some(ProfessionCode::Physician),
        ..petit(Some("10101010113"))
    };
    assert!(Rpps::parse("10101010113").is_ok());
    let views = [
        consultation(1, petit(Some(NUMBER)), "2024"),
        consultation(2, other, "2024"),
        consultation(3, midwife, "2024"),
    ];
    assert_eq!(professionals_seen(&views).len(), 3);
}

#[test]
fn what_does_not_count_tells_of_nobody() {
    let mut draft = ConsultationDraft::new("Durand");
    draft.common = Common {
        status: Some(Status::because(
            StatusCode::EnteredInError,
            "autre patiente",
        )),
        ..Common::default()
    };
    assert_eq!(professionals_seen(&[entry(1, draft)]), []);
}

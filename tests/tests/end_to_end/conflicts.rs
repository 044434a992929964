//! People who edit the same record without knowing of each other: nothing dangerous is settled
//! silently, and everybody sees the same.

use carnet_tests::support::Copy;
use sync_core::RecordId;
use sync_core::kind::{
    Abo, AllergyDraft, BloodGroup, BloodGroupDraft, BloodGroupSource, CommonPatch, Edit,
    EmergencyContactDraft, EmergencyContactPatch, MedicationTakenDraft, MedicationTakenPatch,
    Phone as Telephone, Regimen, RhD, Status, StatusCode,
};
use sync_core::merge::Standing;
use sync_core::policy::Profession;

use super::stage::{
    Someone, Stage, allergy, flags, labels, set, sync, sync_all, to_review, view, views,
};

/// A holder with two phones, and her doctor; all with the same copy.
struct Circle {
    _stage: Stage,
    people: [Someone; 3],
    record: RecordId,
}

impl Circle {
    fn gather() -> Self {
        let stage = Stage::new();
        let (camille, record) = stage.holder("Durand");
        let mine = camille.synced(record);
        let doctor = stage.on_phone("Petit", Profession::Physician);
        mine.record
            .set_treating_physician(doctor.id())
            .expect("names her doctor");
        sync(&mine);
        let tablet = camille.invite(&stage, "tablet");
        Circle {
            people: [camille, tablet, doctor],
            record,
            _stage: stage,
        }
    }

    fn copies(&self) -> [Copy; 3] {
        self.people.each_ref().map(|one| one.synced(self.record))
    }

    /// All have gone offline; each does something; they come back in this order.
    fn apart(&self, copies: &[Copy; 3], order: [usize; 3], deeds: [&dyn Fn(&Copy); 3]) {
        let offline = |offline| {
            for one in &self.people {
                one.phone.set_offline(offline).expect("the store is whole");
            }
        };
        sync_all(&copies.each_ref());
        offline(true);
        for (copy, deed) in copies.iter().zip(deeds) {
            deed(copy);
        }
        offline(false);
        sync_all(&order.map(|at| &copies[at]));
        for copy in copies {
            assert_eq!(views(copy), views(&copies[0]), "all see the same");
            assert_eq!(to_review(copy), to_review(&copies[0]));
        }
    }
}

fn nothing(_: &Copy) {}

fn flagged(copy: &Copy, code: &str) -> bool {
    flags(copy).iter().any(|(_, flag)| flag == code) || to_review(copy).contains(code)
}

#[test]
fn two_blood_groups_are_never_one() {
    let circle = Circle::gather();
    let copies = circle.copies();
    let group = |abo, rhd, source| BloodGroupDraft {
        blood_group: BloodGroup::new(abo, rhd, source),
        common: Default::default(),
    };
    circle.apart(
        &copies,
        [2, 0, 1],
        [
            &|mine| {
                mine.add(group(Abo::O, RhD::Positive, BloodGroupSource::Declared))
                    .expect("added");
            },
            &nothing,
            &|doctor| {
                doctor
                    .add(group(Abo::A, RhD::Positive, BloodGroupSource::Laboratory))
                    .expect("added");
            },
        ],
    );
    for copy in &copies {
        assert!(flagged(copy, "discordant-blood-group"));
        let groups = views(copy);
        let both = groups
            .iter()
            .filter(|view| view.kind.code() == "blood-group");
        assert_eq!(both.count(), 2, "each with its source");
    }
}

#[test]
fn stopped_against_changed_is_to_be_reconciled() {
    let circle = Circle::gather();
    let copies = circle.copies();
    let regimen = |dose: &str| Regimen {
        product: "Metformine".into(),
        dose: Some(dose.to_owned()),
        unit: Some("mg".to_owned()),
        ..Regimen::default()
    };
    let entry = copies[0]
        .add(MedicationTakenDraft {
            regimen: regimen("500"),
            common: Default::default(),
        })
        .expect("added");
    circle.apart(
        &copies,
        [0, 1, 2],
        [
            &|mine| {
                mine.edit(
                    entry,
                    CommonPatch {
                        status: Some(Status::because(StatusCode::Stopped, "mal toléré")),
                        ..CommonPatch::default()
                    },
                )
                .expect("stops");
            },
            &nothing,
            &|doctor| {
                doctor
                    .edit(
                        entry,
                        MedicationTakenPatch {
                            regimen: Some(regimen("850")),
                            ..MedicationTakenPatch::default()
                        },
                    )
                    .expect("changes");
            },
        ],
    );
    for copy in &copies {
        assert!(flagged(copy, "to-reconcile"), "{:?}", flags(copy));
        let shown = view(copy, "Metformine");
        assert_eq!(
            shown.standing,
            Standing::ToReconcile,
            "not resumed by itself"
        );
    }
}

#[test]
fn two_regimens_are_disputed_not_mixed() {
    let circle = Circle::gather();
    let copies = circle.copies();
    let regimen = |dose: &str, times: &str| Regimen {
        product: "Metformine".into(),
        dose: Some(dose.to_owned()),
        frequency: Some(times.to_owned()),
        ..Regimen::default()
    };
    let draft = |regimen| MedicationTakenDraft {
        regimen,
        common: Default::default(),
    };
    let patch = |regimen| MedicationTakenPatch {
        regimen: Some(regimen),
        ..MedicationTakenPatch::default()
    };
    let entry = copies[0]
        .add(draft(regimen("500", "2 par jour")))
        .expect("added");
    circle.apart(
        &copies,
        [1, 0, 2],
        [
            &|mine| {
                mine.edit(entry, patch(regimen("1000", "2 par jour")))
                    .expect("changes");
            },
            &|tablet| {
                tablet
                    .edit(entry, patch(regimen("500", "4 par jour")))
                    .expect("changes");
            },
            &nothing,
        ],
    );
    for copy in &copies {
        assert!(flagged(copy, "dose-disputed"), "{:?}", flags(copy));
        let shown = view(copy, "Metformine");
        let field = shown.field("regimen").expect("its regimen");
        assert!(field.current.is_empty(), "neither is current");
        assert_eq!(field.claims.len(), 2, "both are shown");
    }
}

#[test]
fn a_contact_is_joined_field_by_field() {
    let circle = Circle::gather();
    let copies = circle.copies();
    let entry = copies[0]
        .add(EmergencyContactDraft {
            name: "Jeanne".to_owned(),
            relationship: Some("voisine".to_owned()),
            ..EmergencyContactDraft::default()
        })
        .expect("added");
    circle.apart(
        &copies,
        [1, 2, 0],
        [
            &|mine| {
                mine.edit(
                    entry,
                    EmergencyContactPatch {
                        address: Edit::Set("2 rue des Lilas".to_owned()),
                        phones: vec![Telephone::new("06 12 34 56 78", 1)],
                        ..EmergencyContactPatch::default()
                    },
                )
                .expect("edits");
            },
            &|tablet| {
                tablet
                    .edit(
                        entry,
                        EmergencyContactPatch {
                            email: Edit::Set("jeanne@example.org".to_owned()),
                            phones: vec![Telephone::new("03 20 00 00 00", 2)],
                            ..EmergencyContactPatch::default()
                        },
                    )
                    .expect("edits");
            },
            &nothing,
        ],
    );
    for copy in &copies {
        let shown = EmergencyContactDraft::read(&view(copy, "Jeanne")).expect("a contact");
        let numbers: Vec<_> = shown.phones.iter().map(|p| p.number.as_str()).collect();
        assert_eq!(
            numbers,
            ["06 12 34 56 78", "03 20 00 00 00"],
            "both, in order"
        );
        assert_eq!(shown.address.as_deref(), Some("2 rue des Lilas"));
        assert_eq!(shown.email.as_deref(), Some("jeanne@example.org"));
        assert!(flags(copy).is_empty(), "{:?}", flags(copy));
    }
}

#[test]
fn no_known_allergy_never_erases_one() {
    let circle = Circle::gather();
    let copies = circle.copies();
    circle.apart(
        &copies,
        [2, 1, 0],
        [
            &|mine| {
                mine.add(allergy("Latex")).expect("added");
            },
            &nothing,
            &|doctor| {
                doctor
                    .add(AllergyDraft::none_known("Aucune allergie connue"))
                    .expect("added");
            },
        ],
    );
    for copy in &copies {
        assert_eq!(labels(copy), set(["Aucune allergie connue", "Latex"]));
        assert!(flagged(copy, "no-known-allergy-contradicted"));
    }
}

#[test]
fn the_same_allergy_twice_is_linked_until_somebody_says_otherwise() {
    let circle = Circle::gather();
    let copies = circle.copies();
    circle.apart(
        &copies,
        [0, 1, 2],
        [
            &|mine| {
                mine.add(allergy("Latex")).expect("added");
            },
            &nothing,
            &|doctor| {
                doctor.add(allergy("latex")).expect("added");
            },
        ],
    );
    for copy in &copies {
        assert!(flagged(copy, "possible-duplicate"));
        assert_eq!(labels(copy).len(), 2, "never fused");
    }
    let items = copies[0].record.to_review().expect("the store is whole");
    let item = items.iter().find(|item| item.code == "possible-duplicate");
    let verdict = "not-a-duplicate".to_owned();
    copies[0]
        .record
        .resolve(
            item.expect("it is listed").key.clone(),
            carnet_mobile::face::ReviewChoice::Decide { verdict },
        )
        .expect("decides");
    sync_all(&copies.each_ref());
    for copy in &copies {
        assert!(
            !to_review(copy).contains("possible-duplicate"),
            "remembered"
        );
    }
}

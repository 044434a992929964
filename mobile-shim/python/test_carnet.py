"""The face that apps see, from Python: what needs no server."""

import gc
import pathlib
import tempfile
import threading
import unittest

import carnet_mobile as carnet


class Vault(carnet.KeyVault):
    """Keeps secrets in memory, as a platform's keystore would on the device."""

    def __init__(self):
        self.secrets = {}
        self.closed = False

    def keep(self, name, secret):
        self.secrets[name] = secret

    def give(self, name):
        if self.closed:
            raise carnet.VaultError.Denied()
        return self.secrets.get(name)

    def forget(self, name):
        self.secrets.pop(name, None)


class Listener(carnet.ChangeListener):
    def __init__(self):
        self.changed = []
        self.told = threading.Event()

    def entries_changed(self, changed, gone):
        self.changed.extend(changed)
        self.told.set()


class StoreTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name) / "carnet"
        self.vault = Vault()

    def open(self):
        return carnet.Carnet.open(str(self.folder), self.vault)

    def record(self, device):
        profile = device.try_out("Jeanne Martin")
        (record,) = profile.records()
        return profile.record(record.id)

    def test_a_new_device_has_no_profile(self):
        self.assertEqual(self.open().profiles(), [])

    def test_entries_are_added_edited_and_listed_without_a_network(self):
        record = self.record(self.open())
        allergy = record.add_allergy(
            carnet.AllergyDraft(
                substance=carnet.CodedText(text="Arachide"),
                criticality="high",
                reactions=[
                    carnet.Reaction(
                        manifestation=carnet.CodedText(text="Urticaire"), severity="mild"
                    )
                ],
            )
        )
        record.add_medication(
            carnet.MedicationDraft(
                product=carnet.CodedText(text="Doliprane 1000 mg"),
                dose="1",
                unit="comprimé",
                frequency="3 fois par jour",
            )
        )
        record.edit_allergy(allergy, carnet.AllergyEdit(clear=["criticality"]))
        record.hide(allergy)
        entries = record.entries()
        self.assertEqual([entry.label for entry in entries], ["Arachide", "Doliprane 1000 mg"])
        shown = record.entry(allergy)
        self.assertTrue(shown.hidden)
        self.assertEqual(shown.kind_title.fr, "Allergie")
        self.assertEqual(shown.unsent, 3)
        reaction = next(field for field in shown.fields if field.key.startswith("reaction/"))
        self.assertEqual(reaction.current[0].fr, "Urticaire (légère)")
        self.assertEqual(record.state().waiting, 4)

    def test_what_was_written_is_there_after_opening_again(self):
        device = self.open()
        record = self.record(device)
        note = record.add_note(carnet.NoteDraft(title="Vu en rêve", text="…"))
        (profile,) = device.profiles()
        del device, record
        gc.collect()
        again = self.open()
        self.assertTrue(again.profiles()[0].locked)
        profile = again.unlock(profile.id)
        record = profile.record(profile.records()[0].id)
        self.assertEqual(record.entry(note).label, "Vu en rêve")

    def test_errors_say_what_to_do_and_nothing_else(self):
        device = self.open()
        record = self.record(device)
        with self.assertRaises(carnet.CarnetError.Invalid) as caught:
            record.add_blood_group(carnet.BloodGroupDraft(abo="z", rhd="positive", source="declared"))
        self.assertEqual(caught.exception.field, "blood-group")
        self.assertEqual(caught.exception.problem, "unknown-code")
        with self.assertRaises(carnet.CarnetError.NotFound):
            record.entry("secret-entry")
        with self.assertRaises(carnet.CarnetError.SignInNeeded) as caught:
            record.sync_now()
        self.assertNotIn("Jeanne", str(caught.exception))
        with self.assertRaises(carnet.CarnetError.Offline):
            device.enrol_start("http://localhost:9", "AAAAA-AAAAA")

    def test_a_closed_vault_keeps_a_locked_profile_closed(self):
        device = self.open()
        record = self.record(device)
        (profile,) = device.profiles()
        device.lock(profile.id)
        with self.assertRaises(carnet.CarnetError.Locked):
            record.entries()
        self.vault.closed = True
        with self.assertRaises(carnet.CarnetError.Storage) as caught:
            device.unlock(profile.id)
        self.assertEqual(caught.exception.problem, "vault-denied")

    def test_listeners_are_told_until_they_are_stopped(self):
        record = self.record(self.open())
        listener = Listener()
        watch = record.watch(listener)
        note = record.add_note(carnet.NoteDraft(title="Un"))
        self.assertTrue(listener.told.is_set())
        self.assertEqual(listener.changed, [note])
        watch.stop()
        record.add_note(carnet.NoteDraft(title="Deux"))
        self.assertEqual(listener.changed, [note])

    def test_nothing_to_review_in_a_quiet_record(self):
        record = self.record(self.open())
        record.add_condition(carnet.ConditionDraft(label=carnet.CodedText(text="Asthme")))
        self.assertEqual(record.to_review(), [])
        self.assertEqual(record.held(), [])

    def test_two_blood_groups_are_to_be_reviewed(self):
        record = self.record(self.open())
        for abo in ["a", "o"]:
            record.add_blood_group(
                carnet.BloodGroupDraft(abo=abo, rhd="positive", source="declared")
            )
        (item,) = record.to_review()
        self.assertEqual(item.code, "discordant-blood-group")
        self.assertEqual(item.danger, carnet.DangerLevel.CRITICAL)

    def test_a_list_has_a_line_for_each_entry(self):
        record = self.record(self.open())
        peanut = record.add_allergy(
            carnet.AllergyDraft(substance=carnet.CodedText(text="Arachide"), criticality="high")
        )
        self.assertEqual([line.summary.fr for line in record.list()], ["Arachide"])
        record.edit_allergy(peanut, carnet.AllergyEdit(clear=["criticality"]))
        self.assertEqual(record.state().waiting, 2)
        record.set_status(peanut, "entered-in-error", "essai")
        self.assertEqual(record.list(), [])
        (line,) = record.list(with_errors=True)
        self.assertEqual((line.id, line.unsent), (peanut, 3))

    def test_what_a_person_may_do_is_known_beforehand(self):
        record = self.record(self.open())
        note = record.add_note(carnet.NoteDraft(title="Journal"))
        wishes = [
            carnet.Wish.ADD(kind="allergy"),
            carnet.Wish.EDIT(entry=note),
            carnet.Wish.HIDE(entry=note),
            carnet.Wish.SHARE(),
            carnet.Wish.READ_LOG(),
        ]
        for wish in wishes:
            permission = record.may(wish)
            self.assertTrue(permission.allowed, wish)
            self.assertIsNone(permission.reason)
        with self.assertRaises(carnet.CarnetError.NotFound):
            record.may(carnet.Wish.REVIEW(item="nothing"))

    def test_an_entry_of_any_kind_is_filled_in_by_its_form(self):
        record = self.record(self.open())
        kinds = [kind.code for kind in carnet.kinds()]
        self.assertIn("immunization", kinds)
        self.assertNotIn("grant", kinds)
        main, *_ = carnet.form("immunization")
        self.assertEqual((main.key, main.required), ("immunization", True))
        names = [part.key for part in carnet.parts(main.holds.structure)]
        self.assertEqual(names, ["vaccine", "dose", "date"])
        dose = '{"vaccine": {"text": "Tétanos"}, "date": "2022-05", "dose": 2}'
        value = carnet.FieldValue(key="immunization", json=dose)
        lot = carnet.FieldValue(key="lot", json='"A12"')
        entry = record.add_entry("immunization", [value, lot])
        gone = carnet.FieldValue(key="lot", json="null")
        record.edit_entry(entry, [gone], status="inactive", reason="essai")
        self.assertEqual(record.entry(entry).status.fr, "inactif")
        with self.assertRaises(carnet.CarnetError.Invalid) as caught:
            record.add_entry("immunization", [lot])
        self.assertEqual(caught.exception.field, "immunization")

    def test_a_record_is_read_by_its_screens(self):
        record = self.record(self.open())
        for source, rhd in [("laboratory", "positive"), ("declared", "negative")]:
            record.add_blood_group(carnet.BloodGroupDraft(abo="a", rhd=rhd, source=source))
        for year in ["2001", "2002", "2003"]:
            label = carnet.CodedText(text="Grippe")
            draft = carnet.ConditionDraft(label=label, ended=year)
            record.add_condition(draft, carnet.Common(occurred=year))
        card = record.card()
        self.assertTrue(card.blood_groups.is_DISCORDANT())
        self.assertEqual(len(card.blood_groups.groups), 2)
        self.assertEqual(card.not_for_transfusion.fr, "Non valable pour transfusion.")
        self.assertEqual((len(card.conditions), len(record.problems().past)), (0, 3))
        query = carnet.TimelineQuery(kinds=["condition"], most=2)
        page = record.timeline(query)
        self.assertEqual((page.total, page.next), (3, 2))
        self.assertEqual([one.occurred for one in page.moments], ["2003", "2002"])
        self.assertEqual(record.treatments().taken, [])
        with self.assertRaises(carnet.CarnetError.Invalid):
            record.timeline(carnet.TimelineQuery(kinds=["nothing"]))

    def test_the_role_one_acts_in_is_one_of_ones_own(self):
        device = self.open()
        record = self.record(device)
        (profile,) = device.profiles()
        (info,) = device.unlock(profile.id).records()
        self.assertEqual((info.role, info.roles, info.ended), ("holder", ["holder"], False))
        record.act_as("holder")
        with self.assertRaises(carnet.CarnetError.NotPermitted) as caught:
            record.act_as("physician")
        self.assertEqual(caught.exception.reason, "no-right")

    def test_sign_ins_are_the_servers(self):
        device = self.open()
        profile = device.try_out("Jeanne Martin")
        asked = [profile.passkeys, profile.devices, profile.sessions, profile.invite]
        for ask in asked:
            with self.assertRaises(carnet.CarnetError.SignInNeeded):
                ask()

    def test_a_cancelled_sync_says_so(self):
        record = self.record(self.open())
        cancel = carnet.CancelToken()
        cancel.cancel()
        with self.assertRaises(carnet.CarnetError.Cancelled):
            record.sync_now(cancel=cancel)

    def test_a_wiped_device_is_new_again(self):
        device = self.open()
        self.record(device).add_note(carnet.NoteDraft(title="Adieu"))
        device.wipe()
        self.assertEqual(self.vault.secrets, {})
        del device
        gc.collect()
        self.assertEqual(self.open().profiles(), [])


if __name__ == "__main__":
    unittest.main()

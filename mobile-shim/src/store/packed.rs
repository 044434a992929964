//! Views as they are kept beside their entries: without names of members, and each stamp once. They
//! are read by the thousand when a record is opened.

use serde::{Deserialize, Serialize};
use sync_core::entry::{Value, Visibility};
use sync_core::kind::{Kind, Status};
use sync_core::merge::{
    EntryView, FieldClaim, FieldView, Flag, RunOut, Stamp, Standing, TakenUp, Written,
};
use sync_core::policy::Role;
use sync_core::{ChangeHash, DeviceId, DeviceTime, EntryId, PersonId, Tick, codec};

use super::StoreError;

/// What it is, its fields, what claims refer to, times, and the proposals that were taken up.
#[derive(Serialize, Deserialize)]
struct Packed(About, Vec<Field>, Vec<Said>, Vec<By>, Times, Vec<Taken>);

/// Kind, schema, label, standing, status, visibility, from whom it was ever kept, flags, whether it
/// is confirmed, whether it is doubted, whether a clinician wrote what it is, what comes of a
/// treatment once its regimen ran out, what says another end than one that stands.
#[derive(Serialize, Deserialize)]
struct About(
    Kind,
    u64,
    String,
    Standing,
    Status,
    Visibility,
    Visibility,
    Vec<Flag>,
    bool,
    bool,
    bool,
    RunOut,
    Vec<ChangeHash>,
);

/// Key, what is current unless it is what is claimed, claims, proposals, what whoever writes it finds.
#[derive(Serialize, Deserialize)]
struct Field(String, Option<Vec<Value>>, Vec<Claim>, Vec<Claim>, Written);

/// A value, and which change said it.
#[derive(Serialize, Deserialize)]
struct Claim(Value, usize);

/// A change, and whose it is.
#[derive(Serialize, Deserialize)]
struct Said(ChangeHash, Option<usize>);

/// A proposal or a held edit that was taken up, the field of a proposal and who proposed it, and whose
/// word it was.
#[derive(Serialize, Deserialize)]
struct Taken(ChangeHash, Option<String>, Option<PersonId>, Option<usize>);

/// A stamp.
#[derive(Serialize, Deserialize)]
struct By(
    PersonId,
    Role,
    Option<PersonId>,
    DeviceId,
    DeviceTime,
    Option<Tick>,
    Option<Tick>,
);

/// Stamps of creation and of the last edit, when it was recorded, how many changes are not sent.
#[derive(Serialize, Deserialize)]
struct Times(Option<usize>, Option<usize>, Option<Tick>, usize);

/// Packs a view; its identifier is not among the bytes.
pub(super) fn pack(view: &EntryView) -> Vec<u8> {
    let mut tables = Tables::default();
    let fields = view.fields.iter().map(|field| tables.field(field));
    let fields: Vec<Field> = fields.collect();
    let times = Times(
        view.created.as_ref().map(|stamp| tables.stamp(stamp)),
        view.edited.as_ref().map(|stamp| tables.stamp(stamp)),
        view.recorded,
        view.unsent,
    );
    let taken = view.taken_up.iter().map(|taken| {
        let by = taken.by.as_ref().map(|stamp| tables.stamp(stamp));
        Taken(taken.proposal, taken.field.clone(), taken.of, by)
    });
    let taken = taken.collect();
    let about = About(
        view.kind.clone(),
        view.schema,
        view.label.clone(),
        view.standing,
        view.status.clone(),
        view.visibility.clone(),
        view.withheld.clone(),
        view.flags.clone(),
        view.confirmed,
        view.doubted,
        view.clinicians,
        view.run_out,
        view.other_ends.clone(),
    );
    let said = tables.said.iter().map(|(change, by)| Said(*change, *by));
    let stamps = tables.stamps.iter().map(|stamp| {
        By(
            stamp.author,
            stamp.role.clone(),
            stamp.on_behalf_of,
            stamp.device,
            stamp.at,
            stamp.accepted,
            stamp.seen,
        )
    });
    let (said, stamps) = (said.collect(), stamps.collect());
    codec::to_cbor(&Packed(about, fields, said, stamps, times, taken))
}

/// Reads what [`pack`] wrote.
pub(super) fn unpack(id: EntryId, bytes: &[u8]) -> Result<EntryView, StoreError> {
    let Packed(about, fields, said, stamps, times, taken) = codec::from_cbor(bytes)?;
    let About(
        kind,
        schema,
        label,
        standing,
        status,
        visibility,
        withheld,
        flags,
        confirmed,
        doubted,
        clinicians,
        run_out,
        other_ends,
    ) = about;
    let Times(created, edited, recorded, unsent) = times;
    let stamps: Vec<Stamp> = stamps.into_iter().map(Stamp::from).collect();
    let stamp = |at: usize| stamps.get(at).cloned().ok_or(StoreError::Damaged);
    let claims = |claims: Vec<Claim>| -> Result<Vec<FieldClaim>, StoreError> {
        let claim = |Claim(value, at)| {
            let Said(change, by) = said.get(at).ok_or(StoreError::Damaged)?;
            Ok(FieldClaim {
                value,
                change: *change,
                by: by.map(stamp).transpose()?,
            })
        };
        claims.into_iter().map(claim).collect()
    };
    let field = |Field(key, current, claimed, proposed, written)| {
        let claimed = claims(claimed)?;
        Ok(FieldView {
            key,
            current: current.unwrap_or_else(|| values(&claimed)),
            claims: claimed,
            proposals: claims(proposed)?,
            written,
        })
    };
    let taken = taken.into_iter().map(|Taken(proposal, field, of, by)| {
        Ok(TakenUp {
            proposal,
            field,
            of,
            by: by.map(stamp).transpose()?,
        })
    });
    Ok(EntryView {
        id,
        kind,
        schema,
        label,
        standing,
        status,
        visibility,
        withheld,
        fields: fields
            .into_iter()
            .map(field)
            .collect::<Result<_, StoreError>>()?,
        flags,
        taken_up: taken.collect::<Result<_, StoreError>>()?,
        confirmed,
        doubted,
        clinicians,
        run_out,
        other_ends,
        created: created.map(stamp).transpose()?,
        edited: edited.map(stamp).transpose()?,
        recorded,
        unsent,
    })
}

fn values(claims: &[FieldClaim]) -> Vec<Value> {
    claims.iter().map(|claim| claim.value.clone()).collect()
}

/// What claims refer to.
#[derive(Default)]
struct Tables<'v> {
    said: Vec<(ChangeHash, Option<usize>)>,
    stamps: Vec<&'v Stamp>,
}

impl<'v> Tables<'v> {
    fn stamp(&mut self, stamp: &'v Stamp) -> usize {
        let known = self.stamps.iter().position(|known| *known == stamp);
        known.unwrap_or_else(|| {
            self.stamps.push(stamp);
            self.stamps.len() - 1
        })
    }

    fn claim(&mut self, claim: &'v FieldClaim) -> Claim {
        let by = claim.by.as_ref().map(|stamp| self.stamp(stamp));
        let said = (claim.change, by);
        let known = self.said.iter().position(|known| *known == said);
        let at = known.unwrap_or_else(|| {
            self.said.push(said);
            self.said.len() - 1
        });
        Claim(claim.value.clone(), at)
    }

    fn field(&mut self, field: &'v FieldView) -> Field {
        let claims: Vec<Claim> = field.claims.iter().map(|claim| self.claim(claim)).collect();
        let proposals = field.proposals.iter().map(|claim| self.claim(claim));
        let proposals = proposals.collect();
        let as_claimed = field.current == values(&field.claims);
        let current = (!as_claimed).then(|| field.current.clone());
        Field(field.key.clone(), current, claims, proposals, field.written)
    }
}

impl From<By> for Stamp {
    fn from(by: By) -> Self {
        let By(author, role, on_behalf_of, device, at, accepted, seen) = by;
        Stamp {
            author,
            role,
            on_behalf_of,
            device,
            at,
            accepted,
            seen,
        }
    }
}

use sync_core::entry::{HIDDEN_FROM_PROFESSIONALS, Write};
use sync_core::kind::{CommonPatch, Status, StatusCode};
use sync_core::policy::{RightKind, Role};
use sync_core::sync::Verdict;
use sync_core::{Bytes, Tick};

use super::Cursor;
use crate::records::AccessError;
use crate::records::world::World;

#[tokio::test]
async fn an_edit_reaches_the_holders_other_phone() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    let mut tablet = world.phone(
        phone.head.record,
        phone.author.person,
        Role::Holder,
        phone.author.person,
    );
    tablet.sync().await;
    let note = phone.note("Vaccins à demander");
    let (answer, report) = phone.round().await;
    assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
    assert!(answer.reset && report.accepted.len() == 1);
    let (answer, report) = tablet.round().await;
    assert_eq!(report.received, 1);
    assert!(!answer.reset && !answer.more);
    assert_eq!(
        tablet.kept.entries[&note].state(),
        phone.kept.entries[&note].state()
    );
    let (answer, _) = tablet.round().await;
    assert!(answer.news.is_none() && answer.forget.is_empty() && !answer.reset);
}

//! `writers JSON`: phones that write through samod, each a record of its own, one edit after the other
//! is acknowledged. It is what automerge-repo's server is written to with as well: the stock JavaScript
//! phone waits up to 100 ms before it sends a document's next edit.
//!
//! The options are `url`, `phones`, `entries`, `edits` and `acknowledged`, a file that is written: a list
//! of `[document, changes]`. It talks as `phones/step.mjs` does.

use std::error::Error;
use std::io::BufRead as _;
use std::time::{Duration, Instant};

use automerge::transaction::Transactable as _;
use automerge::{Automerge, AutomergeError, ObjType, ROOT, ReadDoc as _};
use samod::{BackoffConfig, ConnectionId, DialerHandle, DocHandle, Repo};
use serde_json::{Value, json};

/// A phone that is connected and in step with the server.
struct Phone {
    record: DocHandle,
    server: ConnectionId,
    // Kept, since the connection ends with them.
    _dialer: DialerHandle,
    _repo: Repo,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = std::env::args().nth(1).ok_or("usage: writers JSON")?;
    let options: Value = serde_json::from_str(&options)?;
    let text = |name: &str| options[name].as_str().ok_or(format!("{name} is missing"));
    let number = |name: &str| options[name].as_u64().ok_or(format!("{name} is missing"));
    let (url, acknowledged) = (text("url")?.parse()?, text("acknowledged")?);
    let (entries, edits) = (number("entries")?, number("edits")?);

    let mut phones = Vec::new();
    for place in 0..number("phones")? {
        phones.push(Phone::connect(&url, place, entries).await?);
    }
    println!("@ready");
    line();
    let started = Instant::now();
    let mut writing = Vec::new();
    for phone in &phones {
        let (record, server) = (phone.record.clone(), phone.server);
        writing.push(tokio::spawn(write(record, server, entries, edits)));
    }
    let mut elapsed = Vec::new();
    for one in writing {
        elapsed.extend(one.await??.iter().map(|time| time.as_secs_f64() * 1e3));
    }
    let seconds = started.elapsed().as_secs_f64();
    let changes = phones.iter().map(|phone| {
        let changes = phone
            .record
            .with_document(|record| record.get_changes(&[]).len());
        json!([phone.record.document_id().to_string(), changes])
    });
    std::fs::write(acknowledged, json!(changes.collect::<Vec<_>>()).to_string())?;
    println!("@{}", json!({ "elapsed": elapsed, "seconds": seconds }));
    line();
    Ok(())
}

/// Waits for a line of the harness, or until it is gone.
fn line() {
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}

impl Phone {
    async fn connect(url: &url::Url, place: u64, entries: u64) -> Result<Self, Box<dyn Error>> {
        let name = format!("writer-{place}");
        let repo = Repo::build_tokio().with_peer_id(name.as_str().into());
        let repo = repo.load().await;
        let record = repo.create(new_record(entries)?).await?;
        let dialer = repo.dial_websocket(url.clone(), BackoffConfig::default())?;
        dialer.established().await?;
        let server = dialer.connection_id().ok_or("no connection")?;
        record.they_have_our_changes(server).await;
        Ok(Phone {
            record,
            server,
            _dialer: dialer,
            _repo: repo,
        })
    }
}

/// A record in which each entry is a change.
fn new_record(entries: u64) -> Result<Automerge, AutomergeError> {
    const FIELDS: [(&str, &str); 6] = [
        ("kind", "allergy"),
        ("substance", "penicillin"),
        ("reaction", "rash"),
        ("severity", "mild"),
        ("recordedAt", "2024-03-01T10:00:00.000Z"),
        ("author", "dr-12"),
    ];
    const NOTE: &str = "patient reports onset after second dose, resolved with antihistamine";
    let mut record = Automerge::new();
    let all = change(&mut record, |t| t.put_object(ROOT, "entries", ObjType::Map))?;
    for place in 0..entries {
        change(&mut record, |t| {
            let entry = t.put_object(&all, format!("e{place}"), ObjType::Map)?;
            for (key, value) in FIELDS {
                t.put(&entry, key, value)?;
            }
            let note = t.put_object(&entry, "note", ObjType::Text)?;
            t.splice_text(&note, 0, 0, NOTE)
        })?;
    }
    Ok(record)
}

fn change<T>(
    record: &mut Automerge,
    with: impl FnOnce(&mut automerge::transaction::Transaction<'_>) -> Result<T, AutomergeError>,
) -> Result<T, AutomergeError> {
    let done = record.transact(with);
    done.map(|done| done.result).map_err(|failed| failed.error)
}

/// Sets one severity after the other; gives how long each took to be acknowledged.
async fn write(
    record: DocHandle,
    server: ConnectionId,
    entries: u64,
    edits: u64,
) -> Result<Vec<Duration>, AutomergeError> {
    let mut elapsed = Vec::new();
    for number in 0..edits {
        let started = Instant::now();
        record.with_document(|record| {
            let missing = || AutomergeError::InvalidObjId("entry".to_owned());
            let (_, all) = record.get(ROOT, "entries")?.ok_or_else(missing)?;
            let name = format!("e{}", number % entries);
            let (_, entry) = record.get(&all, name)?.ok_or_else(missing)?;
            change(record, |t| {
                t.put(&entry, "severity", format!("severe (rev {number})"))
            })
        })?;
        record.they_have_our_changes(server).await;
        elapsed.push(started.elapsed());
    }
    Ok(elapsed)
}

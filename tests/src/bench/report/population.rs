//! The population's figures.

use crate::bench::figures::Spread;
use crate::bench::population::Population;

const KIB: f64 = 1_024.0;
const MIB: f64 = 1_048_576.0;

/// Prints them.
pub(super) fn print(found: &Population) {
    if found.people > 0 {
        let (people, entries) = (found.people, found.entries);
        println!("\nA population of {people} people whose records have {entries} entries");
    }
    sizes(found);
    storms(found);
    together(found);
    idle(found);
    kill(found);
}

/// What is to be at most so much: what, what was found, what the goal is.
pub(super) fn goals(found: &Population) -> Vec<(String, f64, f64)> {
    let mut goals = Vec::new();
    let mut goal = |what: String, found: f64, most: f64| goals.push((what, found, most));
    for size in &found.sizes {
        let at = format!("population, reconnect at {} entries", size.entries);
        goal(
            format!("{at}, bytes both ways"),
            size.up + size.down,
            1_023.0,
        );
        goal(
            format!("{at}, CPU against the smallest record's"),
            size.cpu_ratio,
            1.2,
        );
    }
    for storm in &found.storms {
        let at = format!("{} phones at once", storm.phones);
        goal(format!("{at}, round trips"), storm.round_trips, 1.0);
        goal(
            format!("{at}, bytes both ways"),
            storm.up + storm.down,
            1_023.0,
        );
        goal(
            format!("{at}, CPU a phone against the smallest storm's"),
            storm.cpu_ratio,
            1.2,
        );
    }
    if let Some(together) = &found.together {
        let lost: usize = together.done.iter().map(|done| done.lost).sum();
        let what = "changes that did not arrive while all is going on".to_owned();
        goal(what, lost as f64, 0.0);
        let what = "sockets closed while all is going on".to_owned();
        goal(what, together.closed as f64, 0.0);
    }
    for idle in &found.idle {
        let (over, most) = if idle.tls {
            ("TLS", 64.0)
        } else {
            ("plain", 32.0)
        };
        let at = format!("{} idle sockets, {over}", idle.sockets);
        goal(format!("{at}, KiB each"), idle.each_held / KIB, most);
        let gone = idle.sockets - idle.pushed;
        goal(format!("{at}, not told of a change"), gone as f64, 0.0);
    }
    if let Some(kill) = &found.kill {
        let what = "acknowledged edits lost by a kill".to_owned();
        goal(what, kill.lost as f64, 0.0);
    }
    goals
}

fn sizes(found: &Population) {
    if found.sizes.is_empty() {
        return;
    }
    println!("\nReconnect with one offline edit, one after the other, sizes in turn");
    println!("  entries  times      up    down   server CPU   ratio      p50      p99");
    for one in &found.sizes {
        println!(
            "  {:>7} {:>6} {:>7.0} {:>7.0} {:>12.3} {:>7.2} {:>8.2} {:>8.2}",
            one.entries,
            one.reconnects,
            one.up,
            one.down,
            one.server_cpu,
            one.cpu_ratio,
            one.elapsed.p50,
            one.elapsed.p99,
        );
    }
}

fn storms(found: &Population) {
    if found.storms.is_empty() {
        return;
    }
    println!("\nReconnect with one offline edit, so many phones at once");
    println!(
        "   phones  times      up    down   trips   server CPU   ratio      p50      p99   \
         MiB before    peak"
    );
    for one in &found.storms {
        println!(
            "  {:>7} {:>6} {:>7.0} {:>7.0} {:>7.2} {:>12.3} {:>7.2} {:>8.1} {:>8.1} {:>12} {:>7}",
            one.phones,
            one.reconnects,
            one.up,
            one.down,
            one.round_trips,
            one.server_cpu,
            one.cpu_ratio,
            one.elapsed.p50,
            one.elapsed.p99,
            mib(one.resident),
            mib(one.peak),
        );
    }
}

fn together(found: &Population) {
    let Some(all) = &found.together else {
        return;
    };
    println!(
        "\nAll together for {:.0} seconds, {} WebSockets waiting, {} of them closed",
        all.seconds, all.sockets, all.closed
    );
    println!(
        "                      devices  times   kB up  kB down  trips      p50      p90      p99      max"
    );
    for one in &all.done {
        let each = |total: u64| total as f64 / one.times.max(1) as f64;
        println!(
            "  {:<20} {:>6} {:>6} {:>7.2} {:>8.2} {:>6.2} {}",
            one.what,
            one.devices,
            one.times,
            each(one.up) / 1e3,
            each(one.down) / 1e3,
            each(one.round_trips),
            spread(&one.elapsed),
        );
    }
    println!(
        "  server: {:.0} ms CPU a second; {} MiB before, {} at most",
        all.server_cpu,
        mib(all.resident),
        mib(all.peak)
    );
}

fn idle(found: &Population) {
    for one in &found.idle {
        let over = if one.tls { "TLS" } else { "plain HTTP" };
        println!(
            "\n{} idle WebSockets over {over}, on {} records",
            one.sockets, one.records
        );
        println!(
            "  server memory: {:.1} MiB before, {:.1} KiB a socket when open, {:.1} KiB held; {} MiB at \
             most",
            one.resident as f64 / MIB,
            one.each / KIB,
            one.each_held / KIB,
            mib(one.peak)
        );
        println!(
            "  server CPU: {:.2} ms to open one, {:.2} ms to hold it for a minute",
            one.opening_cpu, one.holding_cpu
        );
        println!(
            "  closed {}, then told of a change {}: p50 {:.1}, p99 {:.1}",
            one.closed, one.pushed, one.elapsed.p50, one.elapsed.p99
        );
    }
}

fn kill(found: &Population) {
    let Some(one) = &found.kill else {
        return;
    };
    println!(
        "\nKilled with -9 while {} devices write, {:.0} edits a second",
        one.devices, one.per_second
    );
    println!(
        "  acknowledged {}, of these lost {}; on their way {}, of these kept {}",
        one.acknowledged, one.lost, one.unanswered, one.unanswered_kept
    );
}

fn spread(spread: &Spread) -> String {
    let Spread { p50, p90, p99, max } = spread;
    format!("{p50:>8.1} {p90:>8.1} {p99:>8.1} {max:>8.1}")
}

fn mib(bytes: Option<u64>) -> String {
    bytes.map_or_else(
        || "?".to_owned(),
        |bytes| format!("{:.1}", bytes as f64 / MIB),
    )
}

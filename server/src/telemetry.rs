//! Logs and metrics. Neither says anything medical nor of whom: a request is known by a random
//! identifier and the pattern of its route, and libraries that would print what passes through
//! them are silenced.

mod logs;
mod panics;
mod request;

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

pub use logs::{LogError, start_logs, subscriber};
pub use panics::hush_panics;
pub use request::RequestTrace;

/// Upper bounds of the buckets of every duration, seconds.
const SECONDS: [f64; 12] = [
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// Upper bounds of the buckets of every size of a group.
const SIZES: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// The metrics of this process. The recorder is the process's, as the `metrics` crate has it;
/// servers that share a process share it.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            use metrics_exporter_prometheus::Matcher;
            let builder = PrometheusBuilder::new();
            let recorder = builder
                .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
                .and_then(|b| b.set_buckets_for_metric(Matcher::Suffix("_size".into()), &SIZES))
                .expect("the lists of buckets are not empty")
                .build_recorder();
            let handle = recorder.handle();
            // Another recorder in the same process keeps its place; ours then stays empty.
            let _ = metrics::set_global_recorder(recorder);
            handle
        })
        .clone()
}

use std::io::Write as _;
use std::panic::PanicHookInfo;

/// From now on a panic tells where it was and nothing else, in the log if there is one. What it
/// says of itself may hold what was worked on.
pub fn hush_panics() {
    std::panic::set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let place = panic.location();
    let (file, line) = place.map_or(("somewhere", 0), |place| (place.file(), place.line()));
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!(file, line, "a panic: a mistake in the program");
    } else {
        // Nobody to tell that standard error is closed.
        let _ = writeln!(
            std::io::stderr(),
            "carnet: a mistake in the program, at {file}:{line}"
        );
    }
}

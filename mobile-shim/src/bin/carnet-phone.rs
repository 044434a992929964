//! Carnet's phone side in a terminal; for trying things out, never for a real person's record.

fn main() -> std::process::ExitCode {
    carnet_mobile::terminal::run()
}

//! Rebuilds the server when a migration it embeds changes.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}

//! Builds with the compiler that SQLite needs too: `src/faults/layer.c`, which servers are run under
//! that lose power, and `src/support/clock.c`, which tells their processor time.

use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=src/faults/layer.c");
    println!("cargo:rerun-if-changed=src/support/clock.c");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let layer = [
        "-shared",
        "-fPIC",
        "src/faults/layer.c",
        "-ldl",
        "-lpthread",
    ];
    compile("layer.so", &layer);
    compile("clock", &["src/support/clock.c"]);
}

fn compile(name: &str, arguments: &[&str]) {
    let out = std::env::var_os("OUT_DIR").expect("cargo says where");
    let compiled = cc::Build::new()
        .get_compiler()
        .to_command()
        .args(["-Wall", "-Wextra", "-Werror", "-o"])
        .arg(PathBuf::from(out).join(name))
        .args(arguments)
        .status();
    assert!(compiled.expect("a C compiler").success());
}

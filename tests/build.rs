//! Builds `src/faults/layer.c`, which servers are run under that lose power, with the compiler that
//! SQLite needs too.

use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=src/faults/layer.c");
    let out = std::env::var_os("OUT_DIR").expect("cargo says where");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let compiled = cc::Build::new()
        .get_compiler()
        .to_command()
        .args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(PathBuf::from(out).join("layer.so"))
        .args(["src/faults/layer.c", "-ldl", "-lpthread"])
        .status();
    assert!(compiled.expect("a C compiler").success());
}

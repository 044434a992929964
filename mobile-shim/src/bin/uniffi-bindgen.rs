//! Generates the foreign-language bindings from the compiled library.
fn main() {
    uniffi::uniffi_bindgen_main()
}

//! Sets the linker flags of a Node addon, which macOS and Windows need, and on
//! Linux keeps the library loaded: strings of `external.rs` outlive it else.

fn main() {
    napi_build::setup();
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}

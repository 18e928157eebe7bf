//! Sets the linker flags of a Node addon, which macOS and Windows need.

fn main() {
    napi_build::setup();
}

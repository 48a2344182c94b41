//! A program without std and without an allocator that embeds a table and decides: what `tests/tests/no_std.rs`
//! builds and runs. It exits 0 if editors may update articles and guests may not.
#![no_std]
#![no_main]

use admit_runtime::{Policy, Request, Value};

static TABLE: &[u8] = admit_runtime::include_table!(env!("ADMIT_TABLE"));

fn decides_rightly() -> Option<bool> {
    let policy = Policy::from_bytes(TABLE).ok()?;
    let update = policy.action("Article", "update").ok()?;
    let groups = ["EDITORS"];
    let claims = [("sub", Value::Text("1")), ("cognito:groups", Value::List(&groups))];
    let editor = policy.user(&claims).ok()?;
    let guest = policy.guest();
    let may = policy.decide(&editor, update, &Request::new()).is_allowed();
    Some(may && !policy.decide(&guest, update, &Request::new()).is_allowed())
}

/// What the C runtime's start-up code calls. The name is all that must be exported.
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    if decides_rightly() == Some(true) { 0 } else { 1 }
}

/// The precompiled `core` refers to it; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

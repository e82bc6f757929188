//! Links the unwinder into the module.
//!
//! The unwinder usually comes from `libgcc_s.so`, whose loading takes longer than all the
//! rest of the module. Asked for by name (`-u`), the same functions come from `libgcc_eh.a`
//! instead, and the shared library isn't needed.

const UNWINDER: [&str; 12] = [
    "_Unwind_Backtrace",
    "_Unwind_DeleteException",
    "_Unwind_FindEnclosingFunction",
    "_Unwind_GetCFA",
    "_Unwind_GetDataRelBase",
    "_Unwind_GetIP",
    "_Unwind_GetIPInfo",
    "_Unwind_GetLanguageSpecificData",
    "_Unwind_GetRegionStart",
    "_Unwind_GetTextRelBase",
    "_Unwind_RaiseException",
    "_Unwind_Resume",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let gnu = std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    if !gnu {
        return;
    }
    for symbol in UNWINDER {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-u,{symbol}");
    }
    println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
}

//! Writes the C header to the build output and gives the shared library its name.
//!
//! The header in the tree (`include/chromesock.h`) is a copy; a test compares the two.

use std::env;
use std::path::PathBuf;

use cbindgen::{Builder, Config, DocumentationStyle, EnumConfig, Language, RenameRule, Style};

/// The sources that declare what the header shows, in its order.
const SOURCES: &[&str] = &[
    "src/api/net_error.rs",
    "src/api/table.rs",
    "src/ffi/types.rs",
    "src/ffi/event.rs",
    "src/ffi/version.rs",
    "src/ffi/app.rs",
    "src/ffi/batch.rs",
    "src/ffi/permissions.rs",
    "src/ffi/lending.rs",
    "src/ffi/life.rs",
    "src/ffi/sockets_tcp.rs",
    "src/ffi/sockets_tcp_server.rs",
    "src/ffi/sockets_udp.rs",
    "src/ffi/sockets_udp_groups.rs",
    "src/ffi/socket.rs",
    "src/ffi/socket_udp.rs",
    "src/ffi/tls.rs",
];

fn main() {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let (major, minor) = (variable("CARGO_PKG_VERSION_MAJOR"), variable("CARGO_PKG_VERSION_MINOR"));
    let abi = if major == "0" { format!("0.{minor}") } else { major.clone() };
    match variable("CARGO_CFG_TARGET_OS").as_str() {
        "linux" | "android" | "freebsd" | "netbsd" | "openbsd" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libchromesock.so.{abi}");
            // The reactor's thread runs our code: the library must not be unloaded under it.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        }
        "macos" => {
            println!(
                "cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libchromesock.{abi}.dylib"
            );
        }
        _ => {}
    }

    let version = format!(
        "#define CHROMESOCK_VERSION_MAJOR {major}\n\
         #define CHROMESOCK_VERSION_MINOR {minor}\n\
         #define CHROMESOCK_VERSION_PATCH {}",
        variable("CARGO_PKG_VERSION_PATCH"),
    );
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        style: Style::Both,
        documentation_style: DocumentationStyle::Doxy,
        include_guard: Some("CHROMESOCK_H".into()),
        no_includes: true,
        sys_includes: vec!["stdint.h".into(), "stddef.h".into()],
        header: Some(HEADER.into()),
        after_includes: Some(version),
        usize_is_size_t: true,
        enumeration: EnumConfig {
            rename_variants: RenameRule::ScreamingSnakeCase,
            ..EnumConfig::default()
        },
        ..Config::default()
    };
    for (rust, c) in [("Status", "chromesock_status"), ("EventType", "chromesock_event_type")] {
        config.export.rename.insert(rust.into(), c.into());
        config.export.include.push(rust.into());
    }
    config.export.include.extend(UNNAMED.iter().map(|name| (*name).to_owned()));

    let mut builder = Builder::new().with_config(config);
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        builder = builder.with_src(source);
    }
    println!("cargo::rerun-if-changed=build.rs");
    let bindings = builder.generate().expect("the C header can be generated");
    let mut header = Vec::new();
    bindings.write(&mut header);
    // Results bear the library's prefix alone: CHROMESOCK_OK, not CHROMESOCK_STATUS_OK.
    let header = String::from_utf8(header)
        .expect("the C header is text")
        .replace("CHROMESOCK_STATUS_", "CHROMESOCK_");
    let path = PathBuf::from(variable("OUT_DIR")).join("chromesock.h");
    std::fs::write(&path, header).expect("the C header can be written");
    println!("cargo::rustc-env=CHROMESOCK_GENERATED_HEADER={}", path.display());
}

/// Types that no function names in its signature: enums come in as plain integers, records as bytes.
const UNNAMED: &[&str] = &[
    "chromesock_delivery",
    "chromesock_trust",
    "chromesock_api",
    "chromesock_operation",
    "chrome_sockets_dns_query_type",
    "chrome_socket_type",
    "chromesock_event_record",
];

const HEADER: &str = "\
/* chromesock: the Chrome Apps networking APIs outside of a browser.
 *
 * Generated from the Rust sources; do not edit.
 *
 * chrome_...      what a page may call: the documented API, name for name.
 * chromesock_...  what only the host may call: apps, delivery, trust, diagnostics.
 *
 * Threads: any function from any thread, also inside callbacks, unless it says otherwise.
 * Calls: a return value of CHROMESOCK_OK means that exactly one completion follows; any other that
 * nothing was kept and none follows. Calls of one thread are carried out in order.
 * Ownership: inputs are borrowed until the call returns; events in callbacks are borrowed until the
 * callback returns (keep one with chromesock_event_retain).
 * Text is UTF-8 and ends with NUL, both ways; NULL = not given, or absent.
 */";

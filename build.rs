//! Writes the C header to the build output and gives the shared library its name.
//!
//! The header in the tree (`include/chromesock.h`) is a copy; a test compares the two.

use std::env;
use std::path::PathBuf;

use cbindgen::{Builder, Config, DocumentationStyle, EnumConfig, Language, RenameRule, Style};

/// The sources that declare what the header shows, in its order: types first, then the functions of
/// each section.
const SOURCES: &[&str] = &[
    "src/api/net_error.rs",
    "src/api/table.rs",
    "src/ffi/types.rs",
    "src/ffi/app.rs",
    "src/ffi/event.rs",
    "src/ffi/sockets_tcp.rs",
    "src/ffi/tls.rs",
    "src/ffi/sockets_tcp_server.rs",
    "src/ffi/sockets_udp.rs",
    "src/ffi/sockets_udp_groups.rs",
    "src/ffi/socket.rs",
    "src/ffi/socket_udp.rs",
    "src/ffi/life.rs",
    "src/ffi/permissions.rs",
    "src/ffi/lending.rs",
    "src/ffi/batch.rs",
    "src/ffi/version.rs",
];

/// The sections of the header's functions, each with its first function.
const SECTIONS: &[(&str, &str)] = &[
    ("Apps, reactors and getting events", "chromesock_app_new"),
    ("Keeping and releasing events", "chromesock_event_retain"),
    ("chrome.sockets.tcp", "chrome_sockets_tcp_create"),
    ("TLS, of both APIs", "chrome_sockets_tcp_secure"),
    ("chrome.sockets.tcpServer", "chrome_sockets_tcp_server_create"),
    ("chrome.sockets.udp", "chrome_sockets_udp_create"),
    ("chrome.socket, the older API", "chrome_socket_create"),
    ("Suspending, resuming and unloading an app", "chromesock_app_suspend"),
    ("Permissions of a manifest", "chromesock_manifest_check"),
    ("Sending without a copy", "chromesock_sockets_tcp_send_owned"),
    ("For bindings to other languages", "chromesock_app_copy_events"),
    ("Version and names", "chromesock_version_number"),
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
        header: Some(introduction()),
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
    let header = with_headings(header);
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

/// What the header says before its first declaration.
fn introduction() -> String {
    let sections: String = SECTIONS.iter().map(|(title, _)| format!(" *     {title}\n")).collect();
    INTRODUCTION.replace(" *     SECTIONS\n", &sections)
}

/// Puts the title of each section before its first function.
fn with_headings(mut header: String) -> String {
    for (title, function) in SECTIONS {
        let name = header.find(&format!(" {function}(")).expect("a section's function is declared");
        let comment = header[..name].rfind("/**").expect("every function has a comment");
        header.insert_str(comment, &format!("/* ---- {title} ---- */\n\n"));
    }
    header
}

const INTRODUCTION: &str = "\
/* chromesock: the Chrome Apps networking APIs outside of a browser.
 *
 * Generated from the Rust sources; do not edit.
 *
 * Names
 *   chrome_...      what a page may call: the documented API, name for name.
 *   chromesock_...  what only the host, the program that links this library, may call: apps, events,
 *                   permissions, diagnostics.
 *   In comments results stand without their prefix: OK is CHROMESOCK_OK.
 *
 * Getting started
 *   chromesock_app_new opens an app, which owns sockets and a queue of events. Sockets are created and used
 *   with the chrome_... functions. Results of calls (completions) and everything else that happens to a
 *   socket (notifications, such as onReceive) come as events, struct chromesock_event. With queue
 *   delivery, the default, the host takes them with chromesock_app_next_event, or has
 *   chromesock_app_dispatch call its callbacks; with reactor delivery the library's own thread calls them.
 *
 * Calls
 *   A function whose comment says \"Completes:\" starts a call. If it returns OK, exactly one completion
 *   follows, whatever happens to the socket; if it returns anything else, nothing was kept and none follows.
 *   The completion may be delivered on another thread before the function has returned, and before an
 *   out-parameter is written; the event has the same id as socket_id.
 *   Other functions have no completion: what they return is their result.
 *   Calls of one thread are carried out in order, so a socket can be used before its create has completed.
 *   app:        from chromesock_app_new and not freed; NULL gives INVALID_ARGUMENT.
 *   socket_id:  of a socket of the function's own namespace; any other id is no error of the call, but
 *               completes with \"Socket not found\".
 *   names:      a name of a host that nobody answers is given up after two minutes: NAME_NOT_RESOLVED.
 *   Out-parameters are written only if OK is returned, unless the comment says otherwise.
 *
 * Threads
 *   Any function may be called from any thread, also inside callbacks, unless its comment says otherwise.
 *   Callbacks of one app never run at the same time.
 *   An app must not be used in a forked child. As long as a child lives that neither runs another program nor
 *   exits, connections that the app has ended stay open for their peers, and ports of UDP sockets taken.
 *
 * Memory
 *   Inputs are borrowed until the function returns. An event in a callback, and all it points to, is
 *   borrowed until the callback returns; chromesock_event_retain keeps it for longer. `user_data` is never
 *   read or freed.
 *   Structs that the host fills in begin with their size: set them to zero, then set `size`, then the rest.
 *   Reserved members stay zero. Later versions only append members; an older library ignores those that it does
 *   not know.
 *   Text is UTF-8 and ends with NUL, both ways; NULL = not given, or absent. What is longer than 4,096 bytes is no
 *   host or address: calls complete as with any other that cannot be one.
 *
 * The functions, by section
 *     SECTIONS
 */";

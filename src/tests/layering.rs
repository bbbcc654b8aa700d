//! The layers of the sources, read from their `use` lines and paths:
//! `ffi -> app -> reactor, delivery, resolver -> engine -> net (traits), permissions -> api`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Height of each layer. Layers of one height know nothing of each other, except as `BESIDE` says.
const LAYERS: &[(&str, u32)] = &[
    ("api", 0),
    ("net", 1),
    ("permissions", 1),
    ("trust", 1),
    ("engine", 2),
    ("delivery", 3),
    ("resolver", 3),
    ("reactor", 4),
    ("app", 5),
    ("ffi", 6),
];

/// What may be used from above only by some: the real sockets.
const NARROW: &[(&str, &[&str])] = &[
    // The engine sees traits. The resolver only keeps signals from its threads.
    ("net::sys", &["net", "reactor", "resolver"]),
];

/// Who may use each third-party crate: files, or folders with everything in them.
const CRATES: &[(&str, &[&str])] = &[
    // Reference-counted bytes are a value that events carry and the engine moves; not C, not I/O.
    ("bytes", &["api/", "app/calls.rs", "engine/", "ffi/tls.rs", "net/", "reactor/blocks.rs"]),
    ("crossbeam_channel", &["resolver/", "reactor/"]),
    ("dns_lookup", &["resolver/"]),
    ("idna", &["net/address.rs", "permissions/"]),
    ("if_addrs", &["net/sys/", "resolver/"]),
    ("libc", &["ffi/", "net/sys/", "net/os_error.rs", "resolver/", "trust/"]),
    ("mio", &["net/sys/", "reactor/"]),
    // System calls that no portable crate has.
    ("nix", &["net/sys/"]),
    // Locks: where threads meet, and nowhere else.
    ("parking_lot", &["delivery/", "engine/tls/", "reactor/", "resolver/"]),
    // Bare system calls: the notify handle, and what happens for each message.
    ("rustix", &["delivery/notify.rs", "net/sys/"]),
    ("rustls", &["engine/tls/"]),
    ("rustls_native_certs", &["trust/"]),
    ("rustls_pki_types", &["trust/"]),
    // What callbacks on the reactor's thread find there.
    ("scoped_tls", &["reactor/shown.rs"]),
    ("serde_json", &["permissions/"]),
    ("slab", &["engine/registry.rs"]),
    ("socket2", &["delivery/notify.rs", "net/sys/"]),
    // Reads addresses in all the forms that URLs know.
    ("url", &["net/address.rs", "permissions/"]),
    ("webpki", &["engine/tls/", "trust/"]),
    ("webpki_roots", &["trust/"]),
    ("x509_parser", &["engine/tls/", "trust/"]),
];

/// Where `unsafe` may stand.
const UNSAFE: &[&str] = &["ffi/", "net/sys/"];

/// What the engine must not know: threads, clocks, channels, locks, files, environment.
const IMPURE: &[&str] = &[
    "std::thread",
    "std::sync::mpsc",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::Condvar",
    "std::fs",
    "std::env",
    "std::process",
    "std::os",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "Instant::now",
    "SystemTime",
    "thread_local",
];

/// A source file: its path under `src`, and its code without comments, texts and tests.
struct Source {
    path: String,
    code: String,
}

impl Source {
    fn layer(&self) -> Option<&str> {
        self.path.split_once('/').map(|(layer, _)| layer)
    }

    fn is_within(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            self.path == *place || (place.ends_with('/') && self.path.starts_with(place))
        })
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All sources but tests, which may use what they like.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&root(), &mut sources);
    assert!(sources.len() > 30, "{} sources", sources.len());
    sources
}

fn collect(folder: &Path, into: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        // `sim` is the network that the engine's tests run on.
        if name == "tests" || name == "sim" {
            continue;
        }
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
            into.push(Source { path, code: without_tests(&bare(&text)).to_owned() });
        }
    }
}

/// The code up to a test module within the file, which is last by custom.
fn without_tests(code: &str) -> &str {
    let test_module = code.find("#[cfg(test)]\nmod tests {");
    &code[..test_module.unwrap_or(code.len())]
}

/// Code without comments, and with empty texts.
fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, after)| after);
        } else if rest.starts_with("r#\"") {
            rest = rest.split_once("\"#").map_or("", |(_, after)| after);
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\") {
            // A quote or an escape as a character.
            let end = rest[2..].find('\'').map_or(rest.len(), |at| at + 3);
            rest = &rest[end..];
        } else if c == '"' {
            bare.push_str("\"\"");
            rest = after_text(&rest[1..]);
        } else {
            bare.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    bare
}

fn after_text(text: &str) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` stands in `code` as a whole word; what follows it.
fn uses<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(word).filter_map(move |(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + word.len()..];
        let whole = !before.is_some_and(is_word) && !after.starts_with(is_word);
        whole.then_some(after)
    })
}

/// The paths of two segments that begin with `crate::`, groups taken apart.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for after in uses(code, "crate") {
        let Some(after) = after.strip_prefix("::") else { continue };
        for (first, rest) in segments(after) {
            let second = rest.strip_prefix("::").map(segments).unwrap_or_default();
            if second.is_empty() {
                paths.insert(first.clone());
            }
            paths.extend(second.iter().map(|(second, _)| format!("{first}::{second}")));
        }
    }
    paths
}

/// The names that a path goes on with: one, or those of a group; each with what follows it.
fn segments(path: &str) -> Vec<(String, &str)> {
    let name_of = |text: &str| text.chars().take_while(|c| is_word(*c)).collect::<String>();
    let path = path.trim_start();
    let Some(group) = path.strip_prefix('{') else {
        let name = name_of(path);
        let rest = &path[name.len()..];
        return vec![(name, rest)];
    };
    let mut found = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        let ends = depth == 0 && (c == ',' || c == '}');
        if ends {
            let member = group[start..at].trim();
            let name = name_of(member);
            found.extend((!name.is_empty()).then(|| (name.clone(), &member[name.len()..])));
            start = at + 1;
        }
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            _ => {}
        }
    }
    found
}

fn height(layer: &str) -> Option<u32> {
    LAYERS.iter().find(|(name, _)| *name == layer).map(|(_, height)| *height)
}

#[test]
fn no_arrow_points_up_or_sideways() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(layer) = source.layer() else {
            continue; // lib.rs names the layers.
        };
        let own = height(layer).unwrap_or_else(|| panic!("{}: an unknown layer", source.path));
        for path in crate_paths(&source.code) {
            let target = path.split("::").next().unwrap_or_default();
            let is_down = height(target).is_some_and(|height| height < own);
            if target != layer && !is_down {
                wrong.push(format!("{} uses crate::{path}", source.path));
            }
            for (narrow, users) in NARROW {
                if path == *narrow && !users.contains(&layer) {
                    wrong.push(format!("{} uses crate::{path}", source.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Paths to other layers begin with `crate::`, or the test above would not see them.
#[test]
fn super_stays_within_its_layer() {
    for source in sources() {
        let Some(_) = source.layer() else { continue };
        // A `mod.rs` stands for its folder.
        let folders = source.path.matches('/').count();
        let depth = folders + usize::from(!source.path.ends_with("/mod.rs"));
        for after in uses(&source.code, "super") {
            let mut supers = 1;
            let mut rest = after;
            while let Some(next) = rest.strip_prefix("::super") {
                supers += 1;
                rest = next;
            }
            assert!(supers < depth, "{}: super::… leaves its layer", source.path);
        }
    }
}

#[test]
fn third_party_crates_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (name, places) in CRATES {
            let is_used = uses(&source.code, name).any(|after| after.starts_with("::"));
            if is_used && !source.is_within(places) {
                wrong.push(format!("{} uses {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A new dependency has to be given its place above.
#[test]
fn every_dependency_has_its_place() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let (_, after) = manifest.split_once("[dependencies]\n").expect("there are dependencies");
    let dependencies = after.lines().take_while(|line| !line.starts_with('['));
    let names: Vec<_> = dependencies
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.replace('-', "_"))
        .collect();
    assert!(names.contains(&"mio".to_owned()), "{names:?}");
    let unplaced: Vec<_> =
        names.iter().filter(|name| CRATES.iter().all(|(placed, _)| placed != name)).collect();
    assert!(unplaced.is_empty(), "{unplaced:?}");
}

#[test]
fn unsafe_stands_at_the_edges_only() {
    let mut found = BTreeSet::new();
    for source in sources() {
        if uses(&source.code, "unsafe").next().is_some() {
            found.insert(source.path.clone());
            assert!(source.is_within(UNSAFE), "{}: unsafe", source.path);
        }
    }
    assert!(found.contains("ffi/mod.rs"), "{found:?}");
}

/// The engine is lent I/O, time and an outbox, and has nothing else.
#[test]
fn the_engine_is_pure() {
    for source in sources().iter().filter(|source| source.layer() == Some("engine")) {
        // A reply that is dropped while a panic is under way says so; asking starts no thread.
        let code = source.code.replace("std::thread::panicking()", "");
        for impure in IMPURE {
            assert!(uses(&code, impure).next().is_none(), "{}: {impure}", source.path);
        }
    }
}

/// Permissions are decided on text alone.
#[test]
fn permissions_are_pure() {
    for source in sources().iter().filter(|source| source.layer() == Some("permissions")) {
        for impure in IMPURE {
            assert!(uses(&source.code, impure).next().is_none(), "{}: {impure}", source.path);
        }
    }
}

/// The readers above, on what they must tell apart.
#[test]
fn the_reader_sees_what_it_should() {
    let code = bare(
        "use crate::{api::{event, net_error::Status}, net}; // crate::ffi\nlet t = \"crate::app \\\" mio::x\";",
    );
    let paths: Vec<_> = crate_paths(&code).into_iter().collect();
    assert_eq!(paths, ["api::event", "api::net_error", "net"]);
    let code = bare("/* unsafe */ let c = '\"'; fn f<'a>() { crate::delivery::Mode } // \"");
    assert_eq!(crate_paths(&code).into_iter().collect::<Vec<_>>(), ["delivery::Mode"]);
    assert_eq!(uses(&code, "unsafe").count(), 0);
    assert_eq!(uses("my_mio::x, mio::y", "mio").count(), 1);
    assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {\n b }"), "a\n");
}

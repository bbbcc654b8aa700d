//! The C header against what it is made from and what it promises: sources, API table, exports,
//! documentation labels, numbers.
//!
//! With CHROMESOCK_WRITE_HEADER set, a test writes the header instead of comparing (`make header`).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, c_char};
use std::path::Path;

use crate::api::net_error::Status;
use crate::api::table::{EventType, MEMBERS, Member};
use crate::ffi::version::{
    chromesock_event_type_name, chromesock_status_name, chromesock_status_text,
};

const IN_TREE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/chromesock.h");

pub(super) fn header() -> String {
    read(Path::new(IN_TREE))
}

pub(super) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The functions that a C host finds in the header for a member.
fn c_functions(member: &Member) -> Vec<String> {
    if member.event_type.is_notification() {
        ["add", "remove", "has"]
            .iter()
            .map(|verb| format!("{}_{verb}_listener", member.c_name))
            .collect()
    } else {
        vec![member.c_name.to_owned()]
    }
}

/// A function declared in the header.
struct Function {
    name: String,
    returns_void: bool,
    parameters: Vec<String>,
    /// Lines of its comment, without the stars.
    doc: Vec<String>,
}

/// Every declaration of the header that has parameters and a comment before it.
fn functions() -> Vec<Function> {
    let header = header();
    let (_, declarations) =
        header.split_once("extern \"C\" {").expect("functions are extern \"C\"");
    let mut functions = Vec::new();
    for block in declarations.split("/**").skip(1) {
        let (doc, code) = block.split_once("*/").expect("comments end");
        let declaration = code.split(';').next().unwrap_or_default();
        let (head, parameters) = declaration.split_once('(').expect("a function has parameters");
        let name_at = head.rfind(|c: char| !c.is_alphanumeric() && c != '_').unwrap() + 1;
        let last_word = |parameter: &str| {
            let word = parameter.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next();
            word.unwrap_or_default().to_owned()
        };
        let parameters = parameters.trim_end().trim_end_matches(')');
        functions.push(Function {
            name: head[name_at..].to_owned(),
            returns_void: head[..name_at].trim() == "void",
            parameters: parameters
                .split(',')
                .map(|parameter| last_word(parameter.trim()))
                .filter(|name| name != "void")
                .collect(),
            doc: doc
                .lines()
                .map(|line| line.trim_start().trim_start_matches('*'))
                .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned())
                .collect(),
        });
    }
    functions
}

/// The members of an enum of the header.
pub(super) fn numbers_of(name: &str) -> BTreeMap<i64, String> {
    let header = header();
    let (_, after) = header.split_once(&format!("enum {name}\n")).expect("the enum is declared");
    let (body, _) = after.split_once("};").expect("enums end");
    let mut numbers = BTreeMap::new();
    let is_comment = |line: &&str| line.trim_start().starts_with(['*', '/']);
    for line in body.lines().filter(|line| !is_comment(line)) {
        if let Some((name, number)) = line.trim().trim_end_matches(',').split_once(" = ") {
            let twice = numbers.insert(number.parse().unwrap(), name.to_owned());
            assert_eq!(twice, None, "{number} is used twice");
        }
    }
    numbers
}

#[test]
fn the_header_in_the_tree_is_the_generated_one() {
    let fresh = read(Path::new(env!("CHROMESOCK_GENERATED_HEADER")));
    if std::env::var_os("CHROMESOCK_WRITE_HEADER").is_some() {
        std::fs::write(IN_TREE, &fresh).unwrap();
    }
    assert!(
        header() == fresh,
        "include/chromesock.h is not what the sources say: run `make header` and note the change"
    );
}

#[test]
fn the_declared_functions_are_the_table_and_the_host_s() {
    let declared: Vec<_> = functions().into_iter().map(|function| function.name).collect();
    let unique: BTreeSet<_> = declared.iter().cloned().collect();
    assert_eq!(unique.len(), declared.len(), "declared twice");
    // No declaration without a comment hides from this test.
    let code: String = header()
        .split("/*")
        .filter_map(|part| part.split("*/").nth(1).map(str::to_owned))
        .collect();
    let callback_types = code.matches("typedef void (*").count();
    assert_eq!(code.matches(");").count(), declared.len() + callback_types);
    let of_table: BTreeSet<_> = MEMBERS.iter().flat_map(c_functions).collect();
    let (host, page): (BTreeSet<_>, BTreeSet<_>) =
        unique.into_iter().partition(|name| name.starts_with("chromesock_"));
    assert_eq!(page, of_table);
    assert!(host.contains("chromesock_app_new"), "{host:?}");
}

#[test]
fn the_declared_functions_are_those_that_the_sources_export() {
    let mut exported = BTreeSet::new();
    let ffi = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi");
    let files = std::fs::read_dir(ffi).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| file.is_file()) {
        let source = read(&file);
        for item in source.split("#[unsafe(no_mangle)]").skip(1) {
            let (_, after) = item.split_once("extern \"C\" fn ").expect("exports are functions");
            exported.insert(after.split('(').next().unwrap().to_owned());
        }
    }
    let declared: BTreeSet<_> = functions().into_iter().map(|function| function.name).collect();
    assert_eq!(declared, exported);
}

#[test]
fn the_table_has_every_documented_member() {
    let documented = [
        (
            "chrome.sockets.tcp",
            "create update setPaused setKeepAlive setNoDelay connect disconnect",
        ),
        ("chrome.sockets.tcp", "secure send close getInfo getSockets onReceive onReceiveError"),
        ("chrome.sockets.tcpServer", "create update setPaused listen disconnect close getInfo"),
        ("chrome.sockets.tcpServer", "getSockets onAccept onAcceptError"),
        ("chrome.sockets.udp", "create update setPaused bind send close getInfo getSockets"),
        ("chrome.sockets.udp", "joinGroup leaveGroup setMulticastTimeToLive setBroadcast"),
        ("chrome.sockets.udp", "setMulticastLoopbackMode getJoinedGroups onReceive onReceiveError"),
        ("chrome.socket", "create connect bind disconnect destroy read write recvFrom sendTo"),
        ("chrome.socket", "listen accept setKeepAlive setNoDelay getInfo getNetworkList"),
        ("chrome.socket", "joinGroup leaveGroup setMulticastTimeToLive getJoinedGroups"),
        ("chrome.socket", "setMulticastLoopbackMode secure"),
    ];
    let documented: BTreeSet<_> = documented
        .iter()
        .flat_map(|(namespace, names)| names.split(' ').map(move |n| format!("{namespace}.{n}")))
        .collect();
    let known: BTreeSet<_> =
        MEMBERS.iter().map(|member| member.chrome_name.to_str().unwrap().to_owned()).collect();
    assert_eq!(known, documented);
}

/// `chrome.sockets.tcpServer.setPaused` as a C name.
fn c_name(chrome_name: &str) -> String {
    let mut name = String::new();
    for c in chrome_name.chars() {
        if c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(if c == '.' { '_' } else { c.to_ascii_lowercase() });
    }
    name
}

#[test]
fn c_names_follow_chrome_s_mechanically() {
    let types = numbers_of("chromesock_event_type");
    for member in MEMBERS {
        let expected = c_name(member.chrome_name.to_str().unwrap());
        assert_eq!(member.c_name, expected);
        let number = i64::from(member.event_type as u32);
        assert_eq!(types.get(&number), Some(&expected.to_ascii_uppercase()));
        assert_eq!(member.event_type.is_notification(), member.c_name.contains("_on_"));
    }
}

const LABELS: [&str; 8] =
    ["Mirrors", "State", "Parameters", "Delivers", "Returns", "Completes", "Threads", "Since"];

/// The labels of a comment in order, each with its text on one line.
fn labels(function: &Function) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for line in function.doc.iter().take_while(|line| !line.starts_with("# Safety")) {
        let label = LABELS.iter().find(|label| line.starts_with(&format!("{label}:")));
        if let Some(label) = label {
            found.push((label, line[label.len() + 1..].trim().to_owned()));
        } else if line.starts_with("            ")
            && let Some((_, text)) = found.last_mut()
        {
            *text = format!("{text} {}", line.trim());
        } else {
            let is_label = line.split_once(':').is_some_and(|(word, rest)| {
                word.chars().all(char::is_alphabetic) && rest.starts_with("  ")
            });
            assert!(!is_label, "{}: unknown label in {line:?}", function.name);
        }
    }
    found
}

/// Which labels a function's comment has, and in which order.
#[test]
fn every_function_is_documented_by_the_labels_in_order() {
    let methods: BTreeMap<_, _> = MEMBERS
        .iter()
        .flat_map(|member| {
            let name = member.chrome_name.to_str().unwrap();
            let verbs: &[&str] = match member.event_type.is_notification() {
                true => &[".addListener", ".removeListener", ".hasListener"],
                false => &[""],
            };
            let mirrored: Vec<_> = verbs.iter().map(|verb| format!("{name}{verb}")).collect();
            c_functions(member).into_iter().zip(mirrored)
        })
        .collect();
    for function in functions() {
        let name = &function.name;
        let labels = labels(&function);
        let order: Vec<_> = labels.iter().map(|(label, _)| *label).collect();
        let mirrored = methods.get(name).map_or("nothing; host only.", String::as_str);
        let has = |parameter: &str| function.parameters.iter().any(|name| name == parameter);
        let starts_a_call = has("callback");
        assert!(starts_a_call || name.starts_with("chromesock_") || name.ends_with("_listener"));
        let mut expected = vec!["Mirrors"];
        // A call that works in no particular state, on no particular socket, names none.
        expected.extend((starts_a_call && order.contains(&"State")).then_some("State"));
        expected.extend((!function.parameters.is_empty()).then_some("Parameters"));
        expected.extend(name.ends_with("_add_listener").then_some("Delivers"));
        expected.extend((!function.returns_void).then_some("Returns"));
        expected.extend(starts_a_call.then_some("Completes"));
        expected.extend(["Threads", "Since"]);
        assert_eq!(order, expected, "{name}");
        assert_eq!(labels[0].1, mirrored, "{name}");
        assert!(labels.iter().all(|(_, text)| !text.is_empty()), "{name}: an empty label");
        if starts_a_call && has("socket_id") && !name.ends_with("_create") {
            assert!(order.contains(&"State"), "{name}: in which state?");
        }
        assert!(function.doc.iter().any(|line| line.len() > 10), "{name}: what does it do?");
    }
}

#[test]
fn every_completion_and_notification_is_documented_by_its_type() {
    let types = numbers_of("chromesock_event_type");
    for function in functions() {
        let labels: BTreeMap<_, _> = labels(&function).into_iter().collect();
        let name = function.name.to_ascii_uppercase();
        let name = name.strip_suffix("_ADD_LISTENER").unwrap_or(&name);
        for text in [labels.get("Completes"), labels.get("Delivers")].into_iter().flatten() {
            let of_host = name.starts_with("CHROMESOCK_");
            let is_named =
                text.contains(name) || of_host && types.values().any(|t| text.contains(t));
            assert!(is_named, "{}: {text}", function.name);
        }
    }
}

/// A parameter that the comment explains exists.
#[test]
fn explained_parameters_are_declared() {
    for function in functions() {
        let lines = function.doc.iter().skip_while(|line| !line.starts_with("Parameters:"));
        let mut explained = Vec::new();
        for (n, line) in lines.enumerate() {
            if n > 0 && !line.starts_with("            ") {
                break;
            }
            // `name  text`, or `name, name  text`; other lines go on with the text above.
            if let Some((names, _)) = line.get(12..).and_then(|rest| rest.split_once("  ")) {
                explained.extend(names.split(", ").map(str::to_owned));
            }
        }
        let declared: BTreeSet<_> = function.parameters.iter().collect();
        let unknown: Vec<_> = explained.iter().filter(|name| !declared.contains(name)).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?} of {declared:?}", function.name);
        assert_eq!(explained.is_empty(), declared.is_empty(), "{}", function.name);
    }
}

/// tcp.md section 14, row by row; rows that no program can see for lack of the feature are not there.
#[rustfmt::skip]
const TABLE_14: &[(i32, &str)] = &[
    (0, "OK"), (-1, "ERR_IO_PENDING"), (-2, "ERR_FAILED"), (-3, "ERR_ABORTED"),
    (-4, "ERR_INVALID_ARGUMENT"), (-5, "ERR_INVALID_HANDLE"), (-7, "ERR_TIMED_OUT"),
    (-9, "ERR_UNEXPECTED"), (-10, "ERR_ACCESS_DENIED"), (-11, "ERR_NOT_IMPLEMENTED"),
    (-12, "ERR_INSUFFICIENT_RESOURCES"), (-13, "ERR_OUT_OF_MEMORY"),
    (-15, "ERR_SOCKET_NOT_CONNECTED"), (-21, "ERR_NETWORK_CHANGED"),
    (-23, "ERR_SOCKET_IS_CONNECTED"), (-26, "ERR_CONTEXT_SHUT_DOWN"),
    (-100, "ERR_CONNECTION_CLOSED"), (-101, "ERR_CONNECTION_RESET"),
    (-102, "ERR_CONNECTION_REFUSED"), (-103, "ERR_CONNECTION_ABORTED"),
    (-104, "ERR_CONNECTION_FAILED"), (-105, "ERR_NAME_NOT_RESOLVED"),
    (-106, "ERR_INTERNET_DISCONNECTED"), (-107, "ERR_SSL_PROTOCOL_ERROR"),
    (-108, "ERR_ADDRESS_INVALID"), (-109, "ERR_ADDRESS_UNREACHABLE"),
    (-110, "ERR_SSL_CLIENT_AUTH_CERT_NEEDED"), (-112, "ERR_NO_SSL_VERSIONS_ENABLED"),
    (-113, "ERR_SSL_VERSION_OR_CIPHER_MISMATCH"), (-114, "ERR_SSL_RENEGOTIATION_REQUESTED"),
    (-117, "ERR_BAD_SSL_CLIENT_AUTH_CERT"), (-118, "ERR_CONNECTION_TIMED_OUT"),
    (-119, "ERR_HOST_RESOLVER_QUEUE_TOO_LARGE"), (-123, "ERR_SSL_NO_RENEGOTIATION"),
    (-125, "ERR_SSL_DECOMPRESSION_FAILURE_ALERT"), (-126, "ERR_SSL_BAD_RECORD_MAC_ALERT"),
    (-137, "ERR_NAME_RESOLUTION_FAILED"), (-138, "ERR_NETWORK_ACCESS_DENIED"),
    (-142, "ERR_MSG_TOO_BIG"), (-147, "ERR_ADDRESS_IN_USE"), (-149, "ERR_SSL_BAD_PEER_PUBLIC_KEY"),
    (-150, "ERR_SSL_PINNED_KEY_NOT_IN_CERT_CHAIN"), (-153, "ERR_SSL_DECRYPT_ERROR_ALERT"),
    (-156, "ERR_SSL_SERVER_CERT_CHANGED"), (-159, "ERR_SSL_UNRECOGNIZED_NAME_ALERT"),
    (-166, "ERR_ICANN_NAME_COLLISION"), (-167, "ERR_SSL_SERVER_CERT_BAD_FORMAT"),
    (-176, "ERR_NO_BUFFER_SPACE"), (-180, "ERR_TLS13_DOWNGRADE_DETECTED"),
    (-181, "ERR_SSL_KEY_USAGE_INCOMPATIBLE"), (-200, "ERR_CERT_COMMON_NAME_INVALID"),
    (-201, "ERR_CERT_DATE_INVALID"), (-202, "ERR_CERT_AUTHORITY_INVALID"),
    (-203, "ERR_CERT_CONTAINS_ERRORS"), (-204, "ERR_CERT_NO_REVOCATION_MECHANISM"),
    (-205, "ERR_CERT_UNABLE_TO_CHECK_REVOCATION"), (-206, "ERR_CERT_REVOKED"),
    (-207, "ERR_CERT_INVALID"), (-208, "ERR_CERT_WEAK_SIGNATURE_ALGORITHM"),
    (-210, "ERR_CERT_NON_UNIQUE_NAME"), (-211, "ERR_CERT_WEAK_KEY"),
    (-212, "ERR_CERT_NAME_CONSTRAINT_VIOLATION"), (-213, "ERR_CERT_VALIDITY_TOO_LONG"),
    (-214, "ERR_CERTIFICATE_TRANSPARENCY_REQUIRED"), (-215, "ERR_CERT_SYMANTEC_LEGACY"),
    (-217, "ERR_CERT_KNOWN_INTERCEPTION_BLOCKED"), (-331, "ERR_NETWORK_IO_SUSPENDED"),
];

/// This library's own, from -10001 down.
const OWN: &[(i32, &str)] =
    &[(-10001, "RECURSIVE_CALL"), (-10002, "WRONG_DELIVERY"), (-10003, "INVALID_MANIFEST")];

#[test]
fn the_header_s_results_are_table_14_and_our_own() {
    let expected: BTreeMap<i64, String> = TABLE_14
        .iter()
        .chain(OWN)
        .map(|(number, name)| (*number, name.strip_prefix("ERR_").unwrap_or(name)))
        .map(|(number, name)| (number.into(), format!("CHROMESOCK_{name}")))
        .collect();
    assert_eq!(numbers_of("chromesock_status"), expected);
}

/// What a static text function returns.
fn text(found: *const c_char) -> Option<&'static str> {
    // SAFETY: NULL or static text that ends with NUL, as the functions promise.
    (!found.is_null()).then(|| unsafe { CStr::from_ptr(found) }.to_str().unwrap())
}

#[test]
fn every_result_has_its_name_and_a_text() {
    let names = TABLE_14.iter().map(|(number, name)| (*number, format!("net::{name}")));
    let own = OWN.iter().map(|(number, name)| (*number, format!("CHROMESOCK_{name}")));
    for (number, name) in names.chain(own) {
        let status = Status::from_number(number).expect("known");
        assert_eq!(status.number(), number);
        assert_eq!(status.name().to_str(), Ok(name.as_str()));
        assert_eq!(text(chromesock_status_name(number)), Some(name.as_str()));
        let meaning = text(chromesock_status_text(number)).expect("a text");
        assert_eq!(status.text().to_str(), Ok(meaning));
        assert!(meaning.ends_with('.') && meaning.len() > 5, "{number}: {meaning:?}");
    }
}

#[test]
fn numbers_that_are_no_result_have_no_name() {
    let known: BTreeSet<_> = TABLE_14.iter().chain(OWN).map(|(number, _)| *number).collect();
    for number in (-1_000..10).chain(-10_050..-9_990).chain([i32::MIN, i32::MAX]) {
        let is_known = known.contains(&number);
        assert_eq!(Status::from_number(number).is_some(), is_known, "{number}");
        assert_eq!(text(chromesock_status_name(number)).is_some(), is_known, "{number}");
        assert_eq!(text(chromesock_status_text(number)).is_some(), is_known, "{number}");
    }
}

#[test]
fn every_event_type_has_its_name() {
    let types = numbers_of("chromesock_event_type");
    let mut names = BTreeSet::new();
    for (number, c_name) in &types {
        let number = u32::try_from(*number).unwrap();
        let known = EventType::from_number(number).expect("known");
        assert_eq!(known as u32, number, "{c_name}");
        let name = text(chromesock_event_type_name(number)).expect("a name");
        assert_eq!(known.chrome_name().to_str(), Ok(name));
        assert!(names.insert(name), "{name} is used twice");
        assert_eq!(name.starts_with("chrome."), c_name.starts_with("CHROME_"), "{c_name}");
    }
    for number in (0..0x1000).chain([u32::MAX]) {
        let is_known = types.contains_key(&number.into());
        assert_eq!(EventType::from_number(number).is_some(), is_known, "{number}");
        assert_eq!(text(chromesock_event_type_name(number)).is_some(), is_known, "{number}");
    }
}

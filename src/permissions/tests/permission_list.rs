//! Section 5.2: the `permissions` and `optional_permissions` lists.

use serde_json::{Value, json};

use super::super::{Operation, System, known_names};
use super::{load, loaded, with_permissions};

const NOT_A_LIST: &str = "Invalid value for 'permissions[socket]': \
                          Cannot parse the permission list. It's not a list..";

fn unknown(item: &str) -> String {
    format!("Permission '{item}' is unknown or URL pattern is malformed.")
}

#[test]
fn elements_give_these_grants_5_2() {
    let rows: [(Value, bool, &[&str]); 12] = [
        (json!([]), false, &[]),
        (json!(["storage"]), false, &[]),
        (json!(["socket"]), true, &[]),
        (json!([{"socket": []}]), true, &[]),
        (json!([{"socket": ["tcp-connect"]}]), true, &["tcp-connect:*:*"]),
        (
            json!([{"socket": ["udp-bind:a:1", "tcp-connect:b", "udp-bind:a:01"]}]),
            true,
            &["tcp-connect:b:*", "udp-bind:a:1"],
        ),
        (
            json!([{"socket": ["resolve-host", "network-state"]}]),
            true,
            &["resolve-host", "network-state"],
        ),
        // The last element replaces the earlier ones.
        (json!([{"socket": ["tcp-connect"]}, {"socket": ["udp-bind"]}]), true, &["udp-bind:*:*"]),
        (json!([{"socket": ["tcp-connect"]}, "socket"]), true, &[]),
        (json!(["socket", {"socket": ["tcp-connect"]}]), true, &["tcp-connect:*:*"]),
        (json!([{"socket": ["tcp-connect"]}, "storage"]), true, &["tcp-connect:*:*"]),
        (json!(["storage", {"fileSystem": ["write"]}, {"usbDevices": [{}]}]), false, &[]),
    ];
    for (permissions, available, expected) in rows {
        let loaded = loaded(&with_permissions(&permissions));
        assert_eq!(loaded.warnings, Vec::<String>::new(), "{permissions}");
        assert_eq!(loaded.grants.available(System::Legacy), available, "{permissions}");
        assert_eq!(loaded.grants.canonical(System::Legacy), expected, "{permissions}");
        assert!(!loaded.grants.available(System::Sockets), "{permissions}");
    }
}

#[test]
fn an_available_api_without_rules_denies_every_call_5_2() {
    for permissions in [json!(["socket"]), json!([{"socket": []}])] {
        let grants = loaded(&with_permissions(&permissions)).grants;
        for operation in Operation::ALL {
            assert!(!grants.allows(System::Legacy, operation, "*", 0), "{operation:?}");
            assert!(!grants.allows(System::Legacy, operation, "a", 80), "{operation:?}");
        }
    }
}

#[test]
fn fatal_errors_have_these_exact_texts_5_2() {
    let list = "Invalid value for 'permissions'.";
    let rows = [
        (json!(null), list, ""),
        (json!("socket"), list, ""),
        (json!({"socket": []}), list, ""),
        (json!(5), list, ""),
        (json!(true), list, ""),
        (json!([null]), "Invalid value for 'permissions[0]'.", "[0]"),
        (json!([5]), "Invalid value for 'permissions[0]'.", "[0]"),
        (json!(["storage", []]), "Invalid value for 'permissions[1]'.", "[1]"),
        (json!(["storage", "usb", {}]), "Invalid value for 'permissions[2]'.", "[2]"),
        (json!([{"socket": [], "usb": []}]), "Invalid value for 'permissions[0]'.", "[0]"),
        (json!([{"socket": "tcp-connect"}]), NOT_A_LIST, "[0].socket"),
        (json!([{"socket": {"tcp-connect": 1}}]), NOT_A_LIST, "[0].socket"),
        (json!([{"socket": 5}]), NOT_A_LIST, "[0].socket"),
        (json!([{"socket": null}]), NOT_A_LIST, "[0].socket"),
        (json!([{"socket": false}]), NOT_A_LIST, "[0].socket"),
        // The first error counts, also if a later element would replace the bad one.
        (json!([{"socket": null}, "socket"]), NOT_A_LIST, "[0].socket"),
        (json!([7, {"socket": null}]), "Invalid value for 'permissions[0]'.", "[0]"),
        (json!([{"socket": null}, 7]), NOT_A_LIST, "[0].socket"),
    ];
    for (value, message, path) in rows {
        // The optional list has the same texts; only the path differs.
        for key in ["permissions", "optional_permissions"] {
            let error = load(&json!({key: value})).expect_err(&value.to_string());
            assert_eq!(error.message, message, "{key}: {value}");
            assert_eq!(error.path, format!("{key}{path}"), "{key}: {value}");
        }
    }
}

#[test]
fn bad_rules_are_warnings_and_the_others_stay_5_2() {
    let loaded = loaded(&with_permissions(&json!([
        {"socket": [
            "tcp-connect:a:b:c",
            "tcp-connect:good:80",
            5,
            1.0,
            null,
            ["udp-bind"],
            {"b": 1, "a": "x"},
            true,
            "quote\" and \\ and \u{1}",
            "udp-bind:good",
            "münchen",
            "",
            "tcp-connect:a:65536"
        ]}
    ])));
    let items = [
        r#""tcp-connect:a:b:c""#,
        "5",
        "1.0",
        "null",
        r#"["udp-bind"]"#,
        r#"{"a":"x","b":1}"#,
        "true",
        r#""quote\" and \\ and \u0001""#,
        r#""münchen""#,
        r#""""#,
        r#""tcp-connect:a:65536""#,
    ];
    assert_eq!(loaded.warnings, items.map(unknown));
    assert_eq!(loaded.grants.canonical(System::Legacy), ["tcp-connect:good:80", "udp-bind:good:*"]);
}

#[test]
fn warnings_come_in_the_order_of_the_list_also_from_replaced_elements_5_2() {
    let loaded = loaded(&json!({
        "permissions": [
            "first-unknown",
            {"socket": ["second", "tcp-connect"]},
            {"third.unknown": []},
            {"socket": ["fourth"]},
            "socket"
        ],
        "optional_permissions": ["fifth", {"socket": ["sixth", "udp-bind"]}, "seventh"]
    }));
    let mut expected: Vec<String> = [
        "first-unknown",
        "\"second\"",
        "third.unknown",
        "\"fourth\"",
        "fifth",
        "\"sixth\"",
        "seventh",
    ]
    .map(unknown)
    .into();
    expected.push(
        "Permission 'socket' cannot be listed as optional. This permission will be omitted."
            .to_owned(),
    );
    assert_eq!(loaded.warnings, expected);
    assert_eq!(loaded.grants.canonical(System::Legacy), Vec::<String>::new());
}

#[test]
fn an_optional_socket_permission_grants_nothing_5_2() {
    for optional in [json!(["socket"]), json!([{"socket": ["tcp-connect"]}, "socket"])] {
        let with_optional = loaded(&json!({"optional_permissions": optional}));
        assert!(!with_optional.grants.available(System::Legacy));
        assert_eq!(with_optional.warnings.len(), 1, "{:?}", with_optional.warnings);
    }
    // It takes nothing away either.
    let both = loaded(&json!({
        "permissions": [{"socket": ["tcp-connect:a:1"]}],
        "optional_permissions": ["socket", "storage"]
    }));
    assert_eq!(both.grants.canonical(System::Legacy), ["tcp-connect:a:1"]);
}

#[test]
fn the_list_is_checked_before_the_sockets_key_5() {
    let error = load(&json!({"permissions": 5, "optional_permissions": 6, "sockets": 7}));
    assert_eq!(error.unwrap_err().path, "permissions");
    let error = load(&json!({"optional_permissions": 6, "sockets": 7}));
    assert_eq!(error.unwrap_err().path, "optional_permissions");
}

#[test]
fn known_names_and_url_patterns_give_no_warning_5_2() {
    let names = known_names::all();
    assert!(names.is_sorted(), "the list is searched by halves");
    let urls = [
        "<all_urls>",
        "*://*/*",
        "http://*/*",
        "https://*.example.com/*",
        "https://example.com/path/*",
        "http://localhost:8080/",
        "http://127.0.0.1/*",
        "http://[::1]/*",
        "http://[::1]:80/*",
        "https://*:*/",
        "ws://host/*",
        "file:///*",
        "ftp://*/",
        "chrome://favicon/",
    ];
    let more = ["socket", "bluetoothPrivate", "webrtcLoggingPrivate.audioDebug"];
    let all: Vec<&str> = names.iter().copied().chain(urls).chain(more).collect();
    let loaded = loaded(&json!({"permissions": all, "optional_permissions": names.iter()
        .filter(|name| **name != "socket").collect::<Vec<_>>()}));
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn unknown_names_and_malformed_url_patterns_give_a_warning_5_2() {
    let rows = [
        "",
        "Storage",
        "storage ",
        "sockets",
        "socket ",
        "socket:tcp-connect",
        "tcp-connect",
        "Private",
        "x yPrivate",
        "all_urls",
        "<all_urls",
        "http://*",
        "http://",
        "http:///",
        "http://a",
        "http:/a/",
        "://a/",
        "gopher://a/",
        "HTTP://a/*",
        "http://a*/",
        "http://*a/",
        "http://*.*/",
        "http://a.*/",
        "http://a b/",
        "http://user@a/",
        "http://a:b/",
        "http://a:65536/",
        "http://a:/",
        "*.example.com",
        "example.com",
        "\0",
    ];
    let loaded = loaded(&with_permissions(&json!(rows)));
    assert_eq!(loaded.warnings, rows.map(unknown));
}

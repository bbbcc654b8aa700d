//! Section 5: from the text of a manifest to JSON. What is tolerated, the limits, error texts.

use super::super::json::{MAX_MANIFEST_BYTES, MAX_MANIFEST_DEPTH};
use super::super::{Grants, System};

fn message(text: &str) -> String {
    let error = Grants::from_manifest(text).expect_err(text);
    assert_eq!(error.path, "");
    assert_eq!(error.to_string(), error.message);
    error.message
}

#[test]
fn comments_and_a_byte_order_mark_are_tolerated() {
    let texts = [
        "{\"sockets\": {\"tcp\": {\"connect\": \"a:80\"}}}",
        "\u{feff}{\"sockets\": {\"tcp\": {\"connect\": \"a:80\"}}}",
        "\u{feff}// first\n{\"sockets\": {\"tcp\": {\"connect\": \"a:80\"}}} // last",
        "/* a */{/**/\"sockets\"/***/:/* \" */{\"tcp\": /*//*/ {\"connect\":\n//\"\n\"a:80\"}}}/* é */",
        "{\"sockets\": {\"tcp\": {\"connect\": \"a:80\" // no more \"rules\"\r}}}",
        "{\"sockets\": {\"tcp\": {\"connect\": \"a:80\"/* two\nlines */}}} //",
        " \r\n\t{\"sockets\"\n:\n{\"tcp\" : {\"connect\" : \"a:80\"}}}\n",
    ];
    for text in texts {
        let loaded = Grants::from_manifest(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(loaded.grants.canonical(System::Sockets), ["tcp-connect:a:80"], "{text}");
    }
}

#[test]
fn comment_signs_inside_strings_are_text() {
    let text =
        r#"{"name": "a \" // b /*", "sockets": {"udp": {"send": ["//x:1", "/*y*/", "\\"]}}}"#;
    let loaded = Grants::from_manifest(text).unwrap();
    assert_eq!(
        loaded.grants.canonical(System::Sockets),
        ["udp-send-to:/*y*/:*", "udp-send-to://x:1", "udp-send-to:\\:*"]
    );
}

/// As Chrome's reader takes them: control characters as they are, `\v` and `\xHH`.
#[test]
fn strings_may_have_more_than_in_json() {
    let text =
        "{\"sockets\": {\"udp\": {\"send\": [\"a\u{1}\t\r\n\", \"\\x62\\xe9\\v\\\\v\\\\x62\"]}}}";
    let value = super::super::json::parse(text).unwrap();
    let send = &value["sockets"]["udp"]["send"];
    assert_eq!((&send[0], &send[1]), (&"a\u{1}\t\r\n".into(), &"bé\u{b}\\v\\x62".into()));
}

#[test]
fn of_two_equal_keys_the_last_one_counts() {
    let text = r#"{
        "sockets": 5,
        "sockets": {"tcp": {"connect": "a"}, "tcp": {"connect": "b", "connect": "c"}},
        "permissions": 5, "permissions": [{"socket": ["udp-bind:a"], "socket": ["udp-bind:b"]}]
    }"#;
    let grants = Grants::from_manifest(text).unwrap().grants;
    assert_eq!(grants.canonical(System::Sockets), ["tcp-connect:c:*"]);
    assert_eq!(grants.canonical(System::Legacy), ["udp-bind:b:*"]);
}

#[test]
fn syntax_errors_say_what_and_where() {
    let rows = [
        ("", "line 1, column 0): EOF while parsing a value"),
        ("\u{feff}", "line 1, column 0): EOF while parsing a value"),
        ("// only a comment", "EOF while parsing a value"),
        ("{", "line 1, column 1): EOF while parsing an object"),
        ("{\n  \"name\": nope\n}", "line 2, column 12): expected ident"),
        ("{\n/* x\n y */ \"a\": 1,\n}", "line 4, column 1): trailing comma"),
        ("{} x", "line 1, column 4): trailing characters"),
        ("{\"\n\t\\v\\x41\": 1 x", "line 2, column 13): expected `,` or `}`"),
        ("{\"\t\t\\x4g", "line 1, column 8): invalid escape"),
        ("{\"\t\n\\y", "line 2, column 2): invalid escape"),
        ("{\"\\\n", "line 2, column 0): invalid escape"),
        ("{\"\t\u{b}", "line 1, column 4): EOF while parsing a string"),
        ("{\u{b}", "line 1, column 2): key must be a string"),
        ("{\"a\": '1'}", "expected value"),
        ("{a: 1}", "key must be a string"),
        ("{\"a\": 1e999}", "number out of range"),
        ("{\"a\": \"\\ud800\"}", "hex escape"),
        ("/", "line 1, column 1): expected value"),
        ("{} /", "trailing characters"),
        ("{}\n  /* never ends", "line 2, column 3): comment without an end"),
        ("/*/", "line 1, column 1): comment without an end"),
        ("\u{feff}\u{feff}{}", "expected value"),
        ("{\"a\": \"/* b", "EOF while parsing a string"),
    ];
    for (text, part) in rows {
        let message = message(text);
        assert!(message.starts_with("Manifest is not valid JSON (line "), "{text:?}: {message}");
        assert!(message.contains(part), "{text:?}: {message}");
        assert!(message.ends_with('.') && !message.contains(" at line "), "{text:?}: {message}");
    }
}

#[test]
fn a_manifest_must_be_an_object() {
    let rows = [
        ("null", "null"),
        ("true", "boolean"),
        ("12", "integer"),
        ("1.5", "double"),
        ("\"text\"", "string"),
        ("[{}]", "list"),
    ];
    for (text, name) in rows {
        let expected = format!("Manifest is not an object: expected dictionary, got {name}.");
        assert_eq!(message(text), expected);
    }
}

#[test]
fn size_has_a_limit() {
    let longest = format!("{{}}{}", " ".repeat(MAX_MANIFEST_BYTES - 2));
    assert!(Grants::from_manifest(&longest).is_ok());
    let too_long = longest + " ";
    assert_eq!(message(&too_long), "Manifest is too large: 4194305 bytes, the limit is 4194304.");
}

#[test]
fn depth_has_a_limit() {
    let nested = |levels: usize| {
        let lists = levels - 1;
        format!("{{\"a\": {}1{}}}", "[".repeat(lists), "]".repeat(lists))
    };
    assert!(Grants::from_manifest(&nested(MAX_MANIFEST_DEPTH)).is_ok());
    assert_eq!(
        message(&nested(MAX_MANIFEST_DEPTH + 1)),
        "Manifest is nested too deeply (line 1, column 106): the limit is 100 levels."
    );
    // Much deeper must not exhaust the stack; brackets in strings and comments do not count.
    assert!(message(&"[".repeat(1_000_000)).contains("nested too deeply"));
    let flat = format!("{{\"a\": \"{0}\"}} // {0}", "[".repeat(1000));
    assert!(Grants::from_manifest(&flat).is_ok());
}

#[test]
fn an_error_with_a_path_shows_it_in_front() {
    let error = Grants::from_manifest(r#"{"sockets": {"udp": {"bind": ["", ":0"]}}}"#).unwrap_err();
    assert_eq!(error.message, "Invalid host:port pattern ':0'");
    assert_eq!(error.path, "sockets.udp.bind[1]");
    assert_eq!(error.to_string(), "sockets.udp.bind[1]: Invalid host:port pattern ':0'");
}

//! Sections 2.2 to 2.6: which host patterns are accepted, and their canonical text.

use super::super::PatternError::{
    self, HostWhiteSpace, PatternNotAllowed, Port, PortWhiteSpace, TooManyParts,
};
use super::super::{Entry, Operation};
use super::{ADDRESS_BOUND, NOT_ADDRESS_BOUND};

/// Pattern, canonical text, host, subdomains, port (0: any).
type Row = (&'static str, &'static str, &'static str, bool, u16);

/// The rows of table 2.5, then more of the same kind.
const ACCEPTED: &[Row] = &[
    ("", "*:*", "", true, 0),
    ("*", "*:*", "", true, 0),
    ("*:", "*:*", "", true, 0),
    (":", "*:*", "", true, 0),
    (":*", "*:*", "", true, 0),
    ("*:*", "*:*", "", true, 0),
    (".", "*:*", "", true, 0),
    ("*.", "*:*", "", true, 0),
    (":99", "*:99", "", true, 99),
    ("*:99", "*:99", "", true, 99),
    ("www.example.com", "www.example.com:*", "www.example.com", false, 0),
    ("wWW.ExAmPlE.cOm", "www.example.com:*", "www.example.com", false, 0),
    ("www.example.com:80", "www.example.com:80", "www.example.com", false, 80),
    ("www.example.com:+80", "www.example.com:80", "www.example.com", false, 80),
    ("www.example.com:0080", "www.example.com:80", "www.example.com", false, 80),
    ("*.example.com", "*.example.com:*", "example.com", true, 0),
    (".example.com", "*.example.com:*", "example.com", true, 0),
    ("*.example.com:99", "*.example.com:99", "example.com", true, 99),
    ("*.ExAmPlE.cOm:99", "*.example.com:99", "example.com", true, 99),
    ("127.0.0.1:3007", "127.0.0.1:3007", "127.0.0.1", false, 3007),
    ("a:80", "a:80", "a", false, 80),
    ("*.168.0.1:8800", "*.168.0.1:8800", "168.0.1", true, 8800),
    ("*foo.com", "*foo.com:*", "*foo.com", false, 0),
    ("a.*.com", "a.*.com:*", "a.*.com", false, 0),
    ("a/b", "a/b:*", "a/b", false, 0),
    ("example.com.", "example.com.:*", "example.com.", false, 0),
    ("foo. bar", "foo.bar:*", "foo.bar", false, 0),
    ("[host]", "[host]:*", "[host]", false, 0),
    ("münchen.de", "münchen.de:*", "münchen.de", false, 0),
    // 2.2 step 4c: other letters than ASCII keep their case.
    ("MÜNCHEN.de", "mÜnchen.de:*", "mÜnchen.de", false, 0),
    // 2.2 step 4d: white space is trimmed from each label, not inside it.
    ("foo \t. \rbar", "foo.bar:*", "foo.bar", false, 0),
    ("foo bar.com", "foo bar.com:*", "foo bar.com", false, 0),
    ("* .foo", "*.foo:*", "foo", true, 0),
    ("*. foo", "*.foo:*", "foo", true, 0),
    ("a. .b", "a..b:*", "a..b", false, 0),
    // 2.2 step 4e drops one label only.
    ("*.*.foo", "*.*.foo:*", "*.foo", true, 0),
    ("..foo", "*..foo:*", ".foo", true, 0),
    ("**", "**:*", "**", false, 0),
    ("*..", "*..:*", ".", true, 0),
    ("..", "*..:*", ".", true, 0),
    (".*", "*.*:*", "*", true, 0),
    // 2.2 step 5: the smallest and largest port, and many zeros.
    ("a:1", "a:1", "a", false, 1),
    ("a:65535", "a:65535", "a", false, 65535),
    ("a:+00065535", "a:65535", "a", false, 65535),
    ("a:000000000000000000000000000000001", "a:1", "a", false, 1),
    // 2.3: nothing is said about the characters of a label.
    ("user@host", "user@host:*", "user@host", false, 0),
    ("a\0b", "a\0b:*", "a\0b", false, 0),
    ("?", "?:*", "?", false, 0),
    // Only the white space of 2.2 step 4b counts.
    ("\u{a0}host", "\u{a0}host:*", "\u{a0}host", false, 0),
    ("host\u{b}", "host\u{b}:*", "host\u{b}", false, 0),
];

/// The rows of table 2.6, then more of the same kind.
const REJECTED: &[(&str, PatternError)] = &[
    ("www.example.com:-1", Port),
    ("www.example.com:0", Port),
    ("www.example.com:65536", Port),
    ("www.example.com:8o", Port),
    ("www.example.com:0x50", Port),
    ("www.example.com:80-90", Port),
    ("www.example.com:1e3", Port),
    ("::", TooManyParts),
    ("a:b:c", TooManyParts),
    ("::1", TooManyParts),
    ("[::1]", TooManyParts),
    ("[::1]:80", TooManyParts),
    ("fe80::1", TooManyParts),
    (" www.example.com", HostWhiteSpace),
    ("www.example.com ", HostWhiteSpace),
    ("*.example.com :99", HostWhiteSpace),
    ("\twww.example.com", HostWhiteSpace),
    ("\nwww.example.com", HostWhiteSpace),
    ("www.example.com\t", HostWhiteSpace),
    ("www.example.com\n", HostWhiteSpace),
    ("*.example.com: 99", PortWhiteSpace),
    ("*.example.com:99 ", PortWhiteSpace),
    // 2.2 step 5.
    (":0", Port),
    ("a:00", Port),
    ("a:+", Port),
    ("a:++80", Port),
    ("a:+-80", Port),
    ("a:-0", Port),
    ("a:+*", Port),
    ("a:**", Port),
    ("a:80.0", Port),
    ("a:80,81", Port),
    ("a:8 0", Port),
    ("a:0065536", Port),
    ("a:4294967376", Port),
    ("a:18446744073709551696", Port),
    ("a:99999999999999999999999999999999999999", Port),
    ("a:８０", Port),
    ("a:\u{b}80", Port),
    ("a:\0", Port),
    ("a: *", PortWhiteSpace),
    ("a:* ", PortWhiteSpace),
    ("a: ", PortWhiteSpace),
    ("a:\r", PortWhiteSpace),
    // 2.2 step 4b.
    (" ", HostWhiteSpace),
    (" *", HostWhiteSpace),
    ("* ", HostWhiteSpace),
    (" .", HostWhiteSpace),
    ("\r*", HostWhiteSpace),
    ("\u{c}*", HostWhiteSpace),
    // 2.2 step 3 comes before steps 4 and 5.
    (" a:b:0", TooManyParts),
    (":::", TooManyParts),
    ("a:80:", TooManyParts),
    ("a:80:*", TooManyParts),
    // 2.2 step 4 comes before step 5.
    (" a:0", HostWhiteSpace),
];

#[test]
fn accepted_patterns_have_these_fields_and_this_canonical_text_2_5() {
    for operation in ADDRESS_BOUND {
        for &(pattern, canonical, host, subdomains, port) in ACCEPTED {
            let entry = match Entry::parse_pattern(operation, pattern) {
                Ok(entry) => entry,
                Err(error) => panic!("{pattern:?}: {error}"),
            };
            assert_eq!(entry.operation(), operation);
            assert_eq!(entry.pattern_text(), canonical, "canonical text of {pattern:?}");
            assert_eq!(entry.host(), host, "host of {pattern:?}");
            assert_eq!(entry.covers_subdomains(), subdomains, "subdomains of {pattern:?}");
            assert_eq!(entry.port().unwrap_or(0), port, "port of {pattern:?}");
        }
    }
}

#[test]
fn canonical_text_parses_to_an_equal_entry_2_4_and_6() {
    for operation in ADDRESS_BOUND {
        for &(pattern, ..) in ACCEPTED {
            let entry = Entry::parse_pattern(operation, pattern).unwrap();
            let text = entry.pattern_text();
            assert_eq!(Entry::parse_pattern(operation, &text), Ok(entry.clone()), "{pattern:?}");
            assert_eq!(Entry::parse_rule(&entry.rule_text()), Ok(entry), "{pattern:?}");
        }
    }
    for operation in NOT_ADDRESS_BOUND {
        let entry = Entry::parse_pattern(operation, "").unwrap();
        assert_eq!(entry.pattern_text(), "");
        assert_eq!(Entry::parse_rule(&entry.rule_text()), Ok(entry));
    }
}

#[test]
fn rejected_patterns_are_rejected_for_this_reason_2_6() {
    for operation in ADDRESS_BOUND {
        for &(pattern, reason) in REJECTED {
            assert_eq!(Entry::parse_pattern(operation, pattern), Err(reason), "{pattern:?}");
        }
    }
}

#[test]
fn operations_without_address_take_the_empty_pattern_only_2_6() {
    for operation in NOT_ADDRESS_BOUND {
        assert!(Entry::parse_pattern(operation, "").is_ok());
        let patterns = ACCEPTED.iter().map(|row| row.0).chain(REJECTED.iter().map(|row| row.0));
        for pattern in patterns.filter(|pattern| !pattern.is_empty()) {
            let parsed = Entry::parse_pattern(operation, pattern);
            assert_eq!(parsed, Err(PatternNotAllowed), "{operation:?} {pattern:?}");
        }
    }
}

#[test]
fn documented_and_undocumented_forms_are_taken_as_the_code_does_8() {
    let canonical = |operation, pattern| {
        Entry::parse_pattern(operation, pattern).map(|entry| entry.pattern_text())
    };
    let ok = |text: &str| Ok(text.to_owned());
    // Plain names, literals, `.name` and the empty text, not only `*` and `*.name`.
    assert_eq!(canonical(Operation::TcpConnect, "host"), ok("host:*"));
    assert_eq!(canonical(Operation::TcpConnect, "10.0.0.1"), ok("10.0.0.1:*"));
    assert_eq!(canonical(Operation::TcpConnect, ".name"), ok("*.name:*"));
    assert_eq!(canonical(Operation::TcpConnect, ""), ok("*:*"));
    // `/` and `*` inside the host.
    assert_eq!(canonical(Operation::TcpConnect, "a/b*c"), ok("a/b*c:*"));
    // Ports: empty, leading zeros and `+`.
    assert_eq!(canonical(Operation::TcpConnect, "a:"), ok("a:*"));
    assert_eq!(canonical(Operation::TcpConnect, "a:007"), ok("a:7"));
    assert_eq!(canonical(Operation::TcpConnect, "a:+7"), ok("a:7"));
    // Multicast membership takes only the empty pattern.
    let membership = Operation::UdpMulticastMembership;
    assert_eq!(canonical(membership, ""), ok(""));
    assert_eq!(canonical(membership, "239.1.1.1:5353"), Err(PatternNotAllowed));
    // The sample's `send: "*"`, and the legacy rule of the documentation.
    assert_eq!(canonical(Operation::UdpSendTo, "*"), ok("*:*"));
    let rule = Entry::parse_rule("tcp-connect:*:*").map(|entry| entry.rule_text());
    assert_eq!(rule, ok("tcp-connect:*:*"));
}

#[test]
fn accepted_patterns_that_cannot_do_what_they_say_get_a_hint_2_3() {
    let rows = [
        ("", false),
        ("www.example.com:80", false),
        ("*.my_host-1.example.com", false),
        ("127.0.0.1", false),
        ("a/b", true),
        ("a.*.com", true),
        ("*foo.com", true),
        ("host?", true),
        ("[host]", true),
        ("münchen.de", true),
        ("foo bar.com", true),
        ("example.com.", true),
        ("*.168.0.1", true),
    ];
    for (pattern, hint) in rows {
        let entry = Entry::parse_pattern(Operation::TcpConnect, pattern).unwrap();
        assert_eq!(entry.lint().is_some(), hint, "{pattern:?}");
    }
}

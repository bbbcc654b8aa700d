//! Whom a certificate is for (tcp.md TLS-21, TLS-22, 7.8 rank 6).

use std::net::IpAddr;

use rcgen::{DnType, SanType};

use super::certificates::{AS_USUAL, Authority, Identity};
use super::{Case, differ};

/// A case for each pair of a host and the name in its certificate.
fn case(host: &'static str, name: &str) -> Case {
    let root = Authority::root("Root");
    Case::new(&root, &named(&root, &[name])).at(host)
}

/// Names are put in as they are, also those that no authority would sign.
fn named(root: &Authority, names: &[&str]) -> Identity {
    let names: Vec<SanType> = names
        .iter()
        .map(|name| match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().unwrap()),
        })
        .collect();
    root.server(&[], &|params| params.subject_alt_names.clone_from(&names))
}

#[track_caller]
fn check(host: &'static str, right: &str, wrong: &str) {
    differ(&case(host, right), -200, &case(host, wrong));
}

#[test]
fn another_name_does_not_match_rank_6() {
    check("server.test", "server.test", "other.test");
    check("server.test", "server.test", "server.tes");
    check("server.test", "server.test", "aserver.test");
    check("server.test", "server.test", "a.server.test");
    check("a.server.test", "a.server.test", "server.test");
}

#[test]
fn one_of_several_names_is_enough_rank_6() {
    let root = Authority::root("Root");
    let with = |names: &[&str]| Case::new(&root, &named(&root, names));
    differ(&with(&["a.test", "server.test", "b.test"]), -200, &with(&["a.test", "b.test"]));
}

#[test]
fn a_wildcard_stands_for_exactly_one_label_rank_6() {
    check("a.server.test", "*.server.test", "*.test");
    check("a.b.test", "*.b.test", "*.a.b.test");
    // Not the domain itself, nor two labels.
    check("b.test", "b.test", "*.b.test");
    check("a.b.c.test", "*.b.c.test", "*.c.test");
}

#[test]
fn a_wildcard_stands_alone_and_first_rank_6() {
    check("aserver.b.test", "*.b.test", "a*.b.test");
    check("aserver.b.test", "*.b.test", "*server.b.test");
    check("a.b.test", "*.b.test", "a.*.test");
    check("a.b.test", "*.b.test", "*.*.test");
}

#[test]
fn the_common_name_is_never_consulted_7_8() {
    let root = Authority::root("Root");
    let called = |params: &mut rcgen::CertificateParams| {
        params.distinguished_name.push(DnType::CommonName, "server.test");
    };
    let good = root.server(&["server.test"], &called);
    let other_name = root.server(&["other.test"], &called);
    let no_name = root.server(&[], &called);
    differ(&Case::new(&root, &good), -200, &Case::new(&root, &other_name));
    Case::new(&root, &no_name).is_refused(-200);
}

#[test]
fn case_makes_no_difference_tls_21() {
    check("SERVER.Test", "server.test", "other.test");
    check("server.test", "SERVER.tesT", "OTHER.tesT");
}

#[test]
fn a_trailing_dot_makes_no_difference_tls_21() {
    check("server.test.", "server.test", "other.test");
}

#[test]
fn a_name_in_other_letters_is_an_a_label_tls_21() {
    check("bücher.test", "xn--bcher-kva.test", "bucher.test");
    check("xn--bcher-kva.test", "xn--bcher-kva.test", "xn--bcher-kvb.test");
}

#[test]
fn an_address_matches_an_address_only_tls_22() {
    check("10.1.2.3", "10.1.2.3", "10.1.2.4");
    // As a name, or by a wildcard, it is none.
    let root = Authority::root("Root");
    let as_name = root.server(&[], &|params| {
        params.subject_alt_names = vec![SanType::DnsName("10.1.2.3".try_into().unwrap())];
    });
    let good = named(&root, &["10.1.2.3"]);
    differ(
        &Case::new(&root, &good).at("10.1.2.3"),
        -200,
        &Case::new(&root, &as_name).at("10.1.2.3"),
    );
    check("10.1.2.3", "10.1.2.3", "*.1.2.3");
    check("10.1.2.3", "10.1.2.3", "server.test");
    // Nor does the address of a name help.
    check("server.test", "server.test", "10.0.0.1");
}

/// Where another address is reached, it is not the one that was asked for.
#[test]
fn an_unspecified_address_is_verified_as_given_tls_21_tls_22() {
    check("0.0.0.0", "0.0.0.0", "127.0.0.1");
    check("::", "::", "::1");
}

#[test]
fn an_ipv6_literal_matches_its_address_d11() {
    check("2001:db8::1", "2001:db8::1", "2001:db8::2");
    check("2001:DB8:0:0::1", "2001:db8::1", "2001:db8:1::1");
    check("::ffff:10.1.2.3", "::ffff:10.1.2.3", "10.1.2.3");
}

#[test]
fn the_server_is_told_the_name_but_never_an_address_tls_21_tls_22() {
    let cases = [
        ("Server.Test.", "server.test", Some("server.test")),
        ("bücher.test", "xn--bcher-kva.test", Some("xn--bcher-kva.test")),
        ("10.1.2.3", "10.1.2.3", None),
        ("2001:db8::1", "2001:db8::1", None),
    ];
    for (host, name, told) in cases {
        let mut talk = case(host, name).begin();
        talk.run();
        assert_eq!(talk.server.server_name(), told);
        assert_eq!(talk.server.alpn_protocol(), None, "TLS-23");
        talk.events();
        talk.works();
    }
}

#[test]
fn the_name_is_that_of_the_connection_d10() {
    let root = Authority::root("Root");
    let case = Case::new(&root, &root.server(&["server.test"], AS_USUAL));
    let mut talk = case.connect();
    talk.rig.play(
        r#"
        > connect(1, "other.test", 443)
        ? q2 of 1: other.test Any
        A q2 10.0.0.1
        < connect 1: -23
        "#,
    );
    talk.rig.issue("secure(1)");
    talk.succeeds();
}

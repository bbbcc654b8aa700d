//! Several problems at once: the most serious is the result (tcp.md 7.8).

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose as Purpose, GeneralSubtree,
    KeyUsagePurpose as Usage, NameConstraints,
};

use super::certificates::{
    AS_USUAL, Authority, RsaPublic, SHA_1, rsa_key, self_signed, valid, weaken_signature,
};
use super::{Case, NAME, differ};

const OTHER: &str = "other.test";

fn expired(params: &mut CertificateParams) {
    valid(2020, 2026)(params);
}

fn for_clients(params: &mut CertificateParams) {
    params.extended_key_usages = vec![Purpose::ClientAuth];
}

/// A server with another name than that in its certificate, and one with its own.
#[track_caller]
fn with_and_without_name(
    root: &Authority,
    with: i32,
    without: i32,
    change: super::certificates::Change<'_>,
) {
    Case::new(root, &root.server(&[OTHER], change)).is_refused(with);
    Case::new(root, &root.server(&[NAME], change)).is_refused(without);
}

#[test]
fn self_signed_outranks_name_and_date_7_8() {
    for names in [[NAME], [OTHER]] {
        for change in [AS_USUAL, &expired] {
            let server = self_signed(&names, change);
            Case::good().showing(&server).is_refused(-202);
        }
    }
}

#[test]
fn invalid_outranks_name_and_date_7_8() {
    let root = Authority::root("Root");
    with_and_without_name(&root, -207, -207, &for_clients);
    with_and_without_name(&root, -207, -207, &|params| {
        for_clients(params);
        expired(params);
    });
}

#[test]
fn an_added_certificate_has_the_same_order_7_8() {
    let case = |names: &[&str], change: super::certificates::Change<'_>| {
        let server = self_signed(names, change);
        Case::good().trusting(&[&server.chain[0]]).showing(&server)
    };
    case(&[NAME], AS_USUAL).is_served();
    case(&[OTHER], &expired).is_refused(-200);
    case(&[NAME], &expired).is_refused(-201);
    case(&[OTHER], &|params| {
        for_clients(params);
        expired(params);
    })
    .is_refused(-207);
}

#[test]
fn an_untrusted_issuer_outranks_the_name_rank_5_rank_6() {
    let (known, unknown) = (Authority::root("Known"), Authority::root("Unknown"));
    let good = Case::new(&known, &known.server(&[NAME], AS_USUAL));
    differ(&good, -202, &good.clone().showing(&unknown.server(&[OTHER], AS_USUAL)));
    differ(&good, -200, &good.clone().showing(&known.server(&[OTHER], AS_USUAL)));
}

#[test]
fn an_untrusted_issuer_outranks_date_and_weak_key_rank_5() {
    let unknown = Authority::root("Unknown");
    let weak = unknown.server_with_public(&[OTHER], &RsaPublic::of_bytes(128));
    Case::good().showing(&weak).is_refused(-202);
    Case::good().showing(&unknown.server(&[OTHER], &expired)).is_refused(-202);
}

#[test]
fn the_name_outranks_constraints_rank_6_rank_8() {
    let root = Authority::root("Root");
    let constrained = root.below("Intermediate", &|params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example".into())],
            excluded_subtrees: vec![],
        });
    });
    Case::new(&root, &constrained.server(&[OTHER], AS_USUAL)).is_refused(-200);
    Case::new(&root, &constrained.server(&[NAME], AS_USUAL)).is_refused(-212);
}

#[test]
fn the_name_outranks_weak_signatures_rank_6_rank_9() {
    let root = Authority::rsa_root("Root");
    for (name, code) in [(OTHER, -200), (NAME, -208)] {
        let server = root.server(&[name], AS_USUAL);
        let weak = server.damaged(0, |der| weaken_signature(der, SHA_1));
        differ(&Case::new(&root, &root.server(&[NAME], AS_USUAL)), code, &Case::new(&root, &weak));
    }
}

#[test]
fn weak_signatures_outrank_weak_keys_and_dates_rank_9() {
    let root = Authority::rsa_root("Root");
    let weak_key = root.server_with_public(&[NAME], &RsaPublic::of_bytes(128));
    Case::new(&root, &weak_key).is_refused(-211);
    // Its own identifier is no signature's, so that only two places change.
    let weak = weak_key.damaged(0, |der| weaken_signature(der, SHA_1));
    Case::new(&root, &weak).is_refused(-208);
    let old = root.server(&[NAME], &expired);
    Case::new(&root, &old).is_refused(-201);
    let weak = old.damaged(0, |der| weaken_signature(der, SHA_1));
    Case::new(&root, &weak).is_refused(-208);
}

#[test]
fn the_name_outranks_weak_keys_and_weak_keys_outrank_dates_rank_10() {
    let root = Authority::root("Root");
    let weak = RsaPublic::of_bytes(128);
    let case = |name, now| Case::new(&root, &root.server_with_public(&[name], &weak)).when(now);
    // In the year 5000 the certificate is old.
    let (now, later) = (1_800_000_000, 95_617_584_000);
    case(NAME, now).is_refused(-211);
    case(OTHER, now).is_refused(-200);
    case(NAME, later).is_refused(-211);
    case(OTHER, later).is_refused(-200);
    let strong = Case::new(&root, &root.server_with(&[NAME], &rsa_key(), AS_USUAL));
    differ(&strong, -201, &strong.clone().when(later));
}

#[test]
fn the_name_outranks_the_date_rank_6_rank_11() {
    let root = Authority::root("Root");
    with_and_without_name(&root, -200, -201, &expired);
}

#[test]
fn constraints_outrank_the_date_rank_8_rank_11() {
    let root = Authority::root("Root");
    let constrained = root.below("Intermediate", &|params| {
        expired(params);
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![],
            excluded_subtrees: vec![GeneralSubtree::DnsName(NAME.into())],
        });
    });
    Case::new(&root, &constrained.server(&[NAME], &expired)).is_refused(-212);
}

#[test]
fn the_date_outranks_the_use_of_the_key_rank_11() {
    let root = Authority::root("Root");
    let for_agreement =
        |params: &mut CertificateParams| params.key_usages = vec![Usage::KeyAgreement];
    with_and_without_name(&root, -200, -181, &for_agreement);
    with_and_without_name(&root, -200, -201, &|params| {
        for_agreement(params);
        expired(params);
    });
}

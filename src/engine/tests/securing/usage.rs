//! What certificates and keys may be used for (tcp.md 7.8 ranks 1, 8, 9, 10; 7.7 -181).

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CustomExtension,
    ExtendedKeyUsagePurpose as Purpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose as Usage,
    NameConstraints,
};

use super::certificates::{
    AS_USUAL, Authority, Change, MD5, RsaPublic, SHA_1, rsa_key, self_signed, weaken_signature,
};
use super::{Case, NAME, differ};

/// Two servers of one root that differ in their certificates.
#[track_caller]
fn servers(right: Change<'_>, code: i32, wrong: Change<'_>) {
    let root = Authority::root("Root");
    let case = |change| Case::new(&root, &root.server(&[NAME], change));
    differ(&case(right), code, &case(wrong));
}

/// Two servers whose intermediates differ.
#[track_caller]
fn intermediates(right: Change<'_>, code: i32, wrong: Change<'_>) {
    let root = Authority::root("Root");
    let case = |change| {
        let intermediate = root.below("Intermediate", change);
        Case::new(&root, &intermediate.server(&[NAME], AS_USUAL))
    };
    differ(&case(right), code, &case(wrong));
}

#[test]
fn a_certificate_for_something_else_serves_nobody_rank_1() {
    let only = |purposes: Vec<Purpose>| {
        move |params: &mut CertificateParams| params.extended_key_usages.clone_from(&purposes)
    };
    servers(
        &only(vec![Purpose::ClientAuth, Purpose::ServerAuth]),
        -207,
        &only(vec![Purpose::ClientAuth]),
    );
    servers(&only(vec![]), -207, &only(vec![Purpose::CodeSigning]));
    // Above the server too.
    intermediates(&only(vec![Purpose::ServerAuth]), -207, &only(vec![Purpose::EmailProtection]));
    // And for a certificate that the host has added.
    let case = |purpose| {
        let server = self_signed(&[NAME], &only(vec![purpose]));
        Case::good().trusting(&[&server.chain[0]]).showing(&server)
    };
    differ(&case(Purpose::ServerAuth), -207, &case(Purpose::ClientAuth));
}

/// Whatever purpose it is made for, it is made for this one.
#[test]
fn a_certificate_for_any_purpose_serves_rank_1() {
    let root = Authority::root("Root");
    let any = |params: &mut CertificateParams| params.extended_key_usages = vec![Purpose::Any];
    Case::new(&root, &root.server(&[NAME], &any)).is_served();
    let intermediate = root.below("Intermediate", &any);
    Case::new(&root, &intermediate.server(&[NAME], &any)).is_served();
    Case::new(&root, &intermediate.server(&[NAME], AS_USUAL)).is_served();
    let server = self_signed(&[NAME], &any);
    Case::good().trusting(&[&server.chain[0]]).showing(&server).is_served();
}

#[test]
fn only_an_authority_signs_certificates_rank_1() {
    intermediates(AS_USUAL, -207, &|params| params.is_ca = IsCa::ExplicitNoCa);
    intermediates(AS_USUAL, -207, &|params| params.is_ca = IsCa::NoCa);
    // With a key that may sign them.
    intermediates(&|params| params.key_usages.clear(), -207, &|params| {
        params.key_usages = vec![Usage::DigitalSignature];
    });
}

/// A server may show two certificates of the same authority: one that it may sign with is found behind one that not.
#[test]
fn another_way_by_an_authority_that_signs_certificates_is_found_rank_1() {
    let root = Authority::root("Root");
    let good = root.below("Intermediate", AS_USUAL);
    let bad = root.renewed(&good, &|params| params.key_usages = vec![Usage::DigitalSignature]);
    let server = good.server(&[NAME], AS_USUAL);
    let [leaf, good] = &server.chain[..] else { panic!() };
    let case = |chain: &[&_]| Case::new(&root, &server.showing(chain));
    case(&[leaf, &bad, good]).is_served();
    case(&[leaf, good, &bad]).is_served();
    case(&[leaf, &bad]).is_refused(-207);
}

#[test]
fn an_authority_is_no_server_rank_1() {
    servers(AS_USUAL, -207, &|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
}

#[test]
fn an_authority_vouches_for_as_many_below_it_as_it_may_rank_1() {
    let root = Authority::root("Root");
    let case = |most| {
        let upper = root.below("Upper", &|params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(most));
        });
        Case::new(&root, &upper.below("Lower", AS_USUAL).server(&[NAME], AS_USUAL))
    };
    differ(&case(1), -207, &case(0));
    // The last one may still serve.
    let last = root.below("Last", &|params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    Case::new(&root, &last.server(&[NAME], AS_USUAL)).is_served();
}

/// With an extension that nobody knows.
fn extended(critical: bool) -> impl Fn(&mut CertificateParams) {
    move |params| {
        let oid = [1, 3, 6, 1, 4, 1, 55555, 1];
        let mut extension = CustomExtension::from_oid_content(&oid, vec![0x05, 0x00]);
        extension.set_criticality(critical);
        params.custom_extensions.push(extension);
    }
}

/// `webpki` looks at a root's name and key only.
#[test]
fn a_root_that_the_host_has_added_vouches_for_what_it_says_rank_1() {
    let roots = |right: Change<'_>, wrong: Change<'_>| {
        let case = |change| {
            let root = Authority::root_with("Root", KeyPair::generate().unwrap(), change);
            let intermediate = root.below("Intermediate", AS_USUAL);
            Case::new(&root, &intermediate.server(&[NAME], AS_USUAL))
        };
        differ(&case(right), -207, &case(wrong));
        // Those that came with a store are trusted as they are.
        Case { are_public: true, ..case(wrong) }.is_served();
    };
    roots(AS_USUAL, &|params| params.key_usages = vec![Usage::DigitalSignature]);
    roots(&|params| params.extended_key_usages = vec![Purpose::Any], &|params| {
        params.extended_key_usages = vec![Purpose::ClientAuth];
    });
    roots(&extended(false), &extended(true));
    let constrained = |most| {
        move |params: &mut CertificateParams| {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(most));
        }
    };
    roots(&constrained(1), &constrained(0));
}

#[test]
fn an_unknown_extension_matters_if_it_says_so_rank_1() {
    servers(&extended(false), -207, &extended(true));
    intermediates(&extended(false), -207, &extended(true));
}

#[test]
fn names_stay_within_those_of_their_authority_rank_8() {
    let to = |permitted: &[GeneralSubtree], excluded: &[GeneralSubtree]| {
        let (permitted_subtrees, excluded_subtrees) = (permitted.to_vec(), excluded.to_vec());
        move |params: &mut CertificateParams| {
            let (permitted_subtrees, excluded_subtrees) =
                (permitted_subtrees.clone(), excluded_subtrees.clone());
            params.name_constraints =
                Some(NameConstraints { permitted_subtrees, excluded_subtrees });
        }
    };
    let dns = |name: &str| GeneralSubtree::DnsName(name.into());
    intermediates(&to(&[dns("test")], &[]), -212, &to(&[dns("example")], &[]));
    intermediates(&to(&[dns("server.test")], &[]), -212, &to(&[dns("a.server.test")], &[]));
    intermediates(&to(&[], &[dns("other.test")]), -212, &to(&[], &[dns("server.test")]));
    intermediates(&to(&[dns("test")], &[dns("a.test")]), -212, &to(&[dns("test")], &[dns("test")]));
    let net = |b| GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([10, b, 0, 0], 16));
    let at_address = |change: Change<'_>| {
        let root = Authority::root("Root");
        let intermediate = root.below("Intermediate", change);
        Case::new(&root, &intermediate.server(&["10.1.2.3"], AS_USUAL)).at("10.1.2.3")
    };
    differ(&at_address(&to(&[net(1)], &[])), -212, &at_address(&to(&[net(2)], &[])));
    differ(&at_address(&to(&[], &[net(2)])), -212, &at_address(&to(&[], &[net(1)])));
}

#[test]
fn weak_signatures_prove_nothing_rank_9() {
    let root = Authority::rsa_root("Root");
    let intermediate = root.below_with("Intermediate", rsa_key(), AS_USUAL);
    let server = intermediate.server(&[NAME], AS_USUAL);
    let good = Case::new(&root, &server);
    for hash in [SHA_1, MD5] {
        for at in 0..2 {
            let weak = server.damaged(at, |der| weaken_signature(der, hash));
            differ(&good, -208, &good.clone().showing(&weak));
        }
    }
}

#[test]
fn short_rsa_keys_prove_nothing_rank_10() {
    let root = Authority::root("Root");
    let good = Case::new(&root, &root.server_with(&[NAME], &rsa_key(), AS_USUAL));
    for bits in [512, 1024, 1536, 2040] {
        let weak = root.server_with_public(&[NAME], &RsaPublic::of_bytes(bits / 8));
        differ(&good, -211, &good.clone().showing(&weak));
    }
    // An authority's too, before its signature is looked at.
    let intermediate = root.below_with("Intermediate", rsa_key(), AS_USUAL);
    let server = intermediate.server(&[NAME], AS_USUAL);
    let weak = root.below_with_public("Intermediate", &RsaPublic::of_bytes(128));
    let shown = server.showing(&[&server.chain[0], &weak]);
    differ(&Case::new(&root, &server), -211, &Case::new(&root, &shown));
    // And a root's that the host has added, if the server names it.
    let added = Authority::root_with("Added", rsa_key(), AS_USUAL);
    let good = Case::new(&added, &added.server(&[NAME], AS_USUAL));
    for (name, code) in [("Added", -211), ("Another", -202)] {
        let weak = root.below_with_public(name, &RsaPublic::of_bytes(128));
        differ(&good, code, &good.clone().trusting(&[&weak]));
    }
}

#[test]
fn a_key_that_may_not_sign_is_good_for_no_handshake_7_7() {
    let for_agreement: Change<'_> = &|params| params.key_usages = vec![Usage::KeyAgreement];
    let no_usage: Change<'_> = &|params| params.key_usages.clear();
    servers(no_usage, -181, for_agreement);
    // One that the host has added.
    let added = |change| {
        let server = self_signed(&[NAME], change);
        Case::good().trusting(&[&server.chain[0]]).showing(&server)
    };
    differ(&added(no_usage), -181, &added(for_agreement));
    // RSA under a root of the web; a root of the host's own may get it wrong.
    let root = Authority::root("Root");
    let key = rsa_key();
    let case = |change| Case::new(&root, &root.server_with(&[NAME], &key, change));
    let for_encipherment: Change<'_> = &|params| params.key_usages = vec![Usage::KeyEncipherment];
    let public = |case: Case| Case { are_public: true, ..case };
    differ(&public(case(AS_USUAL)), -181, &public(case(for_encipherment)));
    differ(&case(for_encipherment), -181, &public(case(for_encipherment)));
}

#[test]
fn a_usage_of_keys_that_cannot_be_read_allows_nothing_7_7() {
    // What the extension holds: a string of bits, and one that says it is longer than it is.
    let usage = |content: &'static [u8]| {
        move |params: &mut CertificateParams| {
            params.key_usages.clear();
            let extension = CustomExtension::from_oid_content(&[2, 5, 29, 15], content.to_vec());
            params.custom_extensions.push(extension);
        }
    };
    servers(&usage(&[3, 2, 7, 0x80]), -207, &usage(&[3, 9, 7, 0x80]));
    intermediates(&usage(&[3, 2, 2, 4]), -207, &usage(&[3, 9, 2, 4]));
}

//! Who vouches for a server (tcp.md 7.8 rank 5).

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};

use super::certificates::{AS_USUAL, Authority, self_signed};
use super::{Case, NAME, differ};

#[test]
fn an_unknown_root_is_not_trusted_rank_5() {
    let (known, unknown) = (Authority::root("Known"), Authority::root("Unknown"));
    let good = Case::new(&known, &known.server(&[NAME], AS_USUAL));
    let bad = good.clone().showing(&unknown.server(&[NAME], AS_USUAL));
    differ(&good, -202, &bad);
    // It does not help to send it.
    let server = unknown.server(&[NAME], AS_USUAL);
    let with_root = server.showing(&[&server.chain[0], &unknown.certificate]);
    good.clone().showing(&with_root).is_refused(-202);
    let below = unknown.below("Intermediate", AS_USUAL).server(&[NAME], AS_USUAL);
    let with_root = below.showing(&[&below.chain[0], &below.chain[1], &unknown.certificate]);
    good.showing(&with_root).is_refused(-202);
}

#[test]
fn a_root_that_is_sent_along_does_no_harm() {
    let root = Authority::root("Root");
    let server = root.server(&[NAME], AS_USUAL);
    let shown = server.showing(&[&server.chain[0], &root.certificate]);
    Case::new(&root, &shown).is_served();
}

#[test]
fn self_signed_is_trusted_only_when_it_was_added_7_8() {
    let server = self_signed(&[NAME], AS_USUAL);
    let bad = Case::good().showing(&server);
    differ(&bad.clone().trusting(&[&server.chain[0]]), -202, &bad);
    // Another one with the same name is another one.
    let other = self_signed(&[NAME], AS_USUAL);
    bad.trusting(&[&other.chain[0]]).is_refused(-202);
}

#[test]
fn an_authority_that_signed_itself_and_serves_is_unknown_rank_5() {
    let server = self_signed(&[NAME], &|params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let bad = Case::good().showing(&server);
    differ(&bad.clone().trusting(&[&server.chain[0]]), -202, &bad);
}

#[test]
fn an_added_certificate_is_trusted_as_it_is() {
    let unknown = Authority::root("Unknown");
    let server = unknown.server(&[NAME], AS_USUAL);
    let bad = Case::good().showing(&server);
    differ(&bad.clone().trusting(&[&server.chain[0]]), -202, &bad);
    // It vouches for itself only.
    let brother = unknown.server(&[NAME], AS_USUAL);
    bad.trusting(&[&brother.chain[0]]).is_refused(-202);
}

#[test]
fn an_added_certificate_that_is_no_authority_vouches_for_nobody_rank_5() {
    let key = KeyPair::generate().unwrap().serialize_der();
    let added = |is_ca: IsCa| {
        let key = KeyPair::try_from(&key[..]).unwrap();
        let server = |params: &mut CertificateParams| {
            params.is_ca = is_ca;
            params.subject_alt_names = vec![SanType::DnsName(NAME.try_into().unwrap())];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params.key_usages.push(KeyUsagePurpose::DigitalSignature);
        };
        Authority::root_with("Added", key, &server)
    };
    let authority = added(IsCa::Ca(BasicConstraints::Unconstrained));
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa] {
        let other = added(is_ca);
        let below = authority.server(&[NAME], AS_USUAL);
        differ(&Case::new(&authority, &below), -202, &Case::new(&other, &below));
        // It is good for itself.
        Case::new(&other, &other.as_server()).is_served();
    }
}

#[test]
fn an_added_root_of_version_1_vouches_as_ever() {
    let root = Authority::root("Root");
    let good = Case::new(&root, &root.server(&[NAME], AS_USUAL));
    good.trusting(&[&root.in_version_1()]).is_served();
}

/// Such a certificate that is the server's own needs nobody who vouches for it, but cannot say for whom it is.
#[test]
fn an_added_certificate_of_version_1_is_for_no_name_rank_6() {
    let root = Authority::root("Root");
    let old = root.in_version_1();
    let server = root.as_server().showing(&[&old]);
    differ(&Case::good(), -200, &Case::good().trusting(&[&old]).showing(&server));
    differ(&Case::good(), -202, &Case::good().showing(&server));
}

#[test]
fn a_chain_with_a_gap_leads_nowhere_rank_5() {
    let root = Authority::root("Root");
    let upper = root.below("Upper", AS_USUAL);
    let server = upper.below("Lower", AS_USUAL).server(&[NAME], AS_USUAL);
    let [leaf, lower, upper] = &server.chain[..] else { panic!() };
    let good = Case::new(&root, &server);
    for gap in [vec![leaf], vec![leaf, lower], vec![leaf, upper]] {
        differ(&good, -202, &good.clone().showing(&server.showing(&gap)));
    }
    // The order is no matter, nor is what does not belong.
    let stranger = Authority::root("Stranger").certificate;
    let mixed = server.showing(&[leaf, upper, &stranger, lower]);
    good.showing(&mixed).is_served();
}

#[test]
fn a_forged_signature_under_the_name_of_a_trusted_authority_is_none_rank_5() {
    let (root, forger) = (Authority::root("Root"), Authority::root("Root"));
    let good = Case::new(&root, &root.server(&[NAME], AS_USUAL));
    differ(&good, -202, &good.clone().showing(&forger.server(&[NAME], AS_USUAL)));
    let intermediate = root.below("Intermediate", AS_USUAL);
    let forger = Authority::root("Intermediate");
    let real = intermediate.server(&[NAME], AS_USUAL);
    let forged = forger.server(&[NAME], AS_USUAL);
    let forged = forged.showing(&[&forged.chain[0], &intermediate.certificate]);
    differ(&Case::new(&root, &real), -202, &Case::new(&root, &forged));
}

#[test]
fn a_signature_that_was_damaged_is_none_rank_5() {
    let root = Authority::root("Root");
    let intermediate = root.below("Intermediate", AS_USUAL);
    let server = intermediate.server(&[NAME], AS_USUAL);
    let good = Case::new(&root, &server);
    for at in 0..2 {
        let damaged = server.damaged(at, |der| *der.last_mut().unwrap() ^= 1);
        differ(&good, -202, &good.clone().showing(&damaged));
    }
}

#[test]
fn a_cross_signed_authority_is_trusted_through_either_root() {
    let (old, new) = (Authority::root("Old"), Authority::root("New"));
    let intermediate = old.below("Intermediate", AS_USUAL);
    let server = intermediate.server(&[NAME], AS_USUAL);
    let cross = intermediate.cross_signed_by(&new);
    let shown = server.showing(&[&server.chain[0], &server.chain[1], &cross]);
    let through_new = Case::new(&new, &shown);
    Case::new(&old, &shown).is_served();
    differ(&through_new, -202, &through_new.clone().showing(&server));
}

#[test]
fn authorities_that_vouch_for_each_other_lead_nowhere_rank_5() {
    let (one, two) = (Authority::root("One"), Authority::root("Two"));
    let server = one.server(&[NAME], AS_USUAL);
    let shown =
        server.showing(&[&server.chain[0], &one.cross_signed_by(&two), &two.cross_signed_by(&one)]);
    differ(&Case::new(&two, &shown), -202, &Case::good().showing(&shown));
}

#[test]
fn a_chain_has_at_most_six_intermediates() {
    let root = Authority::root("Root");
    let chain_of = |many: usize| {
        let mut last = root.below("0", AS_USUAL);
        for i in 1..many {
            last = last.below(&i.to_string(), AS_USUAL);
        }
        Case::new(&root, &last.server(&[NAME], AS_USUAL))
    };
    differ(&chain_of(6), -202, &chain_of(7));
    chain_of(30).is_refused(-202);
}

#[test]
fn many_authorities_of_one_name_cost_a_bounded_search_rank_5() {
    let root = Authority::root("Root");
    let forgers: Vec<_> = (0..40).map(|_| Authority::root("Root").certificate).collect();
    let server = root.server(&[NAME], AS_USUAL);
    let mut chain = vec![&server.chain[0]];
    chain.extend(&forgers);
    let shown = server.showing(&chain);
    differ(&Case::new(&root, &shown), -202, &Case::good().showing(&shown));
}

#[test]
fn a_key_that_is_not_the_certificates_signs_nothing_7_7() {
    let root = Authority::root("Root");
    let server = root.server(&[NAME], AS_USUAL);
    let other = root.server_with(&[NAME], &KeyPair::generate().unwrap(), AS_USUAL);
    let stolen = other.showing(&[&server.chain[0]]);
    differ(&Case::new(&root, &server), -107, &Case::new(&root, &stolen));
}

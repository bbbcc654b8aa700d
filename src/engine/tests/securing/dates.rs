//! Certificates out of their time (tcp.md 7.8 rank 11).

use rcgen::KeyPair;

use super::certificates::{AS_USUAL, Authority, valid};
use super::{Case, NAME, differ};

/// 2026-01-01, 00:00:00.
const NEW_YEAR_2026: u64 = 1_767_225_600;

#[test]
fn a_servers_certificate_counts_in_its_time_only_rank_11() {
    let root = Authority::root("Root");
    let case = |from, until| Case::new(&root, &root.server(&[NAME], &valid(from, until)));
    // It is 2027 on the simulated network.
    differ(&case(2026, 2028), -201, &case(2020, 2026));
    differ(&case(2026, 2028), -201, &case(2028, 2030));
}

#[test]
fn the_first_and_the_last_second_count_rank_11() {
    let root = Authority::root("Root");
    let starts = Case::new(&root, &root.server(&[NAME], &valid(2026, 2030)));
    differ(&starts.clone().when(NEW_YEAR_2026), -201, &starts.when(NEW_YEAR_2026 - 1));
    let ends = Case::new(&root, &root.server(&[NAME], &valid(2020, 2026)));
    differ(&ends.clone().when(NEW_YEAR_2026), -201, &ends.when(NEW_YEAR_2026 + 1));
}

#[test]
fn an_intermediate_counts_in_its_time_only_rank_11() {
    let root = Authority::root("Root");
    let case = |from, until| {
        let intermediate = root.below("Intermediate", &valid(from, until));
        Case::new(&root, &intermediate.server(&[NAME], AS_USUAL))
    };
    differ(&case(2026, 2028), -201, &case(2020, 2026));
    differ(&case(2026, 2028), -201, &case(2028, 2030));
}

#[test]
fn an_added_certificate_counts_in_its_time_only_rank_11() {
    let case = |from, until| {
        let server = super::certificates::self_signed(&[NAME], &valid(from, until));
        Case::good().trusting(&[&server.chain[0]]).showing(&server)
    };
    differ(&case(2026, 2028), -201, &case(2020, 2026));
    differ(&case(2026, 2028), -201, &case(2028, 2030));
}

#[test]
fn a_root_that_the_host_has_added_counts_in_its_time_only_rank_11() {
    let key = KeyPair::generate().unwrap().serialize_der();
    let root = |from, until| {
        let key = KeyPair::try_from(&key[..]).unwrap();
        Authority::root_with("Root", key, &valid(from, until))
    };
    let case = |root: &Authority| Case::new(root, &root.server(&[NAME], &valid(2026, 2028)));
    let good = root(2026, 2028);
    for bad in [root(2020, 2026), root(2028, 2030)] {
        differ(&case(&good), -201, &case(&bad));
        // What is worse is still found.
        let other = bad.server(&["other.test"], &valid(2026, 2028));
        case(&bad).showing(&other).is_refused(-200);
        // The same authority in another certificate.
        let both = [&bad.certificate, &good.certificate];
        case(&bad).trusting(&both).is_served();
    }
    // Those that came with a store are trusted as they are.
    Case { are_public: true, ..case(&root(2020, 2026)) }.is_served();
}

#[test]
fn a_certificate_and_its_issuer_that_never_count_together_are_out_of_time_rank_11() {
    let root = Authority::root("Root");
    let case = |until| {
        let intermediate = root.below("Intermediate", &valid(2020, until));
        Case::new(&root, &intermediate.server(&[NAME], &valid(2026, 2030)))
    };
    differ(&case(2028), -201, &case(2024));
}

#[test]
fn another_way_to_the_root_that_is_in_time_is_found_rank_11() {
    let (old, new) = (Authority::root("Old"), Authority::root("New"));
    let intermediate = old.below("Intermediate", &valid(2020, 2026));
    let server = intermediate.server(&[NAME], AS_USUAL);
    let again = intermediate.cross_signed_by(&new);
    let only_old = Case::new(&old, &server);
    let both = only_old.clone().trusting(&[&old.certificate, &new.certificate]);
    // The cross certificate has the dates of the first one, so it takes a new one to help.
    let renewed = old.renewed(&intermediate, &valid(2026, 2030));
    let shown = server.showing(&[&server.chain[0], &server.chain[1], &renewed]);
    differ(&Case::new(&old, &shown), -201, &only_old);
    both.showing(&server.showing(&[&server.chain[0], &again])).is_refused(-201);
}

//! The fuzz targets, run over their seeds, so that both stay alive.

use crate::permissions;

#[path = "../../../fuzz/fuzz_targets/bodies.rs"]
mod bodies;

/// Runs `body` over every seed of this target and over cut and damaged forms of it.
fn run(target: &str, body: fn(&[u8])) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/").to_owned() + target;
    let mut files = 0;
    for file in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}")) {
        let data = std::fs::read(file.unwrap().path()).unwrap();
        files += 1;
        body(&data);
        for at in 0..data.len() {
            body(&data[..at]);
            let mut damaged = data.clone();
            for byte in [b'"', b':', b'.', b'*', b'0', 0, 0xff] {
                damaged[at] = byte;
                body(&damaged);
            }
        }
    }
    assert!(files >= 5, "{folder} has only {files} files");
}

#[test]
fn the_manifest_target_holds_over_its_seeds() {
    run("manifest", bodies::manifest);
}

#[test]
fn the_pattern_target_holds_over_its_seeds() {
    run("pattern", bodies::pattern);
}

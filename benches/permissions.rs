//! Permission checks per second with 1, 100 and 10,000 rules.
//!
//! A plain program: it prints nanoseconds and matches per second for a host that is named, one
//! below a wildcard, one that is denied and one in upper case, and the time to read the manifest.

use std::hint::black_box;
use std::time::Instant;

use chromesock::permissions::{Grants, Operation, System};

const CHECKS: u32 = 1_000_000;

fn manifest(rules: usize) -> String {
    let rules: Vec<String> = (0..rules)
        .map(|i| match i % 3 {
            0 => format!("\"host{i}.example.com:443\""),
            1 => format!("\"*.zone{i}.example.net\""),
            _ => format!("\"10.{}.{}.7:{}\"", i / 250, i % 250, 1024 + i),
        })
        .collect();
    format!("{{\"sockets\": {{\"tcp\": {{\"connect\": [{}]}}}}}}", rules.join(","))
}

fn main() {
    for rules in [1usize, 100, 10_000] {
        let text = manifest(rules);
        let start = Instant::now();
        let loaded = match Grants::from_manifest(&text) {
            Ok(loaded) => loaded,
            Err(error) => {
                eprintln!("{error}");
                std::process::exit(1);
            }
        };
        println!("{rules} rules: read in {:?}", start.elapsed());
        let middle = rules / 6 * 3;
        let requests = [
            ("named", format!("host{middle}.example.com")),
            ("below a wildcard", format!("a.b.zone{}.example.net", middle + 1)),
            ("denied", "www.elsewhere.example.org".to_owned()),
            ("upper case", format!("HOST{middle}.EXAMPLE.COM")),
        ];
        for (name, host) in requests {
            let start = Instant::now();
            let mut allowed = 0u32;
            for _ in 0..CHECKS {
                let answer = loaded.grants.allows(
                    System::Sockets,
                    Operation::TcpConnect,
                    black_box(&host),
                    black_box(443),
                );
                allowed += u32::from(answer);
            }
            let nanoseconds = start.elapsed().as_secs_f64() * 1e9 / f64::from(CHECKS);
            let answer = if allowed > 0 { "allowed" } else { "denied" };
            println!(
                "  {name:<17} {answer:<8} {nanoseconds:6.1} ns  {:.1} million/s",
                1e3 / nanoseconds
            );
        }
    }
}

//! The real matcher against the second one on random patterns and requests.

use super::super::{Entry, Operation, RuleSet};
use super::naive::{self, NaivePattern};

/// Fixed, and printed with every difference, so that a failure can be repeated.
const SEED: u64 = 0x5eed_c0de_2024_0003;

/// Small generator of random numbers (xorshift, multiplied).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Few labels, so that patterns and requests meet often.
const LABELS: [&str; 12] =
    ["a", "b", "com", "example", "A", "Com", "x-1", "www", "b2", "ab", "é", "EXAMPLE"];
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "127",
    "168",
    "255",
    "256",
    "0x7f",
    "0X1",
    "017",
    "08",
    "2130706433",
    "65536",
    "00",
    "0x",
];
const ODD: [&str; 24] = [
    "*",
    "",
    " ",
    "\t",
    "\0",
    "１",
    "２",
    "0ｘ1",
    "①",
    "%31",
    "%2e1",
    "%EF%BC%91",
    "\u{200b}",
    "1\u{ad}",
    "1。1",
    "．",
    "[",
    "]",
    "/",
    "::1",
    "::ffff:1.2.3.4",
    "[::1]",
    "fe80::1%a",
    "%",
];
const PORTS: [&str; 16] = [
    "80", "80", "443", "1", "65535", "*", "", "", "+80", "0080", "0", "65536", "-1", " 80", "8o",
    "80:",
];

fn label(random: &mut Random) -> &'static str {
    match random.below(20) {
        0..=11 => random.pick(&LABELS),
        12..=17 => random.pick(&NUMBERS),
        _ => random.pick(&ODD),
    }
}

fn host(random: &mut Random, text: &mut String) {
    text.clear();
    let all_numbers = random.one_in(5);
    for index in 0..random.pick(&[1, 1, 2, 2, 2, 3, 3, 4]) {
        if index > 0 {
            text.push('.');
        }
        text.push_str(if all_numbers { random.pick(&NUMBERS) } else { label(random) });
    }
    if random.one_in(16) {
        text.push('.');
    }
}

fn pattern(random: &mut Random, text: &mut String) {
    host(random, text);
    match random.below(12) {
        0 => text.clear(),
        1..=6 => text.insert_str(0, "*."),
        7 => text.insert(0, '.'),
        _ => {}
    }
    if random.one_in(24) {
        let space = random.pick(&[" ", "\t", " ."]);
        text.insert_str(random.pick(&[0, text.len()]), space);
    }
    if !random.one_in(3) {
        text.push(':');
        text.push_str(random.pick(&PORTS));
    }
}

/// Usually derived from the pattern, so that most requests are near a match.
fn request(random: &mut Random, pattern: &str, text: &mut String) -> i32 {
    if random.one_in(5) {
        host(random, text);
    } else {
        text.clear();
        let base = pattern.split(':').next().unwrap_or("");
        let base = base.strip_prefix("*.").or_else(|| base.strip_prefix('.')).unwrap_or(base);
        text.push_str(base);
        for _ in 0..random.pick(&[0, 0, 1, 1, 1, 2, 3]) {
            if !random.one_in(12) {
                text.insert(0, '.');
            }
            let front = if random.one_in(3) { random.pick(&NUMBERS) } else { label(random) };
            text.insert_str(0, front);
        }
        match random.below(24) {
            0 => text.push('.'),
            1 => {
                text.pop();
            }
            2 => text.push_str(label(random)),
            3..=6 => text.make_ascii_uppercase(),
            7 => text.insert(0, '.'),
            8 => {
                text.insert(0, '[');
                text.push(']');
            }
            _ => {}
        }
    }
    let named = pattern.rsplit(':').next().and_then(|port| port.parse::<i32>().ok()).unwrap_or(80);
    match random.below(10) {
        0 => 0,
        1 => named + 65536,
        2 => random.pick(&[-1, 1, 65535, 65536, i32::MAX, i32::MIN]),
        3 => named - 65536,
        4 => 443,
        _ => named,
    }
}

fn operation(random: &mut Random) -> Operation {
    match random.below(12) {
        0 => random.pick(&Operation::ALL),
        1 => Operation::UdpSendTo,
        _ => Operation::TcpConnect,
    }
}

/// Counts that show the random data to be worth something.
#[derive(Default, Debug)]
struct Seen {
    pairs: u64,
    rejected: u64,
    matched: u64,
    denied: u64,
    matched_below_wildcard: u64,
}

fn check_patterns(seed: u64, patterns: u64, requests: u64) -> Seen {
    let mut random = Random(seed);
    let mut seen = Seen::default();
    let (mut text, mut host) = (String::new(), String::new());
    for _ in 0..patterns {
        let granted = operation(&mut random);
        pattern(&mut random, &mut text);
        let real = Entry::parse_pattern(granted, &text).ok();
        let second = naive::parse(granted, &text);
        assert_eq!(
            real.is_some(),
            second.is_some(),
            "seed {seed:#x}: {granted:?} {text:?} accepted by one matcher only"
        );
        seen.rejected += u64::from(real.is_none());
        let below_wildcard =
            real.as_ref().is_some_and(|e| e.covers_subdomains() && !e.host().is_empty());
        let rules = RuleSet::new(real.into_iter().collect());
        for _ in 0..requests {
            let asked = if random.one_in(16) { operation(&mut random) } else { granted };
            let port = request(&mut random, &text, &mut host);
            let answer = rules.allows(asked, &host, port);
            let expected =
                second.as_ref().is_some_and(|second| naive::matches(second, asked, &host, port));
            assert_eq!(
                answer, expected,
                "seed {seed:#x}: {granted:?} {text:?} with {asked:?} {host:?} {port}"
            );
            seen.pairs += 1;
            seen.matched += u64::from(answer);
            seen.denied += u64::from(!answer);
            seen.matched_below_wildcard += u64::from(answer && below_wildcard);
        }
    }
    seen
}

#[test]
fn a_million_random_pairs_get_the_same_answer_from_both_matchers_2_and_3() {
    const PATTERNS: u64 = 110_000;
    const REQUESTS: u64 = 10;
    println!("seed {SEED:#x}");
    // Two halves at once; each has its own fixed seed.
    let (one, two) = std::thread::scope(|scope| {
        let other = scope.spawn(|| check_patterns(SEED ^ u64::MAX, PATTERNS / 2, REQUESTS));
        (check_patterns(SEED, PATTERNS / 2, REQUESTS), other.join().unwrap())
    });
    println!("{one:?} {two:?}");
    for seen in [&one, &two] {
        assert!(seen.matched > 80_000, "too few matches: {seen:?}");
        assert!(seen.denied > 80_000, "too few refusals: {seen:?}");
        assert!(seen.matched_below_wildcard > 30_000, "too few wildcards: {seen:?}");
        assert!(seen.rejected > 5_000, "too few bad patterns: {seen:?}");
    }
    assert!(one.pairs + two.pairs >= 1_000_000);
}

#[test]
fn sets_of_rules_answer_as_their_rules_one_by_one_3_and_6() {
    let seed = SEED ^ 0x5e75;
    println!("seed {seed:#x}");
    let mut random = Random(seed);
    let (mut text, mut host) = (String::new(), String::new());
    let mut matched = 0;
    let mut by_several = 0;
    for _ in 0..4_000 {
        let mut texts = Vec::new();
        let mut pairs: Vec<(Entry, NaivePattern)> = Vec::new();
        for _ in 0..random.below(40) {
            let granted = operation(&mut random);
            pattern(&mut random, &mut text);
            // Often a domain above or below one that is there, so that entries overlap.
            if !texts.is_empty() && random.one_in(2) {
                let near: &String = &texts[random.below(texts.len())];
                let base = near.split(':').next().unwrap_or("").trim_start_matches("*.");
                text = match base.split_once('.') {
                    Some((_, above)) if random.one_in(2) => format!("*.{above}"),
                    _ => format!("*.{}.{base}", label(&mut random)),
                };
            }
            // Entries for any host would hide the others.
            if let Ok(entry) = Entry::parse_pattern(granted, &text)
                && (!entry.host().is_empty() || random.one_in(20))
            {
                pairs.push((entry, naive::parse(granted, &text).unwrap()));
                texts.push(text.clone());
            }
        }
        let rules = RuleSet::new(pairs.iter().map(|(entry, _)| entry.clone()).collect());
        for _ in 0..10 {
            let near = if texts.is_empty() { "" } else { &texts[random.below(texts.len())] };
            let asked = operation(&mut random);
            let port = request(&mut random, near, &mut host);
            let granting: Vec<&Entry> = pairs
                .iter()
                .filter(|(_, second)| naive::matches(second, asked, &host, port))
                .map(|(entry, _)| entry)
                .collect();
            let expected = granting.iter().min().map(|entry| entry.rule_text());
            assert_eq!(
                rules.rule_for(asked, &host, port),
                expected,
                "seed {seed:#x}: {texts:?} with {asked:?} {host:?} {port}"
            );
            assert_eq!(rules.allows(asked, &host, port), expected.is_some());
            matched += u32::from(!granting.is_empty());
            by_several += u32::from(granting.len() > 1);
        }
    }
    println!("{matched} matched, {by_several} by several rules");
    assert!(matched > 8_000 && by_several > 2_000, "{matched} {by_several}");
}

#[test]
fn canonical_text_of_random_entries_parses_to_an_equal_entry_6() {
    let seed = SEED ^ 0xca0;
    let mut random = Random(seed);
    let mut text = String::new();
    let mut parsed = 0;
    for _ in 0..50_000 {
        let granted = operation(&mut random);
        pattern(&mut random, &mut text);
        if let Ok(entry) = Entry::parse_pattern(granted, &text) {
            parsed += 1;
            assert_eq!(
                Entry::parse_rule(&entry.rule_text()).as_ref(),
                Ok(&entry),
                "seed {seed:#x}: {text:?}"
            );
        }
    }
    assert!(parsed > 20_000, "{parsed}");
}

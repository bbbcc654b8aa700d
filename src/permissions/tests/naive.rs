//! A second matcher, written from the specification alone and as plainly as possible. It shares no
//! code with the real one: no index, its own grammar, its own reading of addresses.

use super::super::Operation;

/// A pattern as read step by step; `None` port means any.
pub(super) struct NaivePattern {
    operation: Operation,
    host: Vec<char>,
    subdomains: bool,
    port: Option<u64>,
}

/// Section 2.2. `None`: rejected.
pub(super) fn parse(operation: Operation, pattern: &str) -> Option<NaivePattern> {
    let bound =
        [Operation::TcpConnect, Operation::TcpListen, Operation::UdpBind, Operation::UdpSendTo]
            .contains(&operation);
    let text: Vec<char> = pattern.chars().collect();
    // Steps 1 and 2.
    if text.is_empty() {
        return Some(NaivePattern { operation, host: vec![], subdomains: true, port: None });
    }
    if !bound {
        return None;
    }
    // Step 3.
    let colons: Vec<usize> = (0..text.len()).filter(|&i| text[i] == ':').collect();
    let (host, port) = match colons[..] {
        [] => (&text[..], &text[text.len()..]),
        [colon] => (&text[..colon], &text[colon + 1..]),
        _ => return None,
    };
    // Steps 4a and 4b.
    let white = |c: &char| [' ', '\t', '\r', '\n', '\x0c'].contains(c);
    if host.first().is_some_and(white) || host.last().is_some_and(white) {
        return None;
    }
    // Steps 4c to 4f, one character after the other.
    let mut labels: Vec<Vec<char>> = vec![vec![]];
    for &c in host {
        if c == '.' {
            labels.push(vec![]);
        } else {
            let lower = if c.is_ascii_uppercase() { char::from(c as u8 + 32) } else { c };
            labels.last_mut().unwrap().push(lower);
        }
    }
    for label in &mut labels {
        while label.first().is_some_and(white) {
            label.remove(0);
        }
        while label.last().is_some_and(white) {
            label.pop();
        }
    }
    let subdomains = labels[0].is_empty() || labels[0] == ['*'];
    if subdomains {
        labels.remove(0);
    }
    let host = labels.join(&'.');
    // Step 5.
    let port = match port {
        [] | ['*'] => None,
        ['+', digits @ ..] | digits => {
            if digits.is_empty() || digits.iter().any(|c| !c.is_ascii_digit()) {
                return None;
            }
            let number = digits.iter().fold(0u64, |n, c| (n * 10 + *c as u64 - 48).min(1 << 40));
            if number == 0 || number > 65535 {
                return None;
            }
            Some(number)
        }
    };
    Some(NaivePattern { operation, host, subdomains, port })
}

/// Section 3.
pub(super) fn matches(p: &NaivePattern, operation: Operation, host: &str, port: i32) -> bool {
    // Step 1.
    if p.operation != operation {
        return false;
    }
    // Step 8.
    if p.port.is_some_and(|named| i128::from(named) != i128::from(port)) {
        return false;
    }
    // Steps 2 and 3.
    let h: Vec<char> = host.chars().map(|c| c.to_ascii_lowercase()).collect();
    if h == p.host {
        return true;
    }
    // Steps 4 and 5.
    if !p.subdomains || p.host.is_empty() {
        return p.subdomains;
    }
    // Step 7.
    let Some(dot) = h.len().checked_sub(p.host.len() + 1) else {
        return false;
    };
    if h[dot + 1..] != p.host[..] || h[dot] != '.' || dot == 0 {
        return false;
    }
    // Step 6, and nothing that a reader in C would cut short.
    !h.contains(&'\0') && !is_address(&h)
}

fn is_address(host: &[char]) -> bool {
    if host.contains(&':') {
        let inner = match host {
            ['[', inner @ .., ']'] => inner,
            _ => host,
        };
        let zone = inner.iter().position(|&c| c == '%').unwrap_or(inner.len());
        return is_ipv6(&inner[..zone]);
    }
    let mapped = map_to_ascii(host);
    let mut labels: Vec<&[char]> = mapped.split(|&c| c == '.').collect();
    if labels.len() > 1 && labels.last().is_some_and(|label| label.is_empty()) {
        labels.pop();
    }
    if labels.len() > 4 {
        return false;
    }
    let Some(numbers) = labels.iter().map(|label| number(label)).collect::<Option<Vec<u128>>>()
    else {
        return false;
    };
    let (last, first) = numbers.split_last().unwrap();
    let room = 256u128.pow(4 - first.len() as u32);
    first.iter().all(|&n| n < 256) && *last < room
}

/// Percent signs decoded, then only the characters that the tests use are mapped.
fn map_to_ascii(host: &[char]) -> Vec<char> {
    let text: String = host.iter().collect();
    let bytes = text.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let hex = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    let mut mapped = Vec::new();
    for c in String::from_utf8_lossy(&decoded).chars() {
        match c {
            '０'..='９' => mapped.push(char::from((c as u32 - '０' as u32) as u8 + b'0')),
            'ｘ' => mapped.push('x'),
            '①' | '¹' => mapped.push('1'),
            '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => mapped.push('.'),
            '\u{ad}' | '\u{200b}' | '\u{feff}' | '\u{2060}' => {}
            _ => mapped.push(c.to_ascii_lowercase()),
        }
    }
    mapped
}

/// One number of an IPv4 address.
fn number(label: &[char]) -> Option<u128> {
    let (digits, base) = match label {
        [] => return None,
        ['0', 'x', digits @ ..] => (digits, 16),
        ['0', digits @ ..] => (digits, 8),
        digits => (digits, 10),
    };
    let mut value = 0u128;
    for digit in digits {
        value = (value * base + u128::from(digit.to_digit(base as u32)?)).min(1 << 100);
    }
    Some(value)
}

/// Groups of hexadecimal digits, at most one `::`, at the end perhaps a plain IPv4 address.
fn is_ipv6(text: &[char]) -> bool {
    let text: String = text.iter().collect();
    let groups = |part: &str, v4_allowed: bool| -> Option<usize> {
        if part.is_empty() {
            return Some(0);
        }
        let pieces: Vec<&str> = part.split(':').collect();
        let mut count = 0;
        for (i, piece) in pieces.iter().enumerate() {
            if v4_allowed && i + 1 == pieces.len() && piece.contains('.') {
                let bytes: Vec<&str> = piece.split('.').collect();
                let plain = |byte: &&str| {
                    byte.bytes().all(|b| b.is_ascii_digit())
                        && byte.parse::<u8>().is_ok_and(|n| n.to_string() == **byte)
                };
                if bytes.len() != 4 || !bytes.iter().all(plain) {
                    return None;
                }
                count += 2;
            } else if (1..=4).contains(&piece.len()) && piece.bytes().all(|b| b.is_ascii_hexdigit())
            {
                count += 1;
            } else {
                return None;
            }
        }
        Some(count)
    };
    match text.split_once("::") {
        None => groups(&text, true) == Some(8),
        Some((left, right)) => match (groups(left, false), groups(right, true)) {
            (Some(left), Some(right)) => left + right <= 7,
            _ => false,
        },
    }
}

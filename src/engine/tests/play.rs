//! Tests as text: `Rig::play` carries out the lines that act and compares the whole with what
//! happened.
//!
//! - `> call(…) > call(…)`: calls, one right after the other; then everything happens that can.
//! - `P sends "x"`, `P2 closes`, …: what a peer does. `P` is the newest one, `P1` the first.
//! - `T 250`: that many milliseconds pass. `A q1 10.0.0.1 ::1` or `A q1 -105`: the resolver answers.
//! - `$`: the system calls since the last `$` follow as `~ …`.
//! - `< …`, `! …`, `? …`: expected, in exactly this order. `# …`: a remark.

use std::ffi::CString;

use super::driver::Rig;
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SocketProperties};
use crate::api::table::{EventType as T, Namespace};
use crate::engine::command::Command;
use crate::net::Stream;

impl Rig {
    /// Acts and compares, see above.
    #[track_caller]
    pub(super) fn play(&mut self, script: &str) {
        self.trace.clear();
        let lines = script.lines().map(str::trim);
        let mut expected = Vec::new();
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            expected.push(line.to_owned());
            if line.starts_with(['<', '!', '?', '~']) {
                continue;
            }
            self.say(line.to_owned());
            self.act(line);
        }
        let trace = std::mem::take(&mut self.trace);
        if trace != expected {
            let first = trace.iter().zip(&expected).take_while(|(a, b)| a == b);
            let first = first.count();
            panic!(
                "line {first}: expected {:?}, got {:?}\n--- expected\n{}\n--- got\n{}",
                expected.get(first),
                trace.get(first),
                expected.join("\n"),
                trace.join("\n")
            );
        }
    }

    fn act(&mut self, line: &str) {
        self.meet();
        if let Some(calls) = line.strip_prefix("> ") {
            self.issue(calls);
        } else if let Some(time) = line.strip_prefix("T ") {
            return self.pass(time.parse().unwrap());
        } else if let Some(answer) = line.strip_prefix("A q") {
            let (serial, answer) = answer.split_once(' ').unwrap();
            let answer = match answer.parse::<i32>() {
                Ok(number) => Err(Status::from_number(number).unwrap()),
                Err(_) => Ok(answer.split(' ').map(|a| a.parse().unwrap()).collect()),
            };
            self.answer(serial.parse().unwrap(), answer);
        } else if line == "$" {
            let calls = self.sim.take_calls();
            calls.into_iter().for_each(|call| self.say(format!("~ {call}")));
        } else if let Some(rest) = line.strip_prefix('P') {
            let (which, rest) = rest.split_once(' ').unwrap();
            self.act_as_peer(which, rest);
        } else {
            panic!("what is {line:?}?");
        }
        self.run();
    }

    fn act_as_peer(&mut self, which: &str, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        if verb == "connects" {
            return self.peers.push(Some(self.sim.dial(rest)));
        }
        let index = which.parse().map_or(self.peers.len(), |n: usize| n) - 1;
        let slot = &mut self.peers[index];
        let peer = slot.as_mut().expect("a peer that has not closed");
        match verb {
            "sends" => {
                let data = bytes_of(rest);
                assert_eq!(peer.write(&data).unwrap(), data.len(), "no room for the peer's data");
            }
            "ends" => peer.shut_down_write().unwrap(),
            "closes" => *slot = None,
            "resets" => slot.take().unwrap().reset(),
            "breaks" => peer.break_other_side(rest.parse().unwrap()),
            "sees" => {
                let (data, state) = peer.take();
                let shown = match data.len() {
                    0 => state.to_owned(),
                    1..=32 => format!("{:?} {state}", String::from_utf8(data).unwrap()),
                    many => format!("{many} bytes {state}"),
                };
                assert_eq!(shown, rest, "what the peer sees");
            }
            _ => panic!("what is {line:?}?"),
        }
    }

    /// Issues calls without letting anything happen between or after them.
    pub(super) fn issue(&mut self, calls: &str) {
        let mut sends: (i32, Vec<Vec<u8>>) = (0, Vec::new());
        for call in calls.split("> ").map(str::trim) {
            let (name, rest) = call.split_once('(').unwrap();
            let inner = rest.strip_suffix(')').expect(call);
            let args: Vec<&str> = inner.split(", ").filter(|arg| !arg.is_empty()).collect();
            let id = args.first().and_then(|id| id.parse().ok()).unwrap_or(0);
            if name == "send" {
                if sends.0 != id {
                    self.flush_sends(&mut sends);
                }
                sends.0 = id;
                sends.1.push(bytes_of(args[1]));
            } else {
                self.flush_sends(&mut sends);
                self.issue_one(name, id, &args);
            }
        }
        self.flush_sends(&mut sends);
    }

    fn flush_sends(&mut self, sends: &mut (i32, Vec<Vec<u8>>)) {
        let (id, data) = std::mem::take(sends);
        self.send(id, &data);
    }

    fn issue_one(&mut self, name: &str, id: i32, args: &[&str]) {
        let (space, method) = match name.strip_prefix("server.") {
            Some(method) => (Namespace::TcpServer, method),
            None => (Namespace::Tcp, name),
        };
        let truth = |at: usize| args[at].parse::<bool>().unwrap();
        let number = |at: usize| args[at].parse::<i32>().unwrap();
        let text = |at: usize| args[at].trim_matches('"').into();
        let command = match method {
            "create" => {
                let id = self.next_id();
                let command = Command::Create(space, properties(args));
                return self.call(event_type(space, method), id, command);
            }
            "update" => Command::Update(space, properties(&args[1..])),
            "setPaused" => Command::SetPaused(space, truth(1)),
            "disconnect" => Command::Disconnect(space),
            "close" => Command::Close(space),
            "getInfo" => Command::GetInfo(space),
            "getSockets" => Command::GetSockets(space),
            "connect" => Command::Connect {
                peer_address: text(1),
                peer_port: number(2),
                dns_query_type: match args.get(3) {
                    None => DnsQueryType::Any,
                    Some(&"ipv4") => DnsQueryType::Ipv4,
                    Some(_) => DnsQueryType::Ipv6,
                },
            },
            "setKeepAlive" => Command::SetKeepAlive { enable: truth(1), delay: number(2) },
            "setNoDelay" => Command::SetNoDelay(truth(1)),
            "listen" => Command::Listen {
                address: text(1),
                port: number(2),
                backlog: (args.len() > 3).then(|| number(3)),
            },
            _ => panic!("what is {name:?}?"),
        };
        self.call(event_type(space, method), id, command);
    }
}

fn event_type(space: Namespace, method: &str) -> T {
    let space = match space {
        Namespace::Tcp => "chrome.sockets.tcp",
        Namespace::TcpServer => "chrome.sockets.tcpServer",
    };
    let name = CString::new(format!("{space}.{method}")).unwrap();
    let members = crate::api::table::MEMBERS;
    let member = members.iter().find(|m| m.chrome_name == name.as_c_str());
    member.unwrap().event_type
}

fn properties(args: &[&str]) -> SocketProperties {
    let mut properties = SocketProperties::default();
    for arg in args {
        let (key, value) = arg.split_once(' ').unwrap();
        match key {
            "persistent" => properties.persistent = Some(value.parse().unwrap()),
            "name" => {
                let name = CString::new(value.trim_matches('"')).unwrap();
                properties.name = Some(name.into_boxed_c_str());
            }
            "bufferSize" => properties.buffer_size = Some(value.parse().unwrap()),
            _ => panic!("what is {arg:?}?"),
        }
    }
    properties
}

/// `"text"`, or `5000 bytes` of a pattern.
fn bytes_of(text: &str) -> Vec<u8> {
    match text.strip_suffix(" bytes") {
        Some(number) => pattern(number.parse().unwrap()),
        None => text.trim_matches('"').as_bytes().to_vec(),
    }
}

/// Bytes in which a gap, a repetition or a swap shows.
pub(super) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i ^ (i >> 8) ^ (i >> 15)) as u8).collect()
}

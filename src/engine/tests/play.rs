//! Tests as text: `Rig::play` carries out the lines that act and compares the whole with what
//! happened.
//!
//! - `> call(…) > call(…)`: calls, one right after the other; then everything happens that can.
//! - `P sends "x"`, `P2 closes`, …: what a peer does. `P` is the newest one, `P1` the first.
//! - `U binds 10.0.0.1:9`, `U sends "x" to 10.9.9.9:5000`, `U sees "x" from 10.9.9.9:5000`, `U sees
//!   nothing`: the test's own datagram sockets. `U` is the newest one, `U1` the first.
//! - `T 250`: that many milliseconds pass. `A q1 10.0.0.1 ::1` or `A q1 -105`: the resolver answers.
//! - `$`: the system calls since the last `$` follow as `~ …`.
//! - `< …`, `! …`, `? …`: expected, in exactly this order. `# …`: a remark.

use std::ffi::CString;

use super::driver::{Datagrams, Rig, shown};
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SecureOptions, SocketProperties, SocketType};
use crate::api::table::{EventType as T, Namespace};
use crate::engine::command::{Command, Destination};
use crate::net::{Datagram, Stream};

/// Sends that travel together: what they are, to which socket, and their data.
type Sends = (T, i32, Vec<Vec<u8>>);

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
        } else if let Some(rest) = line.strip_prefix('U') {
            let (which, rest) = rest.split_once(' ').unwrap();
            self.act_as_mate(which, rest);
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

    fn act_as_mate(&mut self, which: &str, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        if verb == "binds" {
            return self.mates.push(self.sim.open_datagram(rest));
        }
        let index = which.parse().map_or(self.mates.len(), |n: usize| n) - 1;
        let mate = &mut self.mates[index];
        match verb {
            "sends" => {
                let (data, to) = rest.split_once(" to ").unwrap();
                mate.send(&bytes_of(data), Some(to.parse().unwrap())).unwrap();
            }
            "sees" => {
                let seen = mate.take().map_or("nothing".to_owned(), |(data, from)| {
                    format!("{} from {from}", shown(&data))
                });
                assert_eq!(seen, rest, "what the other socket sees");
            }
            _ => panic!("what is {line:?}?"),
        }
    }

    /// Issues calls without letting anything happen between or after them.
    pub(super) fn issue(&mut self, calls: &str) {
        let mut sends: Sends = (T::ChromeSocketsTcpSend, 0, Vec::new());
        let mut datagrams = Datagrams::default();
        for call in calls.split("> ").map(str::trim).filter(|call| !call.is_empty()) {
            let (name, rest) = call.split_once('(').unwrap();
            let inner = rest.strip_suffix(')').expect(call);
            let args: Vec<&str> = inner.split(", ").filter(|arg| !arg.is_empty()).collect();
            let id = args.first().and_then(|id| id.parse().ok()).unwrap_or(0);
            let gathered = match name {
                "send" => Some(T::ChromeSocketsTcpSend),
                "socket.write" => Some(T::ChromeSocketWrite),
                _ => None,
            };
            let datagram = match name {
                "udp.send" => Some(T::ChromeSocketsUdpSend),
                "socket.sendTo" => Some(T::ChromeSocketSendTo),
                _ => None,
            };
            if datagram.is_none() {
                self.flush_datagrams(&mut datagrams);
            }
            if let Some(event_type) = datagram {
                self.flush_sends(&mut sends);
                let to = Destination {
                    address: args[2].trim_matches('"'),
                    port: args[3].parse().unwrap(),
                    dns_query_type: families(args.get(4)),
                };
                self.send_to((event_type, id), &bytes_of(args[1]), to, &mut datagrams);
            } else if let Some(event_type) = gathered {
                if (sends.0, sends.1) != (event_type, id) {
                    self.flush_sends(&mut sends);
                }
                (sends.0, sends.1) = (event_type, id);
                sends.2.push(bytes_of(args[1]));
            } else {
                self.flush_sends(&mut sends);
                self.issue_one(name, id, &args);
            }
        }
        self.flush_sends(&mut sends);
        self.flush_datagrams(&mut datagrams);
    }

    fn flush_sends(&mut self, (event_type, id, data): &mut Sends) {
        let data = std::mem::take(data);
        self.send_as(*event_type, *id, &data);
    }

    fn issue_one(&mut self, name: &str, id: i32, args: &[&str]) {
        let (space, method) = match name.split_once('.') {
            Some(("server", method)) => (Namespace::TcpServer, method),
            Some(("udp", method)) => (Namespace::Udp, method),
            Some(("socket", method)) => (Namespace::Socket, method),
            _ => (Namespace::Tcp, name),
        };
        let truth = |at: usize| args[at].parse::<bool>().unwrap();
        let number = |at: usize| args[at].parse::<i32>().unwrap();
        let text = |at: usize| args[at].trim_matches('"').into();
        let command = match method {
            "create" => {
                let id = self.next_id();
                let command = match args {
                    ["tcp"] => Command::CreateLegacy(SocketType::Tcp),
                    ["udp"] => Command::CreateLegacy(SocketType::Udp),
                    _ => Command::Create(space, properties(args)),
                };
                return self.call(event_type(space, method), id, command);
            }
            "update" => Command::Update(space, properties(&args[1..])),
            "setPaused" => Command::SetPaused(space, truth(1)),
            "disconnect" => Command::Disconnect(space),
            "close" | "destroy" => Command::Close(space),
            "getInfo" => Command::GetInfo(space),
            "getSockets" => Command::GetSockets(space),
            "connect" => Command::Connect {
                peer_address: text(1),
                peer_port: number(2),
                dns_query_type: families(args.get(3)),
            },
            // `-` = not given
            "secure" => {
                let given = |at: usize| args.get(at).filter(|arg| **arg != "-").map(|_| text(at));
                let (tls_version_min, tls_version_max) = (given(1), given(2));
                Command::Secure(SecureOptions { tls_version_min, tls_version_max })
            }
            "bind" => Command::Bind { address: text(1), port: number(2) },
            "joinGroup" => Command::JoinGroup(text(1)),
            "leaveGroup" => Command::LeaveGroup(text(1)),
            "getJoinedGroups" => Command::GetJoinedGroups,
            "setMulticastTimeToLive" => Command::SetMulticastTimeToLive(number(1)),
            "setMulticastLoopbackMode" => Command::SetMulticastLoopbackMode(truth(1)),
            "setBroadcast" => Command::SetBroadcast(truth(1)),
            "read" => Command::Read((args.len() > 1).then(|| number(1))),
            "recvFrom" => Command::RecvFrom((args.len() > 1).then(|| number(1))),
            "accept" => Command::Accept,
            "getNetworkList" => Command::GetNetworkList,
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
        Namespace::Udp => "chrome.sockets.udp",
        Namespace::Socket => "chrome.socket",
    };
    let name = CString::new(format!("{space}.{method}")).unwrap();
    let members = crate::api::table::MEMBERS;
    let member = members.iter().find(|m| m.chrome_name == name.as_c_str());
    member.unwrap().event_type
}

fn families(word: Option<&&str>) -> DnsQueryType {
    match word {
        None => DnsQueryType::Any,
        Some(&"ipv4") => DnsQueryType::Ipv4,
        Some(_) => DnsQueryType::Ipv6,
    }
}

fn properties(args: &[&str]) -> SocketProperties {
    let mut properties = SocketProperties::default();
    for arg in args {
        let (key, value) = arg.split_once(' ').unwrap();
        match key {
            "persistent" => properties.persistent = Some(value.parse().unwrap()),
            "name" => {
                let name = CString::new(value.trim_matches('"')).unwrap();
                properties.name = Some(name.into());
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

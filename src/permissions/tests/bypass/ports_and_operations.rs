//! Ports that wrap, and one operation used for another.

use super::super::super::Operation::{
    NetworkState, ResolveHost, ResolveProxy, TcpConnect, TcpListen, UdpBind,
    UdpMulticastMembership, UdpSendTo,
};
use super::{Group, NO, YES, check};

pub(super) const GROUPS: &[Group] = &[
    (
        "tcp-connect:a:80",
        TcpConnect,
        &[
            ("a", 80, YES),
            ("a", 65536 + 80, NO),
            ("a", 2 * 65536 + 80, NO),
            ("a", 80 - 65536, NO),
            ("a", -80, NO),
            ("a", 0, NO),
            ("a", 65536, NO),
            ("a", -1, NO),
            ("a", 81, NO),
            ("a", 79, NO),
            ("a", 8080, NO),
            ("a", 800, NO),
            ("a", 8, NO),
            ("a", 20480, NO),
            ("a", 0x50_0000, NO),
            ("a", i32::MAX, NO),
            ("a", i32::MIN, NO),
            ("a", i32::MIN + 80, NO),
            ("a:80", 81, NO),
            ("a:80", 80, NO),
        ],
    ),
    (
        "tcp-connect:a",
        TcpConnect,
        &[
            ("a", 0, YES),
            ("a", 1, YES),
            ("a", 65535, YES),
            ("a", 65536, YES),
            ("a", -1, YES),
            ("b", 0, NO),
            ("b", 65536, NO),
        ],
    ),
    (
        "tcp-connect:a:65535",
        TcpConnect,
        &[("a", 65535, YES), ("a", -1, NO), ("a", 131_071, NO), ("a", 0, NO), ("a", i32::MAX, NO)],
    ),
    (
        "udp-send-to:*.a:1",
        UdpSendTo,
        &[
            ("x.a", 1, YES),
            ("x.a", 65537, NO),
            ("x.a", -65535, NO),
            ("x.a", 0, NO),
            ("a", 65537, NO),
        ],
    ),
    ("udp-bind::8800", UdpBind, &[("::", 8800, YES), ("::", 0, NO), ("::", 65536 + 8800, NO)]),
    (
        "tcp-listen:127.0.0.1:8080",
        TcpListen,
        &[
            ("127.0.0.1", 8080, YES),
            ("0.0.0.0", 8080, NO),
            ("::", 8080, NO),
            ("127.0.0.1", 0, NO),
            ("127.0.0.1", 73616, NO),
            ("localhost", 8080, NO),
        ],
    ),
    // One operation does not serve for another, in either direction.
    ("tcp-connect", TcpListen, &[("a", 80, NO), ("0.0.0.0", 0, NO), ("*", 0, NO)]),
    ("tcp-connect", UdpSendTo, &[("a", 80, NO), ("*", 0, NO)]),
    ("tcp-connect", UdpBind, &[("a", 80, NO), ("0.0.0.0", 0, NO)]),
    ("tcp-connect", UdpMulticastMembership, &[("*", 0, NO), ("224.0.0.1", 0, NO)]),
    ("tcp-connect", ResolveHost, &[("a", 80, NO), ("", 0, NO)]),
    ("tcp-connect", ResolveProxy, &[("a", 80, NO)]),
    ("tcp-connect", NetworkState, &[("*", 0, NO)]),
    ("tcp-listen", TcpConnect, &[("a", 80, NO), ("127.0.0.1", 80, NO)]),
    ("tcp-listen", UdpBind, &[("0.0.0.0", 80, NO)]),
    ("udp-bind", TcpListen, &[("0.0.0.0", 80, NO)]),
    ("udp-bind", TcpConnect, &[("0.0.0.0", 80, NO)]),
    ("udp-bind", UdpSendTo, &[("0.0.0.0", 80, NO)]),
    ("udp-bind", UdpMulticastMembership, &[("*", 0, NO)]),
    ("udp-send-to", TcpConnect, &[("a", 80, NO)]),
    ("udp-send-to", UdpBind, &[("a", 80, NO), ("0.0.0.0", 0, NO)]),
    ("udp-send-to", UdpMulticastMembership, &[("*", 0, NO)]),
    ("udp-multicast-membership", UdpMulticastMembership, &[("*", 0, YES), ("224.0.0.1", 9, YES)]),
    ("udp-multicast-membership", UdpBind, &[("*", 0, NO), ("224.0.0.1", 0, NO)]),
    ("udp-multicast-membership", UdpSendTo, &[("*", 0, NO), ("224.0.0.1", 5353, NO)]),
    ("udp-multicast-membership", TcpConnect, &[("*", 0, NO)]),
    ("resolve-host", TcpConnect, &[("127.0.0.1", 8800, NO), ("a", 80, NO)]),
    ("resolve-host", UdpSendTo, &[("a", 53, NO)]),
    ("resolve-host", ResolveProxy, &[("a", 80, NO)]),
    ("network-state", TcpConnect, &[("a", 80, NO)]),
    ("network-state", NetworkState, &[("", 0, YES)]),
    ("network-state", ResolveHost, &[("a", 80, NO)]),
];

#[test]
fn ports_do_not_wrap_and_operations_are_not_mixed_up_3_and_7() {
    assert!(check(GROUPS) >= 80);
}

//! What each member takes and gives, in Chrome's words: the bindings for other languages are made
//! from this, so that none of them keeps a list of its own.
//!
//! C's order of arguments follows from it: app, the parameters, the out-parameter of a new socket's
//! id, callback, user_data. A test holds both against the header.

/// Type of a parameter or of a member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number of 32 bits.
    Integer,
    /// True or false.
    Boolean,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// One of `TYPES`.
    Named(&'static str),
}

/// What C gets for a parameter that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It cannot be left out.
    Refused,
    /// NULL; if given, a pointer to it.
    Null,
    /// This number.
    Number(i32),
    /// Nothing: C has no such parameter.
    Dropped,
}

/// A parameter of a method.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Chrome's name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it may be left out.
    pub absent: Absent,
}

/// Whether a method has a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// It must be given.
    Required,
    /// It may be left out; a promise is returned then.
    OrPromise,
    /// The method takes none.
    None,
}

/// Instead of a bit: it is there unless it is zero.
pub const NOT_ZERO: &str = "not zero";

/// A member of an object type, and where C keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Chrome's name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Member of the type's C struct.
    pub c_field: &'static str,
    /// Bit of `present` that says whether it is there, without the prefix of its struct; "" = always;
    /// or `NOT_ZERO`.
    pub bit: &'static str,
}

/// What a named type is.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// One of these texts, with C's number for each.
    Enum(&'static [(&'static str, i32)]),
    /// An object with these members.
    Object(&'static [Field]),
}

/// An enum or object type of the API.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    /// Chrome's name, without `chrome.`.
    pub name: &'static str,
    /// C's enum or struct; "" = none.
    pub c_name: &'static str,
    /// What it is.
    pub shape: Shape,
}

/// What a callback or a listener gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No argument.
    Nothing,
    /// `result`, if delivered.
    Integer,
    /// `result` as true or false.
    Boolean,
    /// An object made from members of the event, if `result` is delivered.
    Info(&'static str),
    /// The same; but with a message `result` comes bare.
    InfoOrCode(&'static str),
    /// An object made from members of the event: always, or for a completion unless there is a message.
    Made(&'static str),
    /// The first element of a list of the event; the list's name.
    One(&'static str, &'static str),
    /// A list of the event; if it is not delivered, `result`, if that is.
    List(&'static str, &'static str),
    /// A list of texts of the event, likewise.
    Texts,
}

/// What one member takes and gives.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// Chrome's full name.
    pub chrome_name: &'static str,
    /// In Chrome's order, without the callback.
    pub parameters: &'static [Parameter],
    /// Whether a callback follows.
    pub callback: Callback,
    /// What the callback, or the listener of an event, gets.
    pub outcome: Outcome,
}

const fn given(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, absent: Absent::Refused }
}

const fn optional(name: &'static str, kind: Kind, absent: Absent) -> Parameter {
    Parameter { name, kind, absent }
}

const fn field(name: &'static str, kind: Kind, c_field: &'static str, bit: &'static str) -> Field {
    Field { name, kind, c_field, bit }
}

const fn object(name: &'static str, c_name: &'static str, members: &'static [Field]) -> Type {
    Type { name, c_name, shape: Shape::Object(members) }
}

const fn method(
    chrome_name: &'static str,
    parameters: &'static [Parameter],
    callback: Callback,
    outcome: Outcome,
) -> Signature {
    Signature { chrome_name, parameters, callback, outcome }
}

const fn event(chrome_name: &'static str, info: &'static str) -> Signature {
    method(chrome_name, &[], Callback::None, Outcome::Made(info))
}

const EVENT: &str = "chromesock_event";
const INFO: &str = "chromesock_socket_info";
const DNS: &[(&str, i32)] = &[("any", 0), ("ipv4", 1), ("ipv6", 2)];
const CREATED: &[Field] = &[field("socketId", Kind::Integer, "socket_id", "")];
const SENT: &[Field] = &[
    field("resultCode", Kind::Integer, "result", ""),
    field("bytesSent", Kind::Integer, "bytes_sent", "BYTES_SENT"),
];
const ERROR: &[Field] = &[
    field("socketId", Kind::Integer, "socket_id", ""),
    field("resultCode", Kind::Integer, "result", ""),
];
const PROPERTIES: &[Field] = &[
    field("persistent", Kind::Boolean, "persistent", "PERSISTENT"),
    field("name", Kind::Text, "name", "NAME"),
    field("bufferSize", Kind::Integer, "buffer_size", "BUFFER_SIZE"),
];
const SERVER_PROPERTIES: &[Field] = &[PROPERTIES[0], PROPERTIES[1]];
const TLS_VERSIONS: &[Field] = &[
    field("min", Kind::Text, "tls_version_min", ""),
    field("max", Kind::Text, "tls_version_max", ""),
];

/// The named types, both ways.
#[rustfmt::skip]
pub const TYPES: &[Type] = {
    use Kind::{Boolean, Bytes, Integer, Named, Text};
    &[
        object("sockets.tcp.SocketProperties", "chrome_sockets_tcp_properties", PROPERTIES),
        object("sockets.tcp.CreateInfo", EVENT, CREATED),
        Type { name: "sockets.tcp.DnsQueryType", c_name: "chrome_sockets_dns_query_type", shape: Shape::Enum(DNS) },
        object("sockets.tcp.SendInfo", EVENT, SENT),
        object("sockets.tcp.TLSVersionConstraints", "chrome_sockets_tcp_secure_options", TLS_VERSIONS),
        object("sockets.tcp.SecureOptions", "chrome_sockets_tcp_secure_options", &[
            field("tlsVersion", Named("sockets.tcp.TLSVersionConstraints"), "", ""),
        ]),
        object("sockets.tcp.SocketInfo", INFO, &[
            field("socketId", Integer, "socket_id", ""),
            field("persistent", Boolean, "persistent", ""),
            field("name", Text, "name", "NAME"),
            field("bufferSize", Integer, "buffer_size", "BUFFER_SIZE"),
            field("paused", Boolean, "paused", ""),
            field("connected", Boolean, "connected", ""),
            field("localAddress", Text, "local_address", "LOCAL"),
            field("localPort", Integer, "local_port", "LOCAL"),
            field("peerAddress", Text, "peer_address", "PEER"),
            field("peerPort", Integer, "peer_port", "PEER"),
        ]),
        object("sockets.tcp.ReceiveInfo", EVENT, &[
            field("socketId", Integer, "socket_id", ""),
            field("data", Bytes, "data", ""),
        ]),
        object("sockets.tcp.ReceiveErrorInfo", EVENT, ERROR),
        object("sockets.tcpServer.SocketProperties", "chrome_sockets_tcp_server_properties", SERVER_PROPERTIES),
        object("sockets.tcpServer.CreateInfo", EVENT, CREATED),
        object("sockets.tcpServer.SocketInfo", INFO, &[
            field("socketId", Integer, "socket_id", ""),
            field("persistent", Boolean, "persistent", ""),
            field("name", Text, "name", "NAME"),
            field("paused", Boolean, "paused", ""),
            field("localAddress", Text, "local_address", "LOCAL"),
            field("localPort", Integer, "local_port", "LOCAL"),
        ]),
        object("sockets.tcpServer.AcceptInfo", EVENT, &[
            field("socketId", Integer, "socket_id", ""),
            field("clientSocketId", Integer, "client_socket_id", ""),
        ]),
        object("sockets.tcpServer.AcceptErrorInfo", EVENT, ERROR),
        object("sockets.udp.SocketProperties", "chrome_sockets_udp_properties", PROPERTIES),
        object("sockets.udp.CreateInfo", EVENT, CREATED),
        Type { name: "sockets.udp.DnsQueryType", c_name: "chrome_sockets_dns_query_type", shape: Shape::Enum(DNS) },
        object("sockets.udp.SendInfo", EVENT, SENT),
        object("sockets.udp.SocketInfo", INFO, &[
            field("socketId", Integer, "socket_id", ""),
            field("persistent", Boolean, "persistent", ""),
            field("name", Text, "name", "NAME"),
            field("bufferSize", Integer, "buffer_size", "BUFFER_SIZE"),
            field("paused", Boolean, "paused", ""),
            field("localAddress", Text, "local_address", "LOCAL"),
            field("localPort", Integer, "local_port", "LOCAL"),
        ]),
        object("sockets.udp.ReceiveInfo", EVENT, &[
            field("socketId", Integer, "socket_id", ""),
            field("data", Bytes, "data", ""),
            field("remoteAddress", Text, "address", ""),
            field("remotePort", Integer, "port", ""),
        ]),
        object("sockets.udp.ReceiveErrorInfo", EVENT, ERROR),
        Type { name: "socket.SocketType", c_name: "chrome_socket_type", shape: Shape::Enum(&[("tcp", 0), ("udp", 1)]) },
        object("socket.CreateOptions", "", &[]),
        object("socket.CreateInfo", EVENT, CREATED),
        object("socket.AcceptInfo", EVENT, &[
            field("resultCode", Integer, "result", ""),
            field("socketId", Integer, "client_socket_id", NOT_ZERO),
        ]),
        object("socket.ReadInfo", EVENT, &[
            field("resultCode", Integer, "result", ""),
            field("data", Bytes, "data", ""),
        ]),
        object("socket.WriteInfo", EVENT, &[field("bytesWritten", Integer, "result", "")]),
        object("socket.RecvFromInfo", EVENT, &[
            field("resultCode", Integer, "result", ""),
            field("data", Bytes, "data", ""),
            field("address", Text, "address", ""),
            field("port", Integer, "port", ""),
        ]),
        object("socket.SocketInfo", INFO, &[
            field("socketType", Named("socket.SocketType"), "socket_type", ""),
            field("connected", Boolean, "connected", ""),
            field("peerAddress", Text, "peer_address", "PEER"),
            field("peerPort", Integer, "peer_port", "PEER"),
            field("localAddress", Text, "local_address", "LOCAL"),
            field("localPort", Integer, "local_port", "LOCAL"),
        ]),
        object("socket.NetworkInterface", "chrome_socket_network_interface", &[
            field("name", Text, "name", ""),
            field("address", Text, "address", ""),
            field("prefixLength", Integer, "prefix_length", ""),
        ]),
        object("socket.TLSVersionConstraints", "chrome_sockets_tcp_secure_options", TLS_VERSIONS),
        object("socket.SecureOptions", "chrome_sockets_tcp_secure_options", &[
            field("tlsVersion", Named("socket.TLSVersionConstraints"), "", ""),
        ]),
    ]
};

const ID: Parameter = given("socketId", Kind::Integer);
const ADDRESS: Parameter = given("address", Kind::Text);
const PORT: Parameter = given("port", Kind::Integer);
const DATA: Parameter = given("data", Kind::Bytes);
const PAUSED: Parameter = given("paused", Kind::Boolean);
const ENABLE: Parameter = given("enable", Kind::Boolean);
const ENABLED: Parameter = given("enabled", Kind::Boolean);
const NO_DELAY: Parameter = given("noDelay", Kind::Boolean);
const TTL: Parameter = given("ttl", Kind::Integer);
const DELAY: Parameter = optional("delay", Kind::Integer, Absent::Number(0));
const BACKLOG: Parameter = optional("backlog", Kind::Integer, Absent::Null);
const BUFFER_SIZE: Parameter = optional("bufferSize", Kind::Integer, Absent::Null);

const fn dns(named: &'static str) -> Parameter {
    optional("dnsQueryType", Kind::Named(named), Absent::Number(0))
}

const fn properties(named: &'static str) -> Parameter {
    given("properties", Kind::Named(named))
}

const fn or_none(parameter: Parameter) -> Parameter {
    Parameter { absent: Absent::Null, ..parameter }
}

const fn secure_options(named: &'static str) -> Parameter {
    optional("options", Kind::Named(named), Absent::Null)
}

/// Every documented member.
#[rustfmt::skip]
pub const SIGNATURES: &[Signature] = {
    use Callback::{None, OrPromise, Required};
    use Outcome::{Boolean, Info, InfoOrCode, Integer, List, Made, Nothing, One, Texts};
    const TCP: Parameter = properties("sockets.tcp.SocketProperties");
    const SERVER: Parameter = properties("sockets.tcpServer.SocketProperties");
    const UDP: Parameter = properties("sockets.udp.SocketProperties");
    &[
        method("chrome.sockets.tcp.create", &[or_none(TCP)], OrPromise, Made("sockets.tcp.CreateInfo")),
        method("chrome.sockets.tcp.update", &[ID, TCP], OrPromise, Nothing),
        method("chrome.sockets.tcp.setPaused", &[ID, PAUSED], OrPromise, Nothing),
        method("chrome.sockets.tcp.setKeepAlive", &[ID, ENABLE, DELAY], Required, Integer),
        method("chrome.sockets.tcp.setNoDelay", &[ID, NO_DELAY], Required, Integer),
        method("chrome.sockets.tcp.connect", &[ID, given("peerAddress", Kind::Text), given("peerPort", Kind::Integer), dns("sockets.tcp.DnsQueryType")], Required, Integer),
        method("chrome.sockets.tcp.disconnect", &[ID], OrPromise, Nothing),
        method("chrome.sockets.tcp.secure", &[ID, secure_options("sockets.tcp.SecureOptions")], Required, Integer),
        method("chrome.sockets.tcp.send", &[ID, DATA], Required, Info("sockets.tcp.SendInfo")),
        method("chrome.sockets.tcp.close", &[ID], OrPromise, Nothing),
        method("chrome.sockets.tcp.getInfo", &[ID], OrPromise, One("sockets.tcp.SocketInfo", "sockets")),
        method("chrome.sockets.tcp.getSockets", &[], OrPromise, List("sockets.tcp.SocketInfo", "sockets")),
        event("chrome.sockets.tcp.onReceive", "sockets.tcp.ReceiveInfo"),
        event("chrome.sockets.tcp.onReceiveError", "sockets.tcp.ReceiveErrorInfo"),
        method("chrome.sockets.tcpServer.create", &[or_none(SERVER)], OrPromise, Made("sockets.tcpServer.CreateInfo")),
        method("chrome.sockets.tcpServer.update", &[ID, SERVER], OrPromise, Nothing),
        method("chrome.sockets.tcpServer.setPaused", &[ID, PAUSED], OrPromise, Nothing),
        method("chrome.sockets.tcpServer.listen", &[ID, ADDRESS, PORT, BACKLOG], Required, Integer),
        method("chrome.sockets.tcpServer.disconnect", &[ID], OrPromise, Nothing),
        method("chrome.sockets.tcpServer.close", &[ID], OrPromise, Nothing),
        method("chrome.sockets.tcpServer.getInfo", &[ID], OrPromise, One("sockets.tcpServer.SocketInfo", "sockets")),
        method("chrome.sockets.tcpServer.getSockets", &[], OrPromise, List("sockets.tcpServer.SocketInfo", "sockets")),
        event("chrome.sockets.tcpServer.onAccept", "sockets.tcpServer.AcceptInfo"),
        event("chrome.sockets.tcpServer.onAcceptError", "sockets.tcpServer.AcceptErrorInfo"),
        method("chrome.sockets.udp.create", &[or_none(UDP)], OrPromise, Made("sockets.udp.CreateInfo")),
        method("chrome.sockets.udp.update", &[ID, UDP], OrPromise, Nothing),
        method("chrome.sockets.udp.setPaused", &[ID, PAUSED], OrPromise, Nothing),
        method("chrome.sockets.udp.bind", &[ID, ADDRESS, PORT], Required, Integer),
        method("chrome.sockets.udp.send", &[ID, DATA, ADDRESS, PORT, dns("sockets.udp.DnsQueryType")], Required, Info("sockets.udp.SendInfo")),
        method("chrome.sockets.udp.close", &[ID], OrPromise, Nothing),
        method("chrome.sockets.udp.getInfo", &[ID], OrPromise, One("sockets.udp.SocketInfo", "sockets")),
        method("chrome.sockets.udp.getSockets", &[], OrPromise, List("sockets.udp.SocketInfo", "sockets")),
        method("chrome.sockets.udp.joinGroup", &[ID, ADDRESS], Required, Integer),
        method("chrome.sockets.udp.leaveGroup", &[ID, ADDRESS], Required, Integer),
        method("chrome.sockets.udp.setMulticastTimeToLive", &[ID, TTL], Required, Integer),
        method("chrome.sockets.udp.setMulticastLoopbackMode", &[ID, ENABLED], Required, Integer),
        method("chrome.sockets.udp.getJoinedGroups", &[ID], OrPromise, Texts),
        method("chrome.sockets.udp.setBroadcast", &[ID, ENABLED], Required, Integer),
        event("chrome.sockets.udp.onReceive", "sockets.udp.ReceiveInfo"),
        event("chrome.sockets.udp.onReceiveError", "sockets.udp.ReceiveErrorInfo"),
        method("chrome.socket.create", &[given("type", Kind::Named("socket.SocketType")), optional("options", Kind::Named("socket.CreateOptions"), Absent::Dropped)], OrPromise, Made("socket.CreateInfo")),
        method("chrome.socket.connect", &[ID, given("hostname", Kind::Text), PORT], Required, Integer),
        method("chrome.socket.bind", &[ID, ADDRESS, PORT], Required, Integer),
        method("chrome.socket.disconnect", &[ID], None, Nothing),
        method("chrome.socket.destroy", &[ID], None, Nothing),
        method("chrome.socket.read", &[ID, BUFFER_SIZE], Required, Info("socket.ReadInfo")),
        method("chrome.socket.write", &[ID, DATA], Required, Info("socket.WriteInfo")),
        method("chrome.socket.recvFrom", &[ID, BUFFER_SIZE], Required, Info("socket.RecvFromInfo")),
        method("chrome.socket.sendTo", &[ID, DATA, ADDRESS, PORT], Required, InfoOrCode("socket.WriteInfo")),
        method("chrome.socket.listen", &[ID, ADDRESS, PORT, BACKLOG], Required, Integer),
        method("chrome.socket.accept", &[ID], Required, Info("socket.AcceptInfo")),
        method("chrome.socket.setKeepAlive", &[ID, ENABLE, DELAY], Required, Boolean),
        method("chrome.socket.setNoDelay", &[ID, NO_DELAY], Required, Boolean),
        method("chrome.socket.getInfo", &[ID], OrPromise, One("socket.SocketInfo", "sockets")),
        method("chrome.socket.getNetworkList", &[], OrPromise, List("socket.NetworkInterface", "interfaces")),
        method("chrome.socket.joinGroup", &[ID, ADDRESS], Required, Integer),
        method("chrome.socket.leaveGroup", &[ID, ADDRESS], Required, Integer),
        method("chrome.socket.setMulticastTimeToLive", &[ID, TTL], Required, Integer),
        method("chrome.socket.setMulticastLoopbackMode", &[ID, ENABLED], Required, Integer),
        method("chrome.socket.getJoinedGroups", &[ID], Required, Texts),
        method("chrome.socket.secure", &[ID, secure_options("socket.SecureOptions")], Required, Integer),
    ]
};

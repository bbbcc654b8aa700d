/* chromesock: the Chrome Apps networking APIs outside of a browser.
 *
 * Generated from the Rust sources; do not edit.
 *
 * Names
 *   chrome_...      what a page may call: the documented API, name for name.
 *   chromesock_...  what only the host, the program that links this library, may call: apps, events,
 *                   permissions, diagnostics.
 *   In comments results stand without their prefix: OK is CHROMESOCK_OK.
 *
 * Getting started
 *   chromesock_app_new opens an app, which owns sockets and a queue of events. Sockets are created and used
 *   with the chrome_... functions. Results of calls (completions) and everything else that happens to a
 *   socket (notifications, such as onReceive) come as events, struct chromesock_event. With queue
 *   delivery, the default, the host takes them with chromesock_app_next_event, or has
 *   chromesock_app_dispatch call its callbacks; with reactor delivery the library's own thread calls them.
 *
 * Calls
 *   A function whose comment says "Completes:" starts a call. If it returns OK, exactly one completion
 *   follows, whatever happens to the socket; if it returns anything else, nothing was kept and none follows.
 *   The completion may be delivered on another thread before the function has returned, and before an
 *   out-parameter is written; the event has the same id as socket_id.
 *   Other functions have no completion: what they return is their result.
 *   Calls of one thread are carried out in order, so a socket can be used before its create has completed.
 *   app:        from chromesock_app_new and not freed; NULL gives INVALID_ARGUMENT.
 *   socket_id:  of a socket of the function's own namespace; any other id is no error of the call, but
 *               completes with "Socket not found".
 *   names:      a name of a host that nobody answers is given up after two minutes: NAME_NOT_RESOLVED.
 *   Out-parameters are written only if OK is returned, unless the comment says otherwise.
 *
 * Threads
 *   Any function may be called from any thread, also inside callbacks, unless its comment says otherwise.
 *   Callbacks of one app never run at the same time.
 *   An app must not be used in a forked child. As long as a child lives that neither runs another program nor
 *   exits, connections that the app has ended stay open for their peers, and ports of UDP sockets taken.
 *
 * Memory
 *   Inputs are borrowed until the function returns. An event in a callback, and all it points to, is
 *   borrowed until the callback returns; chromesock_event_retain keeps it for longer. `user_data` is never
 *   read or freed.
 *   Structs that the host fills in begin with their size: set them to zero, then set `size`, then the rest.
 *   Reserved members stay zero. Later versions only append members; an older library ignores those that it does
 *   not know.
 *   Text is UTF-8 and ends with NUL, both ways; NULL = not given, or absent. What is longer than 4,096 bytes is no
 *   host or address: calls complete as with any other that cannot be one.
 *
 * The functions, by section
 *     Apps, reactors and getting events
 *     Keeping and releasing events
 *     chrome.sockets.tcp
 *     TLS, of both APIs
 *     chrome.sockets.tcpServer
 *     chrome.sockets.udp
 *     chrome.socket, the older API
 *     Suspending, resuming and unloading an app
 *     Permissions of a manifest
 *     Sending without a copy
 *     For bindings to other languages
 *     Version and names
 */

#ifndef CHROMESOCK_H
#define CHROMESOCK_H

#include <stdint.h>
#include <stddef.h>
#define CHROMESOCK_VERSION_MAJOR 0
#define CHROMESOCK_VERSION_MINOR 1
#define CHROMESOCK_VERSION_PATCH 0

/**
 * Bit of `present` in chrome_sockets_tcp_properties: `persistent` is given.
 */
#define CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT 1

/**
 * Bit of `present` in chrome_sockets_tcp_properties: `name` is given.
 */
#define CHROME_SOCKETS_TCP_PROPERTIES_NAME 2

/**
 * Bit of `present` in chrome_sockets_tcp_properties: `buffer_size` is given.
 */
#define CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE 4

/**
 * Bit of `present` in chrome_sockets_udp_properties: `persistent` is given.
 */
#define CHROME_SOCKETS_UDP_PROPERTIES_PERSISTENT 1

/**
 * Bit of `present` in chrome_sockets_udp_properties: `name` is given.
 */
#define CHROME_SOCKETS_UDP_PROPERTIES_NAME 2

/**
 * Bit of `present` in chrome_sockets_udp_properties: `buffer_size` is given.
 */
#define CHROME_SOCKETS_UDP_PROPERTIES_BUFFER_SIZE 4

/**
 * Bit of `present` in chrome_sockets_tcp_server_properties: `persistent` is given.
 */
#define CHROME_SOCKETS_TCP_SERVER_PROPERTIES_PERSISTENT 1

/**
 * Bit of `present` in chrome_sockets_tcp_server_properties: `name` is given.
 */
#define CHROME_SOCKETS_TCP_SERVER_PROPERTIES_NAME 2

/**
 * Bit of `present` in chromesock_app_options: `write_quota_bytes` is given.
 */
#define CHROMESOCK_APP_OPTIONS_WRITE_QUOTA 1

/**
 * Bit of `present` in chromesock_app_options: `undelivered_bytes_per_socket` is given.
 */
#define CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_SOCKET 2

/**
 * Bit of `present` in chromesock_app_options: `undelivered_bytes_per_app` is given.
 */
#define CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_APP 4

/**
 * No UDP_SEGMENT: each datagram is sent by a system call of its own.
 */
#define CHROMESOCK_WITHOUT_UDP_SEGMENT 1

/**
 * No UDP_GRO: the system does not join datagrams that it receives.
 */
#define CHROMESOCK_WITHOUT_UDP_GRO 2

/**
 * No recvmmsg, and no UDP_GRO, which needs it: each datagram is received by a system call of its own.
 */
#define CHROMESOCK_WITHOUT_RECVMMSG 4

/**
 * No gathering: each send on a TCP connection is written by a system call of its own, as long as the system
 * takes them. For peers that take a TCP segment for a message.
 */
#define CHROMESOCK_WITHOUT_GATHERED_SENDS 8

/**
 * No look at a connection to the own host as soon as it was asked for, when it is usually there already, or refused:
 * each connection attempt waits for the system to tell how it ends.
 */
#define CHROMESOCK_WITHOUT_PROMPT_CONNECT 16

/**
 * No SO_RCVLOWAT: also of a fast TCP stream the system tells as soon as anything can be read.
 */
#define CHROMESOCK_WITHOUT_RCVLOWAT 32

/**
 * No prompt sends: with delivery on the reactor's thread also what a callback sends on TCP of more than 16 KiB is copied,
 * and written when the callback has returned.
 */
#define CHROMESOCK_WITHOUT_PROMPT_SENDS 64

/**
 * Bit of `present` in chromesock_event: `result` is delivered: the API's `result` or `resultCode`.
 */
#define CHROMESOCK_EVENT_RESULT 1

/**
 * Bit of `present` in chromesock_event: `bytes_sent` is delivered.
 */
#define CHROMESOCK_EVENT_BYTES_SENT 2

/**
 * Bit of `present` in chromesock_event: `data` and `data_len` are delivered.
 */
#define CHROMESOCK_EVENT_DATA 4

/**
 * Bit of `present` in chromesock_event: `address` is delivered.
 */
#define CHROMESOCK_EVENT_ADDRESS 8

/**
 * Bit of `present` in chromesock_event: `port` is delivered.
 */
#define CHROMESOCK_EVENT_PORT 16

/**
 * Bit of `present` in chromesock_event: `sockets` and `sockets_len` are delivered.
 */
#define CHROMESOCK_EVENT_SOCKETS 32

/**
 * Bit of `present` in chromesock_event: `texts` and `texts_len` are delivered.
 */
#define CHROMESOCK_EVENT_TEXTS 64

/**
 * Bit of `present` in chromesock_event: `interfaces` and `interfaces_len` are delivered.
 */
#define CHROMESOCK_EVENT_INTERFACES 128

/**
 * Bit of `present` in chromesock_socket_info: `name` is present.
 */
#define CHROMESOCK_SOCKET_INFO_NAME 1

/**
 * Bit of `present` in chromesock_socket_info: `buffer_size` is present.
 */
#define CHROMESOCK_SOCKET_INFO_BUFFER_SIZE 2

/**
 * Bit of `present` in chromesock_socket_info: the API has the member `connected`, as all but
 * chrome.sockets.tcpServer and chrome.sockets.udp.
 */
#define CHROMESOCK_SOCKET_INFO_CONNECTED 4

/**
 * Bit of `present` in chromesock_socket_info: `local_address` and `local_port` are present.
 */
#define CHROMESOCK_SOCKET_INFO_LOCAL 8

/**
 * Bit of `present` in chromesock_socket_info: `peer_address` and `peer_port` are present.
 */
#define CHROMESOCK_SOCKET_INFO_PEER 16

/**
 * Bit of `present` in chromesock_socket_info: `socket_type` is present (only for chrome.socket).
 */
#define CHROMESOCK_SOCKET_INFO_TYPE 32

/**
 * Result of a function, a completion or a notification: 0 or one of the numbers below.
 *
 * The names and numbers are those of Chromium's network errors (`net::ERR_…`); numbers from
 * -10001 down are this library's own and are only ever returned by functions, never delivered
 * in an event.
 *
 */
enum chromesock_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Success. Returned by a function that starts a call: exactly one completion follows.
   */
  CHROMESOCK_OK = 0,
  /**
   * An operation of this kind is already pending.
   */
  CHROMESOCK_IO_PENDING = -1,
  /**
   * The operation failed, and no other result fits.
   */
  CHROMESOCK_FAILED = -2,
  /**
   * The operation was cancelled by a close or a disconnect.
   */
  CHROMESOCK_ABORTED = -3,
  /**
   * An argument is wrong.
   */
  CHROMESOCK_INVALID_ARGUMENT = -4,
  /**
   * The operating system's handle is not valid.
   */
  CHROMESOCK_INVALID_HANDLE = -5,
  /**
   * The operation took too long.
   */
  CHROMESOCK_TIMED_OUT = -7,
  /**
   * An internal error; the call or socket was given up.
   */
  CHROMESOCK_UNEXPECTED = -9,
  /**
   * The operating system denied access.
   */
  CHROMESOCK_ACCESS_DENIED = -10,
  /**
   * The operation is not supported.
   */
  CHROMESOCK_NOT_IMPLEMENTED = -11,
  /**
   * Descriptors or another resource of the system ran out.
   */
  CHROMESOCK_INSUFFICIENT_RESOURCES = -12,
  /**
   * Memory ran out.
   */
  CHROMESOCK_OUT_OF_MEMORY = -13,
  /**
   * The socket is not connected.
   */
  CHROMESOCK_SOCKET_NOT_CONNECTED = -15,
  /**
   * The network changed.
   */
  CHROMESOCK_NETWORK_CHANGED = -21,
  /**
   * The socket is already connected.
   */
  CHROMESOCK_SOCKET_IS_CONNECTED = -23,
  /**
   * The app is closing or closed.
   */
  CHROMESOCK_CONTEXT_SHUT_DOWN = -26,
  /**
   * The connection was closed.
   */
  CHROMESOCK_CONNECTION_CLOSED = -100,
  /**
   * The connection was reset by the peer.
   */
  CHROMESOCK_CONNECTION_RESET = -101,
  /**
   * The connection was refused.
   */
  CHROMESOCK_CONNECTION_REFUSED = -102,
  /**
   * The connection was aborted.
   */
  CHROMESOCK_CONNECTION_ABORTED = -103,
  /**
   * The connection could not be made.
   */
  CHROMESOCK_CONNECTION_FAILED = -104,
  /**
   * The host name could not be resolved.
   */
  CHROMESOCK_NAME_NOT_RESOLVED = -105,
  /**
   * There is no connection to a network.
   */
  CHROMESOCK_INTERNET_DISCONNECTED = -106,
  /**
   * The peer broke the TLS protocol.
   */
  CHROMESOCK_SSL_PROTOCOL_ERROR = -107,
  /**
   * The address or port is not valid here.
   */
  CHROMESOCK_ADDRESS_INVALID = -108,
  /**
   * The address cannot be reached.
   */
  CHROMESOCK_ADDRESS_UNREACHABLE = -109,
  /**
   * The server demands a client certificate.
   */
  CHROMESOCK_SSL_CLIENT_AUTH_CERT_NEEDED = -110,
  /**
   * No TLS version is enabled.
   */
  CHROMESOCK_NO_SSL_VERSIONS_ENABLED = -112,
  /**
   * No common TLS version or cipher.
   */
  CHROMESOCK_SSL_VERSION_OR_CIPHER_MISMATCH = -113,
  /**
   * The server asked for a renegotiation.
   */
  CHROMESOCK_SSL_RENEGOTIATION_REQUESTED = -114,
  /**
   * The server refused the client certificate.
   */
  CHROMESOCK_BAD_SSL_CLIENT_AUTH_CERT = -117,
  /**
   * The connection attempt timed out.
   */
  CHROMESOCK_CONNECTION_TIMED_OUT = -118,
  /**
   * Too many host names are being resolved.
   */
  CHROMESOCK_HOST_RESOLVER_QUEUE_TOO_LARGE = -119,
  /**
   * The server does not renegotiate.
   */
  CHROMESOCK_SSL_NO_RENEGOTIATION = -123,
  /**
   * TLS alert: decompression failure.
   */
  CHROMESOCK_SSL_DECOMPRESSION_FAILURE_ALERT = -125,
  /**
   * TLS alert: bad record MAC.
   */
  CHROMESOCK_SSL_BAD_RECORD_MAC_ALERT = -126,
  /**
   * The resolver failed.
   */
  CHROMESOCK_NAME_RESOLUTION_FAILED = -137,
  /**
   * Access to the network was denied.
   */
  CHROMESOCK_NETWORK_ACCESS_DENIED = -138,
  /**
   * The message is too long.
   */
  CHROMESOCK_MSG_TOO_BIG = -142,
  /**
   * The address is in use.
   */
  CHROMESOCK_ADDRESS_IN_USE = -147,
  /**
   * The peer's public key cannot be used.
   */
  CHROMESOCK_SSL_BAD_PEER_PUBLIC_KEY = -149,
  /**
   * A pinned key is missing in the certificate chain.
   */
  CHROMESOCK_SSL_PINNED_KEY_NOT_IN_CERT_CHAIN = -150,
  /**
   * TLS alert: decrypt error.
   */
  CHROMESOCK_SSL_DECRYPT_ERROR_ALERT = -153,
  /**
   * The server's certificate changed.
   */
  CHROMESOCK_SSL_SERVER_CERT_CHANGED = -156,
  /**
   * TLS alert: the server does not know the name.
   */
  CHROMESOCK_SSL_UNRECOGNIZED_NAME_ALERT = -159,
  /**
   * The name collides with a new top-level domain.
   */
  CHROMESOCK_ICANN_NAME_COLLISION = -166,
  /**
   * The server's certificate cannot be parsed.
   */
  CHROMESOCK_SSL_SERVER_CERT_BAD_FORMAT = -167,
  /**
   * The system has no buffer space.
   */
  CHROMESOCK_NO_BUFFER_SPACE = -176,
  /**
   * A TLS 1.3 downgrade was detected.
   */
  CHROMESOCK_TLS13_DOWNGRADE_DETECTED = -180,
  /**
   * The certificate's key usage forbids the key exchange.
   */
  CHROMESOCK_SSL_KEY_USAGE_INCOMPATIBLE = -181,
  /**
   * The certificate is for another name.
   */
  CHROMESOCK_CERT_COMMON_NAME_INVALID = -200,
  /**
   * The certificate is expired or not yet valid.
   */
  CHROMESOCK_CERT_DATE_INVALID = -201,
  /**
   * The certificate's issuer is not trusted.
   */
  CHROMESOCK_CERT_AUTHORITY_INVALID = -202,
  /**
   * The certificate contains errors.
   */
  CHROMESOCK_CERT_CONTAINS_ERRORS = -203,
  /**
   * The certificate names no way to check revocation.
   */
  CHROMESOCK_CERT_NO_REVOCATION_MECHANISM = -204,
  /**
   * Revocation could not be checked.
   */
  CHROMESOCK_CERT_UNABLE_TO_CHECK_REVOCATION = -205,
  /**
   * The certificate was revoked.
   */
  CHROMESOCK_CERT_REVOKED = -206,
  /**
   * The certificate is invalid.
   */
  CHROMESOCK_CERT_INVALID = -207,
  /**
   * The certificate is signed with a weak algorithm.
   */
  CHROMESOCK_CERT_WEAK_SIGNATURE_ALGORITHM = -208,
  /**
   * The certificate is for a name that is not unique.
   */
  CHROMESOCK_CERT_NON_UNIQUE_NAME = -210,
  /**
   * The certificate's key is too weak.
   */
  CHROMESOCK_CERT_WEAK_KEY = -211,
  /**
   * The certificate breaks a name constraint.
   */
  CHROMESOCK_CERT_NAME_CONSTRAINT_VIOLATION = -212,
  /**
   * The certificate is valid for too long.
   */
  CHROMESOCK_CERT_VALIDITY_TOO_LONG = -213,
  /**
   * The certificate lacks proof of transparency.
   */
  CHROMESOCK_CERTIFICATE_TRANSPARENCY_REQUIRED = -214,
  /**
   * The certificate comes from a distrusted issuer.
   */
  CHROMESOCK_CERT_SYMANTEC_LEGACY = -215,
  /**
   * The certificate is known for interception.
   */
  CHROMESOCK_CERT_KNOWN_INTERCEPTION_BLOCKED = -217,
  /**
   * Network input and output are suspended.
   */
  CHROMESOCK_NETWORK_IO_SUSPENDED = -331,
  /**
   * An attempt to dispatch or to take events inside a callback of the same app.
   */
  CHROMESOCK_RECURSIVE_CALL = -10001,
  /**
   * The app's delivery mode does not offer this function.
   */
  CHROMESOCK_WRONG_DELIVERY = -10002,
  /**
   * The app's manifest was rejected.
   */
  CHROMESOCK_INVALID_MANIFEST = -10003,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chromesock_status chromesock_status;
#else
typedef int32_t chromesock_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an event is: the completion of one method, or one notification.
 *
 * After the colon stand the members of chromesock_event that are set, besides socket_id; a call that failed
 * sets message, and result where the API delivers one.
 *
 * Values are stable: 0x100 and up `chrome.sockets.tcp`, 0x200 and up `chrome.sockets.tcpServer`, 0x300
 * and up `chrome.sockets.udp`, 0x400 and up `chrome.socket`; notifications from 0x80 within their
 * namespace. Hosts should ignore types they do not know.
 *
 */
enum chromesock_event_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The app has ended, and this is its last event: result is OK, or UNEXPECTED after an internal error.
   */
  CHROMESOCK_APP_CLOSED = 1,
  /**
   * A call was denied by the manifest, and its completion follows: address, port: what it wanted to reach;
   * message: which call it was and which rule is missing. For the host's log.
   */
  CHROMESOCK_PERMISSION_DENIED = 2,
  /**
   * The first event of a suspended app is waiting: resume the app to get it.
   */
  CHROMESOCK_APP_WANTED = 3,
  /**
   * Completion of chromesock_app_get_tls_session: tls_session.
   */
  CHROMESOCK_TLS_SESSION = 4,
  /**
   * A secured connection has agreed upon a key: texts: one line in the NSS key log format. Only if
   * chromesock_app_options.tells_tls_keys is set.
   */
  CHROMESOCK_TLS_KEYS = 5,
  /**
   * Completion of chrome.sockets.tcp.create: socket_id.
   */
  CHROME_SOCKETS_TCP_CREATE = 257,
  /**
   * Completion of chrome.sockets.tcp.update.
   */
  CHROME_SOCKETS_TCP_UPDATE = 258,
  /**
   * Completion of chrome.sockets.tcp.setPaused.
   */
  CHROME_SOCKETS_TCP_SET_PAUSED = 259,
  /**
   * Completion of chrome.sockets.tcp.setKeepAlive: result.
   */
  CHROME_SOCKETS_TCP_SET_KEEP_ALIVE = 260,
  /**
   * Completion of chrome.sockets.tcp.setNoDelay: result.
   */
  CHROME_SOCKETS_TCP_SET_NO_DELAY = 261,
  /**
   * Completion of chrome.sockets.tcp.connect: result.
   */
  CHROME_SOCKETS_TCP_CONNECT = 262,
  /**
   * Completion of chrome.sockets.tcp.disconnect.
   */
  CHROME_SOCKETS_TCP_DISCONNECT = 263,
  /**
   * Completion of chrome.sockets.tcp.secure: result.
   */
  CHROME_SOCKETS_TCP_SECURE = 264,
  /**
   * Completion of chrome.sockets.tcp.send: result, bytes_sent.
   */
  CHROME_SOCKETS_TCP_SEND = 265,
  /**
   * Completion of chrome.sockets.tcp.close.
   */
  CHROME_SOCKETS_TCP_CLOSE = 266,
  /**
   * Completion of chrome.sockets.tcp.getInfo: sockets (one).
   */
  CHROME_SOCKETS_TCP_GET_INFO = 267,
  /**
   * Completion of chrome.sockets.tcp.getSockets: sockets.
   */
  CHROME_SOCKETS_TCP_GET_SOCKETS = 268,
  /**
   * chrome.sockets.tcp.onReceive: socket_id, data.
   */
  CHROME_SOCKETS_TCP_ON_RECEIVE = 385,
  /**
   * chrome.sockets.tcp.onReceiveError: socket_id, result.
   */
  CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR = 386,
  /**
   * Completion of chrome.sockets.tcpServer.create: socket_id.
   */
  CHROME_SOCKETS_TCP_SERVER_CREATE = 513,
  /**
   * Completion of chrome.sockets.tcpServer.update.
   */
  CHROME_SOCKETS_TCP_SERVER_UPDATE = 514,
  /**
   * Completion of chrome.sockets.tcpServer.setPaused.
   */
  CHROME_SOCKETS_TCP_SERVER_SET_PAUSED = 515,
  /**
   * Completion of chrome.sockets.tcpServer.listen: result.
   */
  CHROME_SOCKETS_TCP_SERVER_LISTEN = 516,
  /**
   * Completion of chrome.sockets.tcpServer.disconnect.
   */
  CHROME_SOCKETS_TCP_SERVER_DISCONNECT = 517,
  /**
   * Completion of chrome.sockets.tcpServer.close.
   */
  CHROME_SOCKETS_TCP_SERVER_CLOSE = 518,
  /**
   * Completion of chrome.sockets.tcpServer.getInfo: sockets (one).
   */
  CHROME_SOCKETS_TCP_SERVER_GET_INFO = 519,
  /**
   * Completion of chrome.sockets.tcpServer.getSockets: sockets.
   */
  CHROME_SOCKETS_TCP_SERVER_GET_SOCKETS = 520,
  /**
   * chrome.sockets.tcpServer.onAccept: socket_id, client_socket_id.
   */
  CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT = 641,
  /**
   * chrome.sockets.tcpServer.onAcceptError: socket_id, result.
   */
  CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR = 642,
  /**
   * Completion of chrome.sockets.udp.create: socket_id.
   */
  CHROME_SOCKETS_UDP_CREATE = 769,
  /**
   * Completion of chrome.sockets.udp.update.
   */
  CHROME_SOCKETS_UDP_UPDATE = 770,
  /**
   * Completion of chrome.sockets.udp.setPaused.
   */
  CHROME_SOCKETS_UDP_SET_PAUSED = 771,
  /**
   * Completion of chrome.sockets.udp.bind: result.
   */
  CHROME_SOCKETS_UDP_BIND = 772,
  /**
   * Completion of chrome.sockets.udp.send: result, bytes_sent.
   */
  CHROME_SOCKETS_UDP_SEND = 773,
  /**
   * Completion of chrome.sockets.udp.close.
   */
  CHROME_SOCKETS_UDP_CLOSE = 774,
  /**
   * Completion of chrome.sockets.udp.getInfo: sockets (one).
   */
  CHROME_SOCKETS_UDP_GET_INFO = 775,
  /**
   * Completion of chrome.sockets.udp.getSockets: sockets.
   */
  CHROME_SOCKETS_UDP_GET_SOCKETS = 776,
  /**
   * Completion of chrome.sockets.udp.joinGroup: result.
   */
  CHROME_SOCKETS_UDP_JOIN_GROUP = 777,
  /**
   * Completion of chrome.sockets.udp.leaveGroup: result.
   */
  CHROME_SOCKETS_UDP_LEAVE_GROUP = 778,
  /**
   * Completion of chrome.sockets.udp.setMulticastTimeToLive: result.
   */
  CHROME_SOCKETS_UDP_SET_MULTICAST_TIME_TO_LIVE = 779,
  /**
   * Completion of chrome.sockets.udp.setMulticastLoopbackMode: result.
   */
  CHROME_SOCKETS_UDP_SET_MULTICAST_LOOPBACK_MODE = 780,
  /**
   * Completion of chrome.sockets.udp.getJoinedGroups: texts: the groups, in join order.
   */
  CHROME_SOCKETS_UDP_GET_JOINED_GROUPS = 781,
  /**
   * Completion of chrome.sockets.udp.setBroadcast: result.
   */
  CHROME_SOCKETS_UDP_SET_BROADCAST = 782,
  /**
   * chrome.sockets.udp.onReceive: socket_id, data, address, port.
   */
  CHROME_SOCKETS_UDP_ON_RECEIVE = 897,
  /**
   * chrome.sockets.udp.onReceiveError: socket_id, result.
   */
  CHROME_SOCKETS_UDP_ON_RECEIVE_ERROR = 898,
  /**
   * Completion of chrome.socket.create: socket_id.
   */
  CHROME_SOCKET_CREATE = 1025,
  /**
   * Completion of chrome.socket.connect: result.
   */
  CHROME_SOCKET_CONNECT = 1026,
  /**
   * Completion of chrome.socket.bind: result.
   */
  CHROME_SOCKET_BIND = 1027,
  /**
   * Completion of chrome.socket.disconnect.
   */
  CHROME_SOCKET_DISCONNECT = 1028,
  /**
   * Completion of chrome.socket.destroy.
   */
  CHROME_SOCKET_DESTROY = 1029,
  /**
   * Completion of chrome.socket.read: result (bytes read, 0 at the end, or negative), data.
   */
  CHROME_SOCKET_READ = 1030,
  /**
   * Completion of chrome.socket.write: result (bytesWritten, or negative).
   */
  CHROME_SOCKET_WRITE = 1031,
  /**
   * Completion of chrome.socket.recvFrom: result as for read, data, address, port.
   */
  CHROME_SOCKET_RECV_FROM = 1032,
  /**
   * Completion of chrome.socket.sendTo: result (bytesWritten, or negative).
   */
  CHROME_SOCKET_SEND_TO = 1033,
  /**
   * Completion of chrome.socket.listen: result.
   */
  CHROME_SOCKET_LISTEN = 1034,
  /**
   * Completion of chrome.socket.accept: result, client_socket_id.
   */
  CHROME_SOCKET_ACCEPT = 1035,
  /**
   * Completion of chrome.socket.setKeepAlive: result: 1 = true, 0 = false.
   */
  CHROME_SOCKET_SET_KEEP_ALIVE = 1036,
  /**
   * Completion of chrome.socket.setNoDelay: result: 1 = true, 0 = false.
   */
  CHROME_SOCKET_SET_NO_DELAY = 1037,
  /**
   * Completion of chrome.socket.getInfo: sockets (one).
   */
  CHROME_SOCKET_GET_INFO = 1038,
  /**
   * Completion of chrome.socket.getNetworkList: interfaces.
   */
  CHROME_SOCKET_GET_NETWORK_LIST = 1039,
  /**
   * Completion of chrome.socket.joinGroup: result.
   */
  CHROME_SOCKET_JOIN_GROUP = 1040,
  /**
   * Completion of chrome.socket.leaveGroup: result.
   */
  CHROME_SOCKET_LEAVE_GROUP = 1041,
  /**
   * Completion of chrome.socket.setMulticastTimeToLive: result.
   */
  CHROME_SOCKET_SET_MULTICAST_TIME_TO_LIVE = 1042,
  /**
   * Completion of chrome.socket.setMulticastLoopbackMode: result.
   */
  CHROME_SOCKET_SET_MULTICAST_LOOPBACK_MODE = 1043,
  /**
   * Completion of chrome.socket.getJoinedGroups: texts: the groups, in join order; on failure result.
   */
  CHROME_SOCKET_GET_JOINED_GROUPS = 1044,
  /**
   * Completion of chrome.socket.secure: result.
   */
  CHROME_SOCKET_SECURE = 1045,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chromesock_event_type chromesock_event_type;
#else
typedef uint32_t chromesock_event_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How an app's events reach the host: chromesock_app_options.delivery.
 */
enum chromesock_delivery
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Events wait in a queue until the host runs their callbacks with chromesock_app_dispatch, or takes
   * them with chromesock_app_next_event. The default. The last callbacks of an app that is freed run on
   * the thread that frees it, but on its reactor's if it is freed inside a callback on a reactor's thread.
   */
  CHROMESOCK_DELIVERY_QUEUE = 0,
  /**
   * Callbacks run at once, on the reactor's thread. They must be short: all sockets of the reactor wait
   * for them. Signals are blocked on that thread, and stay so in a thread or child process that is started there.
   */
  CHROMESOCK_DELIVERY_REACTOR = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chromesock_delivery chromesock_delivery;
#else
typedef int32_t chromesock_delivery;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Which certificate authorities may vouch for servers, besides extra_roots_pem: chromesock_app_options.trust.
 * No value turns the checks off.
 */
enum chromesock_trust
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Those of the web, as Mozilla maintains them, in the version this library was built with. The default.
   */
  CHROMESOCK_TRUST_WEB_PKI = 0,
  /**
   * Those of the operating system, read by chromesock_app_new; of the files that SSL_CERT_FILE and SSL_CERT_DIR
   * name instead, if the environment of the process has them.
   */
  CHROMESOCK_TRUST_SYSTEM = 1,
  /**
   * None but extra_roots_pem.
   */
  CHROMESOCK_TRUST_ONLY_EXTRA = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chromesock_trust chromesock_trust;
#else
typedef int32_t chromesock_trust;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The two APIs, each with its own system of permissions.
 */
enum chromesock_api
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * chrome.sockets.*, by the manifest key "sockets".
   */
  CHROMESOCK_API_SOCKETS = 0,
  /**
   * chrome.socket, by the "socket" permission.
   */
  CHROMESOCK_API_SOCKET = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chromesock_api chromesock_api;
#else
typedef int32_t chromesock_api;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * An operation that a rule of a manifest may allow.
 */
enum chromesock_operation
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Rule tcp-connect, or manifest key sockets.tcp.connect.
   */
  CHROMESOCK_OPERATION_TCP_CONNECT = 0,
  /**
   * Rule tcp-listen, or manifest key sockets.tcpServer.listen.
   */
  CHROMESOCK_OPERATION_TCP_LISTEN = 1,
  /**
   * Rule udp-bind, or manifest key sockets.udp.bind.
   */
  CHROMESOCK_OPERATION_UDP_BIND = 2,
  /**
   * Rule udp-send-to, or manifest key sockets.udp.send.
   */
  CHROMESOCK_OPERATION_UDP_SEND_TO = 3,
  /**
   * Rule udp-multicast-membership, or manifest key sockets.udp.multicastMembership; ask with host "*" and
   * port 0.
   */
  CHROMESOCK_OPERATION_UDP_MULTICAST_MEMBERSHIP = 4,
  /**
   * Rule resolve-host; no call of the API asks for it.
   */
  CHROMESOCK_OPERATION_RESOLVE_HOST = 5,
  /**
   * Rule resolve-proxy; no call of the API asks for it.
   */
  CHROMESOCK_OPERATION_RESOLVE_PROXY = 6,
  /**
   * Rule network-state; no call of the API asks for it.
   */
  CHROMESOCK_OPERATION_NETWORK_STATE = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chromesock_operation chromesock_operation;
#else
typedef int32_t chromesock_operation;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Which addresses a host name may resolve to.
 */
enum chrome_sockets_dns_query_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * IPv4 and IPv6.
   */
  CHROME_SOCKETS_DNS_QUERY_TYPE_ANY = 0,
  /**
   * IPv4 only.
   */
  CHROME_SOCKETS_DNS_QUERY_TYPE_IPV4 = 1,
  /**
   * IPv6 only.
   */
  CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6 = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chrome_sockets_dns_query_type chrome_sockets_dns_query_type;
#else
typedef int32_t chrome_sockets_dns_query_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * SocketType of chrome.socket.
 */
enum chrome_socket_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * "tcp"
   */
  CHROME_SOCKET_TYPE_TCP = 0,
  /**
   * "udp"
   */
  CHROME_SOCKET_TYPE_UDP = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chrome_socket_type chrome_socket_type;
#else
typedef int32_t chrome_socket_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * An app: it owns sockets and a queue of events, and may do what its manifest allows.
 */
typedef struct chromesock_app chromesock_app;

/**
 * A thread that owns sockets and serves one or more apps.
 */
typedef struct chromesock_reactor chromesock_reactor;

/**
 * A list of texts, owned by the caller; free it with chromesock_texts_free.
 */
typedef struct chromesock_texts chromesock_texts;

/**
 * A function of the host's that gets no event: a wake-up, or the release of something that the library no
 * longer uses. `user_data` is what was given with it. It must not throw, and must not leave by longjmp.
 */
typedef void (*chromesock_hook)(void *user_data);

/**
 * True or false: any value but 0 is true.
 */
typedef uint8_t chromesock_bool;

/**
 * Options of chromesock_app_new. Set all of it to zero, fill in `size`, then what differs from the defaults.
 */
typedef struct chromesock_app_options {
  /**
   * sizeof(chromesock_app_options).
   */
  uint32_t size;
  /**
   * CHROMESOCK_APP_OPTIONS_… of the limits that are given; the others have their defaults.
   */
  uint32_t present;
  /**
   * One of chromesock_delivery.
   */
  int32_t delivery;
  /**
   * Reserved; zero.
   */
  uint32_t reserved;
  /**
   * The reactor whose thread serves the app, which other apps may share; NULL = one of its own.
   */
  struct chromesock_reactor *reactor;
  /**
   * Text of the manifest.json that says what the app may do, UTF-8; NULL = everything is allowed.
   */
  const char *manifest;
  /**
   * Limit of the app's unfinished sends, in bytes; one that would exceed it completes with "Exceeded write
   * quota.". Default: 200 MiB.
   */
  uint64_t write_quota_bytes;
  /**
   * Limit of a socket's received data that is not delivered yet or still retained, in bytes: once it is
   * reached the socket is not read, and its peer has to wait. The read that reaches it may go beyond it, by up to
   * 64 KiB of data. Each event counts 128 bytes more than its
   * data. Default: 1 MiB.
   */
  uint64_t undelivered_bytes_per_socket;
  /**
   * The same for all sockets of the app together. Default: 16 MiB. What peers said before they broke their
   * connections is delivered beyond it, up to as much again. chrome_socket_read and _recv_from have this limit only.
   */
  uint64_t undelivered_bytes_per_app;
  /**
   * Queue delivery: called on the reactor's thread when an event comes and the host has taken all before it: so
   * take events until none is left, or wait on. It should only post a task to the host's loop, and not block; it
   * may call every function, and is not called any more when chromesock_app_free returns outside of callbacks.
   * NULL = none.
   */
  chromesock_hook wakeup;
  /**
   * Given to `wakeup`.
   */
  void *wakeup_user_data;
  /**
   * Certificates in PEM, UTF-8 text, that are trusted besides those of `trust`: authorities (CA:TRUE) may
   * vouch for servers, and a server may itself present any of them, authority or not. NULL = none.
   */
  const char *extra_roots_pem;
  /**
   * One of chromesock_trust.
   */
  int32_t trust;
  /**
   * Whether CHROMESOCK_TLS_KEYS reports the keys of secured connections, with which captured traffic of
   * them can be decrypted.
   */
  chromesock_bool tells_tls_keys;
  /**
   * Whether listening sockets and bound UDP sockets share their addresses with those of other apps of the
   * same user that have this option, in this or another process (SO_REUSEPORT): the system distributes
   * connections and datagrams among them. Within one app an address is still in use. Linux only;
   * elsewhere chromesock_app_new returns NOT_IMPLEMENTED.
   */
  chromesock_bool reuse_port;
  /**
   * Whether the app is freed when the host closes its end of the stream of
   * chromesock_app_event_stream: for a host whose thread may be terminated without running any more code. Its last
   * callbacks run on its reactor's thread.
   * Once the stream is closed no call may use the app, chromesock_app_free included.
   */
  chromesock_bool freed_with_stream;
  /**
   * Reserved; zero.
   */
  uint8_t reserved_2;
  /**
   * How long the reactor goes on looking for work before it sleeps, in microseconds: what arrives within
   * that time need not wait for a wake-up, and a CPU is busy meanwhile. On a shared reactor the longest
   * time of its apps counts. 0 = it sleeps at once.
   */
  uint32_t busy_poll_us;
  /**
   * Sum of CHROMESOCK_WITHOUT_…: system features that the app's sockets must not use, where a system, a
   * network card or a peer has a fault in them. What the app observes stays the same but for times.
   */
  uint32_t without;
  /**
   * Limit of the app's sockets that have a descriptor at once, so that neither what it runs nor who connects to
   * it can use up those of the process. Counted are sockets that connect (each attempt, if a host has several
   * addresses), are connected, listen or are bound, and closed connections whose peer does not have everything
   * yet, or still talks (see chrome_sockets_tcp_close), for about a minute at most. At the limit all is as if
   * the process had no descriptor left: connect, listen, bind and chrome.socket.accept complete with
   * INSUFFICIENT_RESOURCES; a server raises onAcceptError with it and is paused, and connections wait in its
   * backlog until others are closed and the pause is ended. Chrome has no such limit. 0 = none but that of the
   * process.
   */
  uint32_t max_open_sockets;
  /**
   * Reserved; zero.
   */
  uint32_t reserved_3;
} chromesock_app_options;

/**
 * SocketInfo, as getInfo and getSockets deliver it.
 */
typedef struct chromesock_socket_info {
  /**
   * Size of this struct in the library that is running; step through arrays of it by this size.
   */
  uint32_t size;
  /**
   * CHROMESOCK_SOCKET_INFO_… of the members that are present.
   */
  uint32_t present;
  /**
   * The socket.
   */
  int32_t socket_id;
  /**
   * Largest number of bytes in one onReceive, as it was set; 0 = absent.
   */
  int32_t buffer_size;
  /**
   * Local port, host byte order; 0 = absent.
   */
  int32_t local_port;
  /**
   * The peer's port, host byte order; 0 = absent.
   */
  int32_t peer_port;
  /**
   * Whether the socket stays open when the app is suspended, as those of chrome.socket always do. Accepted sockets
   * are not persistent until an update makes them so.
   */
  chromesock_bool persistent;
  /**
   * Whether receiving, or accepting, is paused.
   */
  chromesock_bool paused;
  /**
   * Whether the socket is connected.
   */
  chromesock_bool connected;
  /**
   * chrome.socket: one of chrome_socket_type.
   */
  uint8_t socket_type;
  /**
   * Reserved; zero.
   */
  uint8_t reserved[4];
  /**
   * The program's name for the socket; NULL = absent.
   */
  const char *name;
  /**
   * Local address: numeric, no brackets, no zone, as Chrome writes it: IPv4 in IPv6 is ::ffff:7f00:1, where
   * inet_ntop has ::ffff:127.0.0.1; NULL = absent.
   */
  const char *local_address;
  /**
   * The peer's address, in the same form; NULL = absent.
   */
  const char *peer_address;
} chromesock_socket_info;

/**
 * One address of an interface, as chrome.socket.getNetworkList delivers it.
 */
typedef struct chrome_socket_network_interface {
  /**
   * Size of this struct in the library that is running; step through arrays of it by this size.
   */
  uint32_t size;
  /**
   * Length of the network prefix, 0 to 32 or 0 to 128.
   */
  int32_t prefix_length;
  /**
   * Name of the interface.
   */
  const char *name;
  /**
   * Numeric address, no zone.
   */
  const char *address;
} chrome_socket_network_interface;

/**
 * A range of bytes.
 */
typedef struct chromesock_bytes {
  /**
   * The first byte.
   */
  const uint8_t *data;
  /**
   * The number of bytes.
   */
  size_t len;
} chromesock_bytes;

/**
 * What client and server of a secured connection have agreed upon. Lives as long as its event.
 */
typedef struct chromesock_tls_session {
  /**
   * Size of this struct in the library that is running.
   */
  uint32_t size;
  /**
   * Reserved; zero.
   */
  uint32_t reserved;
  /**
   * "tls1.2" or "tls1.3".
   */
  const char *version;
  /**
   * The registered name, such as "TLS_AES_128_GCM_SHA256".
   */
  const char *cipher_suite;
  /**
   * The registered name of the group in which keys were exchanged, such as "X25519MLKEM768".
   */
  const char *key_exchange_group;
  /**
   * The name or address that the server's certificate was checked for.
   */
  const char *verified_name;
  /**
   * The certificates that the server sent, in DER, its own first.
   */
  const struct chromesock_bytes *chain;
  /**
   * The number of certificates in `chain`.
   */
  size_t chain_len;
} chromesock_tls_session;

/**
 * One completion or notification. Made by the library, which sets all members; those that do not apply are 0
 * or NULL.
 */
typedef struct chromesock_event {
  /**
   * Size of this struct in the library that is running.
   */
  uint32_t size;
  /**
   * One of chromesock_event_type; ignore types you do not know.
   */
  uint32_t type;
  /**
   * CHROMESOCK_EVENT_… of the members that the API delivers with this event.
   */
  uint32_t present;
  /**
   * The socket that the call or notification is about; 0 = none.
   */
  int32_t socket_id;
  /**
   * The accepted socket: one of chrome.sockets.tcp with onAccept, one of chrome.socket with
   * chrome.socket.accept; else 0.
   */
  int32_t client_socket_id;
  /**
   * 0 or a negative chromesock_status; in chrome.socket also a number of bytes, or 1 for true and 0 for
   * false. Some failures have only a message, and 0 here: see CHROMESOCK_EVENT_RESULT.
   */
  int32_t result;
  /**
   * The port that belongs to `address`, host byte order.
   */
  int32_t port;
  /**
   * Reserved; zero.
   */
  uint32_t reserved;
  /**
   * Completions: the call's `user_data`. Notifications: the listener's or default handler's; NULL if the
   * event was pulled, as it goes to no listener then.
   */
  void *user_data;
  /**
   * What programs read as chrome.runtime.lastError.message. NULL on success, and for most failures of
   * chrome.socket, which have only a `result`.
   */
  const char *message;
  /**
   * The sender of a datagram, in the form of chromesock_socket_info. CHROMESOCK_PERMISSION_DENIED: the host as the
   * page gave it, of one of more than 256 bytes the beginning and an ellipsis; "*" for multicast membership.
   */
  const char *address;
  /**
   * Received bytes; they do not end with NUL.
   */
  const uint8_t *data;
  /**
   * Number of bytes in `data`.
   */
  size_t data_len;
  /**
   * send: SendInfo.bytesSent, in bytes.
   */
  uint64_t bytes_sent;
  /**
   * getInfo: the one socket. getSockets: all, ascending by id.
   */
  const struct chromesock_socket_info *sockets;
  /**
   * Number of elements of `sockets`.
   */
  size_t sockets_len;
  /**
   * getJoinedGroups: the groups in join order. CHROMESOCK_TLS_KEYS: one line.
   */
  const char *const *texts;
  /**
   * Number of elements of `texts`.
   */
  size_t texts_len;
  /**
   * getNetworkList: one element for each address.
   */
  const struct chrome_socket_network_interface *interfaces;
  /**
   * Number of elements of `interfaces`.
   */
  size_t interfaces_len;
  /**
   * CHROMESOCK_TLS_SESSION: what was agreed upon; NULL = absent.
   */
  const struct chromesock_tls_session *tls_session;
} chromesock_event;

/**
 * Receives an event: the completion of one call, or a notification.
 *
 * `event` and all it points to are borrowed until the callback returns. `user_data` is what was
 * given with the callback. A callback may call any function; it must not throw, and must not leave by
 * longjmp.
 */
typedef void (*chromesock_callback)(struct chromesock_app *app,
                                    const struct chromesock_event *event,
                                    void *user_data);

/**
 * Counters of an app, for chromesock_app_get_stats. Fill in `size` before the call.
 */
typedef struct chromesock_app_stats {
  /**
   * sizeof(chromesock_app_stats).
   */
  uint32_t size;
  /**
   * Reserved; zero.
   */
  uint32_t reserved;
  /**
   * Calls that were accepted.
   */
  uint64_t calls_accepted;
  /**
   * Calls whose completion was queued for the host, or delivered.
   */
  uint64_t calls_completed;
  /**
   * Live socket ids.
   */
  uint64_t sockets_open;
  /**
   * Bytes of sends that have not completed.
   */
  uint64_t unsent_bytes;
  /**
   * Bytes of received data that is not delivered yet, or in retained events.
   */
  uint64_t undelivered_bytes;
  /**
   * Events that wait in the queue.
   */
  uint64_t undelivered_events;
} chromesock_app_stats;

/**
 * SocketProperties of chrome.sockets.tcp. Fill in `size`, and a bit of `present` for each member given.
 */
typedef struct chrome_sockets_tcp_properties {
  /**
   * sizeof(chrome_sockets_tcp_properties).
   */
  uint32_t size;
  /**
   * CHROME_SOCKETS_TCP_PROPERTIES_… of the members that are given.
   */
  uint32_t present;
  /**
   * The program's name for the socket, UTF-8; "" clears it.
   */
  const char *name;
  /**
   * Largest number of bytes in one onReceive; 0 and below mean 4096, above 65536 means 65536.
   */
  int32_t buffer_size;
  /**
   * Whether the socket stays open when the app is suspended.
   */
  chromesock_bool persistent;
  /**
   * Reserved; zero.
   */
  uint8_t reserved[3];
} chrome_sockets_tcp_properties;

/**
 * SecureOptions of chrome.sockets.tcp and chrome.socket. Fill in `size`. Unknown texts are ignored; nothing
 * below TLS 1.2 is ever offered.
 */
typedef struct chrome_sockets_tcp_secure_options {
  /**
   * sizeof(chrome_sockets_tcp_secure_options).
   */
  uint32_t size;
  /**
   * Reserved; zero.
   */
  uint32_t reserved;
  /**
   * tlsVersion.min: "tls1", "tls1.1", "tls1.2" or "tls1.3"; the first two act as "tls1.2", which is
   * the default. NULL = not given.
   */
  const char *tls_version_min;
  /**
   * tlsVersion.max: "tls1.2" or "tls1.3", the default. NULL = not given.
   */
  const char *tls_version_max;
} chrome_sockets_tcp_secure_options;

/**
 * SocketProperties of chrome.sockets.tcpServer. Fill in `size`, and a bit of `present` for each member given.
 */
typedef struct chrome_sockets_tcp_server_properties {
  /**
   * sizeof(chrome_sockets_tcp_server_properties).
   */
  uint32_t size;
  /**
   * CHROME_SOCKETS_TCP_SERVER_PROPERTIES_… of the members that are given.
   */
  uint32_t present;
  /**
   * The program's name for the socket, UTF-8; "" clears it.
   */
  const char *name;
  /**
   * Whether the socket stays open when the app is suspended.
   */
  chromesock_bool persistent;
  /**
   * Reserved; zero.
   */
  uint8_t reserved[7];
} chrome_sockets_tcp_server_properties;

/**
 * SocketProperties of chrome.sockets.udp. Fill in `size`, and a bit of `present` for each member given.
 */
typedef struct chrome_sockets_udp_properties {
  /**
   * sizeof(chrome_sockets_udp_properties).
   */
  uint32_t size;
  /**
   * CHROME_SOCKETS_UDP_PROPERTIES_… of the members that are given.
   */
  uint32_t present;
  /**
   * The program's name for the socket, UTF-8; "" clears it.
   */
  const char *name;
  /**
   * Length in bytes of the longest datagram that is delivered; 0 and below mean 4096, above 65536 means
   * 65536.
   */
  int32_t buffer_size;
  /**
   * Whether the socket stays open when the app is suspended.
   */
  chromesock_bool persistent;
  /**
   * Reserved; zero.
   */
  uint8_t reserved[3];
} chrome_sockets_udp_properties;

/**
 * One event as copied by chromesock_app_copy_events: this struct, followed by `data_len` bytes of data,
 * `address_len` bytes of the address and `message_len` bytes of the message. These texts do not end with NUL.
 */
typedef struct chromesock_event_record {
  /**
   * Distance from here to the next record in bytes; a multiple of 8.
   */
  uint32_t size;
  /**
   * As in chromesock_event.
   */
  uint32_t type;
  /**
   * As in chromesock_event.
   */
  uint32_t present;
  /**
   * As in chromesock_event.
   */
  int32_t socket_id;
  /**
   * As in chromesock_event.
   */
  int32_t client_socket_id;
  /**
   * As in chromesock_event.
   */
  int32_t result;
  /**
   * As in chromesock_event.
   */
  int32_t port;
  /**
   * Length of the message in bytes; 0 = NULL.
   */
  uint32_t message_len;
  /**
   * As in chromesock_event.
   */
  uint64_t user_data;
  /**
   * As in chromesock_event.
   */
  uint64_t bytes_sent;
  /**
   * Length of the address in bytes.
   */
  uint32_t address_len;
  /**
   * Length of the data in bytes.
   */
  uint32_t data_len;
  /**
   * NULL, or the event itself, because it has a list or is larger than the buffer. It is owned by the
   * caller, who releases it with chromesock_event_release; the record has no data, address or message then.
   */
  const struct chromesock_event *event;
} chromesock_event_record;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ---- Apps, reactors and getting events ---- */

/**
 * Opens an app.
 *
 * Mirrors:    nothing; host only.
 * Parameters: options  borrowed until the call returns; NULL = defaults.
 *             app      the new app, owned by the caller; free it with chromesock_app_free.
 * Returns:    OK, INVALID_ARGUMENT (also if extra_roots_pem has no certificate, or one that cannot be read),
 *             INVALID_MANIFEST (chromesock_manifest_check says why), NOT_IMPLEMENTED (`reuse_port` on a
 *             system that cannot), UNEXPECTED (the reactor has failed), INSUFFICIENT_RESOURCES, another system error.
 * Threads:    any, also inside callbacks; does not block, except to read the system's roots.
 * Since:      0.1
 *
 * # Safety
 * `options` is NULL or a valid struct with its size; its reactor is NULL or not freed; `app` is
 * NULL or may be written.
 */
chromesock_status chromesock_app_new(const struct chromesock_app_options *options,
                                     struct chromesock_app **app);

/**
 * Starts the end of an app: its sockets close without onReceiveError, its pending calls complete (connects and
 * handshakes with ABORTED, sends of TCP with SOCKET_NOT_CONNECTED, datagrams whose host is being looked up with
 * "Socket not found"), later calls are refused with CONTEXT_SHUT_DOWN, and CHROMESOCK_APP_CLOSED is the last event.
 * The app's ports are free then; before, an app on another reactor may find them in use. Calling it again does
 * nothing.
 *
 * Of calls that have not started by then, at most some 65,000 still do, fewer if they take long: from there on they
 * complete with ABORTED or "Socket not found", so that a host does not wait for all that a page may have called.
 *
 * What was sent is left to the system then. It goes on transmitting, but not to a peer that says something meanwhile.
 *
 * Mirrors:    nothing; host only.
 * Parameters: app  still to be freed.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chromesock_app_close(struct chromesock_app *app);

/**
 * Frees an app, closing it if needed. Completions that are still in the queue, and
 * CHROMESOCK_APP_CLOSED, go to their callbacks; notifications are dropped.
 *
 * Outside of callbacks it returns when no callback of the app runs or will run; the last ones run on this thread.
 * Inside a callback, of this or another app, it returns at once and runs none. What remains then follows. If this
 * thread dispatches, it is on this thread, before the outermost chromesock_app_dispatch returns, which waits for it as
 * this function does outside of callbacks. If a reactor runs the outermost callback, it is on a reactor's thread, and
 * not always behind that callback if the app is on another reactor.
 *
 * No call may use the pointer after this one but those of the app's own last callbacks, which are refused, and those
 * in which other threads wait for events by then: these return CONTEXT_SHUT_DOWN. It is for the host to see that no
 * other thread is about to begin such a call, or has yet to return from one with an event. Retained events stay valid.
 *
 * Mirrors:    nothing; host only.
 * Parameters: app  NULL does nothing.
 * Threads:    any, also inside callbacks; outside of them it waits for the reactor's current turn
 *             and for a callback that runs on another thread.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
void chromesock_app_free(struct chromesock_app *app);

/**
 * Starts a reactor that several apps can share.
 *
 * Mirrors:    nothing; host only.
 * Parameters: reactor  the new reactor, owned by the caller; free it with chromesock_reactor_free.
 * Returns:    OK, INVALID_ARGUMENT, INSUFFICIENT_RESOURCES, another system error.
 * Threads:    any; does not block.
 * Since:      0.1
 *
 * # Safety
 * `reactor` is NULL or may be written.
 */
chromesock_status chromesock_reactor_new(struct chromesock_reactor **reactor);

/**
 * Frees a reactor. Its thread ends with the last app that it serves.
 *
 * Mirrors:    nothing; host only.
 * Parameters: reactor  gone afterwards; NULL does nothing.
 * Threads:    any, also inside callbacks. If no app is left it waits for the thread, which runs no code of the host any
 *             more.
 * Since:      0.1
 *
 * # Safety
 * `reactor` is NULL, or comes from `chromesock_reactor_new` and is not freed.
 */
void chromesock_reactor_free(struct chromesock_reactor *reactor);

/**
 * Sets the handler of every event that no callback and no listener takes, in place of the last one.
 *
 * Mirrors:    nothing; host only.
 * Parameters: handler    NULL = none.
 *             user_data  given to `handler` and `release`; never read or freed.
 *             release    called once with `user_data`, on any thread, when the handler is replaced or the
 *             app is gone, and at once if there is no handler; NULL = none.
 * Returns:    OK, INVALID_ARGUMENT (the handler is then not kept and not released).
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chromesock_app_set_default_handler(struct chromesock_app *app,
                                                     chromesock_callback handler,
                                                     void *user_data,
                                                     chromesock_hook release);

/**
 * Queue delivery: runs the callbacks of events that are queued, on this thread.
 *
 * Mirrors:    nothing; host only.
 * Parameters: max_events  largest number of events to take; 0 and below = all that are queued now.
 *             timeout_ms  how long to wait for the first event, in ms; 0 = not at all, below 0 = forever.
 *             dispatched  number of events that were taken, 0 if none came in time; NULL = not wanted. Also
 *             written if the app was freed by one of their callbacks, or meanwhile.
 * Returns:    OK, INVALID_ARGUMENT, RECURSIVE_CALL (inside a callback of this app),
 *             WRONG_DELIVERY (the app has reactor delivery), CONTEXT_SHUT_DOWN (the app is closed
 *             and CHROMESOCK_APP_CLOSED was handed out; or it was freed meanwhile, also by one of the
 *             callbacks that ran: `app` is not valid any more).
 * Threads:    any, but not inside a callback of this app; of several threads one dispatches and the
 *             others wait for it, up to their time-outs. Blocks up to `timeout_ms`, as long as the callbacks
 *             run, and until apps that they have freed are gone. Inside a callback of another app on the
 *             same reactor nothing can come: do not wait there.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `dispatched` is NULL or may be
 * written.
 */
chromesock_status chromesock_app_dispatch(struct chromesock_app *app,
                                          int32_t max_events,
                                          int32_t timeout_ms,
                                          int32_t *dispatched);

/**
 * Queue delivery: takes one event out of the queue; no callback runs for it.
 *
 * Mirrors:    nothing; host only.
 * Parameters: timeout_ms  how long to wait, in ms; 0 = not at all, below 0 = forever.
 *             event       the event, owned by the caller; release with chromesock_event_release.
 * Returns:    OK, INVALID_ARGUMENT, TIMED_OUT (none came), RECURSIVE_CALL, WRONG_DELIVERY,
 *             CONTEXT_SHUT_DOWN (CHROMESOCK_APP_CLOSED was handed out, or the app was freed meanwhile).
 * Threads:    any, but not inside a callback of this app. Blocks up to `timeout_ms`.
 *             Inside a callback of another app on the same reactor nothing can come: do not wait there.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `event` is NULL or may be
 * written.
 */
chromesock_status chromesock_app_next_event(struct chromesock_app *app,
                                            int32_t timeout_ms,
                                            const struct chromesock_event **event);

/**
 * A handle that is readable exactly while events are queued, for the host's own loop. With CHROMESOCK_APP_CLOSED,
 * the last event, such a loop should end: it hears nothing of the CONTEXT_SHUT_DOWN that follows.
 *
 * Mirrors:    nothing; host only.
 * Parameters: handle  a file descriptor, owned by the app. Poll it for reading; never read, write or
 *             close it.
 * Returns:    OK, INVALID_ARGUMENT, WRONG_DELIVERY, INSUFFICIENT_RESOURCES.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `handle` is NULL or may be
 * written.
 */
chromesock_status chromesock_app_event_handle(struct chromesock_app *app,
                                              ptrdiff_t *handle);

/**
 * Tells how many calls, sockets, bytes and events an app has.
 *
 * Mirrors:    nothing; host only.
 * Parameters: stats  filled in by the caller; the members that fit are written.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `stats` is NULL or a writable
 * struct of the size it says.
 */
chromesock_status chromesock_app_get_stats(struct chromesock_app *app,
                                           struct chromesock_app_stats *stats);

/* ---- Keeping and releasing events ---- */

/**
 * Keeps an event beyond its callback, as a copy with an owner of its own.
 *
 * Mirrors:    nothing; host only.
 * Parameters: event     from a callback, from chromesock_app_next_event, or retained before.
 *             retained  the kept event, owned by the caller; release with chromesock_event_release.
 *             It may be used on any thread, also when the app is gone. Its data counts as undelivered.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    the thread that may use `event`; does not block.
 * Since:      0.1
 *
 * # Safety
 * `event` is NULL or valid as above; `retained` is NULL or may be written.
 */
chromesock_status chromesock_event_retain(const struct chromesock_event *event,
                                          const struct chromesock_event **retained);

/**
 * Releases an event that was pulled or retained.
 *
 * Mirrors:    nothing; host only.
 * Parameters: event  owned by the caller, gone afterwards; NULL does nothing.
 * Threads:    any; does not block.
 * Since:      0.1
 *
 * # Safety
 * `event` is NULL, or owned by the caller and not released yet.
 */
void chromesock_event_release(const struct chromesock_event *event);

/* ---- chrome.sockets.tcp ---- */

/**
 * Creates a TCP client socket. It uses no system resources before it connects.
 *
 * Mirrors:    chrome.sockets.tcp.create
 * Parameters: properties  borrowed until the call returns; NULL = none given.
 *             socket_id   the new id, at once: later calls may use it without waiting. NULL = not wanted.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED, INSUFFICIENT_RESOURCES (ids are used up).
 * Completes:  CHROME_SOCKETS_TCP_CREATE with socket_id; never fails.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
 * valid struct with its size; `socket_id` is NULL or may be written.
 */
chromesock_status chrome_sockets_tcp_create(struct chromesock_app *app,
                                            const struct chrome_sockets_tcp_properties *properties,
                                            int32_t *socket_id,
                                            chromesock_callback callback,
                                            void *user_data);

/**
 * Changes the properties that are given, and no others. Pending calls and reads go on.
 *
 * Mirrors:    chrome.sockets.tcp.update
 * State:      any.
 * Parameters: properties  borrowed until the call returns; NULL = none given.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_UPDATE, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
 * valid struct with its size.
 */
chromesock_status chrome_sockets_tcp_update(struct chromesock_app *app,
                                            int32_t socket_id,
                                            const struct chrome_sockets_tcp_properties *properties,
                                            chromesock_callback callback,
                                            void *user_data);

/**
 * Pauses or resumes receiving. With queue delivery onReceives that wait in the queue still come, before the
 * completion. A read that is in flight when the pause begins may still deliver one more.
 *
 * Resuming and pausing again makes a paused socket read exactly once more, if both calls are carried out
 * together: with reactor delivery when they are made inside one callback of the socket's own reactor, otherwise while
 * calls are held (chromesock_app_hold_calls). If not, any number of reads may come in between.
 *
 * Mirrors:    chrome.sockets.tcp.setPaused
 * State:      any.
 * Parameters: paused  true pauses, false resumes.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SET_PAUSED, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_set_paused(struct chromesock_app *app,
                                                int32_t socket_id,
                                                chromesock_bool paused,
                                                chromesock_callback callback,
                                                void *user_data);

/**
 * Turns TCP keep-alive on or off. A new connection has it on, with a delay of 45 seconds.
 *
 * Mirrors:    chrome.sockets.tcp.setKeepAlive
 * State:      connected, not secured; otherwise completes with FAILED.
 * Parameters: enable  true turns it on.
 *             delay   seconds of silence before and between probes; 0 = leave the system's timing.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SET_KEEP_ALIVE with result OK or FAILED; an unknown id gives FAILED and
 *             "Socket not found".
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_set_keep_alive(struct chromesock_app *app,
                                                    int32_t socket_id,
                                                    chromesock_bool enable,
                                                    int32_t delay,
                                                    chromesock_callback callback,
                                                    void *user_data);

/**
 * Turns Nagle's algorithm off or on (TCP_NODELAY).
 *
 * Mirrors:    chrome.sockets.tcp.setNoDelay
 * State:      connected, not secured; otherwise completes with FAILED.
 * Parameters: no_delay  true turns the algorithm off, as it is on a new connection.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SET_NO_DELAY with result OK or FAILED; an unknown id gives FAILED and
 *             "Socket not found".
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_set_no_delay(struct chromesock_app *app,
                                                  int32_t socket_id,
                                                  chromesock_bool no_delay,
                                                  chromesock_callback callback,
                                                  void *user_data);

/**
 * Connects to a peer. The addresses of a name are raced (Happy Eyeballs, RFC 8305).
 *
 * Mirrors:    chrome.sockets.tcp.connect
 * State:      idle; otherwise completes with SOCKET_IS_CONNECTED or CONNECTION_FAILED.
 * Parameters: peer_address    name or IP literal, UTF-8; borrowed until the call returns.
 *             peer_port       0 to 65535; others complete with INVALID_ARGUMENT.
 *             dns_query_type  one of chrome_sockets_dns_query_type.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_CONNECT with result OK, NAME_NOT_RESOLVED, INTERNET_DISCONNECTED,
 *             CONNECTION_REFUSED, CONNECTION_TIMED_OUT, ADDRESS_UNREACHABLE, ABORTED (disconnected or
 *             closed meanwhile) or another system error; "Socket not found" (also if it is closed while
 *             its name is looked up) and "Does not have permission" come without a result. Attempts
 *             have no time limit but the system's.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `peer_address` is NULL or
 * ends with NUL.
 */
chromesock_status chrome_sockets_tcp_connect(struct chromesock_app *app,
                                             int32_t socket_id,
                                             const char *peer_address,
                                             int32_t peer_port,
                                             int32_t dns_query_type,
                                             chromesock_callback callback,
                                             void *user_data);

/**
 * Ends the connection, or the attempt to make one; the socket can be connected again, unless it was ever secured
 * (then connect completes with CONNECTION_FAILED). If a read was
 * in flight, onReceiveError with CONNECTION_CLOSED follows the completion and the socket is paused.
 *
 * Mirrors:    chrome.sockets.tcp.disconnect
 * State:      any.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_DISCONNECT, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_disconnect(struct chromesock_app *app,
                                                int32_t socket_id,
                                                chromesock_callback callback,
                                                void *user_data);

/**
 * Sends bytes. Sends of one socket are written and completed in the order of the calls; a completion
 * means that the system has taken the bytes, not that the peer has.
 *
 * Mirrors:    chrome.sockets.tcp.send
 * State:      connected; otherwise completes with SOCKET_NOT_CONNECTED.
 * Parameters: data, data_len  the bytes, which may be written over when the call has returned; (NULL, 0) is an empty
 *             {what}. They are copied, unless a callback on the reactor's thread passes more than 16 KiB and at most
 *             1 MiB for a connection of its app that is not secured: if no call waits to be carried out, this one may
 *             write from where they lie, and copies what the system does not take.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SEND with result OK and bytes_sent (always all of them), SOCKET_NOT_CONNECTED,
 *             CONNECTION_RESET or another system error without bytes_sent; "Exceeded write
 *             quota." and "Socket not found" come without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `data` is NULL or has
 * `data_len` readable bytes.
 */
chromesock_status chrome_sockets_tcp_send(struct chromesock_app *app,
                                          int32_t socket_id,
                                          const uint8_t *data,
                                          size_t data_len,
                                          chromesock_callback callback,
                                          void *user_data);

/**
 * Closes a socket. Bytes whose send has completed still reach the peer: where closing the connection at once could
 * destroy them, it is kept, and what the peer says is dropped, until the peer has everything, but no longer than about
 * ten seconds in which it takes nothing, or about a minute. (Systems other than Linux do not tell what a peer has: there
 * two seconds if something of the peer is unread.) What the peer says after that resets the connection.
 *
 * No onReceive of the socket is delivered after this call; onReceiveError with CONNECTION_CLOSED follows the completion
 * if a read was in flight.
 *
 * Mirrors:    chrome.sockets.tcp.close
 * State:      any; the id is invalid for every later call.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_CLOSE, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_close(struct chromesock_app *app,
                                           int32_t socket_id,
                                           chromesock_callback callback,
                                           void *user_data);

/**
 * Reports the state of a socket.
 *
 * Mirrors:    chrome.sockets.tcp.getInfo
 * State:      any.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_GET_INFO with one element of sockets, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_get_info(struct chromesock_app *app,
                                              int32_t socket_id,
                                              chromesock_callback callback,
                                              void *user_data);

/**
 * Reports the state of all sockets of the app in chrome.sockets.tcp.
 *
 * Mirrors:    chrome.sockets.tcp.getSockets
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_GET_SOCKETS with sockets, ascending by id; without a result, "net::ERR_INSUFFICIENT_RESOURCES"
 *             while such lists of more than 64 MiB are neither delivered nor released.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_get_sockets(struct chromesock_app *app,
                                                 chromesock_callback callback,
                                                 void *user_data);

/**
 * Adds a listener of chrome.sockets.tcp.onReceive: bytes have arrived.
 *
 * Mirrors:    chrome.sockets.tcp.onReceive.addListener
 * Parameters: listener, user_data  together identify the listener; added twice, it is called once.
 *             Listeners run in the order they were added, and hear of every socket of the app.
 * Delivers:   CHROME_SOCKETS_TCP_ON_RECEIVE with socket_id and data, 1 byte or more.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_on_receive_add_listener(struct chromesock_app *app,
                                                             chromesock_callback listener,
                                                             void *user_data);

/**
 * Removes a listener of chrome.sockets.tcp.onReceive; it is no error if it was not added.
 * A call of it that is running, or is due for the event being delivered, still takes place.
 *
 * Mirrors:    chrome.sockets.tcp.onReceive.removeListener
 * Parameters: listener, user_data  as added.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_on_receive_remove_listener(struct chromesock_app *app,
                                                                chromesock_callback listener,
                                                                void *user_data);

/**
 * Whether a listener of chrome.sockets.tcp.onReceive was added.
 *
 * Mirrors:    chrome.sockets.tcp.onReceive.hasListener
 * Parameters: listener, user_data  as added.
 *             has_listener  1 or 0.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
 */
chromesock_status chrome_sockets_tcp_on_receive_has_listener(struct chromesock_app *app,
                                                             chromesock_callback listener,
                                                             void *user_data,
                                                             chromesock_bool *has_listener);

/**
 * Adds a listener of chrome.sockets.tcp.onReceiveError: a connection has ended.
 * The socket is paused and not connected then.
 *
 * Mirrors:    chrome.sockets.tcp.onReceiveError.addListener
 * Parameters: listener, user_data  together identify the listener; added twice, it is called once.
 *             Listeners run in the order they were added, and hear of every socket of the app.
 * Delivers:   CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR with socket_id and result: CONNECTION_CLOSED at the
 *             end of the stream, CONNECTION_RESET, TIMED_OUT or another system error.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_on_receive_error_add_listener(struct chromesock_app *app,
                                                                   chromesock_callback listener,
                                                                   void *user_data);

/**
 * Removes a listener of chrome.sockets.tcp.onReceiveError; it is no error if it was not added.
 * A call of it that is running, or is due for the event being delivered, still takes place.
 *
 * Mirrors:    chrome.sockets.tcp.onReceiveError.removeListener
 * Parameters: listener, user_data  as added.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_on_receive_error_remove_listener(struct chromesock_app *app,
                                                                      chromesock_callback listener,
                                                                      void *user_data);

/**
 * Whether a listener of chrome.sockets.tcp.onReceiveError was added.
 *
 * Mirrors:    chrome.sockets.tcp.onReceiveError.hasListener
 * Parameters: listener, user_data  as added.
 *             has_listener  1 or 0.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
 */
chromesock_status chrome_sockets_tcp_on_receive_error_has_listener(struct chromesock_app *app,
                                                                   chromesock_callback listener,
                                                                   void *user_data,
                                                                   chromesock_bool *has_listener);

/* ---- TLS, of both APIs ---- */

/**
 * Secures a connection with TLS, as its client. The server must have a certificate for the host of the
 * `connect` that made the connection, from an authority that the app trusts: see chromesock_app_options.
 *
 * Every failure from the handshake on, and every call while a read or a send is unfinished, closes the
 * socket, and its id is gone. No onReceive after this call has bytes that came before it. To secure a new
 * connection, create the socket, pause it, connect, and once that has completed, secure; unpause. Made earlier, it
 * finds the socket not connected, as may be, and the connection then stays in plain text: send nothing before it has
 * completed with OK. To secure one that began in plain text (STARTTLS), pause before sending the command that asks
 * for it: its answer still comes, and chrome_sockets_tcp_set_paused says how to ask for more of it.
 *
 * Mirrors:    chrome.sockets.tcp.secure
 * State:      connected by chrome.sockets.tcp.connect, no read in flight, no send unfinished, not secured yet.
 * Parameters: options  borrowed until the call returns; NULL = defaults.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SECURE with result OK; INVALID_ARGUMENT ("Socket not found", "Socket not
 *             connected", "Socket must be a connected client TCP socket.": nothing has changed); FAILED (a read
 *             or send is unfinished, or the socket was accepted: it is closed; or another secure runs: nothing
 *             has changed); SOCKET_NOT_CONNECTED (the peer has ended), CONNECTION_CLOSED,
 *             CONNECTION_RESET, SSL_... or CERT_...: the socket is closed; ABORTED (disconnected meanwhile: the
 *             socket stays, and can be connected again; or closed). A handshake has no time limit.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `options` is NULL or a valid struct
 * with its size.
 */
chromesock_status chrome_sockets_tcp_secure(struct chromesock_app *app,
                                            int32_t socket_id,
                                            const struct chrome_sockets_tcp_secure_options *options,
                                            chromesock_callback callback,
                                            void *user_data);

/**
 * Secures a connection with TLS, as its client; see chrome_sockets_tcp_secure.
 *
 * Call it after the peer's answer in plain text was read, and before asking for another read.
 *
 * Mirrors:    chrome.socket.secure
 * State:      connected TCP, no read and no write pending, not secured yet.
 * Parameters: options  borrowed until the call returns; NULL = defaults.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_SECURE with result OK; INVALID_ARGUMENT ("Socket not found", "Only TCP sockets
 *             are supported for TLS.", "Socket not connected": nothing has changed); else as for
 *             chrome.sockets.tcp.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `options` is NULL or a valid struct
 * with its size.
 */
chromesock_status chrome_socket_secure(struct chromesock_app *app,
                                       int32_t socket_id,
                                       const struct chrome_sockets_tcp_secure_options *options,
                                       chromesock_callback callback,
                                       void *user_data);

/**
 * Asks for the TLS version, cipher suite, key exchange, name and certificates of a secured connection.
 *
 * Mirrors:    nothing; host only.
 * State:      secured; otherwise completes with SOCKET_NOT_CONNECTED and "Socket not secured".
 * Parameters: socket_id  a socket of chrome.sockets.tcp or chrome.socket.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROMESOCK_TLS_SESSION with tls_session; "Socket not found" comes without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chromesock_app_get_tls_session(struct chromesock_app *app,
                                                 int32_t socket_id,
                                                 chromesock_callback callback,
                                                 void *user_data);

/* ---- chrome.sockets.tcpServer ---- */

/**
 * Creates a TCP server socket. It uses no system resources before it listens.
 *
 * Mirrors:    chrome.sockets.tcpServer.create
 * Parameters: properties  borrowed until the call returns; NULL = none given.
 *             socket_id   the new id, at once: later calls may use it without waiting. NULL = not wanted.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED, INSUFFICIENT_RESOURCES (ids are used up).
 * Completes:  CHROME_SOCKETS_TCP_SERVER_CREATE with socket_id; never fails.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
 * valid struct with its size; `socket_id` is NULL or may be written.
 */
chromesock_status chrome_sockets_tcp_server_create(struct chromesock_app *app,
                                                   const struct chrome_sockets_tcp_server_properties *properties,
                                                   int32_t *socket_id,
                                                   chromesock_callback callback,
                                                   void *user_data);

/**
 * Changes the properties that are given, and no others. Pending calls and reads go on.
 *
 * Mirrors:    chrome.sockets.tcpServer.update
 * State:      any.
 * Parameters: properties  borrowed until the call returns; NULL = none given.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SERVER_UPDATE, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
 * valid struct with its size.
 */
chromesock_status chrome_sockets_tcp_server_update(struct chromesock_app *app,
                                                   int32_t socket_id,
                                                   const struct chrome_sockets_tcp_server_properties *properties,
                                                   chromesock_callback callback,
                                                   void *user_data);

/**
 * Pauses or resumes accepting. While paused, connections wait in the system's backlog.
 *
 * Mirrors:    chrome.sockets.tcpServer.setPaused
 * State:      any.
 * Parameters: paused  true pauses, false resumes.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SERVER_SET_PAUSED, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_server_set_paused(struct chromesock_app *app,
                                                       int32_t socket_id,
                                                       chromesock_bool paused,
                                                       chromesock_callback callback,
                                                       void *user_data);

/**
 * Listens for connections and accepts them, unless paused.
 *
 * Mirrors:    chrome.sockets.tcpServer.listen
 * State:      not listening; otherwise completes with FAILED.
 * Parameters: address  IP literal, not a name; UTF-8, borrowed until the call returns.
 *             port     0 to 65535; 0 = chosen by the system (see getInfo).
 *             backlog  length of the system's queue of connections, above 0; NULL = not given.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SERVER_LISTEN with result OK, INVALID_ARGUMENT, ADDRESS_IN_USE, ADDRESS_INVALID,
 *             ACCESS_DENIED or another system error; "Socket not found" and "Does not have
 *             permission" come without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
 * with NUL; `backlog` is NULL or readable.
 */
chromesock_status chrome_sockets_tcp_server_listen(struct chromesock_app *app,
                                                   int32_t socket_id,
                                                   const char *address,
                                                   int32_t port,
                                                   const int32_t *backlog,
                                                   chromesock_callback callback,
                                                   void *user_data);

/**
 * Stops listening and frees the port; the socket can listen again. Accepted sockets stay open.
 *
 * Mirrors:    chrome.sockets.tcpServer.disconnect
 * State:      any.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SERVER_DISCONNECT, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_server_disconnect(struct chromesock_app *app,
                                                       int32_t socket_id,
                                                       chromesock_callback callback,
                                                       void *user_data);

/**
 * Closes a server. The port is free when this completes; accepted sockets stay open, and those not
 * announced yet still are.
 *
 * Mirrors:    chrome.sockets.tcpServer.close
 * State:      any; the id is invalid for every later call.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SERVER_CLOSE, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_server_close(struct chromesock_app *app,
                                                  int32_t socket_id,
                                                  chromesock_callback callback,
                                                  void *user_data);

/**
 * Reports the state of a socket.
 *
 * Mirrors:    chrome.sockets.tcpServer.getInfo
 * State:      any.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SERVER_GET_INFO with one element of sockets, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_server_get_info(struct chromesock_app *app,
                                                     int32_t socket_id,
                                                     chromesock_callback callback,
                                                     void *user_data);

/**
 * Reports the state of all sockets of the app in chrome.sockets.tcpServer.
 *
 * Mirrors:    chrome.sockets.tcpServer.getSockets
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SERVER_GET_SOCKETS with sockets, ascending by id; without a result, "net::ERR_INSUFFICIENT_RESOURCES"
 *             while such lists of more than 64 MiB are neither delivered nor released.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_server_get_sockets(struct chromesock_app *app,
                                                        chromesock_callback callback,
                                                        void *user_data);

/**
 * Adds a listener of chrome.sockets.tcpServer.onAccept: a connection was accepted.
 *
 * Mirrors:    chrome.sockets.tcpServer.onAccept.addListener
 * Parameters: listener, user_data  together identify the listener; added twice, it is called once.
 *             Listeners run in the order they were added, and hear of every socket of the app.
 * Delivers:   CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT with socket_id (the server) and client_socket_id, a
 *             connected and paused socket of chrome.sockets.tcp.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_server_on_accept_add_listener(struct chromesock_app *app,
                                                                   chromesock_callback listener,
                                                                   void *user_data);

/**
 * Removes a listener of chrome.sockets.tcpServer.onAccept; it is no error if it was not added.
 * A call of it that is running, or is due for the event being delivered, still takes place.
 *
 * Mirrors:    chrome.sockets.tcpServer.onAccept.removeListener
 * Parameters: listener, user_data  as added.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_server_on_accept_remove_listener(struct chromesock_app *app,
                                                                      chromesock_callback listener,
                                                                      void *user_data);

/**
 * Whether a listener of chrome.sockets.tcpServer.onAccept was added.
 *
 * Mirrors:    chrome.sockets.tcpServer.onAccept.hasListener
 * Parameters: listener, user_data  as added.
 *             has_listener  1 or 0.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
 */
chromesock_status chrome_sockets_tcp_server_on_accept_has_listener(struct chromesock_app *app,
                                                                   chromesock_callback listener,
                                                                   void *user_data,
                                                                   chromesock_bool *has_listener);

/**
 * Adds a listener of chrome.sockets.tcpServer.onAcceptError: accepting has failed.
 * The server is paused then; chrome_sockets_tcp_server_set_paused resumes it. After INSUFFICIENT_RESOURCES do so when
 * a socket was closed: at once, only the same error comes.
 *
 * Mirrors:    chrome.sockets.tcpServer.onAcceptError.addListener
 * Parameters: listener, user_data  together identify the listener; added twice, it is called once.
 *             Listeners run in the order they were added, and hear of every socket of the app.
 * Delivers:   CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR with socket_id and result:
 *             INSUFFICIENT_RESOURCES or another system error.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_server_on_accept_error_add_listener(struct chromesock_app *app,
                                                                         chromesock_callback listener,
                                                                         void *user_data);

/**
 * Removes a listener of chrome.sockets.tcpServer.onAcceptError; it is no error if it was not added.
 * A call of it that is running, or is due for the event being delivered, still takes place.
 *
 * Mirrors:    chrome.sockets.tcpServer.onAcceptError.removeListener
 * Parameters: listener, user_data  as added.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_tcp_server_on_accept_error_remove_listener(struct chromesock_app *app,
                                                                            chromesock_callback listener,
                                                                            void *user_data);

/**
 * Whether a listener of chrome.sockets.tcpServer.onAcceptError was added.
 *
 * Mirrors:    chrome.sockets.tcpServer.onAcceptError.hasListener
 * Parameters: listener, user_data  as added.
 *             has_listener  1 or 0.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
 */
chromesock_status chrome_sockets_tcp_server_on_accept_error_has_listener(struct chromesock_app *app,
                                                                         chromesock_callback listener,
                                                                         void *user_data,
                                                                         chromesock_bool *has_listener);

/* ---- chrome.sockets.udp ---- */

/**
 * Creates a UDP socket. It uses no system resources before it is bound.
 *
 * Mirrors:    chrome.sockets.udp.create
 * Parameters: properties  borrowed until the call returns; NULL = none given.
 *             socket_id   the new id, at once: later calls may use it without waiting. NULL = not wanted.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED, INSUFFICIENT_RESOURCES (ids are used up).
 * Completes:  CHROME_SOCKETS_UDP_CREATE with socket_id; never fails.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
 * valid struct with its size; `socket_id` is NULL or may be written.
 */
chromesock_status chrome_sockets_udp_create(struct chromesock_app *app,
                                            const struct chrome_sockets_udp_properties *properties,
                                            int32_t *socket_id,
                                            chromesock_callback callback,
                                            void *user_data);

/**
 * Changes the properties that are given, and no others. A new buffer size applies from the next datagram on.
 *
 * Mirrors:    chrome.sockets.udp.update
 * State:      any.
 * Parameters: properties  borrowed until the call returns; NULL = none given.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_UPDATE, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
 * valid struct with its size.
 */
chromesock_status chrome_sockets_udp_update(struct chromesock_app *app,
                                            int32_t socket_id,
                                            const struct chrome_sockets_udp_properties *properties,
                                            chromesock_callback callback,
                                            void *user_data);

/**
 * Pauses or resumes receiving. While paused, datagrams wait in the system's buffer.
 *
 * Mirrors:    chrome.sockets.udp.setPaused
 * State:      any.
 * Parameters: paused  true pauses, false resumes.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_SET_PAUSED, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_set_paused(struct chromesock_app *app,
                                                int32_t socket_id,
                                                chromesock_bool paused,
                                                chromesock_callback callback,
                                                void *user_data);

/**
 * Binds the socket and receives datagrams, unless paused.
 *
 * Mirrors:    chrome.sockets.udp.bind
 * State:      not bound.
 * Parameters: address  IP literal, not a name; UTF-8, borrowed until the call returns.
 *             port     0 to 65535; 0 = chosen by the system (see getInfo).
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_BIND with result OK, CONNECTION_FAILED (already bound), INVALID_ARGUMENT,
 *             ADDRESS_IN_USE, ADDRESS_INVALID, ACCESS_DENIED, INSUFFICIENT_RESOURCES (the app has 6000
 *             open, or max_open_sockets) or another system error; "Socket not found" and "App does not have
 *             permission" come without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
 * with NUL.
 */
chromesock_status chrome_sockets_udp_bind(struct chromesock_app *app,
                                          int32_t socket_id,
                                          const char *address,
                                          int32_t port,
                                          chromesock_callback callback,
                                          void *user_data);

/**
 * Sends one datagram. Of one socket, datagrams to IP literals leave in the order of the calls, and so do those to
 * names: one whose name is still looked up delays those to names behind it, and no others.
 *
 * Mirrors:    chrome.sockets.udp.send
 * State:      bound.
 * Parameters: data, data_len  the datagram, copied; (NULL, 0) is an empty one.
 *             address         name or IP literal, UTF-8; borrowed until the call returns.
 *             port            0 to 65535; others complete with INVALID_ARGUMENT.
 *             dns_query_type  one of chrome_sockets_dns_query_type.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_SEND with result OK and bytes_sent, SOCKET_NOT_CONNECTED (not bound),
 *             INSUFFICIENT_RESOURCES (32 sends of the socket wait already, since the system takes none at the
 *             moment), NAME_NOT_RESOLVED, INTERNET_DISCONNECTED, MSG_TOO_BIG, ADDRESS_UNREACHABLE, ACCESS_DENIED
 *             or another system error; "Exceeded write quota.", "Socket not found" and "App does not have
 *             permission" come without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `data` is NULL or has
 * `data_len` readable bytes; `address` is NULL or ends with NUL.
 */
chromesock_status chrome_sockets_udp_send(struct chromesock_app *app,
                                          int32_t socket_id,
                                          const uint8_t *data,
                                          size_t data_len,
                                          const char *address,
                                          int32_t port,
                                          int32_t dns_query_type,
                                          chromesock_callback callback,
                                          void *user_data);

/**
 * Closes the socket; its port is free when this completes. No onReceive of it is delivered after this
 * call.
 *
 * Mirrors:    chrome.sockets.udp.close
 * State:      any; the id is invalid for every later call.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_CLOSE, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_close(struct chromesock_app *app,
                                           int32_t socket_id,
                                           chromesock_callback callback,
                                           void *user_data);

/**
 * Reports the state of a socket.
 *
 * Mirrors:    chrome.sockets.udp.getInfo
 * State:      any.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_GET_INFO with one element of sockets, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_get_info(struct chromesock_app *app,
                                              int32_t socket_id,
                                              chromesock_callback callback,
                                              void *user_data);

/**
 * Reports the state of all sockets of the app in chrome.sockets.udp.
 *
 * Mirrors:    chrome.sockets.udp.getSockets
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_GET_SOCKETS with sockets, ascending by id; without a result, "net::ERR_INSUFFICIENT_RESOURCES"
 *             while such lists of more than 64 MiB are neither delivered nor released.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_get_sockets(struct chromesock_app *app,
                                                 chromesock_callback callback,
                                                 void *user_data);

/**
 * Adds a listener of chrome.sockets.udp.onReceive: a datagram has arrived.
 *
 * Mirrors:    chrome.sockets.udp.onReceive.addListener
 * Parameters: listener, user_data  together identify the listener; added twice, it is called once.
 *             Listeners run in the order they were added, and hear of every socket of the app.
 * Delivers:   CHROME_SOCKETS_UDP_ON_RECEIVE with socket_id, data (perhaps empty), address and port
 *             of the sender.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_on_receive_add_listener(struct chromesock_app *app,
                                                             chromesock_callback listener,
                                                             void *user_data);

/**
 * Removes a listener of chrome.sockets.udp.onReceive; it is no error if it was not added.
 * A call of it that is running, or is due for the event being delivered, still takes place.
 *
 * Mirrors:    chrome.sockets.udp.onReceive.removeListener
 * Parameters: listener, user_data  as added.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_on_receive_remove_listener(struct chromesock_app *app,
                                                                chromesock_callback listener,
                                                                void *user_data);

/**
 * Whether a listener of chrome.sockets.udp.onReceive was added.
 *
 * Mirrors:    chrome.sockets.udp.onReceive.hasListener
 * Parameters: listener, user_data  as added.
 *             has_listener  1 or 0.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
 */
chromesock_status chrome_sockets_udp_on_receive_has_listener(struct chromesock_app *app,
                                                             chromesock_callback listener,
                                                             void *user_data,
                                                             chromesock_bool *has_listener);

/**
 * Adds a listener of chrome.sockets.udp.onReceiveError: receiving has failed.
 * The socket is paused then, and stays bound; chrome_sockets_udp_set_paused resumes it.
 *
 * Mirrors:    chrome.sockets.udp.onReceiveError.addListener
 * Parameters: listener, user_data  together identify the listener; added twice, it is called once.
 *             Listeners run in the order they were added, and hear of every socket of the app.
 * Delivers:   CHROME_SOCKETS_UDP_ON_RECEIVE_ERROR with socket_id and result: MSG_TOO_BIG (the
 *             datagram was longer than the buffer size and is lost) or another system error.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_on_receive_error_add_listener(struct chromesock_app *app,
                                                                   chromesock_callback listener,
                                                                   void *user_data);

/**
 * Removes a listener of chrome.sockets.udp.onReceiveError; it is no error if it was not added.
 * A call of it that is running, or is due for the event being delivered, still takes place.
 *
 * Mirrors:    chrome.sockets.udp.onReceiveError.removeListener
 * Parameters: listener, user_data  as added.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_on_receive_error_remove_listener(struct chromesock_app *app,
                                                                      chromesock_callback listener,
                                                                      void *user_data);

/**
 * Whether a listener of chrome.sockets.udp.onReceiveError was added.
 *
 * Mirrors:    chrome.sockets.udp.onReceiveError.hasListener
 * Parameters: listener, user_data  as added.
 *             has_listener  1 or 0.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
 */
chromesock_status chrome_sockets_udp_on_receive_error_has_listener(struct chromesock_app *app,
                                                                   chromesock_callback listener,
                                                                   void *user_data,
                                                                   chromesock_bool *has_listener);

/**
 * Joins a multicast group on the system's default interface.
 *
 * Mirrors:    chrome.sockets.udp.joinGroup
 * State:      bound.
 * Parameters: address  IP literal of a multicast group, UTF-8; borrowed until the call returns.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_JOIN_GROUP with result OK, ADDRESS_INVALID (not a literal, joined already,
 *             or of the other family), UNEXPECTED (not bound), INVALID_ARGUMENT (not a multicast address) or
 *             another system error; "Socket not found" and "App does not have permission" come without a
 *             result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
 * with NUL.
 */
chromesock_status chrome_sockets_udp_join_group(struct chromesock_app *app,
                                                int32_t socket_id,
                                                const char *address,
                                                chromesock_callback callback,
                                                void *user_data);

/**
 * Leaves a multicast group.
 *
 * Mirrors:    chrome.sockets.udp.leaveGroup
 * State:      the group is joined.
 * Parameters: address  IP literal of a multicast group, UTF-8; borrowed until the call returns.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_LEAVE_GROUP with result OK, ADDRESS_INVALID (not a literal, or not joined)
 *             or another system error; "Socket not found" and "App does not have permission" come without a
 *             result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
 * with NUL.
 */
chromesock_status chrome_sockets_udp_leave_group(struct chromesock_app *app,
                                                 int32_t socket_id,
                                                 const char *address,
                                                 chromesock_callback callback,
                                                 void *user_data);

/**
 * Sets how many hops multicast datagrams may take; 1 unless set.
 *
 * Mirrors:    chrome.sockets.udp.setMulticastTimeToLive
 * State:      not bound yet.
 * Parameters: ttl  hops, 0 to 255.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_SET_MULTICAST_TIME_TO_LIVE with result OK, SOCKET_IS_CONNECTED (already
 *             bound) or INVALID_ARGUMENT; "Socket not found" comes without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_set_multicast_time_to_live(struct chromesock_app *app,
                                                                int32_t socket_id,
                                                                int32_t ttl,
                                                                chromesock_callback callback,
                                                                void *user_data);

/**
 * Sets whether multicast datagrams are also received on the sending machine; they are unless this is off.
 *
 * Mirrors:    chrome.sockets.udp.setMulticastLoopbackMode
 * State:      not bound yet.
 * Parameters: enabled  true: they are.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_SET_MULTICAST_LOOPBACK_MODE with result OK or SOCKET_IS_CONNECTED (already
 *             bound); "Socket not found" comes without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_set_multicast_loopback_mode(struct chromesock_app *app,
                                                                 int32_t socket_id,
                                                                 chromesock_bool enabled,
                                                                 chromesock_callback callback,
                                                                 void *user_data);

/**
 * Lists the multicast groups that the socket has joined.
 *
 * Mirrors:    chrome.sockets.udp.getJoinedGroups
 * State:      any.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_GET_JOINED_GROUPS with texts, in join order; INSUFFICIENT_RESOURCES: the app
 *             holds too many lists; "Socket not found" and "App does not have permission" come without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_get_joined_groups(struct chromesock_app *app,
                                                       int32_t socket_id,
                                                       chromesock_callback callback,
                                                       void *user_data);

/**
 * Allows or forbids sending to broadcast addresses.
 *
 * Mirrors:    chrome.sockets.udp.setBroadcast
 * State:      bound.
 * Parameters: enabled  true allows it; a new socket does not.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKETS_UDP_SET_BROADCAST with result OK, SOCKET_NOT_CONNECTED (not bound) or another
 *             system error; "Socket not found" comes without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_sockets_udp_set_broadcast(struct chromesock_app *app,
                                                   int32_t socket_id,
                                                   chromesock_bool enabled,
                                                   chromesock_callback callback,
                                                   void *user_data);

/* ---- chrome.socket, the older API ---- */

/**
 * Creates a TCP or UDP socket.
 *
 * Mirrors:    chrome.socket.create
 * Parameters: socket_type  one of chrome_socket_type.
 *             socket_id    the new id, at once: later calls may use it without waiting. NULL = not wanted.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED, INSUFFICIENT_RESOURCES (ids are used up).
 * Completes:  CHROME_SOCKET_CREATE with socket_id; never fails.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `socket_id` is NULL or may be
 * written.
 */
chromesock_status chrome_socket_create(struct chromesock_app *app,
                                       int32_t socket_type,
                                       int32_t *socket_id,
                                       chromesock_callback callback,
                                       void *user_data);

/**
 * Connects a TCP socket, or gives a UDP socket its one peer.
 *
 * Mirrors:    chrome.socket.connect
 * State:      idle; otherwise completes with SOCKET_IS_CONNECTED or CONNECTION_FAILED.
 * Parameters: hostname  name or IP literal, UTF-8; borrowed until the call returns.
 *             port      0 to 65535.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_CONNECT with result OK or a code of the network; with a message only "DNS resolution
 *             failed", "Socket not found" and "App does not have permission" (result -1); "Port must be a value
 *             between 0 and 65535." comes without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `hostname` is NULL or ends
 * with NUL.
 */
chromesock_status chrome_socket_connect(struct chromesock_app *app,
                                        int32_t socket_id,
                                        const char *hostname,
                                        int32_t port,
                                        chromesock_callback callback,
                                        void *user_data);

/**
 * Ends the connection of a TCP socket, stops a listening one, or closes and frees a UDP one; the socket
 * can be used again for the same purpose, unless it was ever secured. Pending calls complete.
 *
 * Mirrors:    chrome.socket.disconnect
 * State:      any.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_DISCONNECT, or "Socket not found" without a result. Chrome has no callback here.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_socket_disconnect(struct chromesock_app *app,
                                           int32_t socket_id,
                                           chromesock_callback callback,
                                           void *user_data);

/**
 * Closes a socket; its id is invalid for every later call. Pending calls complete.
 *
 * Mirrors:    chrome.socket.destroy
 * State:      any.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_DESTROY; an unknown id is no error. Chrome has no callback here.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_socket_destroy(struct chromesock_app *app,
                                        int32_t socket_id,
                                        chromesock_callback callback,
                                        void *user_data);

/**
 * Reads once from a connected socket: what is there, or the next bytes or datagram to come.
 *
 * Mirrors:    chrome.socket.read
 * State:      connected.
 * Parameters: buffer_size  largest number of bytes to read; NULL = not given: 4096.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_READ with result and data: the number of bytes, 0 at the end of a TCP stream or for
 *             an empty datagram, or a negative code: IO_PENDING (a read is pending), SOCKET_NOT_CONNECTED,
 *             MSG_TOO_BIG, CONNECTION_CLOSED (disconnected meanwhile), CONNECTION_RESET …; "Socket not found"
 *             comes with -1.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `buffer_size` is NULL or
 * readable.
 */
chromesock_status chrome_socket_read(struct chromesock_app *app,
                                     int32_t socket_id,
                                     const int32_t *buffer_size,
                                     chromesock_callback callback,
                                     void *user_data);

/**
 * Writes to a connected socket. Writes are carried out and completed in the order of the calls.
 *
 * Mirrors:    chrome.socket.write
 * State:      connected; otherwise completes with SOCKET_NOT_CONNECTED.
 * Parameters: data, data_len  the bytes, which may be written over when the call has returned; (NULL, 0) is an empty
 *             {what}. They are copied, unless a callback on the reactor's thread passes more than 16 KiB and at most
 *             1 MiB for a connection of its app that is not secured: if no call waits to be carried out, this one may
 *             write from where they lie, and copies what the system does not take.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_WRITE with result: the number of bytes (always all of them) or a negative code;
 *             "Exceeded write quota." comes without a result, "Socket not found" with -1.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `data` is NULL or has
 * `data_len` readable bytes.
 */
chromesock_status chrome_socket_write(struct chromesock_app *app,
                                      int32_t socket_id,
                                      const uint8_t *data,
                                      size_t data_len,
                                      chromesock_callback callback,
                                      void *user_data);

/**
 * Listens for connections, which chrome_socket_accept then takes.
 *
 * Mirrors:    chrome.socket.listen
 * State:      TCP, never connected.
 * Parameters: address  IP literal, not a name; UTF-8, borrowed until the call returns.
 *             port     0 to 65535; 0 = chosen by the system (see getInfo).
 *             backlog  length of the system's queue of connections, above 0; NULL = not given: 5.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_LISTEN with result OK, or a code and a message: "Could not listen on the specified
 *             port." (ADDRESS_IN_USE and others), "Unknown error." (INVALID_ARGUMENT: not a literal), "Cannot call
 *             both connect and listen on the same socket." and "Cannot listen on a socket that is already
 *             connected." (NOT_IMPLEMENTED), "Socket type does not support this API" (FAILED), "Socket not
 *             found" and "App does not have permission" (-1); "Port must be a value between 0 and 65535." comes
 *             without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
 * with NUL; `backlog` is NULL or readable.
 */
chromesock_status chrome_socket_listen(struct chromesock_app *app,
                                       int32_t socket_id,
                                       const char *address,
                                       int32_t port,
                                       const int32_t *backlog,
                                       chromesock_callback callback,
                                       void *user_data);

/**
 * Accepts one connection, now or when it comes.
 *
 * Mirrors:    chrome.socket.accept
 * State:      listening.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_ACCEPT with result OK and client_socket_id, a connected socket of chrome.socket, or
 *             with a code: FAILED (not listening, or an accept is pending), ABORTED (disconnected meanwhile) …;
 *             "Socket not found" comes with FAILED.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_socket_accept(struct chromesock_app *app,
                                       int32_t socket_id,
                                       chromesock_callback callback,
                                       void *user_data);

/**
 * Turns TCP keep-alive on or off.
 *
 * Mirrors:    chrome.socket.setKeepAlive
 * State:      connected.
 * Parameters: enable  true turns it on.
 *             delay   seconds of silence before and between probes; 0 = leave the system's timing.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_SET_KEEP_ALIVE with result 1 (true) or 0 (false); "Socket not found" comes with 0.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_socket_set_keep_alive(struct chromesock_app *app,
                                               int32_t socket_id,
                                               chromesock_bool enable,
                                               int32_t delay,
                                               chromesock_callback callback,
                                               void *user_data);

/**
 * Turns Nagle's algorithm off or on (TCP_NODELAY).
 *
 * Mirrors:    chrome.socket.setNoDelay
 * State:      connected.
 * Parameters: no_delay  true turns the algorithm off.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_SET_NO_DELAY with result 1 (true) or 0 (false); "Socket not found" comes with 0.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_socket_set_no_delay(struct chromesock_app *app,
                                             int32_t socket_id,
                                             chromesock_bool no_delay,
                                             chromesock_callback callback,
                                             void *user_data);

/**
 * Reports the state of a socket.
 *
 * Mirrors:    chrome.socket.getInfo
 * State:      any.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_GET_INFO with one element of sockets, or "Socket not found" without a result.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_socket_get_info(struct chromesock_app *app,
                                         int32_t socket_id,
                                         chromesock_callback callback,
                                         void *user_data);

/**
 * Lists the addresses of the machine's network interfaces, without loopback.
 *
 * Mirrors:    chrome.socket.getNetworkList
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_GET_NETWORK_LIST with interfaces, one for each address: IPv4 first, ascending.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_socket_get_network_list(struct chromesock_app *app,
                                                 chromesock_callback callback,
                                                 void *user_data);

/**
 * Binds a UDP socket.
 *
 * Mirrors:    chrome.socket.bind
 * State:      UDP, neither bound nor connected.
 * Parameters: address  IP literal, not a name; UTF-8, borrowed until the call returns.
 *             port     0 to 65535; 0 = chosen by the system (see getInfo).
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_BIND with result OK or a code of the network; messages as for connect, and "TCP
 *             socket does not support bind. For TCP server please use listen." (result -1).
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
 * with NUL.
 */
chromesock_status chrome_socket_bind(struct chromesock_app *app,
                                     int32_t socket_id,
                                     const char *address,
                                     int32_t port,
                                     chromesock_callback callback,
                                     void *user_data);

/**
 * Receives one datagram on a bound UDP socket.
 *
 * Mirrors:    chrome.socket.recvFrom
 * State:      bound.
 * Parameters: buffer_size  largest number of bytes to receive; NULL = not given: 4096.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_RECV_FROM with result as for read, data, and address and port of the sender (""
 *             and 0 on failure); "Socket not found", also for TCP, comes with -1.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `buffer_size` is NULL or
 * readable.
 */
chromesock_status chrome_socket_recv_from(struct chromesock_app *app,
                                          int32_t socket_id,
                                          const int32_t *buffer_size,
                                          chromesock_callback callback,
                                          void *user_data);

/**
 * Sends one datagram from a bound UDP socket. The order is that of chrome_sockets_udp_send.
 *
 * Mirrors:    chrome.socket.sendTo
 * State:      bound.
 * Parameters: data, data_len  the datagram, copied; (NULL, 0) is an empty one.
 *             address         name or IP literal, UTF-8; borrowed until the call returns.
 *             port            0 to 65535.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_SEND_TO with result: the number of bytes or a negative code, as for
 *             chrome_sockets_udp_send; messages as for connect and write.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `data` is NULL or has
 * `data_len` readable bytes; `address` is NULL or ends with NUL.
 */
chromesock_status chrome_socket_send_to(struct chromesock_app *app,
                                        int32_t socket_id,
                                        const uint8_t *data,
                                        size_t data_len,
                                        const char *address,
                                        int32_t port,
                                        chromesock_callback callback,
                                        void *user_data);

/**
 * Joins a multicast group on the system's default interface.
 *
 * Mirrors:    chrome.socket.joinGroup
 * State:      bound.
 * Parameters: address  IP literal of a multicast group, UTF-8; borrowed until the call returns.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_JOIN_GROUP with result OK, ADDRESS_INVALID (not a literal, joined already, or of
 *             the other family), UNEXPECTED (not bound), INVALID_ARGUMENT (not a multicast address) or
 *             another system error; "Socket not found", "Only UDP socket supports multicast." and "App does
 *             not have permission" come with result -1.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
 * with NUL.
 */
chromesock_status chrome_socket_join_group(struct chromesock_app *app,
                                           int32_t socket_id,
                                           const char *address,
                                           chromesock_callback callback,
                                           void *user_data);

/**
 * Leaves a multicast group.
 *
 * Mirrors:    chrome.socket.leaveGroup
 * State:      the group is joined.
 * Parameters: address  IP literal of a multicast group, UTF-8; borrowed until the call returns.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_LEAVE_GROUP with result OK, ADDRESS_INVALID (not a literal, or not joined) or
 *             another system error; "Socket not found", "Only UDP socket supports multicast." and "App does
 *             not have permission" come with result -1.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
 * with NUL.
 */
chromesock_status chrome_socket_leave_group(struct chromesock_app *app,
                                            int32_t socket_id,
                                            const char *address,
                                            chromesock_callback callback,
                                            void *user_data);

/**
 * Sets how many hops multicast datagrams may take; 1 unless set.
 *
 * Mirrors:    chrome.socket.setMulticastTimeToLive
 * State:      never bound nor connected yet.
 * Parameters: ttl  hops, 0 to 255.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_SET_MULTICAST_TIME_TO_LIVE with result OK, SOCKET_IS_CONNECTED (already bound)
 *             or INVALID_ARGUMENT; "Socket not found" and "Only UDP socket supports multicast." come with
 *             result -1.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_socket_set_multicast_time_to_live(struct chromesock_app *app,
                                                           int32_t socket_id,
                                                           int32_t ttl,
                                                           chromesock_callback callback,
                                                           void *user_data);

/**
 * Sets whether multicast datagrams are also received on the sending machine; they are unless this is off.
 *
 * Mirrors:    chrome.socket.setMulticastLoopbackMode
 * State:      never bound nor connected yet.
 * Parameters: enabled  true: they are.
 *             callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_SET_MULTICAST_LOOPBACK_MODE with result OK or SOCKET_IS_CONNECTED (already
 *             bound); "Socket not found" and "Only UDP socket supports multicast." come with result -1.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_socket_set_multicast_loopback_mode(struct chromesock_app *app,
                                                            int32_t socket_id,
                                                            chromesock_bool enabled,
                                                            chromesock_callback callback,
                                                            void *user_data);

/**
 * Lists the multicast groups that the socket has joined.
 *
 * Mirrors:    chrome.socket.getJoinedGroups
 * State:      any.
 * Parameters: callback, user_data  for the completion; callback may be NULL.
 * Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
 *             UNEXPECTED.
 * Completes:  CHROME_SOCKET_GET_JOINED_GROUPS with texts, in join order; "Socket not found", "Only UDP
 *             socket supports multicast." and "App does not have permission" come with result -1;
 *             INSUFFICIENT_RESOURCES: the app holds too many lists.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chrome_socket_get_joined_groups(struct chromesock_app *app,
                                                  int32_t socket_id,
                                                  chromesock_callback callback,
                                                  void *user_data);

/* ---- Suspending, resuming and unloading an app ---- */

/**
 * Suspends an app, as Chrome does with one that has been idle. Sockets that are not persistent
 * close without an event; their pending calls complete. That includes accepted ones, also of a persistent server,
 * unless an update has made them persistent. Persistent ones and all of chrome.socket keep working: their events
 * wait until the app is resumed, and the first one raises CHROMESOCK_APP_WANTED. Completions are
 * delivered meanwhile. Suspending a suspended app does nothing. Until the suspension is carried out events of all
 * sockets may still come; behind the completion of a call that was made after it (getSockets, say) none do.
 *
 * What waits is bounded: its data counts as undelivered, and servers accept at most 64 connections; more
 * wait in the system's backlog. When to suspend is the host's decision.
 *
 * Mirrors:    nothing; host only.
 * Parameters: app  to be resumed, unloaded or closed later.
 * Returns:    OK, INVALID_ARGUMENT, CONTEXT_SHUT_DOWN.
 * Threads:    any, also inside callbacks; does not block. Carried out in order with calls.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chromesock_app_suspend(struct chromesock_app *app);

/**
 * Resumes a suspended app: the events that waited are delivered, in order, so add the app's listeners
 * first. The page finds its sockets with getSockets. Resuming an app that is not suspended does nothing.
 *
 * Mirrors:    nothing; host only.
 * Parameters: app  awake afterwards; its listeners are as they were.
 * Returns:    OK, INVALID_ARGUMENT, CONTEXT_SHUT_DOWN.
 * Threads:    any, also inside callbacks; does not block. Carried out in order with calls.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chromesock_app_resume(struct chromesock_app *app);

/**
 * Unloads an app, as Chrome does when it is disabled, updated or reloaded: every socket closes,
 * persistent ones too, pending calls complete, and no onReceive, onAccept or error event raised so
 * far is delivered any more. The app is then awake, without sockets, and may be used again; ids are not
 * used again.
 *
 * Mirrors:    nothing; host only.
 * Parameters: app  without sockets afterwards; its listeners are as they were.
 * Returns:    OK, INVALID_ARGUMENT, CONTEXT_SHUT_DOWN.
 * Threads:    any, also inside callbacks; does not block. Carried out in order with calls.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chromesock_app_unload(struct chromesock_app *app);

/* ---- Permissions of a manifest ---- */

/**
 * Checks a manifest without opening an app.
 *
 * Mirrors:    nothing; host only.
 * Parameters: manifest  text of a manifest.json, UTF-8; borrowed until the call returns. Comments,
 *             a byte-order mark, and in strings control characters, \v and \xHH are accepted.
 *             messages  on OK Chrome's warnings, in order, then a hint for each rule that cannot do what
 *             it seems to say, as "tcp-connect:a/b:*: ..."; on INVALID_MANIFEST the error as Chrome words
 *             it, then where in the manifest it is. Owned by the caller; NULL = not wanted.
 * Returns:    OK, INVALID_ARGUMENT, INVALID_MANIFEST.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `manifest` is NULL or ends with NUL; `messages` is NULL or may be written.
 */
chromesock_status chromesock_manifest_check(const char *manifest,
                                            struct chromesock_texts **messages);

/**
 * Number of texts in a list.
 *
 * Mirrors:    nothing; host only.
 * Parameters: texts  NULL counts as empty.
 * Returns:    the number.
 * Threads:    any; does not block.
 * Since:      0.1
 *
 * # Safety
 * `texts` is NULL, or came from this library and is not freed.
 */
size_t chromesock_texts_count(const struct chromesock_texts *texts);

/**
 * One text of a list.
 *
 * Mirrors:    nothing; host only.
 * Parameters: index  from 0.
 * Returns:    UTF-8 text, borrowed until the list is freed; NULL beyond the end.
 * Threads:    any; does not block.
 * Since:      0.1
 *
 * # Safety
 * `texts` is NULL, or came from this library and is not freed.
 */
const char *chromesock_texts_at(const struct chromesock_texts *texts, size_t index);

/**
 * Frees a list of texts.
 *
 * Mirrors:    nothing; host only.
 * Parameters: texts  gone afterwards; NULL does nothing.
 * Threads:    any; does not block.
 * Since:      0.1
 *
 * # Safety
 * `texts` is NULL, or came from this library and is not freed.
 */
void chromesock_texts_free(struct chromesock_texts *texts);

/**
 * Whether the app's manifest makes an API available. In a browser an API that is not available does not
 * exist; here its sockets can be created, and every call that needs a rule is denied.
 *
 * Mirrors:    nothing; host only.
 * Parameters: api        one of chromesock_api.
 *             available  1 or 0; 1 for an app without a manifest.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `available` is NULL or may be
 * written.
 */
chromesock_status chromesock_app_has_api(struct chromesock_app *app,
                                         int32_t api,
                                         chromesock_bool *available);

/**
 * Whether an operation on a host and port would be allowed, and by which rule.
 *
 * Mirrors:    nothing; host only.
 * Parameters: api        one of chromesock_api.
 *             operation  one of chromesock_operation.
 *             host       host text as a page would pass it, UTF-8; borrowed until the call returns.
 *             port       as a page would pass it.
 *             allowed    1 or 0.
 *             rule       the rule that allows it, as canonical text ("*" for an app without a
 *             manifest); empty if denied. Owned by the caller; NULL = not wanted.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `host` is NULL or ends with
 * NUL; `allowed` and `rule` are NULL or may be written.
 */
chromesock_status chromesock_app_check(struct chromesock_app *app,
                                       int32_t api,
                                       int32_t operation,
                                       const char *host,
                                       int32_t port,
                                       chromesock_bool *allowed,
                                       struct chromesock_texts **rule);

/**
 * All rules of an app's manifest as canonical text, such as "tcp-connect:*.example.com:443".
 *
 * Mirrors:    nothing; host only.
 * Parameters: api    one of chromesock_api.
 *             rules  sorted; "*" for an app without a manifest. Owned by the caller.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `rules` is NULL or may be
 * written.
 */
chromesock_status chromesock_app_get_rules(struct chromesock_app *app,
                                           int32_t api,
                                           struct chromesock_texts **rules);

/* ---- Sending without a copy ---- */

/**
 * Sends bytes as chrome_sockets_tcp_send does, but without copying them: the library reads them where they
 * are. Sends of both functions to one socket keep the order of the calls. Not for a page, which may change its
 * buffer after the call.
 *
 * `release` is called when the library no longer needs the bytes: on the calling thread before this function
 * returns (if the library copied them, as it does with short ones, or will not send them), or else on the
 * reactor's thread or one that takes its place (chromesock_app_run_calls), before the completion is delivered
 * and perhaps while callbacks run on other threads. On the calling thread it may come after the completion, if
 * that is delivered on another: what `owner` points to has to live until both have come. It may call any function,
 * and should be short. Once chromesock_app_free has returned outside of callbacks, no `release` is called any more.
 *
 * Mirrors:    nothing; host only.
 * State:      as for chrome_sockets_tcp_send.
 * Parameters: data, data_len  the bytes, which must not change until `release` is called, or, without one,
 *             until the completion is delivered; (NULL, 0) is an empty send.
 *             release  as above; NULL = none.
 *             owner    given to `release`; never read or freed.
 *             callback, user_data  for the completion; callback may be NULL. Without `release` the host
 *             needs a callback, or a default handler, to learn when the bytes are its own again.
 * Returns:    OK: `release` is called exactly once and one completion follows. Else neither happens and
 *             the bytes are the caller's: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN, UNEXPECTED.
 * Completes:  CHROME_SOCKETS_TCP_SEND, as for chrome_sockets_tcp_send.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `data` is NULL or has
 * `data_len` readable bytes, for as long as stated above.
 */
chromesock_status chromesock_sockets_tcp_send_owned(struct chromesock_app *app,
                                                    int32_t socket_id,
                                                    const uint8_t *data,
                                                    size_t data_len,
                                                    chromesock_hook release,
                                                    void *owner,
                                                    chromesock_callback callback,
                                                    void *user_data);

/* ---- For bindings to other languages ---- */

/**
 * Queue delivery: takes as many events out of the queue as fit and copies them into the host's memory. No
 * callback runs for them. Does not wait.
 *
 * Mirrors:    nothing; host only.
 * Parameters: buffer, buffer_len  where the records go (chromesock_event_record), one after the other; at
 *             least 4096 bytes, aligned to 8.
 *             written  bytes that were written; 0 = no event was queued, or another thread dispatches.
 *             left     number of events that are still queued; NULL = not wanted.
 * Returns:    OK, INVALID_ARGUMENT, RECURSIVE_CALL, WRONG_DELIVERY, CONTEXT_SHUT_DOWN (CHROMESOCK_APP_CLOSED
 *             was handed out).
 * Threads:    any, but not inside a callback of this app; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `buffer` is NULL or has
 * `buffer_len` writable bytes; `written` and `left` are NULL or may be written.
 */
chromesock_status chromesock_app_copy_events(struct chromesock_app *app,
                                             uint8_t *buffer,
                                             size_t buffer_len,
                                             size_t *written,
                                             size_t *left);

/**
 * Holds the calls of an app back, so that several start together. While they are held, calls are accepted as
 * usual but need not start, and from one that unpauses or connects a socket on, none starts. When the hold ends they
 * start in order, with no socket read, and none connected, in between: setPaused(false) and setPaused(true) made
 * within one hold make a paused socket read exactly once more (chrome_sockets_tcp_set_paused), and what is called
 * behind a connect finds it under way. That holds for some 4,096 calls, of which a list counts as one more for each 64
 * sockets of the app; behind them sockets have their turn. A host that makes many calls in a row also saves
 * wake-ups of the reactor.
 *
 * Mirrors:    nothing; host only.
 * Parameters: hold  true: calls may wait from now on, those of chromesock_app_suspend, _resume and _unload
 *             too; false: those that wait start now. Holds do not nest. Closing or freeing the app ends one.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks; does not block. It holds the calls of all threads.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chromesock_app_hold_calls(struct chromesock_app *app,
                                            chromesock_bool hold);

/**
 * Queue delivery: ends a hold of the app's calls, as chromesock_app_hold_calls(app, false) does, for a host that
 * would only wait for what comes of them. If the reactor sleeps and no more than eight calls wait (any number, where
 * the process has one CPU), the calling thread carries them out in its place: a call that is completed at once has
 * its completion in the queue when this returns, and has woken neither the reactor nor the host. What is left then,
 * and else everything, the reactor carries out, as it does for an app with a `wakeup` hook or on a reactor that apps
 * can share. The `release` of chromesock_sockets_tcp_send_owned may run inside.
 *
 * Mirrors:    nothing; host only.
 * Parameters: app  as in every call.
 * Returns:    OK, INVALID_ARGUMENT.
 * Threads:    any, also inside callbacks, with 256 KiB of stack, and with the credentials and network namespace
 *             that sockets are to be made with; does not wait for the network or another thread.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed.
 */
chromesock_status chromesock_app_run_calls(struct chromesock_app *app);

/**
 * Queue delivery: a stream of wake-ups, for loops that can read streams but not poll a descriptor. One byte
 * is written to it each time the queue becomes non-empty after the host has found it empty, and it ends when
 * the app is gone.
 *
 * Unlike the handle of chromesock_app_event_handle it is owned and read by the host, and it says that events
 * came, not whether any are queued. After reading it, take events until a call finds none
 * (chromesock_app_copy_events writes nothing, chromesock_app_next_event times out, chromesock_app_dispatch runs
 * none); only then is the next byte written. A host that stops before that has to continue by itself.
 *
 * Mirrors:    nothing; host only.
 * Parameters: stream  a connected, non-blocking stream socket, owned by the caller, who closes it. A further
 *             call gives a new one and ends the one before. If the app has `freed_with_stream`, closing
 *             it frees the app, unless that was done before.
 * Returns:    OK, INVALID_ARGUMENT, WRONG_DELIVERY, INSUFFICIENT_RESOURCES.
 * Threads:    any, also inside callbacks; does not block.
 * Since:      0.1
 *
 * # Safety
 * `app` is NULL, or comes from `chromesock_app_new` and is not freed; `stream` is NULL or may be
 * written.
 */
chromesock_status chromesock_app_event_stream(struct chromesock_app *app,
                                              ptrdiff_t *stream);

/* ---- Version and names ---- */

/**
 * Version of the library that is running.
 *
 * Mirrors:    nothing; host only.
 * Returns:    major * 65536 + minor * 256 + patch; compare with CHROMESOCK_VERSION_…
 * Threads:    any; does not block.
 * Since:      0.1
 */
uint32_t chromesock_version_number(void);

/**
 * Version of the library that is running, as text such as "0.1.0".
 *
 * Mirrors:    nothing; host only.
 * Returns:    static text.
 * Threads:    any; does not block.
 * Since:      0.1
 */
const char *chromesock_version(void);

/**
 * Name of a result, such as "net::ERR_CONNECTION_REFUSED": what programs read as chrome.runtime.lastError.message.
 *
 * Mirrors:    nothing; host only.
 * Parameters: status  a chromesock_status.
 * Returns:    static text; NULL for a number that is not in the list.
 * Threads:    any; does not block.
 * Since:      0.1
 */
const char *chromesock_status_name(int32_t status);

/**
 * Meaning of a result, as one sentence.
 *
 * Mirrors:    nothing; host only.
 * Parameters: status  a chromesock_status.
 * Returns:    static text; NULL for a number that is not in the list.
 * Threads:    any; does not block.
 * Since:      0.1
 */
const char *chromesock_status_text(int32_t status);

/**
 * Chrome's name of what an event is about, such as "chrome.sockets.tcp.onReceive"; for events that are
 * the host's alone a few words, such as "app closed".
 *
 * Mirrors:    nothing; host only.
 * Parameters: type  the type of an event.
 * Returns:    static text; NULL for a number that is not in the list.
 * Threads:    any; does not block.
 * Since:      0.1
 */
const char *chromesock_event_type_name(uint32_t type);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CHROMESOCK_H */

/* Layouts that foreign readers map directly : sizes, offsets, no hidden padding, numbers
 * of the ABI. */
#include <chromesock.h>
#include <stddef.h>
#include <stdio.h>

#define SIZE(type, n) _Static_assert(sizeof(type) == (n), "size of " #type)
#define AT(type, member, n) _Static_assert(offsetof(type, member) == (n), #type "." #member)
#define IS(name, n) _Static_assert((long long)(name) == (n), #name)

_Static_assert(sizeof(void *) == 8, "these numbers are for 64-bit machines");

SIZE(chromesock_bool, 1);
SIZE(chromesock_status, 4);

SIZE(chromesock_socket_info, 56);
AT(chromesock_socket_info, size, 0);
AT(chromesock_socket_info, present, 4);
AT(chromesock_socket_info, socket_id, 8);
AT(chromesock_socket_info, buffer_size, 12);
AT(chromesock_socket_info, local_port, 16);
AT(chromesock_socket_info, peer_port, 20);
AT(chromesock_socket_info, persistent, 24);
AT(chromesock_socket_info, paused, 25);
AT(chromesock_socket_info, connected, 26);
AT(chromesock_socket_info, socket_type, 27);
AT(chromesock_socket_info, name, 32);
AT(chromesock_socket_info, local_address, 40);
AT(chromesock_socket_info, peer_address, 48);

SIZE(chromesock_event_record, 64);
AT(chromesock_event_record, size, 0);
AT(chromesock_event_record, type, 4);
AT(chromesock_event_record, present, 8);
AT(chromesock_event_record, socket_id, 12);
AT(chromesock_event_record, client_socket_id, 16);
AT(chromesock_event_record, result, 20);
AT(chromesock_event_record, port, 24);
AT(chromesock_event_record, message_len, 28);
AT(chromesock_event_record, user_data, 32);
AT(chromesock_event_record, bytes_sent, 40);
AT(chromesock_event_record, address_len, 48);
AT(chromesock_event_record, data_len, 52);
AT(chromesock_event_record, event, 56);

SIZE(chromesock_event, 136);
AT(chromesock_event, size, 0);
AT(chromesock_event, type, 4);
AT(chromesock_event, present, 8);
AT(chromesock_event, socket_id, 12);
AT(chromesock_event, client_socket_id, 16);
AT(chromesock_event, result, 20);
AT(chromesock_event, port, 24);
AT(chromesock_event, reserved, 28);
AT(chromesock_event, user_data, 32);
AT(chromesock_event, message, 40);
AT(chromesock_event, address, 48);
AT(chromesock_event, data, 56);
AT(chromesock_event, data_len, 64);
AT(chromesock_event, bytes_sent, 72);
AT(chromesock_event, sockets, 80);
AT(chromesock_event, sockets_len, 88);
AT(chromesock_event, texts, 96);
AT(chromesock_event, texts_len, 104);
AT(chromesock_event, interfaces, 112);
AT(chromesock_event, interfaces_len, 120);
AT(chromesock_event, tls_session, 128);

SIZE(chrome_socket_network_interface, 24);
AT(chrome_socket_network_interface, size, 0);
AT(chrome_socket_network_interface, prefix_length, 4);
AT(chrome_socket_network_interface, name, 8);
AT(chrome_socket_network_interface, address, 16);

SIZE(chromesock_app_options, 104);
AT(chromesock_app_options, size, 0);
AT(chromesock_app_options, present, 4);
AT(chromesock_app_options, delivery, 8);
AT(chromesock_app_options, reactor, 16);
AT(chromesock_app_options, manifest, 24);
AT(chromesock_app_options, write_quota_bytes, 32);
AT(chromesock_app_options, undelivered_bytes_per_socket, 40);
AT(chromesock_app_options, undelivered_bytes_per_app, 48);
AT(chromesock_app_options, wakeup, 56);
AT(chromesock_app_options, wakeup_user_data, 64);
AT(chromesock_app_options, extra_roots_pem, 72);
AT(chromesock_app_options, trust, 80);
AT(chromesock_app_options, tells_tls_keys, 84);
AT(chromesock_app_options, reuse_port, 85);
AT(chromesock_app_options, freed_with_stream, 86);
AT(chromesock_app_options, busy_poll_us, 88);
AT(chromesock_app_options, without, 92);
AT(chromesock_app_options, max_open_sockets, 96);

SIZE(chrome_sockets_tcp_secure_options, 24);
AT(chrome_sockets_tcp_secure_options, size, 0);
AT(chrome_sockets_tcp_secure_options, reserved, 4);
AT(chrome_sockets_tcp_secure_options, tls_version_min, 8);
AT(chrome_sockets_tcp_secure_options, tls_version_max, 16);

SIZE(chromesock_bytes, 16);
SIZE(chromesock_tls_session, 56);
AT(chromesock_tls_session, size, 0);
AT(chromesock_tls_session, version, 8);
AT(chromesock_tls_session, cipher_suite, 16);
AT(chromesock_tls_session, key_exchange_group, 24);
AT(chromesock_tls_session, verified_name, 32);
AT(chromesock_tls_session, chain, 40);
AT(chromesock_tls_session, chain_len, 48);

SIZE(chromesock_app_stats, 56);
AT(chromesock_app_stats, size, 0);
AT(chromesock_app_stats, calls_accepted, 8);
AT(chromesock_app_stats, calls_completed, 16);
AT(chromesock_app_stats, sockets_open, 24);
AT(chromesock_app_stats, unsent_bytes, 32);
AT(chromesock_app_stats, undelivered_bytes, 40);
AT(chromesock_app_stats, undelivered_events, 48);

SIZE(chrome_sockets_tcp_properties, 24);
AT(chrome_sockets_tcp_properties, size, 0);
AT(chrome_sockets_tcp_properties, present, 4);
AT(chrome_sockets_tcp_properties, name, 8);
AT(chrome_sockets_tcp_properties, buffer_size, 16);
AT(chrome_sockets_tcp_properties, persistent, 20);

SIZE(chrome_sockets_tcp_server_properties, 24);
AT(chrome_sockets_tcp_server_properties, size, 0);
AT(chrome_sockets_tcp_server_properties, present, 4);
AT(chrome_sockets_tcp_server_properties, name, 8);
AT(chrome_sockets_tcp_server_properties, persistent, 16);

SIZE(chrome_sockets_udp_properties, 24);
AT(chrome_sockets_udp_properties, size, 0);
AT(chrome_sockets_udp_properties, present, 4);
AT(chrome_sockets_udp_properties, name, 8);
AT(chrome_sockets_udp_properties, buffer_size, 16);
AT(chrome_sockets_udp_properties, persistent, 20);

IS(CHROMESOCK_WITHOUT_UDP_SEGMENT, 1);
IS(CHROMESOCK_WITHOUT_UDP_GRO, 2);
IS(CHROMESOCK_WITHOUT_RECVMMSG, 4);
IS(CHROMESOCK_WITHOUT_GATHERED_SENDS, 8);
IS(CHROMESOCK_WITHOUT_PROMPT_CONNECT, 16);
IS(CHROMESOCK_WITHOUT_RCVLOWAT, 32);
IS(CHROMESOCK_WITHOUT_PROMPT_SENDS, 64);
IS(CHROMESOCK_OK, 0);
IS(CHROMESOCK_ABORTED, -3);
IS(CHROMESOCK_INVALID_ARGUMENT, -4);
IS(CHROMESOCK_CONTEXT_SHUT_DOWN, -26);
IS(CHROMESOCK_CONNECTION_CLOSED, -100);
IS(CHROMESOCK_RECURSIVE_CALL, -10001);
IS(CHROMESOCK_WRONG_DELIVERY, -10002);
IS(CHROMESOCK_APP_CLOSED, 1);
IS(CHROME_SOCKETS_TCP_CREATE, 0x101);
IS(CHROME_SOCKETS_TCP_CONNECT, 0x106);
IS(CHROME_SOCKETS_TCP_SEND, 0x109);
IS(CHROME_SOCKETS_TCP_GET_SOCKETS, 0x10c);
IS(CHROME_SOCKETS_TCP_ON_RECEIVE, 0x181);
IS(CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, 0x182);
IS(CHROME_SOCKETS_TCP_SERVER_CREATE, 0x201);
IS(CHROME_SOCKETS_TCP_SERVER_GET_SOCKETS, 0x208);
IS(CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, 0x281);
IS(CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR, 0x282);
IS(CHROME_SOCKETS_UDP_CREATE, 0x301);
IS(CHROME_SOCKETS_UDP_UPDATE, 0x302);
IS(CHROME_SOCKETS_UDP_SET_PAUSED, 0x303);
IS(CHROME_SOCKETS_UDP_BIND, 0x304);
IS(CHROME_SOCKETS_UDP_SEND, 0x305);
IS(CHROME_SOCKETS_UDP_CLOSE, 0x306);
IS(CHROME_SOCKETS_UDP_GET_INFO, 0x307);
IS(CHROME_SOCKETS_UDP_GET_SOCKETS, 0x308);
IS(CHROME_SOCKETS_UDP_JOIN_GROUP, 0x309);
IS(CHROME_SOCKETS_UDP_LEAVE_GROUP, 0x30a);
IS(CHROME_SOCKETS_UDP_SET_MULTICAST_TIME_TO_LIVE, 0x30b);
IS(CHROME_SOCKETS_UDP_SET_MULTICAST_LOOPBACK_MODE, 0x30c);
IS(CHROME_SOCKETS_UDP_GET_JOINED_GROUPS, 0x30d);
IS(CHROME_SOCKETS_UDP_SET_BROADCAST, 0x30e);
IS(CHROME_SOCKETS_UDP_ON_RECEIVE, 0x381);
IS(CHROME_SOCKETS_UDP_ON_RECEIVE_ERROR, 0x382);
IS(CHROME_SOCKET_CREATE, 0x401);
IS(CHROME_SOCKET_CONNECT, 0x402);
IS(CHROME_SOCKET_BIND, 0x403);
IS(CHROME_SOCKET_DISCONNECT, 0x404);
IS(CHROME_SOCKET_DESTROY, 0x405);
IS(CHROME_SOCKET_READ, 0x406);
IS(CHROME_SOCKET_WRITE, 0x407);
IS(CHROME_SOCKET_RECV_FROM, 0x408);
IS(CHROME_SOCKET_SEND_TO, 0x409);
IS(CHROME_SOCKET_LISTEN, 0x40a);
IS(CHROME_SOCKET_ACCEPT, 0x40b);
IS(CHROME_SOCKET_SET_KEEP_ALIVE, 0x40c);
IS(CHROME_SOCKET_SET_NO_DELAY, 0x40d);
IS(CHROME_SOCKET_GET_INFO, 0x40e);
IS(CHROME_SOCKET_GET_NETWORK_LIST, 0x40f);
IS(CHROME_SOCKET_JOIN_GROUP, 0x410);
IS(CHROME_SOCKET_LEAVE_GROUP, 0x411);
IS(CHROME_SOCKET_SET_MULTICAST_TIME_TO_LIVE, 0x412);
IS(CHROME_SOCKET_SET_MULTICAST_LOOPBACK_MODE, 0x413);
IS(CHROME_SOCKET_GET_JOINED_GROUPS, 0x414);
IS(CHROMESOCK_EVENT_RESULT, 1);
IS(CHROMESOCK_EVENT_BYTES_SENT, 2);
IS(CHROMESOCK_EVENT_DATA, 4);
IS(CHROMESOCK_EVENT_ADDRESS, 8);
IS(CHROMESOCK_EVENT_PORT, 16);
IS(CHROMESOCK_EVENT_SOCKETS, 32);
IS(CHROMESOCK_EVENT_TEXTS, 64);
IS(CHROMESOCK_EVENT_INTERFACES, 128);
IS(CHROMESOCK_SOCKET_INFO_NAME, 1);
IS(CHROMESOCK_SOCKET_INFO_BUFFER_SIZE, 2);
IS(CHROMESOCK_SOCKET_INFO_CONNECTED, 4);
IS(CHROMESOCK_SOCKET_INFO_LOCAL, 8);
IS(CHROMESOCK_SOCKET_INFO_PEER, 16);
IS(CHROMESOCK_SOCKET_INFO_TYPE, 32);
IS(CHROME_SOCKETS_UDP_PROPERTIES_PERSISTENT, 1);
IS(CHROME_SOCKETS_UDP_PROPERTIES_NAME, 2);
IS(CHROME_SOCKETS_UDP_PROPERTIES_BUFFER_SIZE, 4);
IS(CHROME_SOCKET_TYPE_TCP, 0);
IS(CHROME_SOCKET_TYPE_UDP, 1);
IS(CHROMESOCK_DELIVERY_QUEUE, 0);
IS(CHROMESOCK_DELIVERY_REACTOR, 1);
IS(CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, 0);
IS(CHROME_SOCKETS_DNS_QUERY_TYPE_IPV4, 1);
IS(CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6, 2);

/* The library and this header agree on the version; an app is made and freed with nothing but it. */
int main(void) {
    chromesock_app *app = NULL;
    uint32_t want = (uint32_t)CHROMESOCK_VERSION_MAJOR << 16 | (uint32_t)CHROMESOCK_VERSION_MINOR << 8 |
                    (uint32_t)CHROMESOCK_VERSION_PATCH;
    if (chromesock_version_number() != want) {
        fprintf(stderr, "version: library 0x%x, header 0x%x\n", (unsigned)chromesock_version_number(),
                (unsigned)want);
        return 1;
    }
    if (chromesock_app_new(NULL, &app) != CHROMESOCK_OK || app == NULL) {
        fprintf(stderr, "chromesock_app_new failed\n");
        return 1;
    }
    chromesock_app_free(app);
    return 0;
}

/* The header twice, and every type of it used. */
#include <chromesock.h>
#include <chromesock.h>

extern const unsigned long abi_twice_sizes;
const unsigned long abi_twice_sizes =
    sizeof(chromesock_event) + sizeof(chromesock_socket_info) + sizeof(chromesock_app_options) +
    sizeof(chromesock_app_stats) + sizeof(chrome_sockets_tcp_properties) +
    sizeof(chrome_sockets_tcp_server_properties) + sizeof(chromesock_bool) +
    sizeof(chromesock_status) + sizeof(chromesock_callback) + sizeof(chromesock_hook);

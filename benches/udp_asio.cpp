// The same server on Asio: one receive after the other, and sends that do not wait.
#include "asio_host.hpp"

extern "C" {
#include "udp.h"
}

namespace {

using asio::ip::udp;

udp_service service;
uint8_t buffer[DATAGRAM_MOST];
udp::endpoint peer;

void send_one(void *target, const uint8_t *data, size_t len, const sockaddr *)
{
    static_cast<udp::socket *>(target)->send_to(asio::buffer(data, len), peer);
}

void receive(udp::socket &socket)
{
    socket.async_receive_from(asio::buffer(buffer), peer, [&](const asio::error_code &error, std::size_t n) {
        if (error) {
            fprintf(stderr, "receive: %s\n", error.message().c_str());
            exit(1);
        }
        serve_datagram(&service, buffer, n, nullptr, send_one, &socket);
        receive(socket);
    });
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2 || !parse_udp_mode(argv[1], &service)) {
        fprintf(stderr, "udp_asio echo|sink|source\n");
        return 2;
    }
    asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
    udp::socket socket(context, udp::endpoint(asio::ip::address_v4::loopback(), 0));
    tell_port(socket.local_endpoint().port());
    receive(socket);
    run_until_end_of_input(context);
    _exit(0);
}

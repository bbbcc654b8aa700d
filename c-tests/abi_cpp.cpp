// The library from C++17: a server and a client in one app, lambdas as callbacks.
#include <chromesock.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

struct Conversation {
    std::int32_t server = 0, client = 0;
    std::string received;
    bool closed = false;
};

#define REQUIRE(condition)                                                             \
    do {                                                                               \
        if (!(condition)) {                                                            \
            std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                              \
        }                                                                              \
    } while (0)

}  // namespace

int main() {
    Conversation talk;
    chromesock_app *app = nullptr;
    chromesock_app_options options{};
    options.size = sizeof options;
    REQUIRE(chromesock_app_new(&options, &app) == CHROMESOCK_OK);

    REQUIRE(chromesock_app_set_default_handler(
                app,
                [](chromesock_app *, const chromesock_event *event, void *user) {
                    if (event->type == CHROMESOCK_APP_CLOSED) static_cast<Conversation *>(user)->closed = true;
                },
                &talk, nullptr) == CHROMESOCK_OK);
    REQUIRE(chrome_sockets_tcp_on_receive_add_listener(
                app,
                [](chromesock_app *, const chromesock_event *event, void *user) {
                    static_cast<Conversation *>(user)->received.append(
                        reinterpret_cast<const char *>(event->data), event->data_len);
                },
                &talk) == CHROMESOCK_OK);
    REQUIRE(chrome_sockets_tcp_server_on_accept_add_listener(
                app,
                [](chromesock_app *a, const chromesock_event *event, void *) {
                    static const std::uint8_t hello[] = {'h', 'e', 'l', 'l', 'o'};
                    REQUIRE(chrome_sockets_tcp_send(a, event->client_socket_id, hello, sizeof hello, nullptr,
                                                    nullptr) == CHROMESOCK_OK);
                },
                &talk) == CHROMESOCK_OK);

    REQUIRE(chrome_sockets_tcp_server_create(app, nullptr, &talk.server, nullptr, nullptr) == CHROMESOCK_OK);
    REQUIRE(chrome_sockets_tcp_server_listen(app, talk.server, "127.0.0.1", 0, nullptr, nullptr, nullptr) ==
            CHROMESOCK_OK);
    REQUIRE(chrome_sockets_tcp_server_get_info(
                app, talk.server,
                [](chromesock_app *a, const chromesock_event *event, void *user) {
                    auto *t = static_cast<Conversation *>(user);
                    REQUIRE(event->sockets_len == 1 && event->sockets[0].local_port > 0);
                    REQUIRE(chrome_sockets_tcp_create(a, nullptr, &t->client, nullptr, nullptr) ==
                            CHROMESOCK_OK);
                    REQUIRE(chrome_sockets_tcp_connect(a, t->client, "127.0.0.1", event->sockets[0].local_port,
                                                       CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, nullptr,
                                                       nullptr) == CHROMESOCK_OK);
                },
                &talk) == CHROMESOCK_OK);

    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (talk.received != "hello") {
        REQUIRE(std::chrono::steady_clock::now() < end);
        REQUIRE(chromesock_app_dispatch(app, 0, 1000, nullptr) == CHROMESOCK_OK);
    }
    REQUIRE(chromesock_app_close(app) == CHROMESOCK_OK);
    while (chromesock_app_dispatch(app, 0, 1000, nullptr) == CHROMESOCK_OK)
        REQUIRE(std::chrono::steady_clock::now() < end);
    REQUIRE(talk.closed);
    chromesock_app_free(app);
    std::puts("ok");
    return 0;
}

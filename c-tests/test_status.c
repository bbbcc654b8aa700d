/* Names and texts (tcp.md 14; header): the library's tables against this suite's copy. */
#include "harness.h"

static void status_names(void) {
    for (size_t n = 0; n < net_table_len(); n++) {
        int32_t code = net_table_code(n);
        const char *text = chromesock_status_text(code);
        CHECK_STR(chromesock_status_name(code), net_name(code));
        CHECK(text != NULL && text[0] != 0);
        CHECK(chromesock_status_name(code) == chromesock_status_name(code)); /* static */
    }
}

static void unknown_numbers(void) {
    static const int32_t unknown[] = {1, 2, INT32_MAX, INT32_MIN, -6000, -99999};
    for (size_t n = 0; n < sizeof unknown / sizeof unknown[0]; n++) {
        CHECK_STR(chromesock_status_name(unknown[n]), NULL);
        CHECK_STR(chromesock_status_text(unknown[n]), NULL);
    }
    CHECK_STR(chromesock_event_type_name(0), NULL);
    CHECK_STR(chromesock_event_type_name(0x7fffffff), NULL);
    CHECK_STR(chromesock_event_type_name(UINT32_MAX), NULL);
}

static void our_own_numbers(void) {
    CHECK(chromesock_status_name(CHROMESOCK_RECURSIVE_CALL) != NULL);
    CHECK(chromesock_status_text(CHROMESOCK_RECURSIVE_CALL) != NULL);
    CHECK(chromesock_status_name(CHROMESOCK_WRONG_DELIVERY) != NULL);
    CHECK(chromesock_status_text(CHROMESOCK_WRONG_DELIVERY) != NULL);
    CHECK(chromesock_status_name(CHROMESOCK_INVALID_MANIFEST) != NULL);
    CHECK(chromesock_status_text(CHROMESOCK_INVALID_MANIFEST) != NULL);
}

static void event_names(void) {
    static const struct {
        uint32_t type;
        const char *name;
    } types[] = {
        {CHROME_SOCKETS_TCP_CREATE, "chrome.sockets.tcp.create"},
        {CHROME_SOCKETS_TCP_UPDATE, "chrome.sockets.tcp.update"},
        {CHROME_SOCKETS_TCP_SET_PAUSED, "chrome.sockets.tcp.setPaused"},
        {CHROME_SOCKETS_TCP_SET_KEEP_ALIVE, "chrome.sockets.tcp.setKeepAlive"},
        {CHROME_SOCKETS_TCP_SET_NO_DELAY, "chrome.sockets.tcp.setNoDelay"},
        {CHROME_SOCKETS_TCP_CONNECT, "chrome.sockets.tcp.connect"},
        {CHROME_SOCKETS_TCP_DISCONNECT, "chrome.sockets.tcp.disconnect"},
        {CHROME_SOCKETS_TCP_SEND, "chrome.sockets.tcp.send"},
        {CHROME_SOCKETS_TCP_CLOSE, "chrome.sockets.tcp.close"},
        {CHROME_SOCKETS_TCP_GET_INFO, "chrome.sockets.tcp.getInfo"},
        {CHROME_SOCKETS_TCP_GET_SOCKETS, "chrome.sockets.tcp.getSockets"},
        {CHROME_SOCKETS_TCP_ON_RECEIVE, "chrome.sockets.tcp.onReceive"},
        {CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, "chrome.sockets.tcp.onReceiveError"},
        {CHROME_SOCKETS_TCP_SERVER_CREATE, "chrome.sockets.tcpServer.create"},
        {CHROME_SOCKETS_TCP_SERVER_UPDATE, "chrome.sockets.tcpServer.update"},
        {CHROME_SOCKETS_TCP_SERVER_SET_PAUSED, "chrome.sockets.tcpServer.setPaused"},
        {CHROME_SOCKETS_TCP_SERVER_LISTEN, "chrome.sockets.tcpServer.listen"},
        {CHROME_SOCKETS_TCP_SERVER_DISCONNECT, "chrome.sockets.tcpServer.disconnect"},
        {CHROME_SOCKETS_TCP_SERVER_CLOSE, "chrome.sockets.tcpServer.close"},
        {CHROME_SOCKETS_TCP_SERVER_GET_INFO, "chrome.sockets.tcpServer.getInfo"},
        {CHROME_SOCKETS_TCP_SERVER_GET_SOCKETS, "chrome.sockets.tcpServer.getSockets"},
        {CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, "chrome.sockets.tcpServer.onAccept"},
        {CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR, "chrome.sockets.tcpServer.onAcceptError"},
    };
    for (size_t n = 0; n < sizeof types / sizeof types[0]; n++)
        CHECK_STR(chromesock_event_type_name(types[n].type), types[n].name);
    CHECK(chromesock_event_type_name(CHROMESOCK_APP_CLOSED) != NULL);
    CHECK(chromesock_event_type_name(CHROMESOCK_PERMISSION_DENIED) != NULL);
    CHECK(chromesock_event_type_name(CHROMESOCK_APP_WANTED) != NULL);
}

static void version(void) {
    char text[64];
    snprintf(text, sizeof text, "%d.%d.%d", CHROMESOCK_VERSION_MAJOR, CHROMESOCK_VERSION_MINOR,
             CHROMESOCK_VERSION_PATCH);
    CHECK_STR(chromesock_version(), text);
    CHECK_INT(chromesock_version_number(), CHROMESOCK_VERSION_MAJOR << 16 |
                                               CHROMESOCK_VERSION_MINOR << 8 |
                                               CHROMESOCK_VERSION_PATCH);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(status_names);
    RUN(unknown_numbers);
    RUN(our_own_numbers);
    RUN(event_names);
    RUN(version);
    return harness_finish();
}

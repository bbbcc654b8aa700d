/* Dovecot as a real mail server with STARTTLS, one of our own from a folder of its own (tcp.md TLS-11
 * recipe 2, TLS-28): capabilities, STARTTLS, secure, login, a mailbox, logout. */
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calls_socket.h"
#include "real_process.h"
#include "tls_peer.h"

static uint16_t port;

/* Whom the server may be: as root it insists on users without rights. */
static const char *user_of(const char *name) {
    struct passwd *user = getpwuid(geteuid());
    if (geteuid() == 0 && getpwnam(name)) return name;
    CHECK(user != NULL);
    return user->pw_name;
}

/* Whether its settings are those of 2.4 and later. */
static int has_new_settings(const char *binary) {
    char command[300], version[32] = "";
    int major = 0, minor = 0;
    FILE *pipe;
    snprintf(command, sizeof command, "%s --version", binary);
    pipe = popen(command, "re");
    CHECK(pipe != NULL && fgets(version, sizeof version, pipe) != NULL);
    pclose(pipe);
    CHECK_INT(sscanf(version, "%d.%d", &major, &minor), 2);
    return major > 2 || (major == 2 && minor >= 4);
}

static void start_dovecot(void) {
    const char *dir = real_folder();
    const struct passwd *known = getpwnam(geteuid() == 0 ? "nobody" : user_of(""));
    struct passwd owner;
    char conf[4096], path[256], mail[256], binary[256], *cert, *key;
    const char *argv[] = {binary, "-F", "-c", path, NULL};
    size_t len;
    int is_new;
    snprintf(binary, sizeof binary, "%s", real_find("dovecot"));
    CHECK(known != NULL);
    owner = *known; /* the next look-up overwrites it */
    tls_make_server("DNS:localhost", 1, &cert, &key);
    real_write("imap.pem", cert, strlen(cert));
    real_write("imap.key", key, strlen(key));
    free(cert);
    free(key);
    snprintf(mail, sizeof mail, "%s/mail", dir);
    CHECK_INT(mkdir(mail, 0755), 0);
    CHECK(geteuid() != 0 || chown(mail, owner.pw_uid, owner.pw_gid) == 0);
    port = real_port();
    is_new = has_new_settings(binary);
    snprintf(conf, sizeof conf,
             "%sbase_dir = %s/run\nstate_dir = %s/run\nlog_path = %s/log\nprotocols = imap\n"
             "default_internal_user = %s\ndefault_internal_group = %s\ndefault_login_user = %s\n"
             "listen = 127.0.0.1\nssl = required\n"
             "first_valid_uid = 0\nfirst_valid_gid = 0\n"
             "service imap-login {\n chroot =\n inet_listener imap {\n  port = %u\n }\n"
             " inet_listener imaps {\n  port = 0\n }\n}\n"
             "service anvil {\n chroot =\n}\nservice stats {\n chroot =\n}\n",
             is_new ? "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n" : "", dir, dir, dir,
             user_of("dovecot"), user_of("dovecot"), user_of("dovenull"), (unsigned)port);
    len = strlen(conf);
    snprintf(conf + len, sizeof conf - len,
             is_new ? "ssl_server_cert_file = %s/imap.pem\nssl_server_key_file = %s/imap.key\n"
                      "mail_driver = maildir\nmail_path = %s/mail\n"
                      "passdb static {\n password = secret\n}\n"
                      "userdb static {\n fields {\n  uid = %u\n  gid = %u\n  home = %s/mail\n }\n}\n"
                    : "ssl_cert = <%s/imap.pem\nssl_key = <%s/imap.key\nmail_location = maildir:%s/mail\n"
                      "passdb {\n driver = static\n args = password=secret\n}\n"
                      "userdb {\n driver = static\n args = uid=%u gid=%u home=%s/mail\n}\n",
             dir, dir, dir, (unsigned)owner.pw_uid, (unsigned)owner.pw_gid, dir);
    real_write("dovecot.conf", conf, strlen(conf));
    snprintf(path, sizeof path, "%s/dovecot.conf", dir);
    real_start(argv);
    real_wait_listening(port);
}

/* Reads up to the line that begins with `tag`; the line is `tag` and `answer` and more. */
static void expect_line(fx *f, int32_t id, const char *tag, const char *answer) {
    char text[8192] = "\n";
    size_t len = 1;
    for (;;) {
        char start[32], *line;
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK(len + e->len < sizeof text);
        memcpy(text + len, e->data, e->len);
        text[len += e->len] = 0;
        snprintf(start, sizeof start, "\n%s ", tag);
        line = strstr(text, start);
        if (line == NULL || strchr(line + 1, '\n') == NULL) continue;
        if (strncmp(line + strlen(start), answer, strlen(answer)) != 0) FAIL("%s", text);
        return;
    }
}

static void say(fx *f, int32_t id, const char *text) {
    IS_SENT(tcp_send(f, id, text, strlen(text)), strlen(text));
}

static void a_mailbox(fx *f) {
    int32_t id = new_tcp(f);
    IS_OK0(tcp_connect(f, id, "localhost", port));
    expect_line(f, id, "*", "OK");
    say(f, id, "a CAPABILITY\r\n");
    expect_line(f, id, "a", "OK");
    IS_OK(tcp_set_paused(f, id, 1));
    say(f, id, "c STARTTLS\r\n");
    expect_line(f, id, "c", "OK");
    IS_OK0(tcp_secure(f, id));
    IS_OK(tcp_set_paused(f, id, 0));
    say(f, id, "d LOGIN user secret\r\n");
    expect_line(f, id, "d", "OK");
    say(f, id, "e SELECT INBOX\r\n");
    expect_line(f, id, "e", "OK");
    say(f, id, "f LOGOUT\r\n");
    expect_line(f, id, "f", "OK");
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
}

/* The same with reads that are asked for (socket-legacy.md 7). */
static void a_mailbox_of_chrome_socket(fx *f) {
    int32_t id = new_sock(f, TCP);
    const ev *e;
    RESULT(sock_connect(f, id, "localhost", port), 0);
    e = await(sock_read(f, id, NOT_GIVEN));
    CHECK(e->len > 4 && memcmp(e->data, "* OK", 4) == 0);
    RESULT(sock_text(f, id, "a STARTTLS\r\n"), 12);
    e = await(sock_read(f, id, NOT_GIVEN));
    CHECK(e->len > 4 && memcmp(e->data, "a OK", 4) == 0);
    RESULT(sock_secure(f, id), 0);
    RESULT(sock_text(f, id, "b LOGIN user secret\r\n"), 21);
    e = await(sock_read(f, id, NOT_GIVEN));
    CHECK(e->len > 0);
    IS_OK(sock_destroy(f, id));
}

int main(int argc, char **argv) {
    chromesock_app_options o = tls_options();
    harness_init(argc, argv);
    start_dovecot();
    RUN_ALL_MODES_WITH(a_mailbox, &o);
    RUN_ALL_MODES_WITH(a_mailbox_of_chrome_socket, &o);
    return harness_finish();
}

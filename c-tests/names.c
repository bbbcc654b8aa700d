/* This suite's own copy of the result table of tcp.md section 14, so that the library's table is
 * compared with the document and not with itself. */
#include "harness.h"

static const struct {
    int32_t code;
    const char *name;
} table[] = {
    {0, "net::OK"},
    {-1, "net::ERR_IO_PENDING"},
    {-2, "net::ERR_FAILED"},
    {-3, "net::ERR_ABORTED"},
    {-4, "net::ERR_INVALID_ARGUMENT"},
    {-5, "net::ERR_INVALID_HANDLE"},
    {-7, "net::ERR_TIMED_OUT"},
    {-9, "net::ERR_UNEXPECTED"},
    {-10, "net::ERR_ACCESS_DENIED"},
    {-11, "net::ERR_NOT_IMPLEMENTED"},
    {-12, "net::ERR_INSUFFICIENT_RESOURCES"},
    {-13, "net::ERR_OUT_OF_MEMORY"},
    {-15, "net::ERR_SOCKET_NOT_CONNECTED"},
    {-21, "net::ERR_NETWORK_CHANGED"},
    {-23, "net::ERR_SOCKET_IS_CONNECTED"},
    {-26, "net::ERR_CONTEXT_SHUT_DOWN"},
    {-100, "net::ERR_CONNECTION_CLOSED"},
    {-101, "net::ERR_CONNECTION_RESET"},
    {-102, "net::ERR_CONNECTION_REFUSED"},
    {-103, "net::ERR_CONNECTION_ABORTED"},
    {-104, "net::ERR_CONNECTION_FAILED"},
    {-105, "net::ERR_NAME_NOT_RESOLVED"},
    {-106, "net::ERR_INTERNET_DISCONNECTED"},
    {-107, "net::ERR_SSL_PROTOCOL_ERROR"},
    {-108, "net::ERR_ADDRESS_INVALID"},
    {-109, "net::ERR_ADDRESS_UNREACHABLE"},
    {-110, "net::ERR_SSL_CLIENT_AUTH_CERT_NEEDED"},
    {-112, "net::ERR_NO_SSL_VERSIONS_ENABLED"},
    {-113, "net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH"},
    {-114, "net::ERR_SSL_RENEGOTIATION_REQUESTED"},
    {-117, "net::ERR_BAD_SSL_CLIENT_AUTH_CERT"},
    {-118, "net::ERR_CONNECTION_TIMED_OUT"},
    {-119, "net::ERR_HOST_RESOLVER_QUEUE_TOO_LARGE"},
    {-123, "net::ERR_SSL_NO_RENEGOTIATION"},
    {-125, "net::ERR_SSL_DECOMPRESSION_FAILURE_ALERT"},
    {-126, "net::ERR_SSL_BAD_RECORD_MAC_ALERT"},
    {-137, "net::ERR_NAME_RESOLUTION_FAILED"},
    {-138, "net::ERR_NETWORK_ACCESS_DENIED"},
    {-142, "net::ERR_MSG_TOO_BIG"},
    {-147, "net::ERR_ADDRESS_IN_USE"},
    {-149, "net::ERR_SSL_BAD_PEER_PUBLIC_KEY"},
    {-150, "net::ERR_SSL_PINNED_KEY_NOT_IN_CERT_CHAIN"},
    {-153, "net::ERR_SSL_DECRYPT_ERROR_ALERT"},
    {-156, "net::ERR_SSL_SERVER_CERT_CHANGED"},
    {-159, "net::ERR_SSL_UNRECOGNIZED_NAME_ALERT"},
    {-166, "net::ERR_ICANN_NAME_COLLISION"},
    {-167, "net::ERR_SSL_SERVER_CERT_BAD_FORMAT"},
    {-176, "net::ERR_NO_BUFFER_SPACE"},
    {-180, "net::ERR_TLS13_DOWNGRADE_DETECTED"},
    {-181, "net::ERR_SSL_KEY_USAGE_INCOMPATIBLE"},
    {-200, "net::ERR_CERT_COMMON_NAME_INVALID"},
    {-201, "net::ERR_CERT_DATE_INVALID"},
    {-202, "net::ERR_CERT_AUTHORITY_INVALID"},
    {-203, "net::ERR_CERT_CONTAINS_ERRORS"},
    {-204, "net::ERR_CERT_NO_REVOCATION_MECHANISM"},
    {-205, "net::ERR_CERT_UNABLE_TO_CHECK_REVOCATION"},
    {-206, "net::ERR_CERT_REVOKED"},
    {-207, "net::ERR_CERT_INVALID"},
    {-208, "net::ERR_CERT_WEAK_SIGNATURE_ALGORITHM"},
    {-210, "net::ERR_CERT_NON_UNIQUE_NAME"},
    {-211, "net::ERR_CERT_WEAK_KEY"},
    {-212, "net::ERR_CERT_NAME_CONSTRAINT_VIOLATION"},
    {-213, "net::ERR_CERT_VALIDITY_TOO_LONG"},
    {-214, "net::ERR_CERTIFICATE_TRANSPARENCY_REQUIRED"},
    {-215, "net::ERR_CERT_SYMANTEC_LEGACY"},
    {-217, "net::ERR_CERT_KNOWN_INTERCEPTION_BLOCKED"},
    {-331, "net::ERR_NETWORK_IO_SUSPENDED"},
};

#define TABLE_LEN (sizeof table / sizeof table[0])

size_t net_table_len(void) { return TABLE_LEN; }
int32_t net_table_code(size_t i) { return table[i].code; }

const char *net_name(int32_t code) {
    for (size_t i = 0; i < TABLE_LEN; i++)
        if (table[i].code == code) return table[i].name;
    FAIL("the suite's table lacks %d", (int)code);
}

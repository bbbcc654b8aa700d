/* ssdp: reads the answers and announcements of UPnP devices. */
#ifndef EXAMPLES_SSDP_H
#define EXAMPLES_SSDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SSDP_VALUE_MOST = 512 };

struct ssdp_message {
    char name[SSDP_VALUE_MOST];     /* USN: which device or service of which */
    char location[SSDP_VALUE_MOST]; /* LOCATION: the URL of its description; "-" = none */
};

/* False: neither an answer nor an announcement that something is there, or it has no name. Characters that
 * are not printable ASCII become "?", longer values are cut. */
bool ssdp_read(const uint8_t *bytes, size_t len, struct ssdp_message *message);

#endif

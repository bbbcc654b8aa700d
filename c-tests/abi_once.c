/* The header alone, as the first and only include. */
#include <chromesock.h>

extern chromesock_status (*const abi_once_dispatch)(chromesock_app *, int32_t, int32_t, int32_t *);
chromesock_status (*const abi_once_dispatch)(chromesock_app *, int32_t, int32_t, int32_t *) =
    chromesock_app_dispatch;

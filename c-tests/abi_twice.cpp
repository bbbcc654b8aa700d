// The header twice in C++, types used.
#include <chromesock.h>
#include <chromesock.h>

extern const unsigned long abi_twice_cxx_sizes;
const unsigned long abi_twice_cxx_sizes = sizeof(chromesock_event) + sizeof(chromesock_socket_info);

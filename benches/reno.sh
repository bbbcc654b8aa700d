#!/bin/sh
# Runs a program in a network of its own whose congestion control is reno, as in the other benchmarks: Node and
# Python have no way, or none that is the same for all contestants, to choose it for a socket.
set -eu
user=
[ "$(id -u)" = 0 ] || user=--map-root-user
if unshare --net $user true 2>/dev/null; then
    exec unshare --net $user sh -c \
        'ip link set lo up && echo reno >/proc/sys/net/ipv4/tcp_congestion_control && exec "$@"' sh "$@"
fi
echo "no network namespace can be made: the congestion control is the system's" >&2
exec "$@"

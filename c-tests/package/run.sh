#!/bin/bash
# Builds a small program against an installed copy, by pkg-config and by find_package, shared and static.
#   run.sh INSTALLED_PREFIX VERSION ABI
set -euo pipefail
here=$(dirname "$(realpath "$0")")
prefix=$1 version=$2 abi=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/main.c" "$here/CMakeLists.txt" "$work"
cd "$work"

passed=0
fail() { echo "package: $*" >&2; exit 1; }
# is NAME ACTUAL EXPECTED
is() {
    [ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"
    echo "ok  $1"
    passed=$((passed + 1))
}
# The libchromesock a program asks the loader for; nothing when it is linked statically.
needed() { readelf -d "$1" | sed -n 's/.*NEEDED.*\[\(libchromesock[^]]*\)\]/\1/p'; }

cc="${CC:-cc} -std=c99 -Wall -Wextra -Werror -pedantic"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib

is "pkg-config knows the version" "$(pkg-config --modversion chromesock)" "$version"
$cc main.c -o pc_shared $(pkg-config --cflags --libs chromesock)
is "pkg-config, shared: needs the SONAME" "$(needed pc_shared)" "libchromesock.so.$abi"
is "pkg-config, shared: runs" "$(./pc_shared)" "$version"
flags=$(readelf -d "$prefix/lib/libchromesock.so" | grep -c 'FLAGS_1.*NODELETE' || true)
is "the library stays loaded while its thread lives" "$flags" 1

# Only the archive is offered here, so -lchromesock can mean nothing else.
mkdir -p static/lib
cp -r "$prefix/include" static
cp -r "$prefix/lib/pkgconfig" "$prefix/lib/libchromesock.a" static/lib
PKG_CONFIG_PATH=$work/static/lib/pkgconfig
$cc main.c -o pc_static $(pkg-config --static --cflags --libs chromesock)
is "pkg-config, static: needs no library" "$(needed pc_static)" ""
is "pkg-config, static: runs" "$(env -u LD_LIBRARY_PATH ./pc_static)" "$version"
# The linker's warning is the C library's, about names: resolving them needs its shared parts.
$cc -static main.c -o pc_all_static $(pkg-config --static --cflags --libs chromesock) 2>log ||
    { cat log; fail "a static program does not link"; }
is "pkg-config, static as a whole: runs" "$(./pc_all_static)" "$version"
unset LD_LIBRARY_PATH

configure() { cmake -S . -B "$1" -DCMAKE_PREFIX_PATH="$prefix" -DWANTED="$2" >"$1.log" 2>&1; }
configure build "$version" || { cat build.log; fail "find_package refused its own version"; }
cmake --build build >build.log 2>&1 || { cat build.log; fail "the CMake project does not build"; }
is "find_package, shared: needs the SONAME" "$(needed build/shared)" "libchromesock.so.$abi"
is "find_package, shared: runs" "$(build/shared)" "$version"
is "find_package, static: needs no library" "$(needed build/static)" ""
is "find_package, static: runs" "$(build/static)" "$version"
configure same_abi "$abi" || { cat same_abi.log; fail "find_package refused its own ABI"; }
if configure newer 99.0; then fail "find_package took $version for 99.0"; fi
grep -q 'compatible with requested' newer.log || { cat newer.log; fail "find_package failed for another reason"; }

echo "package: $((passed + 2)) passed, 0 failed"

#!/bin/bash
# Proves that a run under AddressSanitizer can fail: it must see what goes wrong on the Rust side.
#   asan.sh INCLUDE_FOLDER LIBRARY_FOLDER
set -euo pipefail
here=$(dirname "$(realpath "$0")")
library=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${CC:-cc}" -g -fsanitize=address "$here/sanitizer.c" -o "$work/sanitizer" -I"$1" -L"$library" -lchromesock -Wl,-rpath,"$library"

# stops_at FAULT REPORT: the program ends with an error and this report; prints the frame where it happened.
stops_at() {
    local code=0
    "$work/sanitizer" "$1" >"$work/log" 2>&1 || code=$?
    if [ $code = 0 ] || ! grep -q "$2" "$work/log"; then
        cat "$work/log"
        echo "asan: '$1' ended with code $code and no $2" >&2
        exit 1
    fi
}

stops_at read heap-buffer-overflow
frame=$(grep -m1 '^ *#0 ' "$work/log")
# An interceptor (of memcpy, say) sees bad reads of a library that is not instrumented, too.
if [[ $frame == *__interceptor_* ]]; then
    echo "asan: the Rust side is not instrumented: $frame" >&2
    exit 1
fi
echo "ok  a bad read on the Rust side is seen:$frame"

stops_at leak 'detected memory leaks'
grep -q 'in chromesock_app_next_event' "$work/log" || { cat "$work/log"; echo "asan: the leak is not the library's" >&2; exit 1; }
echo "ok  a leak on the Rust side is seen: $(grep SUMMARY "$work/log")"

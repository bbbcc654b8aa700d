#!/bin/sh
# The exported symbols of the library are the functions declared in the header: no more, no fewer.
# Usage: abi_exports.sh compiler header library
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Comments are gone after the preprocessor; a declared function is one of our names before "(", once
# callback types, "(*name)(", are taken out.
"$1" -E -P "$2" | sed 's/(\*[A-Za-z0-9_]*)//g' | grep -oE '\b(chrome|chromesock)_[a-z0-9_]+ *\(' |
    grep -oE '(chrome|chromesock)_[a-z0-9_]+' | sort -u >"$work/declared"
nm -D --defined-only "$3" | awk '{print $NF}' | sed 's/@.*//' | sort -u >"$work/exported"

test -s "$work/declared" || { echo "no function found in $2"; exit 1; }
if ! diff -u "$work/declared" "$work/exported"; then
    echo "- declared in the header only; + exported by the library only"
    exit 1
fi
echo "ok: $(wc -l <"$work/declared") functions"

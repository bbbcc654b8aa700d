#!/bin/sh
# The traces of several runners are equal:   compare.sh TRACE TRACE...
set -eu
first=$1
shift
if [ ! -s "$first" ]; then
    echo "no trace: $first" >&2
    exit 1
fi
for other in "$@"; do
    diff -u "$first" "$other"
done
echo "$(grep -c '^== ' "$first") cases, equal in $(($# + 1)) traces"

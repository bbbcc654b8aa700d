#!/bin/sh
# The cases in all deliveries at once, with what the environment forces (forced.h): no trace differs.
#   forced.sh RUNNER TRACE FOLDER PEER CASES...
set -eu
runner=$1 trace=$2 folder=$3 peer=$4
shift 4
mkdir -p "$folder"
running=
for mode in pull dispatch reactor; do
    "$runner" "$mode" "$folder/$mode.trace" "$peer" "$@" >"$folder/$mode.log" 2>&1 &
    running="$running $!"
done
failed=
for process in $running; do
    wait "$process" || failed=yes
done
if [ -n "$failed" ]; then
    cat "$folder"/*.log >&2
    exit 1
fi
exec sh "$(dirname "$0")/compare.sh" "$trace" "$folder/pull.trace" "$folder/dispatch.trace" "$folder/reactor.trace"

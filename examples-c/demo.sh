#!/bin/bash
# demo.sh FOLDER_OF_THE_PROGRAMS
# Serves a real folder with httpd, fetches files from it with curl and with fetch, compares each byte for
# byte and prints what httpd and the library said to each other. Ends by itself; 0 = nothing differs.
set -euo pipefail

programs=${1:?usage: demo.sh FOLDER_OF_THE_PROGRAMS}
here=$(cd "$(dirname "$0")" && pwd)
for needed in curl openssl; do
  command -v $needed >/dev/null || { echo "demo: $needed is not installed"; exit 77; }
done

scratch=$(mktemp -d)
server= secure_server=
cleanup() {
  for process in $server $secure_server; do kill -KILL "$process" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap cleanup EXIT

# The project's own sources, its README and one large file.
www=$scratch/www
mkdir "$www"
for item in src include README.md; do
  if [ -e "$here/../$item" ]; then cp -r "$here/../$item" "$www/"; fi
done
cp -r "$here" "$www/examples-c"
head -c 20971520 /dev/urandom >"$www/random-20MB.bin"

: >"$scratch/log"
mkfifo "$scratch/out"
"$programs/httpd" --log "$www" >"$scratch/out" 2>&1 &
server=$!
exec 3<"$scratch/out"
url=
while [ -z "$url" ] && IFS= read -r -t 30 -u 3 line; do
  echo "$line" >>"$scratch/log"
  case $line in "listening on "*) url=${line#listening on } url=${url%/} ;; esac
done
[ -n "$url" ] || { cat "$scratch/log"; echo "demo: httpd did not start"; exit 1; }
cat <&3 >>"$scratch/log" &
reader=$!
echo "httpd serves $(find "$www" -type f | wc -l) files at $url/"
echo

good=0 bad=0
compare() { # what was fetched, the file it must equal, what to call it
  if cmp "$1" "$2"; then
    good=$((good + 1))
    printf '  same  %9d bytes  %s\n' "$(wc -c <"$2")" "$3"
  else
    bad=$((bad + 1))
    echo "  DIFFERS  $3"
  fi
}

cd "$www"
files=$(find . -type f \( -path './src/*.rs' -o -name '*.md' -o -name '*.h' -o -path './examples-c/*.c' \) | sort | awk 'NR % 4 == 1')
for file in ./random-20MB.bin $files; do
  path=${file#.}
  rm -f "$scratch/got"
  curl -sS --fail --max-time 60 -o "$scratch/got" "$url$path" || true
  compare "$scratch/got" "$file" "curl   $path"
  "$programs/fetch" "$url$path" >"$scratch/got" || true
  compare "$scratch/got" "$file" "fetch  $path"
done
curl -sS --fail --max-time 60 -r 1000000-1999999 -o "$scratch/got" "$url/random-20MB.bin" || true
tail -c +1000001 random-20MB.bin | head -c 1000000 >"$scratch/part" || true
compare "$scratch/got" "$scratch/part" "curl   /random-20MB.bin, bytes 1000000 to 1999999"

echo
echo "One file as fetch sees it (> call, < completion, ! event, | head of the response):"
if "$programs/fetch" -v "$url/examples-c/minimal.c" 2>"$scratch/fetch-log" >"$scratch/got"; then
  sed 's/^/  /' "$scratch/fetch-log"
else
  cat "$scratch/fetch-log"
fi
compare "$scratch/got" examples-c/minimal.c "fetch -v  /examples-c/minimal.c"

# A certificate of its own, which fetch is told to trust; and a server that is not ours.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=demo -keyout "$scratch/key.pem" \
  -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -out "$scratch/cert.pem" 2>/dev/null
mkfifo "$scratch/secure-out"
openssl s_server -accept 127.0.0.1:0 -WWW -cert "$scratch/cert.pem" -key "$scratch/key.pem" \
  >"$scratch/secure-out" 2>/dev/null </dev/null &
secure_server=$!
exec 4<"$scratch/secure-out"
port=
while [ -z "$port" ] && IFS= read -r -t 30 -u 4 line; do
  case $line in "ACCEPT "*) port=${line##*:} ;; esac
done
[ -n "$port" ] || { echo "demo: openssl s_server did not start"; exit 1; }
cat <&4 >/dev/null &
echo
echo "The same over https, from openssl s_server; and what fetch says without --cacert:"
"$programs/fetch" -v --cacert "$scratch/cert.pem" "https://localhost:$port/random-20MB.bin" \
  2>"$scratch/fetch-log" >"$scratch/got" || true
awk '/onReceive [{]/ && ++n > 2 { next } { print "  " $0 }' "$scratch/fetch-log"
compare "$scratch/got" random-20MB.bin "fetch --cacert cert.pem https://…/random-20MB.bin"
refused=0
"$programs/fetch" "https://localhost:$port/random-20MB.bin" >"$scratch/got" 2>"$scratch/fetch-log" || refused=$?
sed 's/^/  /' "$scratch/fetch-log"
if [ "$refused" -ne 7 ] || [ -s "$scratch/got" ]; then echo "  NOT REFUSED"; bad=$((bad + 1)); fi
kill "$secure_server"
wait "$secure_server" || true
secure_server=

kill -TERM "$server"
ended=0
wait "$server" || ended=$?
server=
wait "$reader"

echo
echo "The same run as httpd saw it, its first four connections and the last one. Of one kind of line for"
echo "one socket the first three are shown:"
# The numbers of a line are left out when comparing kinds, but for the id of its socket.
awk '
  function socket(line) {
    if (match(line, /clientSocketId [0-9]+/)) return substr(line, RSTART + 15, RLENGTH - 15) + 0
    if (match(line, /[(][0-9]+/)) return substr(line, RSTART + 1, RLENGTH - 1) + 0
    if (match(line, /[sS]ocket(Id)? [0-9]+/)) { line = substr(line, RSTART, RLENGTH); sub(/.* /, "", line); return line + 0 }
    return 0
  }
  NR == FNR { if (/clientSocketId/) { last = socket($0); if (!first) first = last }; next }
  { id = socket($0); kind = $0; gsub(/[0-9]+/, "", kind) }
  (id < first + 4 || id == last) && ++seen[id kind] <= 3 { print "  " $0; next }
  { hidden++ }
  END { printf "  (%d lines in all, %d of them not shown)\n", FNR, hidden }
' "$scratch/log" "$scratch/log"

echo
if [ "$ended" -ne 0 ]; then echo "httpd ended with $ended"; fi
if [ "$bad" -ne 0 ] || [ "$good" -eq 0 ] || [ "$ended" -ne 0 ]; then
  echo "demo: FAILED: $good comparisons equal, $bad different"
  exit 1
fi
echo "demo: all $good comparisons equal, byte for byte; httpd ended cleanly"

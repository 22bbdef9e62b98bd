#!/usr/bin/env bash
# Runs a command with servers at hand, and stops those it has started when the command ends:
#   scripts/with.sh kafka registry postgres -- COMMAND...
# A server's options stand in one word with its name: "kafka --secure".
set -euo pipefail
here=$(dirname "$0")

servers=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    servers+=("$1")
    shift
done
if [ $# -lt 2 ]; then
    echo "with.sh: say which servers, then -- and a command" >&2
    exit 1
fi
shift

# of VERB SERVER: has a server's script do something.
of() {
    local words
    read -ra words <<<"$2"
    [ -x "$here/${words[0]}.sh" ] || {
        echo "with.sh: there is no server ${words[0]}" >&2
        return 1
    }
    "$here/${words[0]}.sh" "$1" "${words[@]:1}"
}

started=()
stop_started() {
    for server in "${started[@]}"; do of stop "$server" || true; done
}
trap stop_started EXIT

for server in "${servers[@]}"; do
    places=$(of start "$server")
    # What is named in the environment is not ours to stop.
    [ -n "$(printenv "${places%%=*}" || true)" ] || started=("$server" "${started[@]}")
    while IFS= read -r place; do
        export "${place?}"
        echo "$place" >&2
    done <<<"$places"
done
"$@"

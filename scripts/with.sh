#!/usr/bin/env bash
# Runs a command with servers at hand, and stops those it has started when the command ends:
#   scripts/with.sh kafka registry postgres -- COMMAND...
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

started=()
stop_started() {
    for server in "${started[@]}"; do "$here/$server.sh" stop || true; done
}
trap stop_started EXIT

for server in "${servers[@]}"; do
    [ -x "$here/$server.sh" ] || {
        echo "with.sh: there is no server $server" >&2
        exit 1
    }
    place=$("$here/$server.sh" start)
    # What is named in the environment is not ours to stop.
    [ -n "$(printenv "${place%%=*}" || true)" ] || started=("$server" "${started[@]}")
    export "${place?}"
    echo "$place" >&2
done
"$@"

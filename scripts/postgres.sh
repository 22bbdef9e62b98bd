#!/usr/bin/env bash
# Postgres, as the distribution has it:
#   scripts/postgres.sh start|stop [--dir DIRECTORY]
# WAYBILL_TEST_POSTGRES names one to use instead. POSTGRES_PORT moves it (15432). It does not sync: for tests only.
set -euo pipefail
# shellcheck source=scripts/servers.sh
source "$(dirname "$0")/servers.sh"
options "$@"

port=${POSTGRES_PORT:-15432}
home=$dir/postgres

# The newest of Debian's versions, which are not on the path.
find_programs() {
    local newest
    newest=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
    if [ -n "$newest" ]; then PATH=$newest:$PATH; fi
    need initdb "install Postgres (Debian: postgresql)"
}

# as_owner COMMAND...: Postgres refuses to run as root, who becomes its own user instead.
as_owner() {
    if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

start() {
    if [ -n "${WAYBILL_TEST_POSTGRES:-}" ]; then
        echo "WAYBILL_TEST_POSTGRES=$WAYBILL_TEST_POSTGRES"
        return
    fi
    find_programs
    mkdir -p "$home"
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres "$home"
        as_owner test -w "$home" || die "user postgres can't reach $home; choose another place by --dir"
    fi
    if [ ! -f "$home/data/PG_VERSION" ]; then
        as_owner initdb -D "$home/data" -A trust -U postgres --no-sync -E UTF8 --locale=C >&2
    fi
    if ! as_owner pg_ctl -D "$home/data" status >/dev/null; then
        answers "$port" && die "port $port is taken; choose another by POSTGRES_PORT"
        as_owner pg_ctl -D "$home/data" -w -l "$home/log" \
            -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$home -c fsync=off" start >&2 ||
            die "Postgres does not start; look at $home/log"
    fi
    echo "WAYBILL_TEST_POSTGRES=postgres://postgres@127.0.0.1:$port/postgres"
}

stop() {
    [ -f "$home/data/postmaster.pid" ] || return 0
    find_programs
    as_owner pg_ctl -D "$home/data" -m fast -w stop >&2
}

"$verb"

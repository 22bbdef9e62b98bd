# What the scripts of the servers share. Sourced, not run.
#
# Each script knows `start` and `stop`. `start` does nothing if the server runs already or is named in the environment, waits until
# it is ready, and prints lines NAME=value that say where it is, the first of them its address; everything else goes to standard error. Programs and data lie
# below --dir, or WAYBILL_SERVERS, or .waybill/servers at the top of the repository; programs below WAYBILL_PROGRAMS, where it is set,
# so that several deployments share them.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=${WAYBILL_SERVERS:-$top/.waybill/servers}
programs() { echo "${WAYBILL_PROGRAMS:-$dir}"; }
# How many nodes of Kafka, and whether it asks who is there; the other servers are one each, and ask nobody.
export nodes=1 secure=no empty=no

say() { echo "$*" >&2; }

die() {
    say "${0##*/}: $*"
    exit 1
}

# options ARGUMENTS...: sets verb, dir, nodes, secure and empty.
options() {
    verb=${1:-}
    shift || true
    while [ $# -gt 0 ]; do
        case $1 in
        --dir) mkdir -p "${2:?--dir needs a directory}" && dir=$(cd "$2" && pwd) && shift ;;
        --nodes) nodes=${2:?--nodes needs a number} && shift ;;
        --secure) secure=yes ;;
        --empty) empty=yes ;;
        *) die "there is no option $1; it knows --dir DIRECTORY, and for Kafka --nodes 1|3, --secure and --empty" ;;
        esac
        shift
    done
    case $verb in
    start | stop) ;;
    *) die "say start or stop" ;;
    esac
}

# need PROGRAM WHY: says how to get what is missing.
need() {
    command -v "$1" >/dev/null || die "$1 is missing: $2"
}

need_java() {
    need java "install a Java runtime of version 17 or later (Debian: openjdk-17-jre-headless)"
    need mvn "install Maven, which fetches the servers from Maven Central (Debian: maven)"
}

# alive PIDFILE
alive() {
    [ -f "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null
}

# answers PORT: whether anybody listens there on this machine.
answers() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# launch NAME COMMAND...: runs a server in the background, away from this terminal, its output in dir/NAME.log.
launch() {
    local name=$1
    shift
    setsid nohup "$@" >"$dir/$name.log" 2>&1 </dev/null &
    echo $! >"$dir/$name.pid"
}

# ready NAME SECONDS COMMAND...: waits until the command says that the server is there.
ready() {
    local name=$1 seconds=$2 left=$(($2 * 10))
    shift 2
    until "$@"; do
        alive "$dir/$name.pid" || die "$name has ended: $(tail -n 5 "$dir/$name.log")"
        [ $((left--)) -gt 0 ] || die "$name is not ready after $seconds s; look at $dir/$name.log"
        sleep 0.1
    done
}

# halt NAME...: ends servers that were started here, and waits for them. All are told before the first is waited for: the nodes of a
# cluster need each other to end in order.
halt() {
    local name left=150
    for name in "$@"; do
        alive "$dir/$name.pid" && kill "$(cat "$dir/$name.pid")"
    done
    for name in "$@"; do
        while alive "$dir/$name.pid"; do
            if [ $((left--)) -le 0 ]; then
                say "$name does not end by itself: it is killed"
                kill -9 "$(cat "$dir/$name.pid")"
                break
            fi
            sleep 0.1
        done
        rm -f "$dir/$name.pid"
    done
}

#!/usr/bin/env bash
# Apicurio, a schema registry that speaks Confluent's protocol:
#   scripts/registry.sh start|stop [--dir DIRECTORY]
# WAYBILL_TEST_REGISTRY names one to use instead. REGISTRY_PORT moves it (18081). Schemas lie in Kafka where WAYBILL_TEST_KAFKA names
# a cluster, so that they outlive the registry; else in memory.
set -euo pipefail
# shellcheck source=scripts/servers.sh
source "$(dirname "$0")/servers.sh"
options "$@"

version=3.0.9
port=${REGISTRY_PORT:-18081}
home=$(programs)/apicurio-$version

fetch() {
    [ -d "$home" ] && return
    need_java
    say "fetching Apicurio $version"
    local build=$dir/fetch-apicurio
    mkdir -p "$build/home" "$(programs)"
    mvn -B -q dependency:copy "-Dartifact=io.apicurio:apicurio-registry-app:$version:tar.gz:all" \
        -DoutputDirectory="$build" >&2 || die "Maven can't fetch Apicurio; look at what it said above"
    tar -xzf "$build"/*.tar.gz -C "$build/home"
    mv "$build/home" "$home" && rm -rf "$build"
}

# Whether it takes writes: one whose schemas lie in Kafka answers a while before it has read them, and loses what is written until then.
takes_writes() {
    local body='{"schema":"\"null\""}' status=
    answers "$port" || return
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return
    printf 'POST /apis/ccompat/v7/subjects/is-ready/versions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n' >&3
    printf 'Content-Length: %d\r\n\r\n%s' ${#body} "$body" >&3
    read -r -t 20 status <&3 || true
    exec 3>&-
    [[ $status == *" 200 "* ]]
}

start() {
    if [ -n "${WAYBILL_TEST_REGISTRY:-}" ]; then
        echo "WAYBILL_TEST_REGISTRY=$WAYBILL_TEST_REGISTRY"
        return
    fi
    mkdir -p "$dir"
    fetch
    need java "install a Java runtime of version 17 or later (Debian: openjdk-17-jre-headless)"
    if ! alive "$dir/registry.pid"; then
        answers "$port" && die "port $port is taken; choose another by REGISTRY_PORT"
        if [ -n "${WAYBILL_TEST_KAFKA:-}" ]; then
            export APICURIO_STORAGE_KIND=kafkasql APICURIO_KAFKASQL_BOOTSTRAP_SERVERS=$WAYBILL_TEST_KAFKA
        fi
        launch registry java -Xmx512m -Dquarkus.http.host=127.0.0.1 "-Dquarkus.http.port=$port" \
            -jar "$(find "$home" -name '*-runner.jar' | head -n 1)"
    fi
    ready registry 90 takes_writes
    echo "WAYBILL_TEST_REGISTRY=http://127.0.0.1:$port/apis/ccompat/v7"
}

stop() { halt registry; }

"$verb"

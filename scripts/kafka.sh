#!/usr/bin/env bash
# Apache Kafka, one node, or three with everything replicated three times, or one that asks who is there and what they may do:
#   scripts/kafka.sh start|stop [--nodes 3 | --secure] [--empty] [--dir DIRECTORY]
# WAYBILL_TEST_KAFKA names a cluster to use instead, WAYBILL_TEST_SECURE_KAFKA one with --secure. KAFKA_PORT moves the first node
# (19092; the secured one stands 100 above it), KAFKA_HEAP its memory (512m), KAFKA_SESSION_MS
# how long a node may be silent before the others go on without it (6000): more on a machine that is busy. With --empty a node that is
# started forgets what lies on it: tests leave hundreds of topics behind, and files of all of them are open.
set -euo pipefail
# shellcheck source=scripts/servers.sh
source "$(dirname "$0")/servers.sh"
# shellcheck source=scripts/kafka-secure.sh
source "$(dirname "$0")/kafka-secure.sh"
options "$@"

version=4.3.1
port=${KAFKA_PORT:-19092}
libs=$(programs)/kafka-$version

# Each node takes two ports: clients, controllers. The secured one takes a third, for its administration.
client_port() { echo $((port + 10 * ($1 - 1))); }
controller_port() { echo $((port + 10 * ($1 - 1) + 1)); }

# list FORMAT: one entry for each node, separated by commas.
list() {
    local node entries=()
    for node in $(seq "$nodes"); do entries+=("$("$1" "$node")"); done
    (IFS=, && echo "${entries[*]}")
}
voter() { echo "$1@127.0.0.1:$(controller_port "$1")"; }
address() { echo "127.0.0.1:$(client_port "$1")"; }

fetch() {
    [ -d "$libs" ] && return
    need_java
    say "fetching Kafka $version"
    local build=$dir/fetch-kafka
    mkdir -p "$build" "$(programs)"
    cat >"$build/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion><groupId>waybill</groupId><artifactId>servers</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.4</version></dependency>
  </dependencies>
</project>
POM
    mvn -B -q -f "$build/pom.xml" dependency:copy-dependencies -DoutputDirectory="$build/libs" -DincludeScope=runtime >&2 ||
        die "Maven can't fetch Kafka; look at what it said above"
    mv "$build/libs" "$libs" && rm -rf "$build"
}

# Where a node listens and to whom it belongs.
properties() {
    local node=$1
    cat <<PROPERTIES
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$(list voter)
listeners=PLAINTEXT://127.0.0.1:$(client_port "$node"),CONTROLLER://127.0.0.1:$(controller_port "$node")
advertised.listeners=PLAINTEXT://127.0.0.1:$(client_port "$node")
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/kafka-$node
PROPERTIES
    common
}

# The cleaner and sessions are quick, for tests; the rest is what one machine needs.
common() {
    local copies=$nodes in_sync=$((nodes > 1 ? 2 : 1))
    cat <<PROPERTIES
default.replication.factor=$copies
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$copies
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=$in_sync
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# Whoever takes over from a process that was killed waits for its open transaction, for which brokers look every ten seconds unasked.
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
broker.session.timeout.ms=${KAFKA_SESSION_MS:-6000}
log.cleaner.backoff.ms=500
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
}

# format NODE ARGUMENT...: makes a node's data directory, with what is to be in its metadata from the start.
format() {
    local node=$1
    shift
    [ "$empty" = no ] || rm -rf "${dir:?}/kafka-$node"
    [ -f "$dir/kafka-$node/meta.properties" ] && return
    [ -f "$dir/kafka.id" ] || head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 1-22 >"$dir/kafka.id"
    java -cp "$libs/*" kafka.tools.StorageTool format -t "$(cat "$dir/kafka.id")" -c "$dir/kafka-$node.properties" "$@" \
        >"$dir/kafka-$node.log" 2>&1 || die "a node can't be made: $(tail -n 3 "$dir/kafka-$node.log")"
}

# run NODE: starts a node that was made.
run() {
    launch "kafka-$1" java "-Xmx${KAFKA_HEAP:-512m}" -Dlog4j2.level=INFO -cp "$libs/*" kafka.Kafka "$dir/kafka-$1.properties"
}

# Its port is open before it may lead anything. After a kill it waits until its earlier registration has expired.
await() { ready "kafka-$1" 90 grep -q "Kafka Server started" "$dir/kafka-$1.log"; }

start() {
    if [ "$secure" = yes ]; then
        start_secure
        return
    fi
    if [ -n "${WAYBILL_TEST_KAFKA:-}" ]; then
        echo "WAYBILL_TEST_KAFKA=$WAYBILL_TEST_KAFKA"
        return
    fi
    case $nodes in 1 | 3) ;; *) die "it is one node or three" ;; esac
    mkdir -p "$dir"
    fetch
    need java "install a Java runtime of version 17 or later (Debian: openjdk-17-jre-headless)"
    local node
    for node in $(seq "$nodes"); do
        alive "$dir/kafka-$node.pid" && continue
        answers "$(client_port "$node")" && die "port $(client_port "$node") is taken; choose another by KAFKA_PORT"
        properties "$node" >"$dir/kafka-$node.properties"
        format "$node"
        run "$node"
    done
    for node in $(seq "$nodes"); do await "$node"; done
    echo "WAYBILL_TEST_KAFKA=$(list address)"
}

stop() {
    if [ "$secure" = yes ]; then
        halt kafka-secure
        return
    fi
    local names=() pid
    for pid in "$dir"/kafka-[0-9].pid; do
        [ -e "$pid" ] && names+=("$(basename "$pid" .pid)")
    done
    halt "${names[@]}"
}

"$verb"

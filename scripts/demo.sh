#!/usr/bin/env bash
# The demo over Kafka, with a schema registry and Postgres:
#   scripts/demo.sh [ARGUMENTS OF waybill demo]
# Servers that WAYBILL_TEST_KAFKA, WAYBILL_TEST_REGISTRY and WAYBILL_TEST_POSTGRES don't name are started here and go on afterwards, so
# that one can look at what the demo leaves; `make servers-stop` ends them.
set -euo pipefail
here=$(dirname "$0")

for server in kafka registry postgres; do
    place=$("$here/$server.sh" start)
    export "${place?}"
    echo "$place" >&2
done
export WAYBILL_BUS=kafka
export WAYBILL_KAFKA_BOOTSTRAP=$WAYBILL_TEST_KAFKA
export WAYBILL_REGISTRY_URL=$WAYBILL_TEST_REGISTRY
export WAYBILL_PROJECTIONS_URL=$WAYBILL_TEST_POSTGRES
cargo run --release --package waybill -- demo "$@"
echo
echo "The servers go on; make servers-stop ends them."

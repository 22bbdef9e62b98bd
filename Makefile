# Verbs. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo servers-stop test unit broker processes chaos chaos-brief lint fmt doc bench bench-identity load sim sim-mutants cms-differential deny clean

help: ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

demo: ## 2,000 seeded requests through all five workers, with faulty partners, and the accounts; BUS=kafka: over servers started here
ifeq ($(BUS),kafka)
	scripts/demo.sh
else
	cargo run --release --package waybill --no-default-features -- demo
endif

servers-stop: ## End the servers that make demo BUS=kafka has started
	scripts/postgres.sh stop
	scripts/registry.sh stop
	scripts/kafka.sh stop

test: unit broker processes chaos-brief ## All tests

unit: export PROPTEST_RNG_SEED ?= 1
unit: ## What needs no server; PROPTEST_RNG_SEED=$RANDOM PROPTEST_CASES=20000 for other cases of the properties, and more
	cargo test --workspace --quiet

broker: ## What needs servers: Kafka, a registry, Postgres, and a Kafka that asks who one is; those not named by WAYBILL_TEST_* are started
	KAFKA_SESSION_MS=60000 scripts/with.sh "kafka --empty" registry postgres -- cargo test --workspace --quiet --no-fail-fast \
		--test broker --test apicurio --test postgres -- --test-threads 3 --skip security::
	KAFKA_SESSION_MS=60000 scripts/with.sh "kafka --secure --empty" -- cargo test --workspace --quiet --no-fail-fast --test broker -- --test-threads 4 security::

processes: ## Worker processes over servers: killed, stopped, cut off, restarted; one at a time
	KAFKA_SESSION_MS=60000 scripts/with.sh "kafka --empty" registry postgres -- cargo test --workspace --quiet --test over_kafka -- --test-threads 1

chaos: export REQUESTS ?= 10000
chaos: export RATE ?= 12
chaos: export FAULTS ?= 28
chaos: chaos-brief ## Three brokers, two processes of each worker: they, database, registry and partners fail; REQUESTS, RATE, FAULTS, SEED, ONLY

chaos-brief: ## The same for three minutes: each kind of fault once
	WAYBILL_SERVERS=$(CURDIR)/.waybill/chaos WAYBILL_PROGRAMS=$(CURDIR)/.waybill/servers \
		KAFKA_PORT=19492 REGISTRY_PORT=18481 POSTGRES_PORT=15832 KAFKA_SESSION_MS=9000 \
		scripts/with.sh "kafka --nodes 3" registry postgres -- cargo test --workspace --quiet --test chaos -- --nocapture

lint: ## Formatting, clippy and docs without a warning
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo clippy --workspace --quiet --test broker --test apicurio --test postgres --test over_kafka --test chaos -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

fmt: ## Format everything
	cargo fmt --all

doc: ## The documentation, in target/doc
	cargo doc --workspace --no-deps

bench: ## What the fleet does on this machine
	cargo bench --workspace --exclude matching --quiet

bench-identity: ## How right, fast and small matching is, beside its targets; DATA=dir,dir judges your own sets, LARGE=1 adds a roster of a million, JSON=file
	-scripts/febrl.sh
	FEBRL=$(CURDIR)/target/febrl cargo bench --package matching --quiet

load: ## The load, over Kafka and into Postgres too, beside a bare chain; servers as for broker; SCALE=0.1 does a tenth
	KAFKA_SESSION_MS=60000 scripts/with.sh kafka postgres -- cargo bench --package tests --bench load --quiet

sim: ## The fleet in virtual time while everything goes wrong; SEEDS=from..to runs these, SECONDS=180 as many as there is time for
	SEEDS=$(SEEDS) SECONDS=$(SECONDS) cargo test --release --package tests --test simulation --quiet -- --nocapture

sim-mutants: ## Seeded defects, and what notices each; MUTANTS="a b" for these alone, SECONDS_EACH=30; about 20 minutes on two cores
	MUTANTS="$(MUTANTS)" SECONDS_EACH=$(SECONDS_EACH) scripts/mutants.py

cms-differential: ## The matching rules beside the published reference, in Python; CASES=20000; FREEZE=1 keeps its verdicts for the tests
	scripts/cms_differential.sh $(CASES)

deny: ## Licences and bans of everything depended on (needs cargo-deny)
	cargo deny --config .deny.toml check licenses bans sources

clean: ## Forget builds and demo data
	cargo clean
	rm -rf .waybill/demo

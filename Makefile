# Verbs. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test broker lint fmt doc bench sim deny clean

help: ## This list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: ## 2,000 seeded requests through all five workers on the embedded log, with faulty partners, and the accounts
	cargo run --release --quiet -- demo

test: ## Everything that is tested
	cargo test --workspace --quiet

broker: ## What needs servers, started here unless WAYBILL_TEST_KAFKA, _SECURE_KAFKA and _REGISTRY name them: Kafka, a registry
	scripts/with.sh kafka -- cargo test --package tests --test broker --quiet -- --test-threads 3 --skip security::
	scripts/with.sh "kafka --secure" -- cargo test --package tests --test broker --quiet -- --test-threads 4 security::
	scripts/with.sh registry -- cargo test --package registry --test apicurio --quiet

lint: ## Formatting, clippy and docs without a warning
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

fmt: ## Format everything
	cargo fmt --all

doc: ## The documentation, in target/doc
	cargo doc --workspace --no-deps

bench: ## What the fleet does on this machine
	cargo bench --workspace --quiet

sim: ## The fleet in virtual time; SEEDS=from..to
	SEEDS=$(SEEDS) cargo test --release --package tests --test simulation -- --nocapture

deny: ## Licences and bans of everything depended on (needs cargo-deny)
	cargo deny --config .deny.toml check licenses bans sources

clean: ## Forget builds and demo data
	cargo clean
	rm -rf .waybill/demo

//! Against a real registry, which `WAYBILL_TEST_REGISTRY` names: `make broker` starts Apicurio. The tests delete the subjects they use.

#[path = "../../../contracts/tests/schemas/changes.rs"]
mod changes;
mod server;
mod verbs;
mod compatibility;
mod fleet;

use super::*;

fn topics() -> Topics {
    Topics::new("waybill.", 4)
}

fn may(role: &Role, resource: Resource, name: &str, operation: Operation) -> bool {
    let is_it = |grant: &Grant| {
        let is_named = match grant.pattern {
            Pattern::Literal => grant.name == name,
            Pattern::Prefixed => name.starts_with(&grant.name),
        };
        // As brokers have it.
        let is_enough = grant.operation == operation
            || operation == Operation::Describe && matches!(grant.operation, Operation::Read | Operation::Write);
        grant.resource == resource && is_named && is_enough
    };
    grants(&topics(), role).iter().any(is_it)
}

fn on(role: &Role, topic: &Topic, operation: Operation) -> bool {
    may(role, Resource::Topic, &topics().name(topic), operation)
}

fn roles() -> Vec<Role> {
    let sources = ["enrolment", "portal", "intake"];
    Role::fixed().chain(sources.map(|source| Role::Source(source.into()))).collect()
}

fn all_topics() -> Vec<Topic> {
    Topic::fixed().chain([Topic::Outcomes("portal".into())]).collect()
}

#[test]
fn a_worker_may_do_all_it_has_to() {
    for stage in Stage::ALL {
        let worker = Role::Worker(stage);
        let memory = Topic::Memory(stage);
        for topic in Topic::inputs(stage).into_iter().chain(Topic::tables(stage)).chain([memory.clone()]) {
            assert!(on(&worker, &topic, Operation::Read), "{stage:?} reads {topic:?}");
        }
        let wanted = all_topics().into_iter().filter(|topic| topic.row().writers.contains(&Party::Worker(stage)));
        for topic in wanted.chain([memory]) {
            assert!(on(&worker, &topic, Operation::Write), "{stage:?} writes {topic:?}");
        }
        let stage = stage.as_str();
        assert!(may(&worker, Resource::Group, &format!("waybill.{stage}"), Operation::Read));
        for slot in [format!("waybill-{stage}-0"), format!("waybill-{stage}-main-7")] {
            assert!(may(&worker, Resource::TransactionalId, &slot, Operation::Write), "{slot}");
        }
        assert!(may(&worker, Resource::Group, "waybill-main-reader", Operation::Describe));
    }
}

/// Nobody reads or writes what the table does not say.
#[test]
fn no_role_may_do_what_the_table_gives_to_none_of_its_parties() {
    for (role, topic) in roles().iter().flat_map(|role| all_topics().into_iter().map(move |topic| (role, topic))) {
        let row = topic.row();
        let is_among = |parties: &[Party]| parties.iter().any(|party| is_held_by(*party, role, &topic));
        assert_eq!(on(role, &topic, Operation::Write), is_among(row.writers), "{role} writes {topic:?}");
        assert_eq!(on(role, &topic, Operation::Read), is_among(row.readers), "{role} reads {topic:?}");
    }
}

#[test]
fn only_workers_write_facts() {
    let writers: Vec<Role> = roles().into_iter().filter(|role| on(role, &Topic::Events, Operation::Write)).collect();
    assert_eq!(writers, Stage::ALL.map(Role::Worker));
}

#[test]
fn nobody_touches_another_worker_s_memory_group_or_transactions() {
    for (role, stage) in roles().iter().flat_map(|role| Stage::ALL.map(|stage| (role, stage))) {
        let is_its = *role == Role::Worker(stage);
        let (memory, stage) = (Topic::Memory(stage), stage.as_str());
        assert_eq!(on(role, &memory, Operation::Read), is_its, "{role} {stage}");
        assert_eq!(on(role, &memory, Operation::Write), is_its, "{role} {stage}");
        assert_eq!(may(role, Resource::Group, &format!("waybill.{stage}"), Operation::Read), is_its, "{role} {stage}");
        let id = format!("waybill-{stage}-0");
        assert_eq!(may(role, Resource::TransactionalId, &id, Operation::Write), is_its, "{role} {stage}");
    }
}

#[test]
fn a_source_submits_and_reads_its_own_answers() {
    let source = Role::Source("portal".into());
    assert!(on(&source, &Topic::Intake(domain::Lane::Urgent), Operation::Write));
    for (whose, is_its) in [("portal", true), ("portal.eu", false), ("enrolment", false)] {
        assert_eq!(on(&source, &Topic::Outcomes(whose.into()), Operation::Read), is_its, "{whose}");
        assert!(!on(&source, &Topic::Outcomes(whose.into()), Operation::Write), "{whose}");
    }
    assert!(may(&source, Resource::Group, "waybill.source.portal", Operation::Read));
    assert!(!may(&source, Resource::Group, "waybill.intake", Operation::Describe));
}

/// One role's transactional ids begin with nothing another's do, and no source is called like another role.
#[test]
fn roles_are_told_apart() {
    let names: BTreeSet<String> = roles().iter().map(|role| role.principal(PRINCIPAL_PREFIX)).collect();
    assert_eq!(names.len(), roles().len());
    assert!(names.contains("User:waybill-intake") && names.contains("User:waybill-source-intake"), "{names:?}");
    let ids: Vec<&str> = roles().iter().filter_map(writes_as).collect();
    for (one, other) in ids.iter().flat_map(|one| ids.iter().map(move |other| (one, other))) {
        assert!(one == other || !one.starts_with(other), "{one} {other}");
    }
}

#[test]
fn the_tool_is_run_once_for_all_names_of_a_kind() {
    let grants = grants(&topics(), &Role::Worker(Stage::Intake));
    let runs = commands(&grants, |role| role.principal(PRINCIPAL_PREFIX));
    let lines: Vec<String> = runs.iter().map(|run| run.join(" ")).collect();
    let common = "--add --allow-principal User:waybill-intake --operation";
    let expected = [
        format!(
            "{common} Read --topic waybill.intake.bulk --topic waybill.intake.standard --topic waybill.intake.urgent \
             --topic waybill.memory.intake --topic waybill.policies --resource-pattern-type literal"
        ),
        format!("{common} Write --topic waybill.outcomes. --resource-pattern-type prefixed"),
        format!("{common} Read --group waybill.intake --resource-pattern-type literal"),
        format!("{common} Describe --group waybill- --resource-pattern-type prefixed"),
        format!("{common} Write --transactional-id waybill-intake --resource-pattern-type prefixed"),
    ];
    for line in expected {
        assert!(lines.contains(&line), "{line} is not among {lines:#?}");
    }
    let named: usize = runs.iter().map(|run| (run.len() - 7) / 2).sum();
    assert_eq!(named, grants.len());
}

#[test]
fn who_holds_several_roles_has_what_each_needs() {
    let grants = all(&topics(), &["portal".into()]);
    let runs = commands(&grants, |_| "User:one".to_owned());
    let says = |words: [&str; 2]| runs.iter().any(|run| run.windows(2).any(|pair| pair == words));
    assert!(says(["--topic", "waybill.memory.identity"]) && says(["--topic", "waybill.outcomes.portal"]), "{runs:#?}");
    assert!(runs.len() < 15, "{runs:#?}");
}

#[test]
fn a_grant_is_shown_as_json() {
    let grants = grants(&topics(), &Role::Source("portal".into()));
    let shown = serde_json::to_value(&grants[0]).unwrap();
    let expected = serde_json::json!({
        "role": "source-portal", "resource": "topic", "name": "waybill.intake.bulk", "pattern": "literal", "operation": "write",
    });
    assert_eq!(shown, expected);
}

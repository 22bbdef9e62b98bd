//! From settings to the properties of librdkafka's clients, and why each of them is what it is.

use std::path::Path;
use std::time::Duration;

use fleet::bus::{Isolation, Membership, RECORD_LIMIT_BYTES};
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::settings::{Mechanism, Sasl, Security, Settings, Tls};

/// What a client is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role<'a> {
    /// A member of a group.
    Member(&'a Membership),
    /// The holder of a transactional id.
    Producer(&'a str),
    /// Reads what it is told to.
    Reader(Isolation),
    /// Asks for metadata and watermarks, as seen under an isolation.
    Observer(Isolation),
    /// Asks for the offsets of a group without being in it. Offsets that a transaction is moving are waited for under
    /// read-committed.
    GroupObserver(&'a str, Isolation),
}

/// The largest batch: a record of the limit with its framing, and some way to grow.
pub(crate) const BATCH_BYTES_MAX: usize = 2 * RECORD_LIMIT_BYTES;

/// The property that says after how long brokers end a transaction.
pub(crate) const TRANSACTION_TIMEOUT: &str = "transaction.timeout.ms";

/// How much more readers fetch ahead than members: whoever reads a changelog or the log from its beginning reads all of it.
const READ_AHEAD: usize = 4;

/// How often a member shows that it lives: often enough that a rebalance is noticed soon.
pub(crate) fn heartbeat(session_timeout: Duration) -> Duration {
    (session_timeout / 10).clamp(Duration::from_millis(50), Duration::from_secs(1))
}

/// The properties of a client.
pub(crate) fn client_config(settings: &Settings, role: Role<'_>) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.bootstrap);
    config.set("client.id", &settings.client_id);
    config.set("socket.nagle.disable", "true");
    config.set("message.max.bytes", BATCH_BYTES_MAX.to_string());
    // A broker that comes back is found again soon; the default waits up to 10 s.
    config.set("reconnect.backoff.ms", "50");
    config.set("reconnect.backoff.max.ms", "1000");
    // The coordinator answers "concurrent transactions" while it writes the markers of the last one; 100 ms, the default, would be
    // most of a commit. So would it be while offsets are unstable.
    config.set("retry.backoff.ms", "3");
    config.set("retry.backoff.max.ms", "50");
    secure(&mut config, &settings.security);
    match role {
        Role::Member(membership) => member(&mut config, settings, membership),
        Role::Producer(transactional_id) => {
            producer(&mut config, settings, transactional_id);
            explaining(&mut config);
        }
        Role::Reader(isolation) => {
            config.set("group.id", settings.readers_group());
            isolate(&mut config, isolation);
            fetching(&mut config, settings, settings.prefetch_bytes * READ_AHEAD);
        }
        Role::Observer(isolation) => {
            isolate(&mut config, isolation);
            explaining(&mut config);
        }
        Role::GroupObserver(group, isolation) => {
            config.set("group.id", group);
            isolate(&mut config, isolation);
            explaining(&mut config);
        }
    }
    for (name, value) in &settings.overrides.0 {
        config.set(name, value);
    }
    config
}

/// Why a connection is lost is only in the log, at this level; which lines are shown is for the subscriber to say. Whoever joins
/// or reads has asked an observer before.
fn explaining(config: &mut ClientConfig) {
    config.set_log_level(RDKafkaLogLevel::Info);
}

fn member(config: &mut ClientConfig, settings: &Settings, membership: &Membership) {
    let heartbeat = heartbeat(membership.session_timeout);
    config.set("group.id", &membership.group);
    config.set("group.instance.id", &membership.instance);
    // Gives equal partition numbers of all topics to one member, and all up in a rebalance, as the port has it.
    config.set("partition.assignment.strategy", "range");
    config.set("session.timeout.ms", millis(membership.session_timeout));
    config.set("heartbeat.interval.ms", millis(heartbeat));
    config.set("max.poll.interval.ms", millis(settings.rebalance_timeout.max(membership.session_timeout)));
    // The age of the lease is read off the statistics, see `pulse`.
    config.set("statistics.interval.ms", millis((heartbeat / 2).max(Duration::from_millis(50))));
    isolate(config, Isolation::ReadCommitted);
    fetching(config, settings, settings.prefetch_bytes);
}

fn isolate(config: &mut ClientConfig, isolation: Isolation) {
    let level = match isolation {
        Isolation::ReadCommitted => "read_committed",
        Isolation::ReadUncommitted => "read_uncommitted",
    };
    config.set("isolation.level", level);
    config.set("enable.auto.commit", "false");
    config.set("enable.auto.offset.store", "false");
    config.set("allow.auto.create.topics", "false");
    config.set("auto.offset.reset", "earliest");
}

fn fetching(config: &mut ClientConfig, settings: &Settings, prefetch_bytes: usize) {
    config.set("enable.partition.eof", "true");
    config.set("fetch.wait.max.ms", millis(settings.fetch_wait));
    config.set("fetch.error.backoff.ms", "50");
    // How long a partition rests that has enough fetched: the default, 1000, would starve the next turn.
    config.set("fetch.queue.backoff.ms", "2");
    // Both bounds hold for each partition, since each has a queue of its own here.
    config.set("queued.max.messages.kbytes", (prefetch_bytes / 1024).max(1).to_string());
    config.set("queued.min.messages", "100000");
    config.set("fetch.message.max.bytes", prefetch_bytes.to_string());
    config.set("check.crcs", "true");
}

fn producer(config: &mut ClientConfig, settings: &Settings, transactional_id: &str) {
    config.set("transactional.id", transactional_id);
    config.set(TRANSACTION_TIMEOUT, millis(settings.transaction_timeout));
    config.set("enable.idempotence", "true");
    config.set("acks", "all");
    // Without any, each record that finds its queue empty wakes the thread that sends, for a batch of a few records.
    config.set("linger.ms", format!("{}", settings.linger.as_secs_f64() * 1e3));
    config.set("batch.size", "1000000");
    config.set("compression.type", &settings.compression);
    // An event for each record saved; if one fails, so does the commit.
    config.set("delivery.report.only.error", "true");
    config.set("queue.buffering.max.messages", "1000000");
    config.set("queue.buffering.max.kbytes", "262144");
}

fn secure(config: &mut ClientConfig, security: &Security) {
    match security {
        Security::Plaintext => {
            config.set("security.protocol", "plaintext");
        }
        Security::Tls(files) => {
            config.set("security.protocol", "ssl");
            tls(config, files);
        }
        Security::Sasl { sasl, tls: files } => {
            config.set("security.protocol", if files.is_some() { "sasl_ssl" } else { "sasl_plaintext" });
            files.iter().for_each(|files| tls(config, files));
            self::sasl(config, sasl);
        }
    }
}

fn tls(config: &mut ClientConfig, files: &Tls) {
    let Tls { ca, certificate, key } = files;
    let names = ["ssl.ca.location", "ssl.certificate.location", "ssl.key.location"];
    for (name, file) in names.into_iter().zip([ca, certificate, key]) {
        if let Some(file) = file {
            config.set(name, path(file));
        }
    }
}

fn sasl(config: &mut ClientConfig, sasl: &Sasl) {
    match sasl {
        Sasl::Scram { mechanism, username, password } => {
            let mechanism = match mechanism {
                Mechanism::Sha256 => "SCRAM-SHA-256",
                Mechanism::Sha512 => "SCRAM-SHA-512",
            };
            config.set("sasl.mechanism", mechanism);
            config.set("sasl.username", username);
            config.set("sasl.password", password);
        }
        // The tokens are handed over by the context.
        Sasl::OauthBearer(_) => {
            config.set("sasl.mechanism", "OAUTHBEARER");
        }
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn settings() -> Settings {
        Settings::new("one:9092,two:9092", "waybill")
    }

    fn membership(session: Duration) -> Membership {
        let topics = vec![Arc::from("topic")];
        Membership { group: "group".into(), instance: "slot-1".into(), topics, session_timeout: session }
    }

    #[test]
    fn a_member_is_static_read_committed_and_never_commits_by_itself() {
        let membership = membership(Duration::from_secs(10));
        let config = client_config(&settings(), Role::Member(&membership));
        let expected = [
            ("bootstrap.servers", "one:9092,two:9092"),
            ("group.id", "group"),
            ("group.instance.id", "slot-1"),
            ("partition.assignment.strategy", "range"),
            ("isolation.level", "read_committed"),
            ("enable.auto.commit", "false"),
            ("session.timeout.ms", "10000"),
            ("heartbeat.interval.ms", "1000"),
            ("max.poll.interval.ms", "60000"),
            ("fetch.queue.backoff.ms", "2"),
        ];
        for (name, value) in expected {
            assert_eq!(config.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn a_long_session_is_never_longer_than_a_rebalance() {
        let membership = membership(Duration::from_secs(300));
        let config = client_config(&settings(), Role::Member(&membership));
        assert_eq!(config.get("max.poll.interval.ms"), Some("300000"));
    }

    #[test]
    fn a_producer_has_its_id_and_gathers_records_but_briefly() {
        let config = client_config(&settings(), Role::Producer("slot-1"));
        let expected = [
            ("transactional.id", "slot-1"),
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("linger.ms", "0.5"),
            ("retry.backoff.ms", "3"),
            ("transaction.timeout.ms", "10000"),
            ("delivery.report.only.error", "true"),
        ];
        for (name, value) in expected {
            assert_eq!(config.get(name), Some(value), "{name}");
        }
        assert_eq!(config.get("isolation.level"), None);
    }

    #[test]
    fn security_goes_into_every_client() {
        let tls = Tls { ca: Some("ca.pem".into()), certificate: Some("me.pem".into()), key: Some("me.key".into()) };
        let sasl = Sasl::Scram { mechanism: Mechanism::Sha512, username: "intake".into(), password: "secret".into() };
        let settings = Settings { security: Security::Sasl { sasl, tls: Some(tls) }, ..settings() };
        for role in [
            Role::Producer("id"),
            Role::Reader(Isolation::ReadUncommitted),
            Role::GroupObserver("group", Isolation::ReadCommitted),
        ] {
            let config = client_config(&settings, role);
            let expected = [
                ("security.protocol", "sasl_ssl"),
                ("sasl.mechanism", "SCRAM-SHA-512"),
                ("sasl.username", "intake"),
                ("sasl.password", "secret"),
                ("ssl.ca.location", "ca.pem"),
                ("ssl.certificate.location", "me.pem"),
                ("ssl.key.location", "me.key"),
            ];
            for (name, value) in expected {
                assert_eq!(config.get(name), Some(value), "{name}");
            }
        }
        assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
    }

    #[test]
    fn overrides_have_the_last_word_and_are_not_shown() {
        let mut settings = settings();
        settings.overrides.0.insert("compression.type".into(), "hidden".into());
        assert_eq!(client_config(&settings, Role::Producer("id")).get("compression.type"), Some("hidden"));
        assert!(!format!("{settings:?}").contains("hidden"));
    }
}

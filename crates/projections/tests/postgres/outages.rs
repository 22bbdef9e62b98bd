//! Outages: connections that break, a server that goes away and comes back.

use std::path::PathBuf;
use std::process::Command;

use projections::queries::accounts;
use projections::{StoreError, rebuild};
use tempfile::TempDir;

use crate::engine::Engine;
use crate::history;
use crate::stage::Theatre;

/// The last statement of a batch ends its own connection, three times: nothing of these batches may stay.
#[test]
fn a_connection_that_breaks_within_a_batch_leaves_nothing_of_it() {
    let mut theatre = Theatre::new(2);
    let codec = theatre.log.codec.clone();
    theatre.sql(
        "CREATE SEQUENCE blows; \
         CREATE FUNCTION strike() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF nextval('blows') <= 3 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$; \
         CREATE TRIGGER struck AFTER INSERT OR UPDATE ON offsets FOR EACH STATEMENT EXECUTE FUNCTION strike()",
    );
    theatre.log.append((0..40).flat_map(|number| history::fulfilled(&codec, number)));
    let mut live = theatre.live(500);
    let status = theatre.reach_end(&mut live);
    assert_eq!((status.records, status.failures, status.failing), (280, 3, None));
    theatre.stop(live);
    theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect("both are equal");
}

/// A server that says nothing any more is not waited for without end, and its old session not either.
#[test]
fn a_transaction_that_hangs_is_given_up_and_made_again() {
    let mut theatre = Theatre::new(1);
    theatre.sql(
        "CREATE SEQUENCE naps; \
         CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF nextval('naps') = 1 THEN PERFORM pg_sleep(3600); END IF; RETURN NULL; END $$; \
         CREATE TRIGGER napping AFTER INSERT OR UPDATE ON offsets FOR EACH STATEMENT EXECUTE FUNCTION nap()",
    );
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    let mut live = theatre.live(10);
    let failing = theatre.run(live.status.wait_for(|status| status.failing.is_some())).expect("it runs").clone();
    assert_eq!(failing.failing.as_deref(), Some("the database did not take a batch within 5s"));
    theatre.reach_end(&mut live);
    theatre.stop(live);
    theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect("both are equal");
}

/// Whatever the server was doing for the projector or a reader when their connections end, commits among it.
#[test]
fn connections_that_are_ended_at_any_moment_lose_nothing_and_repeat_nothing() {
    let mut theatre = Theatre::new(3);
    let codec = theatre.log.codec.clone();
    let mut live = theatre.live(16);
    let application = format!("waybill projections {}", theatre.engine.schema());
    let end_all = format!(
        "SELECT pg_terminate_backend(pid)::text, '' FROM pg_stat_activity WHERE application_name = '{application}'"
    );
    let mut ended = 0;
    for first in (0..200).step_by(10) {
        theatre.log.append((first..first + 10).flat_map(|number| history::fulfilled(&codec, number)));
        ended += theatre.run(theatre.engine.ask(&end_all)).len();
    }
    theatre.reach_end(&mut live);
    theatre.stop(live);
    assert!(0 < ended, "no connection was met");
    let account = theatre.run(accounts::of_log(&theatre.database)).expect("readers have recovered");
    assert_eq!((account.events, account.anomalies, account.alarms), (1_400, 0, 0));
    theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect("both are equal");
}

/// A server that is stopped in good order, and one that crashes and may have lost the last batches.
#[test]
fn a_server_that_comes_back_is_projected_into_again() {
    let server = Server::start();
    let mut theatre = Theatre::on(Engine::at(server.url.clone()), 3);
    let codec = theatre.log.codec.clone();
    let mut live = theatre.live(16);
    for (round, crashes) in (1..).zip([false, true]) {
        let first = 100 * round;
        theatre.log.append((first..first + 50).flat_map(|number| history::fulfilled(&codec, number)));
        theatre.run(live.status.wait_for(|status| 100 < status.records)).expect("it runs");
        if crashes {
            server.crash();
        } else {
            server.stop();
        }
        theatre.log.append((first + 50..first + 60).flat_map(|number| history::fulfilled(&codec, number)));
        let failing = theatre.run(live.status.wait_for(|status| status.failing.is_some())).expect("it runs").clone();
        assert!(
            failing.failing.is_some_and(|why| why.contains("database does not answer") || why.contains("be reached"))
        );
        let refused = theatre.run(accounts::of_log(&theatre.database)).expect_err("it is away");
        assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
        server.restart();
        theatre.reach_end(&mut live);
        let account = theatre.run(accounts::of_log(&theatre.database)).expect("readers have recovered");
        assert_eq!((account.events, account.anomalies), (420 * i64::from(u32::try_from(round).expect("small")), 0));
    }
    theatre.stop(live);
    theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect("both are equal");
}

/// A server of this test's own, so that nobody else misses it.
struct Server {
    url: String,
    port: u16,
    folder: TempDir,
}

impl Server {
    fn start() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        // Postgres runs as a user of its own, who has to get there.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("it is ours");
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let server = Self { url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), port, folder };
        server.restart();
        server
    }

    fn restart(&self) {
        assert!(self.script("start").status().expect("a shell").success(), "Postgres does not start");
    }

    fn stop(&self) {
        assert!(self.script("stop").status().expect("a shell").success(), "Postgres does not stop");
    }

    /// Ends it at once, so that it has to recover what it had written.
    fn crash(&self) {
        let file = self.pid_file();
        let text = std::fs::read_to_string(&file).expect("it runs");
        let pid = text.lines().next().expect("a process").to_owned();
        assert!(Command::new("kill").args(["-QUIT", &pid]).status().expect("a shell").success());
        while file.exists() {
            std::thread::yield_now();
        }
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.path().join("postgres/data/postmaster.pid")
    }

    fn script(&self, verb: &str) -> Command {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/postgres.sh"));
        command.arg(verb).arg("--dir").arg(self.folder.path());
        command.env_remove("WAYBILL_TEST_POSTGRES").env("POSTGRES_PORT", self.port.to_string());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.script("stop").status();
    }
}

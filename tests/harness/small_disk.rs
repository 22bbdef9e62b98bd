//! A small disk of a test's own, to be filled. It is a file system in memory, and mounting one takes a right that everybody has in a
//! namespace of their own: the test runs there, as root or not, and its mounts vanish with it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Set in a process that has mounts of its own.
const OWN_MOUNTS: &str = "WAYBILL_TEST_OWN_MOUNTS";

/// A mounted disk; unmounted when dropped.
pub struct SmallDisk(PathBuf);

/// Whether this process has mounts of its own. If not, the test of this name has been run once more in a process that has, and has
/// passed there.
///
/// # Panics
/// If it fails there, or if the machine forbids such a process: a test that did nothing must not pass.
pub fn has_own_mounts(test: &str) -> bool {
    if std::env::var_os(OWN_MOUNTS).is_some() {
        return true;
    }
    let unshare = |namespace: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(namespace);
        command
    };
    let works = |namespace: &&[&str]| {
        let mount = unshare(namespace).args(["mount", "-t", "tmpfs", "tmpfs"]).arg(std::env::temp_dir()).output();
        mount.is_ok_and(|output| output.status.success())
    };
    let namespaces = [&["--mount"][..], &["--map-root-user", "--mount"]];
    let Some(namespace) = namespaces.into_iter().find(works) else {
        panic!(
            "this test fills a disk of its own: run it as root, or where `unshare --map-root-user --mount` may mount"
        );
    };
    let itself = std::env::current_exe().expect("a path");
    let run = unshare(namespace).arg(itself).args(["--exact", test]).env(OWN_MOUNTS, "yes").output().expect("it runs");
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&run.stderr));
    false
}

// === impl SmallDisk ===

impl SmallDisk {
    /// Mounts a disk of this size on a directory, in a process that [has mounts of its own](has_own_mounts).
    pub fn mount(directory: &Path, mebibytes: usize) -> Self {
        let size = format!("size={mebibytes}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(directory).output();
        let mount = mount.expect("mount runs");
        assert!(mount.status.success(), "{}", String::from_utf8_lossy(&mount.stderr));
        Self(directory.to_owned())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

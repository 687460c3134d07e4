//! `kura-usb-import` with a real block device: what a stick can do, and what it cannot. Needs root
//! and a loop device; elsewhere it says that it was skipped.

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::env::{Env, text};

/// Stands for kura: tells who it is, what it may, and what it can do with the medium.
const TELLS: &str = r#"#!/bin/sh
echo "arguments: $*"
echo "user: $(id -u) groups: $(id -G)"
grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status
grep "$2" /proc/self/mountinfo
cd "$2/kura-bundle"
cat manifest.json
cat link && echo 'a link was followed'
./program && echo 'a program was run'
head -c1 device && echo 'a device was opened'
touch new && echo 'the medium was written'
exit 7
"#;

/// A loop device, until the value goes.
struct Loop(String);

impl Loop {
    fn over(image: &Path) -> Option<Self> {
        let made = Command::new("losetup").args(["--find", "--show", text(image)]).output().ok()?;
        let device = String::from_utf8(made.stdout).ok()?.trim().to_owned();
        (made.status.success() && !device.is_empty()).then_some(Self(device))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["--detach", &self.0]).status();
    }
}

/// The importer as the unit runs it: its rights, and mounts that nobody else sees.
struct Bench {
    env: Env,
    importer: PathBuf,
    point: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let env = Env::new();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(env.path("."), open.clone()).unwrap();
        let (importer, kura) = (env.path("kura-usb-import"), env.path("kura"));
        let point = env.path("mnt");
        std::fs::create_dir(&point).unwrap();
        std::fs::write(&kura, TELLS).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/kura-usb-import");
        let script = std::fs::read_to_string(script)
            .unwrap()
            .replace("/usr/bin/kura", text(&kura))
            .replace("/run/kura-usb/mnt", text(&point))
            // On a machine where the package is not installed there is no such user.
            .replace("id=kura", "id=65534");
        std::fs::write(&importer, script).unwrap();
        for path in [&importer, &kura] {
            std::fs::set_permissions(path, open.clone()).unwrap();
        }
        Self { env, importer, point }
    }

    /// An ext4 file system of what `fill` makes, on a loop device.
    fn stick(&self, label: &str, fill: impl FnOnce(&Path)) -> Option<Loop> {
        let (dir, image) = (self.env.path(label), self.env.path(&format!("{label}.img")));
        std::fs::create_dir(&dir).unwrap();
        fill(&dir);
        let arguments = ["-q", "-L", label, "-d", text(&dir), text(&image), "4M"];
        let made = Command::new("mkfs.ext4").args(arguments).output().ok()?;
        if !made.status.success() {
            return None;
        }
        Loop::over(&image)
    }

    fn import(&self, name: &str) -> (Option<i32>, String) {
        let rights = "--bounding-set=-all,+sys_admin,+setuid,+setgid,+setpcap";
        let run: Output = Command::new("unshare")
            .args(["--mount", "--propagation", "slave", "setpriv", "--no-new-privs", rights])
            .args([text(&self.importer), name])
            .output()
            .unwrap();
        let said = [run.stdout, run.stderr].concat();
        (run.status.code(), String::from_utf8_lossy(&said).into_owned())
    }
}

fn skipped(test: &str) {
    // Not by a macro: the test harness keeps what those print to itself.
    let mut errors = std::io::stderr();
    writeln!(errors, "skipped {test}: it needs root, mkfs.ext4 and a loop device").unwrap();
}

#[test]
fn a_stick_is_read_by_a_user_without_rights() {
    let bench = Bench::new();
    let stick = bench.stick("KURA-TEST", |dir| {
        let bundle = dir.join("kura-bundle");
        std::fs::create_dir(&bundle).unwrap();
        std::fs::write(bundle.join("manifest.json"), "the manifest\n").unwrap();
        std::fs::copy("/bin/true", bundle.join("program")).unwrap();
        symlink("/etc/hostname", bundle.join("link")).unwrap();
        let device = bundle.join("device");
        let node = ["-m", "666", text(&device), "c", "1", "5"];
        // Where this is not permitted there is no loop device either.
        Command::new("mknod").args(node).output().unwrap();
    });
    let Some(stick) = stick else {
        return skipped("a_stick_is_read_by_a_user_without_rights");
    };
    let (status, said) = bench.import(stick.0.trim_start_matches("/dev/"));
    assert_eq!(status, Some(7), "the status is kura's own: {said}");
    let point = text(&bench.point);
    for part in [
        &format!("arguments: sync {point} --media "),
        " --unattended\n",
        "user: 65534 groups: 65534\n",
        "NoNewPrivs:\t1\n",
        "ro,nosuid,nodev,noexec,relatime,nosymfollow",
        "the manifest\n",
    ] {
        assert!(said.contains(part), "{part:?} is missing in {said}");
    }
    assert_eq!(said.matches(":\t0000000000000000\n").count(), 5, "capabilities are left: {said}");
    for deed in ["followed", "was run", "was opened", "was written"] {
        assert!(!said.contains(deed), "{said}");
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(point), "others see the mount");
}

#[test]
fn what_is_no_update_is_told_apart() {
    let bench = Bench::new();
    for bad in ["", "a/b", "sdb1;reboot", "..", "$(id)"] {
        let (status, said) = bench.import(bad);
        assert!(status == Some(2) || skips_root(&said), "{bad:?}: {status:?} {said}");
    }
    let stray = |dir: &Path| std::fs::write(dir.join("photo.jpg"), "x").unwrap();
    let (Some(empty), Some(foreign), Some(linked)) = (
        bench.stick("KURA-EMPTY", stray),
        bench.stick("PHOTOS", stray),
        bench.stick("KURA-LINK", |dir| symlink("/etc", dir.join("kura-bundle")).unwrap()),
    ) else {
        return skipped("what_is_no_update_is_told_apart");
    };
    let name = |stick: &Loop| stick.0.trim_start_matches("/dev/").to_owned();
    // Both were meant as updates: kura is asked, so that its refusal is on record.
    for (stick, words) in [(&empty, "kura-bundle フォルダーがありません"), (&linked, "")]
    {
        let (status, said) = bench.import(&name(stick));
        assert_eq!(status, Some(7), "the status is kura's own: {said}");
        assert!(said.contains(words) && said.contains("arguments: sync"), "{said}");
    }
    let (status, said) = bench.import(&name(&foreign));
    assert_eq!((status, said.as_str()), (Some(0), ""), "somebody's own stick");
}

/// Whether the rights of this test's own frame were refused.
fn skips_root(said: &str) -> bool {
    said.contains("unshare") || said.contains("setpriv")
}

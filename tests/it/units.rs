//! The units, the package and the example settings fit together, and systemd finds them sound.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use kura::config::{Config, KEYS, Overrides};

use crate::env::{Env, KURA, text};

/// Exposure that `systemd-analyze security` may find, in tenths.
const EXPOSURE: [(&str, &str); 2] = [("kura.service", "4"), ("kura-usb@.service", "20")];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn unit(name: &str) -> String {
    std::fs::read_to_string(root().join("systemd").join(name)).unwrap()
}

/// `[from, to]` of every file of the package, `to` as an absolute path of a file.
fn assets() -> Vec<(String, String)> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap();
    let installed = assets.iter().map(|asset| {
        let (from, to) = (asset[0].as_str().unwrap(), asset[1].as_str().unwrap());
        let name = Path::new(from).file_name().unwrap().to_str().unwrap();
        let to = if to.ends_with('/') { format!("/{to}{name}") } else { format!("/{to}") };
        (from.to_owned(), to)
    });
    installed.collect()
}

/// Runs systemd-analyze; `None`, and a word on why, where there is none.
fn analyze(test: &str, arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new("systemd-analyze").args(arguments).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
        }
        Err(why) => {
            // Not by a macro: the test harness keeps what those print to itself.
            let mut errors = std::io::stderr();
            writeln!(errors, "skipped {test}: systemd-analyze: {why}").unwrap();
            None
        }
    }
}

#[test]
fn systemd_finds_no_fault_in_the_units() {
    let env = Env::new();
    let dir = env.path("units");
    std::fs::create_dir(&dir).unwrap();
    let importer = root().join("systemd/kura-usb-import");
    let mut paths = vec!["verify".to_owned(), "--man=no".to_owned()];
    for name in ["kura.service", "kura.socket", "kura-usb@.service"] {
        let here = unit(name)
            .replace("ExecStart=/usr/bin/kura ", &format!("ExecStart={KURA} "))
            .replace("/usr/lib/kura/kura-usb-import ", &format!("{} ", text(&importer)));
        std::fs::write(dir.join(name), here).unwrap();
        let instance = name.replace('@', "@sdb1");
        paths.push(dir.join(instance).to_str().unwrap().to_owned());
    }
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let Some((good, said)) = analyze("systemd_finds_no_fault_in_the_units", &paths) else {
        return;
    };
    // It may speak of other units of this machine.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("kura")).collect();
    assert!(good && ours.is_empty(), "{said}");
    // The check can fail.
    let broken = dir.join("kura.service");
    let spoilt = std::fs::read_to_string(&broken).unwrap().replace(KURA, "/nowhere/kura");
    std::fs::write(&broken, spoilt).unwrap();
    let (good, said) = analyze("", &["verify", "--man=no", text(&broken)]).unwrap();
    assert!(!good && said.contains("/nowhere/kura"), "{said}");
}

#[test]
fn the_units_expose_no_more_than_they_must() {
    for (name, tenths) in EXPOSURE {
        let path = root().join("systemd").join(name);
        let threshold = format!("--threshold={tenths}");
        let arguments = ["security", "--offline=true", "--no-pager", &threshold, text(&path)];
        let Some((good, said)) = analyze("the_units_expose_no_more_than_they_must", &arguments)
        else {
            return;
        };
        let overall = said.lines().last().unwrap_or_default();
        assert!(good && overall.contains("exposure"), "{name}: {said}");
    }
}

/// What the service must not lose by an edit, whatever systemd says of the sum.
#[test]
fn the_service_has_no_way_out() {
    let service = unit("kura.service");
    for line in [
        "Type=notify",
        "PrivateNetwork=yes",
        "RestrictAddressFamilies=AF_UNIX",
        "IPAddressDeny=any",
        "CapabilityBoundingSet=",
        "NoNewPrivileges=yes",
        "Restart=on-failure",
    ] {
        assert!(service.lines().any(|have| have == line), "{line}");
    }
    assert!(service.contains("io_uring_setup"), "@system-service contains it");
    let noexec = service.lines().any(|line| line.starts_with("NoExecPaths="));
    assert!(!noexec, "an updated program starts from the data folder");
    // With it every openat2 fails, and by that a bundle is read: no update would come in.
    for name in ["kura.service", "kura-usb@.service"] {
        assert!(!unit(name).lines().any(|line| line.starts_with("RestrictSUIDSGID=")), "{name}");
    }
    let importer = unit("kura-usb-import");
    assert!(importer.contains("dmask=0222,fmask=0333"), "kura could not read FAT and exFAT");
    assert!(importer.contains("ro,nosuid,nodev,noexec,nosymfollow"), "{importer}");
}

#[test]
fn every_path_in_the_units_is_in_the_package() {
    let assets = assets();
    for (from, _) in assets.iter().filter(|(from, _)| !from.starts_with("target/")) {
        assert!(root().join(from).is_file(), "{from}");
    }
    let installed = |path: &str| assets.iter().any(|(_, to)| to == path);
    let files = [
        "kura.service",
        "kura.socket",
        "kura-usb@.service",
        "kura-usb-import",
        "90-kura-usb.rules",
    ];
    let mut seen = 0;
    for name in files {
        let whole = unit(name);
        let code = whole.lines().filter(|line| !line.starts_with('#'));
        for word in code.flat_map(|line| line.split([' ', '=', '"', '`', '(', ')', ','])) {
            let word = word.trim_start_matches("file://").trim_end_matches(['.', ':']);
            if word.starts_with("/usr/") {
                assert!(installed(word), "{name} names {word}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 4, "{seen}");
    // And each file of this folder is installed, but for the scripts of the package itself.
    for entry in std::fs::read_dir(root().join("systemd")).unwrap() {
        let entry = entry.unwrap();
        let from = format!("systemd/{}", entry.file_name().to_str().unwrap());
        let is_asset = assets.iter().any(|(have, _)| *have == from);
        assert!(is_asset || entry.path().is_dir(), "{from} is in no package");
    }
    for script in ["postinst", "prerm", "postrm"] {
        let path = root().join("systemd/debian").join(script);
        let checked = Command::new("sh").arg("-n").arg(&path).output().unwrap();
        assert!(checked.status.success(), "{script}: {checked:?}");
    }
}

#[test]
fn the_example_settings_hold_and_name_every_setting() {
    let path = root().join("systemd/kura.toml");
    let given = Overrides { file: Some(path.clone()), ..Overrides::default() };
    let config = Config::load(Config::default(), &given).unwrap();
    assert_eq!(config, Config::default(), "the example shows the defaults");
    let example = std::fs::read_to_string(path).unwrap();
    for key in KEYS {
        let name = key.name.rsplit('.').next().unwrap();
        let stands = example.lines().any(|line| {
            let line = line.trim_start_matches("# ");
            line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
        });
        assert!(stands, "{} is not in systemd/kura.toml", key.name);
    }
}

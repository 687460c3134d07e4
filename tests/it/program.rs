//! The program's own update: a new one takes over while serving, is confirmed, or goes back by
//! itself; sockets, systemd, and the check before it.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kura::sync::bundle::Kind;
use kura::sync::ledger::{Event, Ledger};
use kura::sync::{CurrentApp, Installation, State, Trial};

use crate::env::{Env, KURA, text};
use crate::serving::{PATIENCE, Serving, log, wait};

fn installation(env: &Env) -> Installation {
    Installation::new(&env.data_dir())
}

fn app(env: &Env) -> CurrentApp {
    installation(env).state().unwrap().app.unwrap()
}

/// Puts a script in the place of a program that was imported.
fn program(env: &Env, script: &str) -> String {
    let script = format!("#!/bin/sh\n{script}\n");
    let blake3 = blake3::hash(script.as_bytes()).to_hex().to_string();
    let path = installation(env).app_path(&blake3);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    blake3
}

/// A program that serves: the real one behind a script that leaves a line.
fn good(env: &Env) -> String {
    program(env, &format!("echo ran >> '{}'\nexec '{KURA}' \"$@\"", text(&ran(env))))
}

fn ran(env: &Env) -> PathBuf {
    env.path("ran")
}

/// Names a program that has the package before it, as an import does, in one switch.
fn name(env: &Env, blake3: &str, trial: Option<Trial>) {
    let app = CurrentApp { current: Some(blake3.to_owned()), previous: Some(None), trial };
    let state = State { format: 2, app: Some(app), ..State::default() };
    let fresh = env.data_dir().join("state.new");
    fs::write(&fresh, serde_json::to_vec(&state).unwrap()).unwrap();
    fs::rename(fresh, installation(env).state_path()).unwrap();
}

const NEW: Option<Trial> = Some(Trial { starts: 0 });

#[test]
fn a_program_that_dies_gives_its_place_back() {
    let env = Env::new();
    let dead = program(&env, "exit 1");
    name(&env, &dead, NEW);
    env.fail(&["serve", "--listen", "127.0.0.1:0"], 1);
    assert_eq!(app(&env).trial, Some(Trial { starts: 1 }));

    let serving = Serving::start(&env, &[]);
    assert_eq!(serving.get("/healthz", "localhost").0, 200);
    assert_eq!(serving.variable("KURA_PROGRAM"), None, "the package serves");
    assert_eq!(app(&env), CurrentApp { current: None, previous: None, trial: None });
    let records = Ledger::of(&installation(&env)).read().unwrap().records;
    let events: Vec<Event> = records.iter().map(|record| record.event).collect();
    assert_eq!(events, [Event::AppWentBack]);
    assert!(records[0].detail.contains(&dead[..16]), "{}", records[0].detail);
    assert!(log(&env).contains("ended within its first minute"), "{}", log(&env));
    serving.stop(&env);
}

#[test]
fn a_program_that_cannot_even_be_started_gives_its_place_back_at_once() {
    let env = Env::new();
    let blake3 = blake3::hash(b"no program").to_hex().to_string();
    let path = installation(&env).app_path(&blake3);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "no program").unwrap();
    name(&env, &blake3, NEW);
    let serving = Serving::start(&env, &[]);
    assert_eq!(app(&env).current, None);
    assert!(log(&env).contains("cannot be started"), "{}", log(&env));
    serving.stop(&env);
}

#[test]
fn a_program_that_runs_is_confirmed() {
    let env = Env::new();
    let good = good(&env);
    name(&env, &good, NEW);
    let serving = Serving::start(&env, &[("KURA_TRIAL_S", "1")]);
    assert_eq!(serving.variable("KURA_PROGRAM").as_ref(), Some(&good));
    assert_eq!(serving.variable("KURA_PACKAGE").as_deref(), Some(KURA));
    assert_eq!(serving.get("/healthz", "localhost").0, 200);
    wait("it is confirmed", || app(&env).trial.is_none());
    // What comes later is no failure of the update.
    serving.kill();
    Serving::start(&env, &[]).stop(&env);
    let confirmed = CurrentApp { current: Some(good), previous: Some(None), trial: None };
    assert_eq!(app(&env), confirmed);
    assert_eq!(fs::read_to_string(ran(&env)).unwrap(), "ran\nran\n");
}

#[test]
fn a_stop_by_a_person_is_no_death_but_a_kill_is() {
    let env = Env::new();
    let good = good(&env);
    name(&env, &good, NEW);
    let start = || Serving::start(&env, &[("KURA_TRIAL_S", "3600")]);
    for _ in 0..2 {
        let serving = start();
        assert_eq!(app(&env).trial, Some(Trial { starts: 1 }));
        serving.stop(&env);
        assert_eq!(app(&env).trial, NEW);
    }
    // Another start that cannot have the address is no start of the program.
    let serving = start();
    let address = serving.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    assert!(env.fail(&["serve", "--listen", &address], 1).contains("in use"));
    assert_eq!(app(&env).trial, Some(Trial { starts: 1 }));
    serving.kill();
    let serving = start();
    assert_eq!(app(&env).current, None);
    serving.stop(&env);
}

#[test]
fn a_switch_takes_over_while_serving_and_back_again() {
    let env = Env::new();
    let good = good(&env);
    let mut serving = Serving::start(&env, &[]);
    let (url, pid) = (serving.url.clone(), serving.pid());
    assert_eq!(serving.variable("KURA_PROGRAM"), None);

    name(&env, &good, NEW);
    serving.wait_until_it_serves(&env);
    assert_eq!((&serving.url, serving.pid()), (&url, pid), "the same socket and process");
    assert_eq!(serving.variable("KURA_PROGRAM").as_ref(), Some(&good));
    assert_eq!(serving.get("/healthz", "localhost").0, 200);
    assert_eq!(app(&env).trial, Some(Trial { starts: 1 }));

    let mut writer = installation(&env).writer_within(PATIENCE).unwrap();
    writer.roll_back(Kind::App, "kura").unwrap();
    drop(writer);
    serving.wait_until_it_serves(&env);
    assert_eq!((&serving.url, serving.pid()), (&url, pid));
    assert_eq!(serving.variable("KURA_PROGRAM"), None, "the package serves again");
    assert_eq!(serving.variable("KURA_PACKAGE"), None);
    assert_eq!(serving.get("/healthz", "localhost").0, 200);
    serving.stop(&env);
}

#[test]
fn a_changed_file_is_not_run() {
    let env = Env::new();
    let good = good(&env);
    name(&env, &good, None);
    fs::write(installation(&env).app_path(&good), "#!/bin/sh\nexit 1\n").unwrap();
    let serving = Serving::start(&env, &[]);
    assert_eq!(serving.get("/healthz", "localhost").0, 200);
    assert!(log(&env).contains("its hash is not"), "{}", log(&env));
    assert_eq!(app(&env).current, Some(good));
    serving.stop(&env);
    assert!(!ran(&env).exists());
}

#[test]
fn settings_for_a_newer_program_are_left_to_it() {
    let env = Env::new();
    let path = env.path("kura.toml");
    fs::write(&path, "wings = 2\n").unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--config", text(&path)];
    assert!(env.fail(&serve, 2).contains("wings"));
    let newer = program(&env, &format!("echo ran \"$@\" >> '{}'", text(&ran(&env))));
    name(&env, &newer, None);
    env.succeed(&serve);
    let said = fs::read_to_string(ran(&env)).unwrap();
    assert!(said.starts_with("ran serve --listen") && said.contains("kura.toml"), "{said}");
    // One that does not understand them either says so itself, once.
    fs::remove_file(ran(&env)).unwrap();
    name(&env, &good(&env), None);
    assert!(env.fail(&serve, 2).contains("wings"));
    assert_eq!(fs::read_to_string(ran(&env)).unwrap(), "ran\n");
}

/// Hands a socket over as systemd does: descriptor 3, named by variables.
fn socket_activated(env: &Env, socket: TcpListener, more: &[(&str, &str)]) -> Command {
    let script = "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", script, KURA, "serve", "--listen", "127.0.0.1:9"])
        .env_clear()
        .env("KURA_DATA_DIR", env.data_dir())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(more.iter().copied())
        .stdin(Stdio::from(OwnedFd::from(socket)));
    command
}

#[test]
fn a_socket_that_is_handed_over_is_served_by_every_program() {
    let env = Env::new();
    let good = good(&env);
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    let mut serving = Serving::run(&env, &mut socket_activated(&env, socket, &[]));
    assert_eq!(serving.url, url);
    assert_eq!(serving.get("/healthz", "localhost").0, 200);
    assert_eq!(serving.get("/healthz", "kura.example").0, 403, "it is on loopback");
    name(&env, &good, NEW);
    serving.wait_until_it_serves(&env);
    assert_eq!(serving.url, url);
    assert_eq!(serving.variable("KURA_PROGRAM"), Some(good));
    assert_eq!(serving.get("/healthz", "localhost").0, 200);
    serving.stop(&env);
}

#[test]
fn a_socket_that_others_reach_needs_a_key() {
    let env = Env::new();
    let socket = || TcpListener::bind("0.0.0.0:0").unwrap();
    let refused = socket_activated(&env, socket(), &[]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("access_key"), "{said}");

    let key = [("KURA_ACCESS_KEY", "a-key-of-the-office")];
    let mut serving = Serving::run(&env, &mut socket_activated(&env, socket(), &key));
    serving.url = serving.url.replace("address-of-this-machine", "127.0.0.1");
    assert_eq!(serving.get("/healthz", "kura.example").0, 200);
    assert_eq!(serving.get("/api/status", "kura.example").0, 401);
    serving.stop(&env);
}

#[test]
fn systemd_is_told_ready_alive_and_stopping() {
    let env = Env::new();
    let dataset = env.dataset("r8", "r8", &[("a.txt", "手数料は三百円とする。\n")]);
    env.succeed(&["dataset", "add", text(&dataset)]);
    let path = env.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = |wanted: &str| {
        let mut buffer = [0; 4096];
        loop {
            let count = socket.recv(&mut buffer).unwrap();
            let message = String::from_utf8_lossy(&buffer[..count]).into_owned();
            if message.lines().any(|line| line == wanted) {
                return;
            }
        }
    };
    let more = [("NOTIFY_SOCKET", text(&path)), ("WATCHDOG_USEC", "200000")];
    let mut serving = Serving::start(&env, &more);
    told("READY=1");
    told("WATCHDOG=1");
    told("WATCHDOG=1");
    let mut state = installation(&env).state().unwrap();
    let good = good(&env);
    state.app = Some(CurrentApp { current: Some(good), previous: Some(None), trial: NEW });
    let fresh = env.data_dir().join("state.new");
    fs::write(&fresh, serde_json::to_vec(&state).unwrap()).unwrap();
    fs::rename(fresh, installation(&env).state_path()).unwrap();
    told("RELOADING=1");
    told("READY=1");
    told("WATCHDOG=1");
    serving.wait_until_it_serves(&env);
    serving.signal("-TERM");
    told("STOPPING=1");
    serving.stop(&env);
}

/// Names, sizes and contents below a folder.
fn content(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn the_check_opens_everything_and_changes_nothing() {
    let env = Env::new();
    assert!(env.succeed(&["check-state"]).contains("state_format"), "nothing is installed");
    assert!(!env.data_dir().exists());

    let dataset = env.dataset("r8", "r8", &[("a.txt", "手数料は三百円とする。\n")]);
    env.succeed(&["dataset", "add", text(&dataset)]);
    let file = env.path("tiny.gguf");
    kura::llm::testing::TestModel::new("llama").write(&file).unwrap();
    env.succeed(&["model", "add", text(&file), "--id", "tiny"]);
    let before = content(&env.data_dir());
    let said = env.succeed(&["check-state"]);
    assert_eq!(said.lines().count(), 1, "{said}");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(said["state_format"], kura::sync::STATE_FORMAT);
    assert!(before == content(&env.data_dir()), "the check wrote something");

    let state = installation(&env).state().unwrap();
    let weights = installation(&env).model_path(&state.models["tiny"]);
    fs::write(&weights, b"GGUF no more").unwrap();
    assert!(env.fail(&["check-state"], 1).contains("model tiny"));
    fs::remove_dir_all(installation(&env).index_dir("town", "r8")).unwrap();
    assert!(env.fail(&["check-state"], 1).contains("data set town"));
}

#[test]
fn an_older_program_leaves_what_a_newer_one_wrote() {
    let env = Env::new();
    let dataset = env.dataset("r8", "r8", &[("a.txt", "手数料は三百円とする。\n")]);
    env.succeed(&["dataset", "add", text(&dataset)]);
    let path = installation(&env).state_path();
    let newer = fs::read_to_string(&path).unwrap().replace("\"format\": 2", "\"format\": 3");
    let newer = newer.replacen('{', "{\"wings\": true,", 1);
    fs::write(&path, &newer).unwrap();
    let commands: [&[&str]; 5] = [
        &["serve", "--listen", "127.0.0.1:0"],
        &["dataset", "add", text(&dataset)],
        &["dataset", "remove", "town"],
        &["model", "use", "x"],
        &["check-state"],
    ];
    for command in commands {
        let said = env.fail(command, 1);
        assert!(said.contains("newer kura") && said.contains("update"), "{command:?}: {said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), newer, "{command:?}");
    }
    let ja = env.command(&["dataset", "remove", "town"]).env("LANG", "ja_JP.UTF-8").output();
    let ja = String::from_utf8(ja.unwrap().stderr).unwrap();
    assert!(ja.contains("プログラムを更新してください"), "{ja}");
    // The newer program is named all the same, and serves.
    let good = good(&env);
    let app = format!("{{\"app\": {{\"current\": \"{good}\", \"hat\": 1}},");
    fs::write(&path, newer.replacen('{', &app, 1)).unwrap();
    env.fail(&["serve", "--listen", "127.0.0.1:0"], 1);
    assert_eq!(fs::read_to_string(ran(&env)).unwrap(), "ran\n");
}

#[test]
fn a_command_stands_aside_for_the_program_that_understands_the_state() {
    let env = Env::new();
    let newer = program(&env, "echo \"the newer one: $*\"");
    let state = format!(r#"{{"format": 99, "app": {{"current": "{newer}"}}, "unknown": 1}}"#);
    fs::write(installation(&env).state_path(), state).unwrap();
    let output = env.command(&["ledger", "--json"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("the newer one:") && said.contains("ledger --json"), "{said}");
}

#[test]
fn the_data_folder_of_another_user_is_left_alone() {
    if !rustix::process::geteuid().is_root() {
        let said = "skipped the_data_folder_of_another_user_is_left_alone: needs root";
        std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).unwrap();
        return;
    }
    let env = Env::new();
    fs::create_dir_all(env.data_dir()).unwrap();
    std::os::unix::fs::chown(env.data_dir(), Some(65534), Some(65534)).unwrap();
    let said = env.fail(&["model", "use", "x"], 1);
    assert!(said.contains("sudo -u kura"), "{said}");
    assert_eq!(fs::read_dir(env.data_dir()).unwrap().count(), 0);
}

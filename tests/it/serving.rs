//! A running `kura serve`: what it prints, what it answers, how it ends.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::env::Env;

/// How long a thing may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Killed when a test fails half-way.
pub(crate) struct Serving {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    /// As printed last: `http://127.0.0.1:1234/`.
    pub(crate) url: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    /// Starts it on a port of its own and waits until it serves.
    pub(crate) fn start(env: &Env, more: &[(&str, &str)]) -> Self {
        let mut command = env.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.envs(more.iter().copied());
        Self::run(env, &mut command)
    }

    /// Runs a command that comes to serve.
    pub(crate) fn run(env: &Env, command: &mut Command) -> Self {
        let log = File::options().create(true).append(true).open(env.path("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut serving = Self { child, lines, url: String::new() };
        serving.wait_until_it_serves(env);
        serving
    }

    /// Waits for the next line that says where it serves: each program prints one.
    pub(crate) fn wait_until_it_serves(&mut self, env: &Env) {
        let line = self.lines.next();
        let line = line.unwrap_or_else(|| panic!("it ended: {}", log(env))).unwrap();
        let (_, url) = line.split_once("browser: ").unwrap_or_else(|| panic!("{line}"));
        self.url = url.to_owned();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Status and text of a GET, under this name of the host.
    pub(crate) fn get(&self, path: &str, host: &str) -> (u16, String) {
        let address = self.url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        (text.split(' ').nth(1).unwrap().parse().unwrap(), text)
    }

    /// A variable in the environment of the program that runs in this process now.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let environment = std::fs::read(format!("/proc/{}/environ", self.pid())).unwrap();
        let start = format!("{name}=");
        let text = String::from_utf8(environment).unwrap();
        text.split('\0').find_map(|pair| pair.strip_prefix(&start)).map(str::to_owned)
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.pid().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Stops it as systemd does; it has to end well.
    pub(crate) fn stop(mut self, env: &Env) {
        self.signal("-TERM");
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", log(env));
    }

    /// Kills it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What was logged so far.
pub(crate) fn log(env: &Env) -> String {
    std::fs::read_to_string(env.path("log")).unwrap_or_default()
}

/// Waits until something holds.
pub(crate) fn wait(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

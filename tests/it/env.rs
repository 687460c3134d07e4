//! A data folder of a test's own, and the real program run in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The program under test.
pub(crate) const KURA: &str = env!("CARGO_BIN_EXE_kura");

/// A data folder and a place for files, removed at the end of the test.
pub(crate) struct Env {
    dir: tempfile::TempDir,
}

impl Env {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A place below the folder of the test.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path("data")
    }

    /// The program with this data folder, English messages and nothing else of our environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(KURA);
        command
            .args(arguments)
            .env_clear()
            .env("KURA_DATA_DIR", self.data_dir())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs, expects success, gives what was printed.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs, expects failure with this status, gives the message.
    pub(crate) fn fail(&self, arguments: &[&str], status: i32) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        errors
    }

    /// Runs with `--json` in the arguments and parses what was printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.succeed(arguments)).unwrap()
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Writes a data set with one text document a passage.
    pub(crate) fn dataset(&self, name: &str, edition: &str, documents: &[(&str, &str)]) -> PathBuf {
        let dir = self.path(name);
        std::fs::create_dir_all(&dir).unwrap();
        let manifest = format!(
            "id = \"town\"\ntitle = \"試験町のデータ\"\nscope = \"local\"\nauthority = \"manual\"\n\
             as_of = \"2026-04-01\"\nedition = \"{edition}\"\npublisher = \"試験町\"\n\
             licence = \"MIT\"\nstale_after_days = 36500\n"
        );
        std::fs::write(dir.join("dataset.toml"), manifest).unwrap();
        for (file, text) in documents {
            std::fs::write(dir.join(file), text).unwrap();
        }
        dir
    }
}

/// The sample data set of the repository.
pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("index/sample")
}

/// As an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

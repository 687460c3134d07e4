//! One side of a comparison: a process that holds the model, asked by JSON lines.
//!
//! Each scenario starts a process of its own, for kura as for its peer: so neither holds memory
//! or cores while the other runs, and the peak of its memory is that of the scenario. The memory
//! is read here, from `/proc`, in the same way for both.
//!
//! A side says `hello`, takes one `load` and any number of `generate` and `logits`, and ends with
//! its input.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::cancel::Cancelled;

/// What is asked of a side.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    Load(Load),
    Generate(Generate),
    /// The scores of the token after a prompt, over the whole vocabulary.
    Logits {
        prompt: Vec<u32>,
    },
}

/// Opens the model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Load {
    pub(super) path: String,
    pub(super) threads: usize,
    /// Sequences at once.
    pub(super) slots: usize,
    /// Of each sequence.
    pub(super) context_tokens: usize,
    pub(super) gpu: bool,
    /// Only the peer has the choice.
    pub(super) flash_attention: bool,
    /// Whether tokens may be guessed from the prompt and verified.
    pub(super) speculation: bool,
}

/// Generates from several prompts at once, greedily, each the same number of tokens. What a
/// prompt has in common with earlier ones is taken from the cache.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Generate {
    pub(super) prompts: Vec<Vec<u32>>,
    pub(super) tokens: usize,
    /// Everything that is written quotes the sample documents.
    #[serde(default)]
    pub(super) quoting: bool,
}

/// What a side answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Hello(Hello),
    Loaded {
        seconds: f64,
    },
    Streams(Vec<Stream>),
    Logits(Vec<f32>),
    /// A part that must be installed first.
    Missing(String),
    Error(String),
}

/// What a side is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) name: String,
    pub(super) version: String,
    /// Instruction sets that it was built for, where that is fixed.
    pub(super) instructions: Vec<String>,
    /// Whether it can guess tokens from the prompt.
    pub(super) speculation: bool,
}

/// What came of one prompt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Stream {
    pub(super) tokens: Vec<u32>,
    /// When each token came, in seconds after all prompts were asked.
    pub(super) times: Vec<f64>,
    /// Tokens of the prompt that were not computed again.
    pub(super) cached_tokens: usize,
    /// Tokens that were guessed from the prompt, and how many of them were right.
    #[serde(default)]
    pub(super) drafted_tokens: usize,
    #[serde(default)]
    pub(super) accepted_tokens: usize,
    /// Seconds in which tokens were chosen, where quotations were held to texts.
    #[serde(default)]
    pub(super) choosing_seconds: f64,
}

/// Why a side gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SideError {
    #[error("interrupted")]
    Interrupted,
    #[error("cannot start {program}: {why}")]
    Start { program: String, why: String },
    #[error("{0}")]
    Missing(String),
    #[error("{0}")]
    Failed(String),
}

/// A running side.
#[derive(Debug)]
pub(super) struct Side {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
    /// Gives the last lines that the process complained with.
    complaints: Option<JoinHandle<String>>,
    cancelled: Cancelled,
    hello: Hello,
    /// MiB before the model was opened: the interpreter and its libraries.
    memory_mib_base: f64,
}

/// How often Ctrl-C is looked for while waiting.
const PATIENCE: Duration = Duration::from_millis(100);
/// Lines of complaint that are kept.
const COMPLAINTS: usize = 12;

impl Side {
    /// Starts the process and waits until it says what it is.
    ///
    /// # Errors
    /// It does not start, or lacks something.
    pub(super) fn start(mut command: Command, cancelled: &Cancelled) -> Result<Self, SideError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for us alone: we end the process and print what was measured.
            .process_group(0)
            .spawn()
            .map_err(|why| SideError::Start { program, why: why.to_string() })?;
        let (sender, answers) = channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let complaints = child.stderr.take().map(|errors| {
            std::thread::spawn(move || last_lines(BufReader::new(errors), COMPLAINTS))
        });
        let input = child.stdin.take();
        let mut side = Self {
            child,
            input,
            answers,
            complaints,
            cancelled: cancelled.clone(),
            hello: Hello::default(),
            memory_mib_base: 0.0,
        };
        match side.wait()? {
            Answer::Hello(hello) => side.hello = hello,
            other => return Err(unexpected(&other)),
        }
        side.memory_mib_base = side.memory_mib("VmRSS:");
        Ok(side)
    }

    pub(super) fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Opens the model; gives the seconds until it was ready.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn load(&mut self, load: Load) -> Result<f64, SideError> {
        match self.ask(&Ask::Load(load))? {
            Answer::Loaded { seconds } => Ok(seconds),
            other => Err(unexpected(&other)),
        }
    }

    /// Generates, and checks that everything came.
    ///
    /// # Errors
    /// The computation failed, or tokens are missing.
    pub(super) fn generate(&mut self, generate: Generate) -> Result<Vec<Stream>, SideError> {
        let (prompts, tokens) = (generate.prompts.len(), generate.tokens);
        let streams = match self.ask(&Ask::Generate(generate))? {
            Answer::Streams(streams) => streams,
            other => return Err(unexpected(&other)),
        };
        let whole = |stream: &Stream| stream.tokens.len() == tokens && stream.times.len() == tokens;
        if streams.len() != prompts || !streams.iter().all(whole) {
            return Err(SideError::Failed(format!("not all of the {tokens} tokens came")));
        }
        Ok(streams)
    }

    /// The scores of the token after a prompt.
    ///
    /// # Errors
    /// The computation failed.
    pub(super) fn logits(&mut self, prompt: &[u32]) -> Result<Vec<f32>, SideError> {
        match self.ask(&Ask::Logits { prompt: prompt.to_vec() })? {
            Answer::Logits(logits) => Ok(logits),
            other => Err(unexpected(&other)),
        }
    }

    /// Highest resident memory so far, in MiB, beyond what the process had before the model.
    pub(super) fn memory_mib_peak(&self) -> f64 {
        (self.memory_mib("VmHWM:") - self.memory_mib_base).max(0.0)
    }

    pub(super) fn memory_mib_base(&self) -> f64 {
        self.memory_mib_base
    }

    fn memory_mib(&self, field: &str) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        status_mib(&std::fs::read_to_string(path).unwrap_or_default(), field)
    }

    fn ask(&mut self, ask: &Ask) -> Result<Answer, SideError> {
        let line = serde_json::to_string(ask).map_err(|why| SideError::Failed(why.to_string()))?;
        if let Some(input) = &mut self.input {
            // A process that ended is noticed by its missing answer, which has the reason.
            let _ = writeln!(input, "{line}").and_then(|()| input.flush());
        }
        self.wait()
    }

    fn wait(&mut self) -> Result<Answer, SideError> {
        loop {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(SideError::Interrupted);
            }
            match self.answers.recv_timeout(PATIENCE) {
                Ok(line) => return read(&line),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            }
        }
    }

    /// Why the process ended before its time.
    fn ended(&mut self) -> SideError {
        let status = self.child.wait().map_or_else(|why| why.to_string(), |end| end.to_string());
        let said = self.complaints.take().and_then(|thread| thread.join().ok());
        SideError::Failed(format!("{status}\n{}", said.unwrap_or_default()).trim().to_owned())
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // With its input closed it would end by itself, but perhaps after a long computation.
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(line: &str) -> Result<Answer, SideError> {
    match serde_json::from_str(line) {
        Ok(Answer::Missing(what)) => Err(SideError::Missing(what)),
        Ok(Answer::Error(why)) => Err(SideError::Failed(why)),
        Ok(answer) => Ok(answer),
        Err(why) => Err(SideError::Failed(format!("{why}: {line}"))),
    }
}

fn unexpected(answer: &Answer) -> SideError {
    SideError::Failed(format!("an answer that was not asked for: {answer:?}"))
}

fn last_lines(lines: impl BufRead, most: usize) -> String {
    let mut last = std::collections::VecDeque::new();
    for line in lines.lines().map_while(Result::ok) {
        last.push_back(line);
        if last.len() > most {
            last.pop_front();
        }
    }
    Vec::from(last).join("\n")
}

/// A field of `/proc/PID/status` that counts kB.
fn status_mib(status: &str, field: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A side made of a shell script that says these lines.
    fn shell(script: &str, cancelled: &Cancelled) -> Result<Side, SideError> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Side::start(command, cancelled)
    }

    const HELLO: &str =
        r#"echo '{"hello":{"name":"x","version":"1","instructions":[],"speculation":false}}';"#;

    fn one_token() -> Generate {
        Generate { prompts: vec![vec![1]], tokens: 1, quoting: false }
    }

    #[test]
    fn a_side_answers_line_by_line() {
        let script = format!(
            r#"{HELLO} read ask; echo '{{"streams":[{{"tokens":[5],"times":[0.5],"cached_tokens":0}}]}}';
               read ask; echo '{{"streams":[]}}'; read ask"#
        );
        let mut side = shell(&script, &Cancelled::default()).unwrap();
        assert_eq!(side.hello().name, "x");
        assert!(side.memory_mib_base() > 0.0);
        let streams = side.generate(one_token()).unwrap();
        assert_eq!((streams[0].tokens[0], streams[0].times[0]), (5, 0.5));
        let few = side.generate(one_token()).unwrap_err();
        assert!(few.to_string().contains("not all"), "{few}");
    }

    #[test]
    fn a_side_that_dies_leaves_its_last_words() {
        let script = format!("{HELLO} read ask; echo 'no memory left' >&2; exit 3");
        let mut side = shell(&script, &Cancelled::default()).unwrap();
        let why = side.generate(one_token()).unwrap_err().to_string();
        assert!(why.contains("no memory left") && why.contains('3'), "{why}");
        let missing = shell(r#"echo '{"missing":"numpy"}'"#, &Cancelled::default()).unwrap_err();
        assert_eq!(missing, SideError::Missing("numpy".to_owned()));
        let start = Side::start(Command::new("/no/such/python"), &Cancelled::default());
        assert!(matches!(start, Err(SideError::Start { .. })));
    }

    #[test]
    fn waiting_ends_with_an_interrupt() {
        let cancelled = Cancelled::default();
        let mut side = shell(&format!("{HELLO} read ask; sleep 60"), &cancelled).unwrap();
        cancelled.store(true, Ordering::Relaxed);
        assert_eq!(side.generate(one_token()), Err(SideError::Interrupted));
    }

    #[test]
    fn memory_is_read_from_the_status() {
        let status = "VmPeak:\t 9 kB\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n";
        assert_eq!(status_mib(status, "VmHWM:"), 2.0);
        assert_eq!(status_mib(status, "VmSwap:"), 0.0);
    }
}

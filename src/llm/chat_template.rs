//! The chat template of a GGUF: from messages to the prompt that the model was trained on.
//!
//! Templates are Jinja as Hugging Face runs it. They come with the model file and are not trusted:
//! the work and memory of one rendering are bounded, and nothing outside can be reached.

#[cfg(test)]
mod tests;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, context};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// Bytes of template source; published ones have up to 20,000.
const SOURCE_BYTES_MAX: usize = 256 * 1024;
/// Instructions and 64-byte steps of data for one rendering: far beyond any real template.
const FUEL: u64 = 2_000_000;
/// Macro and include depth.
const RECURSION_MAX: usize = 64;
/// Bytes of a rendered prompt; more than any context holds.
const PROMPT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// ChatML, for a model whose file has no template.
const CHATML: &str = "\
{%- for message in messages -%}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|im_start|>assistant\\n' -}}
{%- endif -%}
";

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// Text. What people or documents say goes through
    /// [`Tokenizer::guard`](super::tokenizer::Tokenizer::guard) first.
    pub content: String,
}

impl ChatMessage {
    /// A message of this role.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }
}

/// What a template is asked for besides the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// End with the beginning of the assistant's message.
    pub add_generation_prompt: bool,
    /// Let a model that can think aloud do so first.
    pub enable_thinking: bool,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { add_generation_prompt: true, enable_thinking: false }
    }
}

/// Why a template cannot be used or a conversation not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The source is larger than any template.
    #[error("the chat template has {0} bytes (at most {SOURCE_BYTES_MAX})")]
    TooLong(usize),
    /// The source is no valid template.
    #[error("the chat template cannot be read: {0}")]
    Syntax(String),
    /// The template itself refuses these messages (`raise_exception`).
    #[error("the chat template refuses these messages: {0}")]
    Refused(String),
    /// Rendering failed or ran out of its budget.
    #[error("the chat template failed: {0}")]
    Render(String),
    /// The prompt came out larger than any context.
    #[error("the chat template wrote {0} bytes (at most {PROMPT_BYTES_MAX})")]
    PromptTooLong(usize),
}

/// A compiled chat template; threads share one.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

/// Marks an error as raised by the template, so that it is told from a failure of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Raised(String);

impl ChatTemplate {
    /// Compiles a template. `bos` and `eos` are the texts of those tokens, empty for none.
    pub fn new(source: &str, bos: &str, eos: &str) -> Result<Self, TemplateError> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(TemplateError::TooLong(source.len()));
        }
        let mut environment = Environment::new();
        let mut syntax = SyntaxConfig::builder();
        let syntax = syntax.trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| TemplateError::Syntax(describe(&error)))?);
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION_MAX);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
        environment.add_filter("tojson", tojson);
        environment
            .add_template_owned("chat", source.to_owned())
            .map_err(|error| TemplateError::Syntax(describe(&error)))?;
        Ok(Self { environment, bos: bos.to_owned(), eos: eos.to_owned() })
    }

    /// The template to use where a model's file has none.
    pub fn chatml() -> Result<Self, TemplateError> {
        Self::new(CHATML, "", "")
    }

    /// The prompt for a conversation.
    pub fn render(
        &self,
        messages: &[ChatMessage],
        options: RenderOptions,
    ) -> Result<String, TemplateError> {
        let context = context! {
            messages => Value::from(Serde(messages)),
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            add_generation_prompt => options.add_generation_prompt,
            enable_thinking => options.enable_thinking,
        };
        let template = self.environment.get_template("chat");
        let prompt = template
            .and_then(|template| template.render(context))
            .map_err(|error| as_error(&error))?;
        match prompt.len() {
            length if length > PROMPT_BYTES_MAX => Err(TemplateError::PromptTooLong(length)),
            _ => Ok(prompt),
        }
    }
}

fn as_error(error: &Error) -> TemplateError {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        if let Some(Raised(message)) = inner.downcast_ref() {
            return TemplateError::Refused(message.clone());
        }
        cause = inner.source();
    }
    TemplateError::Render(describe(error))
}

/// Kind, detail and line of an error, on one line.
fn describe(error: &Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let line = error.line().map(|line| format!(" (line {line})")).unwrap_or_default();
    format!("{}{detail}{line}", error.kind())
}

/// `raise_exception(message)`: the template refuses the conversation.
fn raise_exception(message: String) -> Result<Value, Error> {
    let error = Error::new(ErrorKind::InvalidOperation, message.clone());
    Err(error.with_source(Raised(message)))
}

/// `strftime_now(format)`: the local date and time.
fn strftime_now(format: &str) -> Result<String, Error> {
    let formatted = jiff::fmt::strtime::format(format, &jiff::ZonedDateTime::now());
    formatted.map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
}

/// `tojson(indent=…)` as Hugging Face has it: Python's spacing, no escape beyond JSON's own.
#[allow(clippy::needless_pass_by_value)] // the signature that filters have
fn tojson(value: &Value, kwargs: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = kwargs.get("indent")?;
    for ignored in ["ensure_ascii", "sort_keys", "separators"] {
        let _: Option<Value> = kwargs.get(ignored)?;
    }
    kwargs.assert_all_used()?;
    let mut json = Vec::new();
    let written = match indent {
        Some(width) => {
            let indent = vec![b' '; width.min(16)];
            let formatter = PrettyFormatter::with_indent(&indent);
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut json, formatter))
        }
        None => {
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut json, PythonSpacing))
        }
    };
    written.map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    String::from_utf8(json)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// Compact JSON with a space behind `,` and `:`, as Python's `json.dumps` writes it.
struct PythonSpacing;

impl Formatter for PythonSpacing {
    fn begin_array_value<W>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()>
    where
        W: ?Sized + std::io::Write,
    {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()>
    where
        W: ?Sized + std::io::Write,
    {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W>(&mut self, writer: &mut W) -> std::io::Result<()>
    where
        W: ?Sized + std::io::Write,
    {
        CompactFormatter.begin_object_value(writer)?;
        writer.write_all(b" ")
    }
}

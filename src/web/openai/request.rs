//! Reading a request of the OpenAI API. What is not done here is refused by name: a client must
//! not believe that a parameter worked when it did not.

use serde_json::{Map, Value};

use crate::answer::{
    AnswerRequest, ChatRequest, ChatTurn, CompletionRequest, SamplingRequest, Selection,
};
use crate::web::fields::Fields;
use crate::web::problem::Problem;
use crate::web::{api, choosing};

/// A request that can be run.
pub(crate) struct Job {
    /// The model's name as the client wrote it.
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    pub(crate) task: Task,
}

/// What is to be done.
pub(crate) enum Task {
    Chat(ChatRequest),
    Complete(CompletionRequest),
    /// The extension: the last message is answered from data sets.
    Grounded {
        request: AnswerRequest,
        earlier_turns: bool,
    },
}

impl Task {
    /// What is asked, as a record names it: the last message, or the prompt.
    pub(crate) fn question(&self) -> String {
        match self {
            Self::Chat(request) => {
                let last = request.turns.iter().rev().find(|turn| turn.role == "user");
                last.map(|turn| turn.content.clone()).unwrap_or_default()
            }
            Self::Complete(request) => request.prompt.clone(),
            Self::Grounded { request, .. } => match &request.assistant {
                Some(filled) => filled.request(),
                None => request.question.clone(),
            },
        }
    }

    /// Whether data sets are to answer.
    pub(crate) fn is_grounded(&self) -> bool {
        matches!(self, Self::Grounded { .. })
    }

    /// Whether there must be data sets; some assistants work without.
    pub(crate) fn needs_data(&self) -> bool {
        match self {
            Self::Grounded { request, .. } => {
                let assistant = request.assistant.as_ref();
                assistant.is_none_or(|filled| filled.assistant().uses_data())
            }
            _ => false,
        }
    }

    /// What the client should know about how its request was taken.
    pub(crate) fn notes(&self) -> Vec<String> {
        match self {
            Self::Grounded { earlier_turns: true, .. } => {
                vec!["以前の発言は使わず、最後の質問だけに答えました。".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// Parameters of both routes.
const COMMON: [&str; 21] = [
    "model",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
    "max_tokens",
    "stop",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "user",
    "kura",
    // Said by clients to other servers; they change nothing here.
    "metadata",
    "store",
    "service_tier",
];

const CHAT_ONLY: [&str; 18] = [
    "messages",
    "max_completion_tokens",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "parallel_tool_calls",
    "response_format",
    "top_logprobs",
    "modalities",
    "audio",
    "prediction",
    "web_search_options",
    "reasoning_effort",
    "verbosity",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
];

const COMPLETION_ONLY: [&str; 4] = ["prompt", "best_of", "echo", "suffix"];

/// `POST /v1/chat/completions`
pub(crate) fn chat(fields: &Fields<'_>, client: Option<u64>) -> Result<Job, Problem> {
    fields.only(&[&COMMON[..], &CHAT_ONLY[..]].concat())?;
    refuse_what_is_not_done(fields)?;
    let turns = messages(fields)?;
    let max_tokens = match fields.count("max_completion_tokens", 1..=1_000_000)? {
        Some(count) => Some(count),
        None => max_tokens(fields)?,
    };
    let (sampling, stop) = (sampling(fields)?, stop(fields)?);
    let task = match grounding(fields)? {
        None => Task::Chat(ChatRequest { turns, sampling, max_tokens, stop, client }),
        Some(selection) => {
            let request = grounded(fields, &turns, selection)?;
            let earlier_turns = turns.len() > 1;
            let request = AnswerRequest { sampling, max_tokens, client, ..request };
            Task::Grounded { request, earlier_turns }
        }
    };
    job(fields, task)
}

/// `POST /v1/completions`
pub(crate) fn completion(fields: &Fields<'_>, client: Option<u64>) -> Result<Job, Problem> {
    fields.only(&[&COMMON[..], &COMPLETION_ONLY[..]].concat())?;
    refuse_what_is_not_done(fields)?;
    if grounding(fields)?.is_some() {
        return Err(Problem::Unsupported { name: "kura".to_owned() });
    }
    let prompt = match fields.get("prompt") {
        None => return Err(fields.missing("prompt")),
        Some(Value::String(prompt)) => prompt,
        Some(Value::Array(prompts)) => match prompts.as_slice() {
            [Value::String(prompt)] => prompt,
            _ => {
                let ja = "文字列を1つだけ指定してください。";
                return Err(fields.wrong("prompt", ja, "only one string is supported"));
            }
        },
        Some(_) => return Err(fields.wrong_type("prompt", "文字列", "a string")),
    };
    if prompt.is_empty() {
        return Err(fields.wrong("prompt", "空です。", "it is empty"));
    }
    let request = CompletionRequest {
        prompt: prompt.clone(),
        sampling: sampling(fields)?,
        max_tokens: max_tokens(fields)?,
        stop: stop(fields)?,
        client,
    };
    job(fields, Task::Complete(request))
}

fn job(fields: &Fields<'_>, task: Task) -> Result<Job, Problem> {
    let stream = fields.flag("stream")?.unwrap_or(false);
    let options = fields.object("stream_options", "stream_options.")?;
    let include_usage = match options {
        None => false,
        Some(_) if !stream => {
            let ja = "streamがtrueのときだけ指定できます。";
            return Err(fields.wrong("stream_options", ja, "it needs 'stream' to be true"));
        }
        Some(options) => {
            options.only(&["include_usage", "include_obfuscation"])?;
            options.flag("include_usage")?.unwrap_or(false)
        }
    };
    let model = fields.required_text("model")?.to_owned();
    Ok(Job { model, stream, include_usage, task })
}

/// Parameters of the real API that this server does not act on are accepted at the value that
/// means "off", and refused otherwise.
fn refuse_what_is_not_done(fields: &Fields<'_>) -> Result<(), Problem> {
    let is_off = |name: &str, value: &Value| match name {
        "n" | "best_of" => *value == 1,
        "presence_penalty" | "frequency_penalty" | "top_logprobs" => value.as_f64() == Some(0.0),
        "logprobs" | "echo" => *value == false,
        "tool_choice" | "function_call" => *value == "none" || *value == "auto",
        "response_format" => value.get("type").is_some_and(|kind| kind == "text"),
        "modalities" => value.as_array().is_some_and(|list| list.iter().all(|each| each == "text")),
        "suffix" => *value == "",
        "tools" | "functions" => value.as_array().is_some_and(Vec::is_empty),
        "logit_bias" => value.as_object().is_some_and(Map::is_empty),
        "audio" | "prediction" | "web_search_options" => false,
        _ => true,
    };
    let names = COMMON.iter().chain(&CHAT_ONLY).chain(&COMPLETION_ONLY);
    let refused =
        names.copied().find(|name| fields.get(name).is_some_and(|value| !is_off(name, value)));
    refused.map_or(Ok(()), |name| Err(Problem::Unsupported { name: name.to_owned() }))
}

fn sampling(fields: &Fields<'_>) -> Result<SamplingRequest, Problem> {
    Ok(SamplingRequest {
        temperature: fields.number("temperature", 0.0..=2.0)?,
        top_k: fields.count("top_k", 0..=1_000_000)?,
        top_p: fields.share("top_p")?,
        min_p: fields.number("min_p", 0.0..=1.0)?,
        repetition_penalty: fields.number("repetition_penalty", 0.1..=10.0)?,
        seed: fields.seed("seed")?,
    })
}

fn max_tokens(fields: &Fields<'_>) -> Result<Option<usize>, Problem> {
    fields.count("max_tokens", 1..=1_000_000)
}

/// A string or a list of up to four.
fn stop(fields: &Fields<'_>) -> Result<Vec<String>, Problem> {
    let stops = match fields.get("stop") {
        None => Vec::new(),
        Some(Value::String(stop)) => vec![stop.clone()],
        Some(Value::Array(_)) => fields.texts("stop")?.unwrap_or_default(),
        Some(_) => {
            let ja = "文字列か文字列の配列";
            return Err(fields.wrong_type("stop", ja, "a string or an array of strings"));
        }
    };
    if stops.len() > 4 || stops.iter().any(String::is_empty) {
        let ja = "空でない文字列を4つまで指定できます。";
        return Err(fields.wrong("stop", ja, "at most 4 strings, none of them empty"));
    }
    Ok(stops)
}

fn messages(fields: &Fields<'_>) -> Result<Vec<ChatTurn>, Problem> {
    let turns = match fields.get("messages") {
        None => return Err(fields.missing("messages")),
        Some(Value::Array(turns)) if !turns.is_empty() => turns,
        Some(_) => {
            let ja = "1件以上の配列";
            return Err(fields.wrong_type("messages", ja, "a non-empty array"));
        }
    };
    turns.iter().enumerate().map(|(at, turn)| message(at, turn)).collect()
}

fn message(at: usize, turn: &Value) -> Result<ChatTurn, Problem> {
    let wrong = |part: &str, ja: &str, en: &str| {
        Problem::parameter(&format!("messages[{at}]{part}"), ja, en)
    };
    let Value::Object(turn) = turn else {
        return Err(wrong("", "オブジェクトで指定してください。", "it must be an object"));
    };
    let role = match turn.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => "system",
        Some("user") => "user",
        Some("assistant") => "assistant",
        Some("tool" | "function") => {
            return Err(Problem::Unsupported { name: format!("messages[{at}].role") });
        }
        _ => {
            let en = "it must be 'system', 'developer', 'user' or 'assistant'";
            let ja = "system、developer、user、assistantのどれかにしてください。";
            return Err(wrong(".role", ja, en));
        }
    };
    if turn
        .get("tool_calls")
        .is_some_and(|calls| !calls.is_null() && *calls != Value::Array(vec![]))
    {
        return Err(Problem::Unsupported { name: format!("messages[{at}].tool_calls") });
    }
    let content = match turn.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => text_parts(at, parts)?,
        None | Some(Value::Null) if role == "assistant" => String::new(),
        None | Some(Value::Null) => {
            return Err(wrong(".content", "指定してください。", "it is required"));
        }
        Some(_) => {
            let en = "it must be a string or an array of text parts";
            return Err(wrong(".content", "文字列で指定してください。", en));
        }
    };
    Ok(ChatTurn { role: role.to_owned(), content })
}

fn text_parts(at: usize, parts: &[Value]) -> Result<String, Problem> {
    let text = |(index, part): (usize, &Value)| {
        let is_text = part.get("type").is_some_and(|kind| kind == "text");
        let text = part.get("text").and_then(Value::as_str).filter(|_| is_text);
        let name = || format!("messages[{at}].content[{index}]");
        text.map(str::to_owned).ok_or_else(|| {
            let en = "only parts of type 'text' are supported";
            Problem::parameter(&name(), "textだけに対応しています。", en)
        })
    };
    let texts: Result<Vec<_>, _> = parts.iter().enumerate().map(text).collect();
    Ok(texts?.join("\n"))
}

/// The extension `"kura": {"datasets": ["id", …] | "all"}`, with the other fields of a choice.
fn grounding(fields: &Fields<'_>) -> Result<Option<Selection>, Problem> {
    let Some(kura) = fields.object("kura", "kura.")? else {
        return Ok(None);
    };
    kura.only(&choosing::FIELDS)?;
    let datasets = match kura.get("datasets") {
        None => return Err(kura.missing("datasets")),
        Some(Value::String(all)) if all == "all" => None,
        Some(Value::Array(_)) => kura.datasets()?,
        Some(_) => {
            let en = "an array of data set ids, or the string 'all'";
            return Err(kura.wrong_type("datasets", "idの配列か\"all\"", en));
        }
    };
    choosing::with_datasets(&kura, datasets).map(Some)
}

fn grounded(
    fields: &Fields<'_>,
    turns: &[ChatTurn],
    selection: Selection,
) -> Result<AnswerRequest, Problem> {
    if fields.get("stop").is_some() {
        let ja = "kura.datasetsと一緒には使えません。";
        return Err(fields.wrong("stop", ja, "it cannot be used together with 'kura.datasets'"));
    }
    let last = turns.last().filter(|turn| turn.role == "user" && !turn.content.trim().is_empty());
    let Some(last) = last else {
        let ja = "最後は、利用者の空でない発言にしてください。";
        return Err(fields.wrong("messages", ja, "the last one must be a user's, and not empty"));
    };
    let question = api::question("messages", &last.content)?;
    Ok(AnswerRequest { question, selection, ..AnswerRequest::default() })
}

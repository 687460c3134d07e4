use super::*;

fn system_and_user() -> [ChatMessage; 2] {
    [ChatMessage::new("system", "日本語で答える。"), ChatMessage::new("user", "手数料は？")]
}

fn turns() -> [ChatMessage; 4] {
    let [system, user] = system_and_user();
    let assistant = ChatMessage::new("assistant", "<think>\n調べる\n</think>\n\n300円です。");
    [system, user, assistant, ChatMessage::new("user", "免除は？")]
}

/// A template of a well-known model, where the shared folder is at hand.
fn published(file: &str, bos: &str) -> Option<ChatTemplate> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/chat_templates");
    match std::fs::read_to_string(format!("{folder}/{file}")) {
        Ok(source) => Some(ChatTemplate::new(&source, bos, "").unwrap()),
        Err(_) => {
            println!("skipped: {file} is not here");
            None
        }
    }
}

fn render(template: &ChatTemplate, messages: &[ChatMessage]) -> String {
    template.render(messages, RenderOptions::default()).unwrap()
}

fn small(source: &str) -> Result<String, TemplateError> {
    let template = ChatTemplate::new(source, "<s>", "</s>")?;
    template.render(&system_and_user(), RenderOptions::default())
}

#[test]
fn chatml_without_a_template() {
    let template = ChatTemplate::chatml().unwrap();
    let expected = "<|im_start|>system\n日本語で答える。<|im_end|>\n\
                    <|im_start|>user\n手数料は？<|im_end|>\n";
    assert_eq!(render(&template, &system_and_user()), format!("{expected}<|im_start|>assistant\n"));
    let options = RenderOptions { add_generation_prompt: false, ..RenderOptions::default() };
    assert_eq!(template.render(&system_and_user(), options).unwrap(), expected);
}

#[test]
fn qwen2_5() {
    let Some(template) = published("Qwen-Qwen2.5-7B-Instruct.jinja", "") else {
        return;
    };
    assert_eq!(
        render(&template, &system_and_user()),
        "<|im_start|>system\n日本語で答える。<|im_end|>\n<|im_start|>user\n手数料は？<|im_end|>\n\
         <|im_start|>assistant\n"
    );
    assert_eq!(
        render(&template, &system_and_user()[1..]),
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.\
         <|im_end|>\n<|im_start|>user\n手数料は？<|im_end|>\n<|im_start|>assistant\n"
    );
}

#[test]
fn qwen3_drops_old_thoughts() {
    let Some(template) = published("Qwen-Qwen3-0.6B.jinja", "") else {
        return;
    };
    let conversation = "<|im_start|>system\n日本語で答える。<|im_end|>\n\
         <|im_start|>user\n手数料は？<|im_end|>\n<|im_start|>assistant\n300円です。<|im_end|>\n\
         <|im_start|>user\n免除は？<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(render(&template, &turns()), format!("{conversation}<think>\n\n</think>\n\n"));
    let thinking = RenderOptions { enable_thinking: true, ..RenderOptions::default() };
    assert_eq!(template.render(&turns(), thinking).unwrap(), conversation);
}

#[test]
fn lfm2_5() {
    let Some(template) = published("LFM2.5-Instruct.jinja", "<|startoftext|>") else {
        return;
    };
    assert_eq!(
        render(&template, &system_and_user()),
        "<|startoftext|><|im_start|>system\n日本語で答える。<|im_end|>\n\
         <|im_start|>user\n手数料は？<|im_end|>\n<|im_start|>assistant\n"
    );
}

#[test]
fn gemma_refuses_a_system_message() {
    let Some(template) = published("google-gemma-2-2b-it.jinja", "<bos>") else {
        return;
    };
    assert_eq!(
        render(&template, &turns()[1..]),
        "<bos><start_of_turn>user\n手数料は？<end_of_turn>\n\
         <start_of_turn>model\n<think>\n調べる\n</think>\n\n300円です。<end_of_turn>\n\
         <start_of_turn>user\n免除は？<end_of_turn>\n<start_of_turn>model\n"
    );
    let refused = template.render(&system_and_user(), RenderOptions::default()).unwrap_err();
    assert!(matches!(&refused, TemplateError::Refused(why) if why == "System role not supported"));
}

#[test]
fn llama3_2_writes_the_date() {
    let Some(template) = published("meta-llama-Llama-3.2-3B-Instruct.jinja", "<|begin_of_text|>")
    else {
        return;
    };
    let today = || jiff::ZonedDateTime::now().strftime("%d %b %Y").to_string();
    let before = today();
    let rendered = render(&template, &system_and_user());
    let expected = |date: &str| {
        format!(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n\
             Cutting Knowledge Date: December 2023\nToday Date: {date}\n\n\
             日本語で答える。<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n\
             手数料は？<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
        )
    };
    assert!([before, today()].iter().any(|date| rendered == expected(date)), "{rendered}");
}

#[test]
fn blocks_are_trimmed_as_hugging_face_does() {
    let source = "{% for message in messages %}\n  {% if loop.first %}\nA{{ bos_token }}\n  \
                  {% endif %}\n{% endfor %}\n{{ eos_token }}\n";
    assert_eq!(small(source).unwrap(), "A<s>\n</s>");
}

#[test]
fn python_methods_and_json() {
    let check = |source: &str, expected: &str| {
        assert_eq!(small(source).unwrap(), expected, "{source}");
    };
    check("{{ messages[0].content.split('語')[-1].strip('。') }}", "で答える");
    check("{{ messages[-1]['role'].upper() }}{{ messages[::-1][0].role }}", "USERuser");
    check("{{ [1, {'a': '<蔵>'}] | tojson }}", r#"[1, {"a": "<蔵>"}]"#);
    check("{{ {'a': [1]} | tojson(indent=2) }}", "{\n  \"a\": [\n    1\n  ]\n}");
    check("{{ missing }}{{ missing is defined }}", "False");
    check(
        "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}x{% endfor %}",
        "x",
    );
}

#[test]
fn hostile_templates_are_stopped() {
    let loops = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}";
    for source in [
        loops,
        "{{ 'x' * 1000000000000 }}",
        "{% set n = namespace(s='x') %}{% for a in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% include 'other' %}",
        "{{ strftime_now('%!') }}",
        "{{ 1 / 0 }}",
        "{{ messages.nothing() }}",
    ] {
        let error = small(source).unwrap_err();
        assert!(matches!(error, TemplateError::Render(_)), "{source}: {error}");
    }
    for source in ["{% if %}", "{{", "{% for %}{% endfor %}", &"(".repeat(100_000)[..]] {
        let source = if source.starts_with('(') { format!("{{{{ {source}") } else { source.into() };
        assert!(matches!(small(&source).unwrap_err(), TemplateError::Syntax(_)));
    }
    let long = "x".repeat(SOURCE_BYTES_MAX + 1);
    assert!(matches!(small(&long).unwrap_err(), TemplateError::TooLong(_)));
}

//! All conversations of a person as one text, to be read in any editor.

use std::fmt::Write;

use super::super::people::local_time;
use super::Kept;
use crate::store::{Conversation, Turn};

/// Conversations with their turns, under the name of whom they belong to.
pub(crate) fn talks_text(name: &str, whole: &[(Conversation, Vec<Turn>)]) -> String {
    // So that old editors on Windows read it as UTF-8.
    let mut out = String::from("\u{feff}");
    let now = local_time(&crate::store::now());
    // Writing to a String cannot fail.
    let _ = writeln!(out, "kuraの会話　{name}\n書き出した日時：{now}\n会話：{}件", whole.len());
    let _ = writeln!(out, "回答はAIが作成しています。使うときは、必ず出典を確かめてください。");
    for (conversation, turns) in whole {
        let (title, begun) = (&conversation.title, local_time(&conversation.created_at));
        let _ = writeln!(out, "\n========================================");
        let _ = writeln!(out, "{title}\n始めた日時：{begun}");
        for turn in turns {
            write_turn(&mut out, turn);
        }
    }
    out.replace('\n', "\r\n")
}

fn write_turn(out: &mut String, turn: &Turn) {
    let kept = Kept::of(turn);
    let asked = local_time(&turn.asked_at);
    let _ = writeln!(out, "\n----------------------------------------");
    let _ = writeln!(out, "【質問】{asked}\n{}\n", turn.question);
    let _ = writeln!(out, "【回答】{}\n{}", kept.kind(), turn.answer);
    for note in kept.notes() {
        let _ = writeln!(out, "※{note}");
    }
    let sources = kept.shown_sources();
    if !sources.is_empty() {
        let _ = writeln!(out, "\n【出典】");
    }
    for source in sources {
        let (number, citation, dataset) = (source.number, &source.citation, &source.dataset);
        let unused = if source.cited { "" } else { "（回答では未使用）" };
        let _ = writeln!(out, "[{number}] {citation}{unused}");
        let _ = writeln!(out, "    {}　版 {}", dataset.title, dataset.edition);
    }
    let made = kept.made();
    if !made.is_empty() {
        let _ = writeln!(out, "\n【生成情報】");
    }
    for (name, value) in made {
        let _ = writeln!(out, "{name}：{value}");
    }
}

//! Files in a conversation: the part of the desk that takes and lists them.

use super::people::local_time;
use crate::answer::UploadContent;
use crate::web::uploads::{Attached, UploadsDesk};

/// Lines of what was not read that are shown; the rest is counted.
const UNREAD_SHOWN: usize = 5;

/// What the template shows.
#[derive(Default)]
pub(super) struct UploadsPart {
    pub(super) conversation: String,
    pub(super) hours: u32,
    pub(super) mebibytes: usize,
    pub(super) rows: Vec<UploadRow>,
    pub(super) uses: Vec<Use>,
}

/// A file.
pub(super) struct UploadRow {
    pub(super) id: String,
    pub(super) name: String,
    /// 「12か所、3.4 KB」
    pub(super) facts: String,
    /// When it is deleted by itself.
    pub(super) until: String,
    pub(super) expires_at: String,
    pub(super) notes: Vec<String>,
}

/// A way to use the files for a question.
pub(super) struct Use {
    pub(super) value: &'static str,
    pub(super) label: &'static str,
    pub(super) chosen: bool,
}

/// The part of the desk.
pub(super) fn uploads_part(desk: &UploadsDesk) -> UploadsPart {
    let uses = [
        ("with", "この資料とデータセットの両方から答える"),
        ("only", "この資料だけから答える"),
        ("without", "この資料を使わない"),
    ];
    let is = |value: &str| match desk.chosen.as_str() {
        "" => value == "with",
        chosen => value == chosen,
    };
    UploadsPart {
        conversation: desk.conversation.clone(),
        hours: desk.hours,
        mebibytes: desk.bytes_max >> 20,
        rows: desk.rows.iter().map(row).collect(),
        uses: uses.map(|(value, label)| Use { value, label, chosen: is(value) }).into(),
    }
}

fn row(attached: &Attached) -> UploadRow {
    let content = &attached.content;
    UploadRow {
        id: attached.id.clone(),
        name: content.name.clone(),
        facts: format!("{}か所を読み取りました（{}）", content.passages, size(content.bytes)),
        until: local_time(&attached.expires_at),
        expires_at: attached.expires_at.clone(),
        notes: attached.notes.clone(),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes}バイト"),
        1_000..1_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// What a person has to know of a file before asking about it.
pub(crate) fn upload_notes(content: &UploadContent) -> Vec<String> {
    let mut notes = Vec::new();
    let unread = &content.unread;
    if !unread.is_empty() {
        let shown = unread.iter().take(UNREAD_SHOWN).map(String::as_str).collect::<Vec<_>>();
        let more = unread.len().saturating_sub(UNREAD_SHOWN);
        let more = if more > 0 { format!(" ほか{more}件。") } else { String::new() };
        notes.push(format!(
            "読み取れなかった部分（{}件）：{}{more}",
            unread.len(),
            shown.join(" ")
        ));
    }
    let counted = |kinds: &[(String, usize)]| {
        let each = kinds.iter().map(|(kind, count)| format!("{kind} {count}件"));
        each.collect::<Vec<_>>().join("、")
    };
    let (masked, seen): (Vec<_>, Vec<_>) =
        content.personal.iter().cloned().partition(|(kind, _)| content.masked.contains(kind));
    if !masked.is_empty() {
        notes.push(format!("個人情報を伏せて読み取りました：{}。", counted(&masked)));
    }
    if !seen.is_empty() {
        notes.push(format!(
            "個人情報が含まれています：{}。必要がなければ、削除して、その部分を除いたファイルを使ってください。",
            counted(&seen)
        ));
    }
    if content.instructions > 0 {
        notes.push(format!(
            "AIへの指示のような文が{}か所にあります。その文は、AIには渡しません。",
            content.instructions
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> UploadContent {
        UploadContent {
            name: "会議資料.docx".to_owned(),
            bytes: 3_400,
            blake3: "ab".repeat(32),
            day: jiff::civil::date(2026, 4, 1),
            passages: 12,
            characters: 4_000,
            unread: Vec::new(),
            personal: Vec::new(),
            masked: Vec::new(),
            instructions: 0,
        }
    }

    #[test]
    fn a_plain_file_needs_no_word() {
        assert!(upload_notes(&content()).is_empty());
    }

    #[test]
    fn what_is_not_read_masked_or_suspicious_is_said() {
        let many = UploadContent {
            unread: (1..=7).map(|page| format!("{page}ページは画像だけです。")).collect(),
            personal: vec![("氏名".to_owned(), 2), ("電話番号".to_owned(), 1)],
            masked: vec!["氏名".to_owned()],
            instructions: 1,
            ..content()
        };
        let notes = upload_notes(&many);
        assert_eq!(notes.len(), 4);
        assert!(notes[0].contains("7件") && notes[0].ends_with("ほか2件。"), "{}", notes[0]);
        assert!(notes[1].contains("伏せて読み取りました：氏名 2件"), "{}", notes[1]);
        assert!(notes[2].contains("電話番号 1件"), "{}", notes[2]);
    }
}

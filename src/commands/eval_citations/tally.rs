//! The counts over all answers.

use serde::Serialize;

use crate::answer::evaluation::grounds::Seen;
use crate::answer::{AnswerKind, AnswerSummary, CitationCounts};

/// Examples of what failed that are printed.
const EXAMPLES: usize = 10;

/// What came of all questions in one mode.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    answers: usize,
    /// Written by the model, and 該当なし.
    generated: usize,
    not_found: usize,
    /// Citations shown, and those of them that do not hold.
    citations: usize,
    citations_failing: usize,
    /// Quotations shown, and those of them that are in no source.
    quotations: usize,
    misquoted: usize,
    /// What the product's own check did.
    checked: usize,
    requoted: usize,
    renumbered: usize,
    removed_not_given: usize,
    removed_misquoted: usize,
    removed_misnamed: usize,
    unconfirmed: usize,
    tokens: usize,
    /// Tokens a second after the first token of each answer.
    tokens_per_s: f64,
    #[serde(skip)]
    seconds: f64,
    /// What failed, and in the answer to which question.
    pub(super) examples: Vec<String>,
}

impl Tally {
    pub(super) fn add(&mut self, question: &str, seen: &Seen, summary: &AnswerSummary) {
        self.answers += 1;
        self.generated += usize::from(summary.kind == AnswerKind::Generated);
        self.not_found += usize::from(summary.kind == AnswerKind::NotFound);
        self.citations += seen.citations;
        self.citations_failing += seen.failing.len();
        self.quotations += seen.quotations;
        self.misquoted += seen.misquoted.len();
        let CitationCounts {
            checked,
            requoted,
            renumbered,
            removed_not_given,
            removed_misquoted,
            removed_misnamed,
            unconfirmed,
        } = summary.citation_check;
        self.checked += checked;
        self.requoted += requoted;
        self.renumbered += renumbered;
        self.removed_not_given += removed_not_given;
        self.removed_misquoted += removed_misquoted;
        self.removed_misnamed += removed_misnamed;
        self.unconfirmed += unconfirmed;
        let usage = &summary.usage;
        if usage.completion_tokens > 1 {
            self.tokens += usage.completion_tokens - 1;
            self.seconds += (usage.total_ms - usage.first_token_ms).max(0.0) / 1e3;
            self.tokens_per_s = self.tokens as f64 / self.seconds.max(1e-9);
        }
        let wrong = seen.failing.iter().chain(&seen.misquoted);
        let left = EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(wrong.take(left).map(|why| format!("{question} → {why}")));
    }

    /// Name of each figure in both languages, and the figure.
    pub(super) fn rows(&self) -> [(&'static str, &'static str, String); 9] {
        let share = |right: usize, of: usize| match of {
            0 => "– (0/0)".to_owned(),
            _ => format!("{:.1}% ({right}/{of})", right as f64 * 100.0 / of as f64),
        };
        let verbatim = self.quotations - self.misquoted;
        let removed = self.removed_not_given + self.removed_misquoted + self.removed_misnamed;
        [
            (
                "回答（うちAIが作成／該当なし）",
                "answers (written / not found)",
                format!("{} ({} / {})", self.answers, self.generated, self.not_found),
            ),
            ("表示された出典", "citations shown", self.citations.to_string()),
            (
                "うち検査に合わないもの",
                "of these failing the check",
                self.citations_failing.to_string(),
            ),
            ("原文どおりの引用", "quotations verbatim", share(verbatim, self.quotations)),
            ("製品が確かめた出典番号", "numbers checked", self.checked.to_string()),
            (
                "直したもの（引用／番号）",
                "repaired (quotation / number)",
                format!("{} / {}", self.requoted, self.renumbered),
            ),
            (
                "除いたもの（資料外／引用違い／条違い）",
                "removed (not given / misquoted / misnamed)",
                format!(
                    "{removed} ({} / {} / {})",
                    self.removed_not_given, self.removed_misquoted, self.removed_misnamed
                ),
            ),
            ("根拠未確認の文", "sentences unconfirmed", self.unconfirmed.to_string()),
            ("速さ（トークン毎秒）", "tokens/s", format!("{:.1}", self.tokens_per_s)),
        ]
    }
}

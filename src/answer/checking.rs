//! Checked citations: what an answer cites is what it was given, and says what it is said to say.
//!
//! A citation `[n]` is shown where passage n was given with the question; where the quotations
//! before it (since the citation before, in the same sentence) stand in the passage character for
//! character, but for width and blanks; and where the laws and articles that its part of the
//! sentence names are the passage's own or named in it. With several numbers, `[1][2]`, each
//! quotation and each name needs one of them. What fails is mended where the passages leave no
//! doubt: a quotation that is nearly a run of a passage becomes that run ([`requote`]); a number
//! becomes that of the only passage given that holds the quotation, or that is the article. Else
//! the citation is taken out, and the sentence ends with [`MARK`]; so does one whose quotation
//! stands in no passage.
//!
//! A text in 「」 of less than [`SHORTEST`](super::quotes::SHORTEST) characters is a word, not a
//! quotation: it is shown as it comes and not mended. But where it is a figure, some passage that
//! was given must have it, or the question, or the citation is taken out. A quotation may also be
//! of a passage's name, under which it was given.
//!
//! [`CitationCheck`] does this while the text streams: words are shown as they come, quotations
//! and citations when their sentence has ended, so that nothing shown is ever taken back.

mod audit;
mod evidence;
mod figures;
mod folded;
mod requote;
mod sentence;
mod stream;

use super::types::CitationCounts;

pub(super) use audit::audit;
pub(super) use evidence::Evidence;
pub(super) use stream::CitationCheck;

/// Stands behind a sentence whose grounds could not be confirmed. The page shows it as a label;
/// everywhere else it is part of the text.
pub const MARK: &str = "（根拠未確認）";

/// A sentence as it is told again after somebody worked on the text around it.
fn bare_sentence(sentence: &str) -> String {
    super::quotes::bare(sentence)
}

/// What the reader is told of the check, beside the answer.
pub(super) fn notes(counts: CitationCounts) -> Vec<String> {
    let mut notes = Vec::new();
    if counts.unconfirmed > 0 {
        notes.push(format!(
            "「根拠未確認」と表示した文が{}件あります。資料で根拠を確かめられなかった文です。原文に当たって確かめてください。",
            counts.unconfirmed
        ));
    }
    if counts.repaired() > 0 {
        notes.push(format!(
            "資料と一致しなかった引用や出典番号を{}件、原文に合わせて直しました。",
            counts.repaired()
        ));
    }
    notes
}

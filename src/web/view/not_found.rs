//! What stands beside 該当なし on a page that was asked for without script.

use super::japanese_date;
use crate::answer::{NotFound, NotFoundBy, Source};

/// The words of the block.
pub(super) struct NotFoundPart {
    pub(super) searched: String,
    pub(super) steps: Vec<String>,
    pub(super) measured: String,
    pub(super) nearest: Vec<Near>,
}

/// A passage for reference.
pub(super) struct Near {
    pub(super) citation: String,
    pub(super) text: String,
    pub(super) dataset: String,
    pub(super) as_of: String,
    pub(super) place: String,
}

/// Puts it into the words of the interface; `not_found.js` has the same for the page with script.
pub(super) fn not_found_part(none: &NotFound) -> NotFoundPart {
    let searched = none
        .searched
        .iter()
        .map(|dataset| format!("{}（基準日 {}）", dataset.title, japanese_date(dataset.as_of)));
    NotFoundPart {
        searched: searched.collect::<Vec<_>>().join("、"),
        steps: steps(none),
        measured: none.measured.clone(),
        nearest: none.nearest.iter().map(near).collect(),
    }
}

fn steps(none: &NotFound) -> Vec<String> {
    let mut steps = vec![
        "別の言葉や、制度の正式な名前で聞き直してください。".to_owned(),
        "法令や条例は、「手数料条例第5条」のように名前と条番号で聞けます。".to_owned(),
    ];
    if !none.others.is_empty() {
        let others = none.others.iter().map(|title| format!("「{title}」"));
        let others = others.collect::<Vec<_>>().join("、");
        steps.push(format!(
            "今回調べていないデータセットがあります：{others}。選んで聞き直せます。"
        ));
    }
    if none.by == NotFoundBy::Model {
        steps.push(
            "資料は見つかりましたが、AIは答えがないと判断しました。資料の本文も確かめてください。"
                .to_owned(),
        );
    }
    steps.push(
        "それでも見つからないときは、担当課に確かめてください。必要な資料が登録されていないときは、情報担当者に知らせてください。"
            .to_owned(),
    );
    steps
}

fn near(source: &Source) -> Near {
    let (path, place) = (&source.passage.path, source.passage.locator.label());
    Near {
        citation: source.citation.clone(),
        text: source.passage.text.clone(),
        dataset: source.dataset.title.clone(),
        as_of: japanese_date(source.passage.as_of),
        place: if place.is_empty() { path.clone() } else { format!("{path}（{place}）") },
    }
}

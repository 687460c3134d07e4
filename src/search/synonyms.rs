//! Words that people ask with, and those that documents have for the same thing.

use std::ops::Range;

/// A word of a question, and what may stand for it. One-sided where the reverse is not meant: who
/// asks for 転入 does not ask for 転出.
const TABLE: &[(&str, &[&str])] = &[
    ("議事録", &["会議録"]),
    ("会議録", &["議事録"]),
    ("公文書", &["行政文書", "文書"]),
    ("行政文書", &["公文書", "文書"]),
    ("燃える", &["燃やす", "燃やせる", "可燃"]),
    ("可燃", &["燃やす", "燃やせる", "燃える"]),
    ("燃えない", &["燃やさない", "燃やせない", "不燃"]),
    ("不燃", &["燃やさない", "燃やせない", "燃えない"]),
    ("引っ越し", &["引越し", "転入", "転居", "転出"]),
    ("引越し", &["引っ越し", "転入", "転居", "転出"]),
    ("取り壊し", &["除却", "解体"]),
    ("解体", &["除却", "取り壊し"]),
    ("マイナンバーカード", &["個人番号カード"]),
    ("個人番号カード", &["マイナンバーカード"]),
    ("国保", &["国民健康保険"]),
    ("保育園", &["保育所"]),
    ("保育所", &["保育園"]),
    ("お年寄り", &["高齢者"]),
    ("老人", &["高齢者"]),
    ("障がい", &["障害"]),
    ("障害", &["障がい"]),
    ("子ども", &["子供", "こども"]),
    ("子供", &["子ども", "こども"]),
    ("補助金", &["助成金"]),
    ("助成金", &["補助金"]),
    ("料金", &["使用料", "利用料", "手数料"]),
    ("値段", &["料金", "使用料", "手数料"]),
    ("締め切り", &["締切", "期限"]),
    ("営業時間", &["受付時間", "開庁時間", "開館時間"]),
    ("定休日", &["休館日", "休業日"]),
    ("印鑑証明", &["印鑑登録証明書"]),
    ("戸籍謄本", &["戸籍全部事項証明書"]),
    ("戸籍抄本", &["戸籍個人事項証明書"]),
    ("駐輪場", &["自転車駐車場"]),
    ("なくした", &["紛失"]),
    ("クレーム", &["苦情"]),
    ("仮ナンバー", &["臨時運行許可"]),
    // Everyday words, and the ones that offices write.
    ("赤ちゃん", &["乳児", "乳幼児", "出生"]),
    ("生まれ", &["出生"]),
    ("亡くな", &["死亡", "葬祭"]),
    ("死ん", &["死亡", "死骸"]),
    ("捨て", &["廃棄", "排出"]),
    ("無くし", &["紛失", "亡失"]),
    ("失くし", &["紛失", "亡失"]),
    ("落とし", &["紛失", "遺失"]),
    ("代わり", &["代理人"]),
    ("家族", &["世帯", "親族"]),
    ("妻", &["配偶者"]),
    ("壊し", &["除却", "解体"]),
    ("お金", &["費用", "料金", "手数料"]),
    ("有料", &["無料", "料金", "手数料"]),
    ("払う", &["納付", "支払"]),
    ("払え", &["納付", "支払"]),
    ("払い", &["納付", "支払"]),
    ("返って", &["還付"]),
    ("再発行", &["再交付"]),
    ("作り直", &["再交付"]),
    ("貰え", &["支給", "交付"]),
    ("もらえ", &["支給", "交付", "受ける"]),
    ("借り", &["使用料", "貸付"]),
    ("限度", &["上限"]),
    ("退職", &["やめた"]),
    ("辞め", &["やめた", "退職"]),
    ("罰則", &["罰金", "過料"]),
    ("ホームページ", &["ウェブサイト", "インターネット"]),
    ("ごみ袋", &["指定袋"]),
    ("ゴミ袋", &["指定袋"]),
    ("蛍光管", &["蛍光灯"]),
    ("電話番号", &["電話", "内線"]),
];

/// A word of a question that has others beside it.
pub(super) struct Synonyms {
    /// Bytes of the folded question.
    pub(super) range: Range<usize>,
    /// The other words for it, folded.
    pub(super) others: &'static [&'static str],
}

/// Finds the words of the table in a folded question, each where it comes first.
pub(super) fn find(folded: &str) -> Vec<Synonyms> {
    let found = TABLE.iter().filter_map(|(word, others)| {
        let at = folded.find(word)?;
        Some(Synonyms { range: at..at + word.len(), others })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::fold;

    #[test]
    fn other_words_for_the_same() {
        let found = find("議事録の公文書としての保存");
        let others: Vec<_> = found.iter().map(|found| found.others).collect();
        assert_eq!(others, [["会議録"].as_slice(), &["行政文書", "文書"]]);
        assert_eq!(found[0].range, 0..9);
        assert!(find("転入届").is_empty());
    }

    #[test]
    fn the_table_is_folded() {
        for (word, others) in TABLE {
            for word in others.iter().chain([word]) {
                assert_eq!(fold(word), *word);
            }
        }
    }
}

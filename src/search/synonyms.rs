//! Words that residents and documents use for the same thing, asked for beside each other.

/// Each line means the same, or nearly so, at a town hall's counter.
const GROUPS: &[&[&str]] = &[
    &["議事録", "会議録"],
    &["公文書", "行政文書", "文書"],
    &["燃える", "燃やす", "燃やせる", "可燃"],
    &["燃えない", "燃やさない", "燃やせない", "不燃"],
    &["引っ越し", "引越し", "転居", "転入", "転出"],
    &["取り壊し", "取壊し", "解体", "除却"],
    &["マイナンバーカード", "個人番号カード"],
    &["マイナンバー", "個人番号"],
    &["国保", "国民健康保険"],
    &["後期高齢", "後期高齢者医療"],
    &["保育園", "保育所"],
    &["老人", "高齢者", "お年寄り"],
    &["障がい", "障害"],
    &["子ども", "子供", "こども"],
    &["補助金", "助成金", "補助", "助成"],
    &["料金", "使用料", "利用料", "手数料"],
    &["値段", "金額", "料金", "手数料"],
    &["締め切り", "締切", "期限"],
    &["営業時間", "受付時間", "開庁時間", "開館時間"],
    &["定休日", "休館日", "休業日"],
    &["印鑑証明", "印鑑登録証明書"],
    &["戸籍謄本", "戸籍全部事項証明書"],
    &["戸籍抄本", "戸籍個人事項証明書"],
    &["駐輪場", "自転車駐車場"],
    &["広報紙", "広報誌"],
    &["なくした", "失くした", "紛失"],
    &["クレーム", "苦情"],
    &["仮ナンバー", "臨時運行許可"],
];

/// A word of a question that has others beside it.
pub(super) struct Synonyms {
    /// Bytes of the folded question.
    pub(super) range: std::ops::Range<usize>,
    /// The other words for it, folded.
    pub(super) others: Vec<&'static str>,
}

/// Finds the words of the table in a folded question; of a line, the longest that is there.
pub(super) fn find(folded: &str) -> Vec<Synonyms> {
    let mut found = Vec::new();
    for group in GROUPS {
        let present = group.iter().filter_map(|word| Some((folded.find(word)?, *word)));
        let Some((at, word)) = present.max_by_key(|(_, word)| word.len()) else { continue };
        let others = group.iter().copied().filter(|other| *other != word).collect();
        found.push(Synonyms { range: at..at + word.len(), others });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::fold;

    #[test]
    fn other_words_for_the_same() {
        let found = find("議事録の公文書としての保存");
        let others: Vec<_> = found.iter().map(|found| found.others.as_slice()).collect();
        assert_eq!(others, [["会議録"].as_slice(), &["行政文書", "文書"]]);
        assert_eq!(found[0].range, 0..9);
        assert!(find("転入届").is_empty());
    }

    #[test]
    fn the_table_is_folded() {
        for word in GROUPS.iter().copied().flatten() {
            assert_eq!(fold(word), *word);
        }
    }
}

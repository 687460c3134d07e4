use super::*;
use crate::answer::SourceTime;
use crate::document::{ArticleRef, Authority, DatasetIdentity, Locator, Passage, Validity};

/// A source numbered by its place.
fn source(number: usize, scope: Scope, authority: Authority, text: &str) -> Source {
    let passage = Passage {
        id: format!("{number}.txt#1"),
        path: format!("{number}.txt"),
        title: format!("資料{number}"),
        law_number: String::new(),
        abbreviations: Vec::new(),
        headings: Vec::new(),
        caption: String::new(),
        article: None::<ArticleRef>,
        locator: Locator::None,
        text: text.to_owned(),
        authority,
        scope,
        as_of: jiff::civil::date(2026, 4, 1),
        validity: Validity::default(),
    };
    Source {
        number,
        rank: number,
        dataset: DatasetIdentity {
            id: "town".to_owned(),
            title: "町".to_owned(),
            edition: "1".to_owned(),
            as_of: passage.as_of,
            stale: false,
        },
        citation: passage.citation(),
        scope_label: scope.label(),
        authority_label: authority.label(),
        time: SourceTime::default(),
        snippet: String::new(),
        highlights: Vec::new(),
        warnings: Vec::new(),
        passage,
    }
}

fn layers(question: &str, sources: &[Source]) -> Layers {
    Layers::of(question, &Relevance::plain(question), sources, None)
}

/// The marked words of each side of the first difference.
fn marked(question: &str, common: &str, local: &str) -> Option<[Vec<String>; 2]> {
    let sources = [
        source(1, Scope::Common, Authority::Circular, common),
        source(2, Scope::Local, Authority::Ordinance, local),
    ];
    let found = layers(question, &sources).differences;
    found.first().map(|difference| {
        assert!(difference.between_layers);
        difference
            .sides
            .each_ref()
            .map(|side| side.marks.iter().map(|mark| side.text[mark.clone()].to_owned()).collect())
    })
}

#[test]
fn other_values_are_a_difference() {
    for (question, common, local, expected) in [
        (
            "住民票の写しの手数料はいくらですか",
            "住民票の写しの交付手数料は、1通につき300円を標準とする。",
            "住民票の写しの交付手数料は、1通につき４００円とする。",
            ["300円", "４００円"],
        ),
        (
            "住民票の写しの手数料は高校生にもかかりますか",
            "住民票の写しの交付手数料は、1通につき300円を標準とする。",
            "高校生が請求する住民票の写しの手数料は、免除する。",
            ["300円", "免除する"],
        ),
        (
            "附属機関の会議録は何年保存しますか",
            "附属機関の会議録の保存期間は、十年とする。",
            "附属機関の会議録は、国の基準にかかわらず、30年間保存する。",
            ["十年", "30年間"],
        ),
        (
            "補助金の申請期限はいつですか",
            "補助金の申請は、令和8年4月1日までとする。",
            "補助金の申請は、2026年6月30日までとする。",
            ["令和8年4月1日", "2026年6月30日"],
        ),
        (
            "補助率は何割ですか",
            "補助率は、費用の3割とする。",
            "補助率は、費用の50%とする。",
            ["3割", "50%"],
        ),
        (
            "窓口の受付時間は何時までですか",
            "窓口の受付時間は、午前8時30分から午後5時15分までとする。",
            "窓口の受付時間は、午前8時30分から午後5時までです。",
            ["午後5時15分", "午後5時"],
        ),
        (
            "所有者の同意がなくても措置をとれますか",
            "措置をとるときは、所有者の同意を得るよう努めることが望ましい。",
            "所有者の同意を得ることなく、措置をとることができる。",
            ["努め", "ことなく"],
        ),
    ] {
        let expected = expected.map(|word| vec![word.to_owned()]);
        assert_eq!(marked(question, common, local), Some(expected), "{question}");
    }
}

#[test]
fn equal_values_in_another_writing_are_none() {
    for (question, common, local) in [
        ("手数料はいくらですか", "手数料は、三百円とする。", "手数料は、1通につき３００円です。"),
        ("手数料はいくらですか", "手数料は、1,000円とする。", "手数料は、千円とする。"),
        ("何日以内に届け出ますか", "十四日以内に届け出る。", "2週間以内に届け出てください。"),
        ("何年保存しますか", "保存期間は十年とする。", "10年間保存する。"),
        ("いつから施行しますか", "令和8年4月1日から施行する。", "2026年4月1日に施行します。"),
        ("補助率は何割ですか", "補助率は2分の1とする。", "補助率は50パーセントです。"),
        ("窓口は何時までですか", "窓口は17時15分までとする。", "窓口は午後5時15分までです。"),
        // One says more than the other.
        (
            "手数料はいくらですか",
            "手数料は、300円とする。",
            "手数料は、300円（窓口では350円）です。",
        ),
        // Numbers of what is not asked for.
        ("手数料はいくらですか", "手数料は300円、期限は14日。", "手数料は300円、期限は30日。"),
        // A duty and a permission stand side by side.
        ("届出の方法", "届出は、書面でしなければならない。", "届出は、郵送ですることができる。"),
        // Another matter.
        ("手数料はいくらですか", "手数料は、300円とする。", "この要綱は、令和8年から施行する。"),
    ] {
        assert_eq!(marked(question, common, local), None, "{question} {common} {local}");
    }
}

#[test]
fn sources_of_one_layer_are_compared_when_they_speak_of_one_thing() {
    let rule = "粗大ごみの処理手数料は、1点につき500円とし、粗大ごみ処理券により納付する。";
    let faq = "質問: 粗大ごみの処理手数料はいくらですか / 回答: 1点につき400円です。";
    let sources = [
        source(1, Scope::Local, Authority::Faq, faq),
        source(2, Scope::Local, Authority::Ordinance, rule),
    ];
    let found = layers("粗大ごみの処理手数料は1点いくらですか", &sources).differences;
    assert_eq!(found.len(), 1);
    assert!(!found[0].between_layers);
    // The rule comes before the FAQ, whatever their numbers.
    assert_eq!(found[0].sides.each_ref().map(|side| side.number), [2, 1]);
    assert!(found[0].message.contains("資料[2]と資料[1]"), "{}", found[0].message);
}

const FEE: &str = "住民票の写しの手数料は、1通につき300円とする。";
const FREE: &str = "住民票の写しの手数料は、高校生には免除する。";

#[test]
fn what_stands_on_one_layer_is_said() {
    let question = "住民票の写しの手数料は高校生にもかかりますか";
    let (common, local) = (
        source(1, Scope::Common, Authority::Circular, FEE),
        source(2, Scope::Local, Authority::Ordinance, FREE),
    );
    let note = |sources: &[Source], cited: &[usize]| {
        layers(question, sources).local_only(cited).unwrap_or_default()
    };
    let alone = note(std::slice::from_ref(&local), &[2]);
    assert!(alone.starts_with("本市独自の取扱いのみに基づく回答です。"), "{alone}");
    let both = [common, local];
    let exception = note(&both, &[2]);
    assert!(
        exception.contains("例外的な") && exception.contains("国の共通ルール[1]"),
        "{exception}"
    );
    assert_eq!(note(&both, &[1]), "");
    assert_eq!(note(&both, &[1, 2]), "");
    assert_eq!(note(&both, &[]), "");
}

#[test]
fn an_answer_is_cut_by_layer() {
    let sources = [
        source(1, Scope::Common, Authority::Circular, FEE),
        source(2, Scope::Local, Authority::Ordinance, FREE),
    ];
    let layers = layers("住民票の写しの手数料", &sources);
    let groups = |text: &str| -> Vec<(&'static str, String)> {
        let summary = layers.sum_up(AnswerKind::Generated, text, &[1, 2]);
        summary.groups.into_iter().map(|group| (group.label, group.text)).collect()
    };
    assert_eq!(groups("300円です。[1]"), []);
    assert_eq!(groups("どちらでもありません。"), []);
    assert_eq!(
        groups(
            "高校生は免除です。[2] 原則は「300円。」です。[1]次の点に注意します。二つ目[1][2]。"
        ),
        [
            ("国の共通ルール", "原則は「300円。」です。[1]".to_owned()),
            ("本市の取扱い", "高校生は免除です。[2]".to_owned()),
            ("両方に関わること", "次の点に注意します。二つ目[1][2]。".to_owned()),
        ]
    );
    assert_eq!(
        groups("300円です。[1]（根拠未確認）高校生は免除です。（根拠未確認）[2]"),
        [
            ("国の共通ルール", "300円です。[1]（根拠未確認）".to_owned()),
            ("本市の取扱い", "高校生は免除です。（根拠未確認）[2]".to_owned()),
        ]
    );
    assert_eq!(
        groups("「300円。」[1]\n「免除する。」[2]\nただし書きがあります。"),
        [
            ("国の共通ルール", "「300円。」[1]".to_owned()),
            ("本市の取扱い", "「免除する。」[2]\nただし書きがあります。".to_owned()),
        ]
    );
    let plain = layers.sum_up(AnswerKind::NotFound, "該当なし", &[]);
    assert_eq!(plain, LayerSummary::default());
}

#[test]
fn common_rules_that_were_not_looked_for_are_not_said_to_be_missing() {
    let sources = [source(1, Scope::Local, Authority::Ordinance, FREE)];
    let note = |scopes: Option<&[Scope]>| {
        let question = "手数料はいくらですか";
        let layers = Layers::of(question, &Relevance::plain(question), &sources, scopes);
        layers.local_only(&[1]).unwrap()
    };
    assert!(note(None).contains("見つかりませんでした"), "{}", note(None));
    let local = note(Some(&[Scope::Local]));
    assert!(local.contains("調べていません") && !local.contains("見つかりません"), "{local}");
}

//! Ordinances as towns write them, and documents that only mention articles.

use super::*;

const ORDINANCE: &str = "○桜市自転車駐車場条例\n（平成12年3月29日条例第10号）\n目次\n第１章　総則（第１条―第２条）\n\
第１章　総則\n（目的）\n第１条　この条例は、自転車駐車場に関し必要な事項を定める。\n\
（定義）\n第２条　この条例において「自転車」とは、次に掲げるものをいう。\n一　自転車\n二　原動機付自転車\n\
第三条の規定により行う場合を含む。\n\
２　前項の規定は、市長が別に定める。\n\
第２章　使用料\n第２条の２　使用料は、別表のとおりとする。\n\
第３条から第５条まで　削除\n（減免）\n第６条　市長は、使用料を減免することができる。\n\
附　則\n（施行期日）\n１　この条例は、平成12年4月1日から施行する。\n（経過措置）\n２　従前の例による。\n\
附則\n（令和５年３月20日条例第８号）\nこの条例は、令和５年４月１日から施行する。\n\
別表（第２条の２関係）\n自転車　100円";

fn section(text: &str) -> Section {
    Section { text: text.to_owned(), ..Section::default() }
}

fn shape(sections: &[Section]) -> Vec<(String, String, String)> {
    let shape = |s: &Section| {
        let label = s.article.as_ref().map(ArticleRef::label).unwrap_or_default();
        (s.headings.join(">"), format!("{label}|{}", s.caption), s.text.clone())
    };
    sections.iter().map(shape).collect()
}

fn check(found: &[Section], expected: &[(&str, &str, &str)]) {
    let found = shape(found);
    let found: Vec<_> =
        found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn an_ordinance_is_split() {
    let (found, ordinance) = split(vec![section(ORDINANCE)]);
    let ordinance = ordinance.unwrap();
    assert_eq!(ordinance.title.as_deref(), Some("桜市自転車駐車場条例"));
    assert_eq!(ordinance.number, "平成12年3月29日条例第10号");
    check(
        &found,
        &[
            (
                "",
                "|",
                "○桜市自転車駐車場条例\n（平成12年3月29日条例第10号）\n目次\n第１章　総則（第１条―第２条）",
            ),
            (
                "第１章　総則",
                "第一条|目的",
                "第１条　この条例は、自転車駐車場に関し必要な事項を定める。",
            ),
            (
                "第１章　総則",
                "第二条第一項|定義",
                "第２条　この条例において「自転車」とは、次に掲げるものをいう。\n一　自転車\n二　原動機付自転車\n第三条の規定により行う場合を含む。",
            ),
            ("第１章　総則", "第二条第二項|定義", "２　前項の規定は、市長が別に定める。"),
            ("第２章　使用料", "第二条の二|", "第２条の２　使用料は、別表のとおりとする。"),
            ("第２章　使用料", "第三条|", "第３条から第５条まで　削除"),
            ("第２章　使用料", "第六条|減免", "第６条　市長は、使用料を減免することができる。"),
            ("附則", "附則第一項|施行期日", "１　この条例は、平成12年4月1日から施行する。"),
            ("附則", "附則第二項|経過措置", "２　従前の例による。"),
            (
                "附則",
                "附則（令和５年３月20日条例第８号）|",
                "この条例は、令和５年４月１日から施行する。",
            ),
            ("別表（第２条の２関係）", "|", "自転車　100円"),
        ],
    );
}

#[test]
fn pages_headings_and_tables() {
    let page = |number: u32, text: &str| Section {
        locator: Locator::Pages { first: number, last: number },
        ..section(text)
    };
    let (found, _) = split(vec![
        page(1, "桜市規則\n第１条　この規則は、\n必要な事項を定める。\n第２条この規則は、"),
        page(2, "桜市に適用する。\n（委任）"),
        page(3, "第３条　市長が定める。"),
    ]);
    let places: Vec<_> = found.iter().map(|s| (s.locator.label(), s.text.as_str())).collect();
    assert_eq!(
        places[1..],
        [
            ("1ページ".to_owned(), "第１条　この規則は、\n必要な事項を定める。"),
            ("1ページ".to_owned(), "第２条この規則は、"),
            ("2ページ".to_owned(), "桜市に適用する。"),
            ("3ページ".to_owned(), "第３条　市長が定める。"),
        ]
    );
    assert_eq!(found[4].caption, "委任");
    let under = |headings: &[&str], text: &str, table: bool| Section {
        headings: headings.iter().map(|h| (*h).to_owned()).collect(),
        table,
        ..section(text)
    };
    let (found, ordinance) = split(vec![
        under(&["桜市要綱", "第1条（目的）"], "目的を定める。", false),
        under(&["桜市要綱", "第2条（額）"], "次のとおり。", false),
        under(&["桜市要綱", "第2条（額）"], "区分: 一般 / 額: 300", true),
        under(&["桜市要綱", "第3条（雑則）"], "市長が定める。", false),
        under(&["桜市要綱", "参考"], "問合せ先", false),
    ]);
    assert_eq!(ordinance.unwrap().title.as_deref(), Some("桜市要綱"));
    check(
        &found,
        &[
            ("桜市要綱", "第一条|目的", "第1条（目的）\n目的を定める。"),
            ("桜市要綱", "第二条|額", "第2条（額）\n次のとおり。"),
            ("桜市要綱", "第二条|額", "区分: 一般 / 額: 300"),
            ("桜市要綱", "第三条|雑則", "第3条（雑則）\n市長が定める。"),
            ("桜市要綱>参考", "|", "問合せ先"),
        ],
    );
    assert!(found[2].table);
}

#[test]
fn contents_are_no_articles() {
    let text = "桜市条例\n第１条　目的\n第２条　定義\n第３条　委任\n第１条　目的を定める。\n\
                第２条　定義を定める。\n第３条　委任を定める。";
    let (found, ordinance) = split(vec![section(text)]);
    assert!(ordinance.is_some());
    let cited: Vec<_> =
        found.iter().filter(|s| s.article.is_some()).map(|s| s.text.as_str()).collect();
    assert_eq!(
        cited,
        ["第１条　目的を定める。", "第２条　定義を定める。", "第３条　委任を定める。"]
    );
}

#[test]
fn numbers_without_a_space_are_read() {
    let text = "桜市条例\n（目的）\n第１条この条例は、目的を定める。\n第２条市長は、法\n第３条の規定により定める。\n\
                ２市長は、前項を公表する。\n３年以内に見直す。\n第３条この条例の施行は、規則で定める。";
    let (found, _) = split(vec![section(text)]);
    check(
        &found[1..],
        &[
            ("", "第一条|目的", "第１条この条例は、目的を定める。"),
            ("", "第二条第一項|", "第２条市長は、法\n第３条の規定により定める。"),
            ("", "第二条第二項|", "２市長は、前項を公表する。\n３年以内に見直す。"),
            ("", "第三条|", "第３条この条例の施行は、規則で定める。"),
        ],
    );
}

#[test]
fn title_and_number_on_one_line() {
    for (line, title, number) in [
        ("桜市条例（平成１２年条例第１０号）", "桜市条例", "平成１２年条例第１０号"),
        ("◎桜市個人情報保護条例（案）", "桜市個人情報保護条例（案）", ""),
        ("この条例は、規則", "", ""),
    ] {
        let body = "第１条　甲を定める。\n第２条　乙を定める。\n第３条　丙を定める。";
        let text = format!("{line}\n{body}");
        let ordinance = split(vec![section(&text)]).1.unwrap();
        assert_eq!(ordinance.title.as_deref().unwrap_or_default(), title);
        assert_eq!(ordinance.number, number);
    }
}

#[test]
fn documents_that_mention_articles_stay() {
    for text in [
        "第１条　この条例は、権利を定める。\n２　前項の規定にかかわらず。\n説明。",
        "手引\n第５条　届出\n第９条　証明\n第11条　手数料",
        "長い説明。\nさらに長い説明がここに続き、条文は最後に少し載るだけである。\n全体の大半はこの説明文。\n第１条　甲。\n第２条　乙。\n第３条　丙。",
        "",
    ] {
        let before = vec![section(text)];
        assert_eq!(split(before.clone()), (before, None), "{text}");
    }
}

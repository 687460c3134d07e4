use super::*;

fn passage(title: &str, article: Option<(&str, u32)>, text: &str) -> Passage {
    let article = article
        .map(|(number, paragraph)| serde_json::json!({"article": number, "paragraph": paragraph}));
    let value = serde_json::json!({
        "id": "a#1", "path": "a.txt", "title": title, "law_number": "", "headings": [],
        "caption": "", "article": article, "locator": {"kind": "none"}, "text": text,
        "authority": "law", "scope": "common", "as_of": "2026-04-01",
    });
    serde_json::from_value(value).unwrap()
}

fn seen(answer: &str) -> Seen {
    let passages = [
        passage("手数料条例", Some(("2", 1)), "手数料は、一通につき３００円とする。"),
        passage("地方自治法", Some(("10-2", 1)), "市長は、「特例」を定めることができる。"),
        passage("手引", None, "法第22条の勧告をする。"),
    ];
    look("「窓口」とは何ですか", answer, &(1..).zip(&passages).collect::<Vec<_>>())
}

#[test]
fn citations_that_hold() {
    for (answer, citations, quotations) in [
        ("手数料は300円です。[1]\n次の行[3]", 2, 0),
        (
            "「手数料は、一通につき300円とする。」[1]「市長は、「特例」を定めることができる。」[2]",
            2,
            2,
        ),
        ("手数料条例第二条第一項では300円[1]、第10条の2では特例です。[2]", 2, 0),
        ("第22条の勧告[3]。", 1, 0),
        ("「窓口」では「特例」として「手数料」を取ります。[1]", 1, 0),
        ("配列[x]と該当なし", 0, 0),
    ] {
        let expected = Seen { citations, quotations, ..Seen::default() };
        assert_eq!(seen(answer), expected, "{answer}");
    }
}

#[test]
fn citations_that_do_not() {
    for answer in [
        "手数料は300円です。[4]",
        "「手数料は、一通につき400円とする。」[1]",
        "「手数料は、一通につき300円とする。」です。[2]",
        "「手数料は、一通につき300円とする。」[1]「手数料は、一通につき300円とする。」[3]",
        "第3条では300円です[1]。",
        "第2条第2項では300円です[1]。",
        "地方自治法では300円です[1]。",
        "300円です[1]（地方自治法第10条の2）。",
        "手数料は「400円」です。[1]",
    ] {
        assert_eq!(seen(answer).failing.len(), 1, "{answer}");
    }
    let made_up = seen("「市長は、例外を定めることができる。」と「語」");
    assert_eq!((made_up.quotations, made_up.misquoted.len(), made_up.citations), (1, 1, 0));
}

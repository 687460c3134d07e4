use super::super::{Chain, Event, Record, Subject, Who};
use super::*;
use crate::sync::Reason;
use crate::sync::bundle::Kind;

fn record(number: u64, event: Event, attempt: u64) -> Record {
    Record {
        number,
        before: "00".into(),
        at: format!("2026-11-24T09:{number:02}:00+09:00"),
        event,
        attempt,
        who: Who { operator: "佐藤".into(), approver: "鈴木".into(), media: "USB-07".into() },
        place: "/media/usb".into(),
        manifest: "ab".repeat(32),
        subject: None,
        reason: None,
        detail: String::new(),
        ja: None,
        from: None,
        bytes_read: 0,
        kura_version: "0.1.0".into(),
    }
}

fn subject(title: &str) -> Option<Subject> {
    Some(Subject {
        kind: Kind::Dataset,
        id: "town".into(),
        title: title.into(),
        edition: "r8.2".into(),
        counter: 12,
        signers: vec!["0123456789abcdef".into(), "fedcba9876543210".into()],
        files: vec![("passages".into(), "cd".repeat(32))],
    })
}

fn chain(records: Vec<Record>) -> Chain {
    Chain { records, head: "ef".repeat(32), whole: 0 }
}

/// An import, a refusal, a cut that was settled later, a roll-back, one that is under way.
fn ledger() -> Chain {
    chain(vec![
        record(1, Event::Begun, 1),
        Record {
            subject: subject("町の例規"),
            bytes_read: 12_345_678,
            ..record(2, Event::Imported, 1)
        },
        record(3, Event::Begun, 3),
        Record {
            reason: Some(Reason::TooFewSignatures),
            detail: "1 of 2 signatures".into(),
            ja: Some("必要な署名 2、確認できた署名 1".into()),
            subject: subject("町の例規"),
            ..record(4, Event::Refused, 3)
        },
        record(5, Event::Begun, 5),
        Record {
            detail: "the box stopped before the switch".into(),
            ja: Some("切り替える前に機器が止まりました（電源断など）。".into()),
            ..record(6, Event::Interrupted, 5)
        },
        Record {
            manifest: String::new(),
            detail: "dataset/town → r8.1".into(),
            subject: Some(Subject { edition: "r8.1".into(), ..subject("町の例規").unwrap() }),
            from: Some("r8.2".into()),
            ..record(7, Event::RolledBack, 7)
        },
        record(8, Event::Begun, 8),
    ])
}

#[test]
fn the_ledger_as_a_table() {
    insta::assert_snapshot!("csv", csv(&ledger()).replace('\r', "␍"));
}

#[test]
fn the_ledger_as_a_page() {
    let page = html(&ledger());
    let from = page.find("<main>").unwrap();
    insta::assert_snapshot!("html", &page[from..]);
    let linked = html_with_style_at(&ledger(), "/assets/ledger.css");
    assert!(!linked.contains("<style") && linked.contains("href=\"/assets/ledger.css\""));
    assert!(linked.ends_with(&page[from..]));
}

#[test]
fn an_empty_ledger_says_so_and_has_its_head() {
    let empty = chain(Vec::new());
    let page = html(&empty);
    assert!(page.contains("記録はまだありません。") && page.contains(&empty.head));
    assert_eq!(csv(&empty).matches("\r\n").count(), 2);
}

#[test]
fn one_row_an_attempt_oldest_first() {
    let rows = rows(&ledger());
    let told: Vec<_> = rows.iter().map(|row| (row.number, row.result())).collect();
    assert_eq!(
        told,
        [
            (1, "取込"),
            (3, "拒否"),
            (5, "中断"),
            (7, "前の世代へ戻した"),
            (8, "進行中（終了の記録なし）")
        ]
    );
}

#[test]
fn every_reason_has_its_words() {
    let refused = Record {
        reason: Some(Reason::GoldenQuestions),
        detail: "問3".into(),
        ..record(2, Event::Refused, 1)
    };
    let rows = rows(&chain(vec![record(1, Event::Begun, 1), refused]));
    assert!(rows[0].reason.contains("確認用の質問") && rows[0].reason.contains("（問3）"));
}

/// What somebody who wants harm may have typed, or put on a stick.
const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "=HYPERLINK(\"http://evil.example\")",
    "  @SUM(1)",
    "＝1+1",
    "\r\n=cmd|' /C calc'!A0",
    "\u{202e}elif\u{2066}",
    "\u{0}\u{1b}[31m&lt;",
];

fn with_everywhere(text: &str) -> Chain {
    let text = text.to_owned();
    let who = Who { operator: text.clone(), approver: text.clone(), media: text.clone() };
    let begun = Record {
        at: text.clone(),
        who: who.clone(),
        manifest: text.clone(),
        kura_version: text.clone(),
        ..record(1, Event::Begun, 1)
    };
    let subject = Subject {
        edition: text.clone(),
        signers: vec![text.clone()],
        files: vec![(text.clone(), text.clone())],
        ..subject(&text).unwrap()
    };
    let end = Record {
        who,
        subject: Some(subject),
        detail: text.clone(),
        kura_version: text.clone(),
        ..record(2, Event::Failed, 1)
    };
    chain(vec![begun, end])
}

#[test]
fn hostile_text_stays_text_on_the_page() {
    let harmless = html(&with_everywhere("x"));
    let tags = |page: &str| page.matches('<').count();
    for hostile in HOSTILE {
        let page = html(&with_everywhere(hostile));
        assert_eq!(tags(&page), tags(&harmless), "{hostile:?}");
        assert_eq!(page.matches('"').count(), harmless.matches('"').count(), "{hostile:?}");
        assert_eq!(page.matches('\'').count(), harmless.matches('\'').count(), "{hostile:?}");
        let acts = |c: char| (c.is_control() && c != '\n') || crate::sync::refusal::is_bidi(c);
        assert_eq!(page.chars().find(|c| acts(*c)), None, "{hostile:?}");
    }
}

#[test]
fn hostile_text_stays_in_its_field_of_the_table() {
    for hostile in HOSTILE {
        let table = csv(&with_everywhere(hostile));
        let lines: Vec<_> = table.split("\r\n").collect();
        assert_eq!(lines.len(), 4, "{hostile:?}: {table}");
        let fields: Vec<_> = fields(lines[1]);
        assert_eq!(fields.len(), HEADINGS.len(), "{hostile:?}: {fields:?}");
        for field in fields {
            let first = field.trim_start().chars().next();
            let formula = first.is_some_and(|c| "=+-@＝＋－＠".contains(c));
            assert!(!formula, "{hostile:?} becomes a formula: {field}");
            assert!(!field.chars().any(char::is_control), "{hostile:?}: {field:?}");
        }
    }
}

/// The fields of one line, as a spreadsheet reads them.
fn fields(line: &str) -> Vec<String> {
    let inner = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap();
    inner.split("\",\"").map(|field| field.replace("\"\"", "\"")).collect()
}

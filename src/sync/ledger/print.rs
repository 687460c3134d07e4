//! The ledger on paper: a page for A4, and a table for a spreadsheet. Both end with the head and
//! the number of records, beside which a cut tail shows.

use std::fmt::Write;

use super::rows::{Row, rows};
use super::{Chain, Event};

/// Headings of the table.
const HEADINGS: [&str; 15] = [
    "番号",
    "日時",
    "結果",
    "種類",
    "名称",
    "版",
    "世代番号",
    "媒体番号",
    "作業者",
    "承認者",
    "署名鍵",
    "ファイルのハッシュ（BLAKE3）",
    "読み込みバイト数",
    "理由",
    "kuraの版",
];

/// The look of the page, for a server that hands it out as a file of its own.
pub const STYLE: &str = include_str!("print.css");

/// A table for a spreadsheet: UTF-8 with a mark, lines ending in CR LF, every field in quotes.
pub fn csv(chain: &Chain) -> String {
    let mut table = String::from("\u{feff}");
    line(&mut table, HEADINGS);
    for row in rows(chain) {
        let files: Vec<_> = row.files.iter().map(|(name, hash)| format!("{name} {hash}")).collect();
        let (number, bytes) = (row.number.to_string(), row.bytes_read.to_string());
        let (signers, files) = (row.signers.join("; "), files.join("; "));
        line(
            &mut table,
            [
                &number,
                &row.at,
                row.result(),
                row.kind,
                &row.title,
                &row.edition,
                &row.counter,
                &row.media,
                &row.operator,
                &row.approver,
                &signers,
                &files,
                &bytes,
                &row.reason,
                &row.kura_version,
            ],
        );
    }
    let (shown, count) = (rows(chain).len().to_string(), chain.records.len().to_string());
    line(
        &mut table,
        ["記載の件数", &shown, "記録の数", &count, "先頭ハッシュ（BLAKE3）", &chain.head],
    );
    table
}

fn line<const N: usize>(table: &mut String, fields: [&str; N]) {
    let fields = fields.map(|field| format!("\"{}\"", defused(field).replace('"', "\"\"")));
    table.push_str(&fields.join(","));
    table.push_str("\r\n");
}

/// A field that a spreadsheet takes as text, never as a formula. Full-width signs count: some
/// programs fold them first.
fn defused(field: &str) -> String {
    let first = field.trim_start().chars().next();
    match first.is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'))
    {
        true => format!("'{field}"),
        false => field.to_owned(),
    }
}

/// A page to print that needs no other file.
pub fn html(chain: &Chain) -> String {
    page(chain, &format!("<style>\n{STYLE}</style>"))
}

/// The same page with [`STYLE`] fetched from `href`, for where inline styles are forbidden.
pub fn html_with_style_at(chain: &Chain, href: &str) -> String {
    page(chain, &format!("<link rel=\"stylesheet\" href=\"{}\">", escaped(href)))
}

fn page(chain: &Chain, style: &str) -> String {
    let rows = rows(chain);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"ja\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>持込記録｜kura 蔵</title>\n{style}\n</head>\n<body>\n<main>\n"
    );
    html.push_str(TOP);
    match rows.is_empty() {
        true => html.push_str("<p>記録はまだありません。</p>\n"),
        false => table(&mut html, chain, &rows),
    }
    html.push_str("<p class=\"end\">以上。");
    html.push_str(&totals(chain, rows.len()));
    html.push_str("</p>\n</main>\n</body>\n</html>\n");
    html
}

const TOP: &str = "<header>\n<h1>持込記録</h1>\n\
     <p>更新パッケージの取り込みと、前の世代へ戻した操作の全ての記録です。拒否・中断したものを含みます。\
     1件の取り込みは、開始と終了の2つの記録からなります。日時は機器の時計によります。</p>\n\
     <p>ファイルのハッシュはBLAKE3です。b3sumで確かめられます（sha256sumの値とは一致しません）。\
     先頭ハッシュは、記録の全体を表す値です。この紙と一緒に保管し、\
     kura ledger --verify --head 値 で、この時点までの記録が残っていることを確かめられます。</p>\n\
     <table class=\"seals\" aria-label=\"確認印\">\n\
     <tr><th scope=\"col\">作業者</th><th scope=\"col\">承認者</th><th scope=\"col\">管理者</th></tr>\n\
     <tr><td></td><td></td><td></td></tr>\n</table>\n\
     <p class=\"printed\">印刷日　　　　年　　月　　日</p>\n</header>\n";

fn table(html: &mut String, chain: &Chain, rows: &[Row]) {
    html.push_str("<table class=\"records\">\n<thead><tr>");
    for heading in HEADINGS.iter().filter(|heading| !is_below(heading)) {
        let _ = write!(html, "<th scope=\"col\">{heading}</th>");
    }
    html.push_str("</tr></thead>\n");
    let columns = HEADINGS.iter().filter(|heading| !is_below(heading)).count();
    // Repeated on every sheet, so that one that is missing shows.
    let foot = totals(chain, rows.len());
    let _ = writeln!(html, "<tfoot><tr><td colspan=\"{columns}\">{foot}</td></tr></tfoot>");
    for row in rows {
        body(html, row, columns);
    }
    html.push_str("</table>\n");
}

/// Long values stand in lines of their own below the row.
fn is_below(heading: &str) -> bool {
    matches!(heading, "理由" | "署名鍵" | "ファイルのハッシュ（BLAKE3）")
}

fn totals(chain: &Chain, rows: usize) -> String {
    let (records, head) = (chain.records.len(), escaped(&chain.head));
    format!("記載{rows}件（記録の数 {records}）　先頭ハッシュ（BLAKE3）<code>{head}</code>")
}

fn body(html: &mut String, row: &Row, columns: usize) {
    let class = match row.event {
        Some(Event::Imported | Event::Unchanged) => "good",
        Some(Event::Refused | Event::Failed) => "bad",
        _ => "other",
    };
    let _ = write!(html, "<tbody class=\"{class}\">\n<tr><th scope=\"row\">{}</th>", row.number);
    let bytes = grouped(row.bytes_read);
    let cells = [
        ("", row.at.as_str()),
        ("result", row.result()),
        ("", row.kind),
        ("", &row.title),
        ("", &row.edition),
        ("number", &row.counter),
        ("", &row.media),
        ("", &row.operator),
        ("", &row.approver),
        ("number", &bytes),
        ("", &row.kura_version),
    ];
    for (class, text) in cells {
        let text = escaped(text);
        let _ = match class {
            "" => write!(html, "<td>{text}</td>"),
            class => write!(html, "<td class=\"{class}\">{text}</td>"),
        };
    }
    html.push_str("</tr>\n");
    let below = below(row);
    if !below.is_empty() {
        let _ = writeln!(
            html,
            "<tr class=\"below\"><td></td><td colspan=\"{}\"><dl>{below}</dl></td></tr>",
            columns - 1
        );
    }
    html.push_str("</tbody>\n");
}

fn below(row: &Row) -> String {
    let mut list = String::new();
    if !row.reason.is_empty() {
        let _ = write!(list, "<div><dt>理由</dt><dd>{}</dd></div>", escaped(&row.reason));
    }
    if !row.signers.is_empty() {
        let signers: Vec<_> =
            row.signers.iter().map(|id| format!("<code>{}</code>", escaped(id))).collect();
        let _ = write!(list, "<div><dt>署名鍵</dt><dd>{}</dd></div>", signers.join("、"));
    }
    if !row.files.is_empty() {
        let files: Vec<_> = row
            .files
            .iter()
            .map(|(name, hash)| format!("{} <code>{}</code>", escaped(name), escaped(hash)))
            .collect();
        let files = files.join("<br>");
        let _ = write!(list, "<div><dt>ファイルのハッシュ（BLAKE3）</dt><dd>{files}</dd></div>");
    }
    list
}

/// 12345678 as 12,345,678.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests;

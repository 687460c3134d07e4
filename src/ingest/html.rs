//! HTML: headings, paragraphs, lists and tables; menus, scripts and ruby readings left out.
//!
//! The tree is walked with a loop, so nesting costs no stack.

use scraper::node::Element;
use scraper::{Html, Node};

use super::outline::Outline;
use super::table::Grid;
use super::{IngestError, encoding};
use crate::document::Document;

/// Elements whose content is no text of the document.
const SKIPPED: [&str; 21] = [
    "script", "style", "nav", "noscript", "template", "rt", "rp", "rtc", "select", "button",
    "textarea", "iframe", "object", "svg", "math", "canvas", "audio", "video", "del", "datalist",
    "noframes",
];

/// Elements that end a line where they begin and end.
pub(super) const BLOCKS: [&str; 32] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "frameset",
    "header",
    "hr",
    "legend",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tr",
    "ul",
    "title",
];

/// Deepest nesting that is read, as in browsers: the parser's time grows with its square.
const DEPTH_MAX: usize = 512;

/// Elements that do not nest by being left open: they have no end tag, need none, or are formats
/// that the parser limits itself.
const UNNESTED: [&str; 44] = [
    "a", "area", "b", "base", "big", "body", "br", "code", "col", "colgroup", "dd", "dt", "em",
    "embed", "font", "head", "hr", "html", "i", "img", "input", "li", "link", "meta", "nobr",
    "option", "p", "param", "rp", "rt", "s", "small", "source", "strike", "strong", "tbody", "td",
    "tfoot", "th", "thead", "tr", "tt", "u", "wbr",
];

/// Reads an HTML file; `name` is the title where it has none.
///
/// # Errors
/// [`IngestError::Garbled`], or [`IngestError::Damaged`] for a page nested too deeply.
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Document, IngestError> {
    let decoded = encoding::decode(bytes, encoding::declared(bytes).as_deref())?;
    check_depth(&decoded.text)?;
    let mut outline = Outline::default();
    let titles = append(&decoded.text, &mut outline);
    let title = titles.main_heading.or(titles.page).or(outline.first_heading().map(str::to_owned));
    Ok(Document {
        title: title.unwrap_or_else(|| name.to_owned()),
        law: None,
        sections: outline.finish(),
        warnings: decoded.warnings(),
    })
}

/// Refuses markup whose open elements pile up beyond the limit, before anything parses it.
///
/// # Errors
/// [`IngestError::Damaged`]
pub(crate) fn check_depth(markup: &str) -> Result<(), IngestError> {
    let mut depth = 0usize;
    for tag in markup.split('<').skip(1) {
        let (closes, name) = match tag.strip_prefix('/') {
            Some(name) => (true, name),
            None => (false, tag),
        };
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let name = name[..end.unwrap_or(name.len())].to_ascii_lowercase();
        let nests = name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !nests || UNNESTED.contains(&name.as_str()) {
            continue;
        }
        depth = if closes { depth.saturating_sub(1) } else { depth + 1 };
        if depth > DEPTH_MAX {
            let why = format!("HTML: nested deeper than {DEPTH_MAX} elements");
            return Err(IngestError::Damaged(why));
        }
    }
    Ok(())
}

/// What a page calls itself.
#[derive(Debug, Default)]
pub(crate) struct Titles {
    /// `<title>`
    page: Option<String>,
    /// The first `<h1>`
    main_heading: Option<String>,
}

/// Adds a page or fragment, which [`check_depth`] has passed, to an outline.
pub(crate) fn append(markup: &str, outline: &mut Outline) -> Titles {
    let html = Html::parse_document(markup);
    let mut layouts = Layouts::default();
    visit(&html, &mut layouts);
    let mut walk = Walk::new(outline, layouts.found);
    visit(&html, &mut walk);
    walk.end_block();
    walk.titles
}

/// Sees every node of a tree, in document order.
pub(super) trait Visitor {
    /// A node begins; `false` leaves its children out.
    fn open(&mut self, node: &Node) -> bool;
    /// The same node ends.
    fn close(&mut self, node: &Node);
}

pub(super) fn visit(html: &Html, visitor: &mut impl Visitor) {
    let root = html.tree.root();
    let mut node = root;
    loop {
        if visitor.open(node.value())
            && let Some(child) = node.first_child()
        {
            node = child;
            continue;
        }
        loop {
            visitor.close(node.value());
            if node.id() == root.id() {
                return;
            }
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            let Some(parent) = node.parent() else { return };
            node = parent;
        }
    }
}

/// Finds the tables that only arrange a page: those around tables or headings. One entry a table,
/// in document order.
#[derive(Default)]
struct Layouts {
    found: Vec<bool>,
    open: Vec<usize>,
    contents: usize,
}

impl Visitor for Layouts {
    fn open(&mut self, node: &Node) -> bool {
        let Some(element) = node.as_element() else {
            return true;
        };
        // What the walk leaves out is not counted either.
        if is_skipped(element, self.contents) {
            return false;
        }
        self.contents += usize::from(is_contents(element));
        let table = element.name() == "table";
        if (table || heading_level(element.name()).is_some())
            && let Some(around) = self.open.last()
        {
            self.found[*around] = true;
        }
        if table {
            self.open.push(self.found.len());
            self.found.push(matches!(element.attr("role"), Some("presentation" | "none")));
        }
        true
    }

    fn close(&mut self, node: &Node) {
        let Some(element) = node.as_element() else {
            return;
        };
        if is_skipped(element, self.contents) {
            return;
        }
        self.contents = self.contents.saturating_sub(usize::from(is_contents(element)));
        if element.name() == "table" {
            self.open.pop();
        }
    }
}

/// What is open at this point of the tree.
struct Walk<'a> {
    outline: &'a mut Outline,
    titles: Titles,
    /// The block, heading or cell that is being collected.
    text: String,
    /// Whitespace that is waiting for a character; true when it holds a line end.
    space: Option<bool>,
    /// For each table in document order: does it only arrange the page?
    layouts: Vec<bool>,
    tables_seen: usize,
    /// Open tables: the grid, or `None` for one that only arranges the page.
    tables: Vec<Option<Grid>>,
    /// Open lists: the next number, or `None` for bullets.
    lists: Vec<Option<u64>>,
    /// Mark of a list item whose first text has not come yet.
    mark: Option<String>,
    preformatted: usize,
    /// Open `<main>` and `<article>`, in which a `<header>` belongs to the text.
    contents: usize,
}

impl Visitor for Walk<'_> {
    fn open(&mut self, node: &Node) -> bool {
        match node {
            Node::Text(text) => {
                self.push(text);
                true
            }
            Node::Element(element) => self.open_element(element),
            _ => true,
        }
    }

    fn close(&mut self, node: &Node) {
        if let Node::Element(element) = node
            && !is_skipped(element, self.contents)
        {
            self.close_element(element);
        }
    }
}

impl<'a> Walk<'a> {
    fn new(outline: &'a mut Outline, layouts: Vec<bool>) -> Self {
        Self {
            outline,
            titles: Titles::default(),
            text: String::new(),
            space: None,
            layouts,
            tables_seen: 0,
            tables: Vec::new(),
            lists: Vec::new(),
            mark: None,
            preformatted: 0,
            contents: 0,
        }
    }

    fn open_element(&mut self, element: &Element) -> bool {
        let name = element.name();
        if is_skipped(element, self.contents) {
            return false;
        }
        if BLOCKS.contains(&name) || heading_level(name).is_some() {
            self.end_block();
        }
        match name {
            "br" => self.line_end(),
            "main" | "article" => self.contents += usize::from(is_contents(element)),
            "pre" => self.preformatted += 1,
            "hr" => self.outline.flush(),
            "ul" | "menu" => self.lists.push(None),
            "ol" => {
                let first = element.attr("start").and_then(|start| start.parse().ok());
                self.lists.push(Some(first.unwrap_or(1)));
            }
            "li" => self.mark = self.list_mark(),
            "table" => self.open_table(),
            "tr" => {
                if let Some(Some(grid)) = self.tables.last_mut() {
                    grid.row();
                }
            }
            "td" | "th" => {
                if !self.in_grid() {
                    self.end_block();
                }
                self.text.clear();
            }
            _ => {}
        }
        true
    }

    fn close_element(&mut self, element: &Element) {
        let name = element.name();
        match name {
            "title" => {
                let title = self.take_text();
                if !title.is_empty() {
                    self.titles.page.get_or_insert(title);
                }
            }
            "main" | "article" => self.contents = self.contents.saturating_sub(1),
            "pre" => {
                self.end_block();
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            "ul" | "menu" | "ol" => {
                self.end_block();
                self.lists.pop();
            }
            "li" => {
                self.end_block();
                self.mark = None;
            }
            "td" | "th" => self.close_cell(element),
            "table" => self.close_table(),
            "caption" => {
                let caption = self.take_text();
                self.outline.block(&caption);
            }
            _ => {}
        }
        if let Some(level) = heading_level(name) {
            let heading = self.take_text().replace('\n', " ");
            if level == 1 && !heading.is_empty() {
                self.titles.main_heading.get_or_insert_with(|| heading.clone());
            }
            self.outline.heading(level, &heading);
        } else if BLOCKS.contains(&name) {
            self.end_block();
        }
    }

    fn list_mark(&mut self) -> Option<String> {
        match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                Some(mark)
            }
            _ => Some("・".to_owned()),
        }
    }

    fn in_grid(&self) -> bool {
        matches!(self.tables.last(), Some(Some(_)))
    }

    fn open_table(&mut self) {
        let layout = self.layouts.get(self.tables_seen).copied().unwrap_or(true);
        self.tables_seen += 1;
        self.tables.push((!layout).then(Grid::default));
    }

    fn close_cell(&mut self, element: &Element) {
        if !self.in_grid() {
            self.end_block();
            return;
        }
        let span = |name| element.attr(name).and_then(|span| span.trim().parse().ok()).unwrap_or(1);
        let text = self.take_text();
        if let Some(Some(grid)) = self.tables.last_mut() {
            grid.cell(&text, span("colspan"), span("rowspan"), element.name() == "th");
        }
    }

    fn close_table(&mut self) {
        let Some(Some(grid)) = self.tables.pop() else {
            return;
        };
        self.take_text();
        if grid.is_single_column() {
            grid.lines(true).iter().for_each(|line| self.outline.block(line));
        } else {
            self.outline.table(&grid.lines(false));
        }
    }

    /// Adds text as a browser shows it: runs of whitespace are one space, and none where a line
    /// of Japanese source is broken.
    fn push(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                ' ' | '\t' | '\n' | '\r' if self.preformatted == 0 => {
                    self.space = Some(self.space.unwrap_or(false) || c == '\n');
                }
                _ => self.push_char(if c == '\u{a0}' { ' ' } else { c }),
            }
        }
    }

    fn push_char(&mut self, c: char) {
        if let Some(line_end) = self.space.take() {
            let before = self.text.chars().next_back();
            let between_wide = before.is_some_and(is_wide) && is_wide(c);
            if before.is_some_and(|before| before != '\n') && !(line_end && between_wide) {
                self.text.push(' ');
            }
        }
        if let Some(mark) = self.mark.take()
            && !c.is_whitespace()
            && !matches!(c, '・' | '○' | '●' | '■' | '※')
        {
            self.text.push_str(&mark);
        }
        self.text.push(c);
    }

    fn line_end(&mut self) {
        self.space = None;
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn take_text(&mut self) -> String {
        self.space = None;
        std::mem::take(&mut self.text).trim().to_owned()
    }

    fn end_block(&mut self) {
        if self.in_grid() {
            if !self.text.ends_with('\n') {
                self.line_end();
            }
            return;
        }
        self.space = None;
        let block = std::mem::take(&mut self.text);
        self.outline.block(&block);
    }
}

/// `contents` counts the open `<main>` and `<article>`.
fn is_skipped(element: &Element, contents: usize) -> bool {
    let name = element.name();
    SKIPPED.contains(&name)
        || element.attr("hidden").is_some()
        || (contents == 0 && matches!(name, "header" | "footer"))
}

fn is_contents(element: &Element) -> bool {
    matches!(element.name(), "main" | "article")
}

fn heading_level(name: &str) -> Option<usize> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(usize::from(level - b'0')),
        _ => None,
    }
}

/// A character of a script that is written without spaces.
fn is_wide(c: char) -> bool {
    c >= '\u{2e80}'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections(markup: &str) -> Vec<(String, String, bool)> {
        let document = read(markup.as_bytes(), "file").unwrap();
        let triple = |s: crate::document::Section| (s.headings.join(">"), s.text, s.table);
        document.sections.into_iter().map(triple).collect()
    }

    fn section(headings: &str, text: &str, table: bool) -> (String, String, bool) {
        (headings.to_owned(), text.to_owned(), table)
    }

    #[test]
    fn a_page_without_its_frame() {
        let markup = "<html><head><title>介護｜桜市</title><style>p{}</style></head><body>\
            <header>桜市 <h1>ロゴ</h1></header><nav><ul><li>メニュー</li></ul></nav>\
            <main><header><h1>介護保険料</h1></header><p>第一段落の\n  文章です。<br>次の行 abc\n def</p>\
            <ul><li>申請書<li>証明書</ul><ol start=3><li><p>三番</p></li></ol>\
            <h2>読み</h2><p><ruby>瑕疵<rp>（</rp><rt>かし</rt><rp>）</rp></ruby>の通知</p></main>\
            <footer>著作権</footer><script>var x;</script></body></html>";
        assert_eq!(read(markup.as_bytes(), "f").unwrap().title, "介護保険料");
        assert_eq!(
            sections(markup),
            [
                section(
                    "介護保険料",
                    "第一段落の文章です。\n次の行 abc def\n・申請書\n・証明書\n3. 三番",
                    false
                ),
                section("介護保険料>読み", "瑕疵の通知", false),
            ]
        );
    }

    #[test]
    fn tables_and_layout_tables() {
        let markup = "<table><tr><td><h2>料金</h2><table><caption>表1</caption>\
            <tr><th rowspan=2>区分<th colspan=2>料金</tr><tr><th>一般<th>学生</tr>\
            <tr><td>昼<td>300<td><p>150</p><p>税込</p></tr></table></td></tr></table>\
            <table><tr><td>枠の中の文。</td></tr></table>\
            <table><tr><th>場所</th><td>市民課</td></tr><tr><th>時間</th><td>9時</td></tr></table>";
        assert_eq!(
            sections(markup),
            [
                section("料金", "表1", false),
                section("料金", "区分: 昼 / 料金 一般: 300 / 料金 学生: 150 税込", true),
                section("料金", "枠の中の文。", false),
                section("料金", "場所: 市民課\n時間: 9時", true),
            ]
        );
    }

    #[test]
    fn the_charset_is_honoured_and_depth_costs_no_stack() {
        let (bytes, ..) = encoding_rs::SHIFT_JIS.encode("<meta charset=Shift_JIS><p>ｶﾅ</p>");
        assert_eq!(read(&bytes, "f").unwrap().sections[0].text, "ｶﾅ");
        let deep = |depth| format!("{}底の文。", "<div><b>".repeat(depth));
        assert_eq!(sections(&deep(500)), [section("", "底の文。", false)]);
        assert!(matches!(read(deep(3000).as_bytes(), "f"), Err(IngestError::Damaged(_))));
        let flat = "<div><p>文。<br></div><img src=a>".repeat(3000);
        assert_eq!(sections(&flat).len(), 1);
    }
}

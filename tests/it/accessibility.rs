//! What a screen reader gets of each page: Chromium's accessibility tree, not our markup. Names,
//! roles, headings, landmarks, the order of the focus, and what is announced by itself.

use std::io::Write;

use kura::web::WebOptions;
use serde_json::Value;

use crate::browser::{ANSWERED, Server};
use crate::web_bundles::Publisher;
use crate::web_driver::{Browser, ENTER, ESCAPE, TAB};
use crate::web_uploads::options;

/// Roles that a person operates.
const CONTROLS: [&str; 5] = ["link", "button", "textbox", "checkbox", "summary"];
/// Regions that a screen reader lists and jumps to.
const LANDMARKS: [&str; 6] =
    ["banner", "navigation", "main", "complementary", "region", "contentinfo"];

/// One node that a screen reader knows.
#[derive(Debug)]
struct Node {
    role: String,
    name: String,
    description: String,
    level: Option<u64>,
    focusable: bool,
    focused: bool,
    live: String,
    /// Text of the node and all below it.
    text: String,
}

/// The tree, flattened in reading order.
pub(crate) struct Tree(Vec<Node>);

impl Tree {
    pub(crate) fn of(browser: &Browser) -> Self {
        let raw = browser.accessibility();
        let raw = raw.as_array().unwrap();
        let mut nodes = Vec::new();
        walk(raw, &raw[0], &mut nodes);
        Self(nodes)
    }

    fn with<'t>(&'t self, roles: &[&str]) -> impl Iterator<Item = &'t Node> + use<'t> {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        self.0.iter().filter(move |node| roles.contains(&node.role))
    }

    fn names<'t>(&'t self, role: &str) -> Vec<&'t str> {
        self.0.iter().filter(|node| node.role == role).map(|node| node.name.as_str()).collect()
    }

    /// Headings as `level name`.
    fn headings(&self) -> Vec<String> {
        let headings = self.with(&["heading"]);
        headings.map(|node| format!("{} {}", node.level.unwrap(), node.name)).collect()
    }

    fn landmarks(&self) -> Vec<String> {
        let landmarks = self.with(&LANDMARKS).map(|node| format!("{} {}", node.role, node.name));
        landmarks.map(|landmark| landmark.trim_end().to_owned()).collect()
    }

    fn has(&self, role: &str, name: &str) -> bool {
        self.with(&[role]).any(|node| node.name == name)
    }

    /// What holds for every page.
    pub(crate) fn check(&self, page: &str) {
        for node in self.with(&CONTROLS) {
            assert!(!node.name.trim().is_empty(), "{page}: {node:?} has no name");
            let twice = !node.description.is_empty() && node.name.contains(&node.description);
            assert!(!twice, "{page}: {node:?} is read twice");
        }
        let mut before = 0;
        for node in self.with(&["heading"]) {
            let level = node.level.unwrap();
            assert!(level <= before + 1, "{page}: {} skips a level", node.name);
            assert!(!node.name.trim().is_empty(), "{page}: a heading is empty");
            before = level;
        }
        let tops = self.with(&["heading"]).filter(|node| node.level == Some(1)).count();
        assert_eq!(tops, 1, "{page}: {:?}", self.headings());
        let landmarks = self.landmarks();
        for (at, landmark) in landmarks.iter().enumerate() {
            assert!(!landmarks[..at].contains(landmark), "{page}: two landmarks {landmark}");
        }
        let once = ["banner", "main", "contentinfo"];
        let places = once.map(|role| landmarks.iter().position(|each| each == role));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{page}: {landmarks:?}");
    }
}

/// Adds the nodes below `raw` that are not hidden; what is hidden may have visible children.
fn walk(all: &[Value], raw: &Value, nodes: &mut Vec<Node>) -> String {
    let word = |value: &Value| value["value"].as_str().unwrap_or("").to_owned();
    let property = |name: &str| {
        let list = raw["properties"].as_array();
        let found = list.into_iter().flatten().find(|property| property["name"] == name);
        found.map_or(Value::Null, |property| property["value"]["value"].clone())
    };
    let shown = raw["ignored"] != true;
    let at = nodes.len();
    if shown {
        nodes.push(Node {
            role: match word(&raw["role"]).as_str() {
                "DisclosureTriangle" => "summary".to_owned(),
                role => role.to_owned(),
            },
            name: word(&raw["name"]),
            description: word(&raw["description"]),
            level: property("level").as_u64(),
            focusable: property("focusable") == true,
            focused: property("focused") == true,
            live: property("live").as_str().unwrap_or("").to_owned(),
            text: String::new(),
        });
    }
    let mut text = match word(&raw["role"]).as_str() {
        "StaticText" => word(&raw["name"]),
        _ => String::new(),
    };
    for id in raw["childIds"].as_array().into_iter().flatten() {
        if let Some(child) = all.iter().find(|node| node["nodeId"] == *id) {
            text += &walk(all, child, nodes);
        }
    }
    if shown {
        nodes[at].text = text.clone();
    }
    text
}

/// A browser, or a note on stderr that there is none.
fn browser(test: &str) -> Option<Browser> {
    match Browser::start() {
        Ok(browser) => Some(browser),
        Err(why) => {
            // Not by a macro: the test harness keeps what those print to itself.
            let mut stderr = std::io::stderr();
            writeln!(stderr, "skipped {test}: {why}").unwrap();
            None
        }
    }
}

fn open_desk(browser: &Browser, server: &Server) {
    browser.resize(1280, 900);
    browser.open(&format!("http://{}/", server.address));
    browser.wait("document.documentElement.dataset.ready === 'true'");
}

#[test]
fn a_screen_reader_can_ask_and_hear_the_answer() {
    let Some(browser) = browser("a_screen_reader_can_ask_and_hear_the_answer") else { return };
    let server = Server::start();
    open_desk(&browser, &server);
    the_desk_is_laid_out(&browser);
    the_focus_follows_the_reading_order(&browser);
    the_answer_is_announced(&browser);
    the_answer_can_be_walked(&browser);
    the_passage_is_a_dialog(&browser);
    mistakes_are_said(&browser);
}

fn the_desk_is_laid_out(browser: &Browser) {
    let about = browser.run("return [document.documentElement.lang, document.title];");
    assert_eq!(about, serde_json::json!(["ja", "質問する｜kura 蔵"]));
    let tree = Tree::of(browser);
    tree.check("desk");
    assert_eq!(tree.headings(), ["1 資料に基づいて、出典つきで答えます", "2 質問の例"]);
    let landmarks = tree.landmarks();
    for landmark in ["navigation メニュー", "complementary データセットと履歴"] {
        assert!(landmarks.iter().any(|each| each == landmark), "{landmarks:?}");
    }
    assert_eq!(tree.names("textbox"), ["質問"]);
    let question = tree.with(&["textbox"]).next().unwrap();
    for hint in ["ふだんの言葉で", "Enterで送信"] {
        assert!(question.description.contains(hint), "{question:?}");
    }
    let tick = tree.names("checkbox")[0];
    assert!(tick.contains("試験町のデータ") && tick.contains("固有"), "{tick}");
    assert!(tree.0.iter().any(|node| node.role == "group" && node.name.contains("答えに使う")));
}

/// Tab reaches every control once, in the order in which the page is read.
fn the_focus_follows_the_reading_order(browser: &Browser) {
    let tree = Tree::of(browser);
    let expected: Vec<String> =
        tree.with(&CONTROLS).filter(|node| node.focusable).map(|node| node.name.clone()).collect();
    browser.run("document.activeElement.blur();");
    let reached: Vec<String> = expected
        .iter()
        .map(|_| {
            browser.press(&TAB.to_string());
            let tree = Tree::of(browser);
            let focused = tree.with(&CONTROLS).find(|node| node.focused);
            focused.map_or_else(|| "nothing that has a name".to_owned(), |node| node.name.clone())
        })
        .collect();
    assert_eq!(reached, expected);
}

/// Keeps every text that comes to the live region.
const LISTEN: &str = "
    window.heard = [];
    const live = [...document.querySelectorAll('[role=status]')].at(-1);
    new MutationObserver((changes) => {
      for (const change of changes) for (const node of change.addedNodes) heard.push(node.data);
    }).observe(live, { childList: true });";

fn the_answer_is_announced(browser: &Browser) {
    browser.run(LISTEN);
    browser.run("document.getElementById('question').focus();");
    browser.press("転出届は何日前から出せますか");
    browser.press(&ENTER.to_string());
    browser.wait(ANSWERED);
    let heard = browser.run("return heard;");
    let heard: Vec<&str> = heard.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(heard[0].contains("調べています"), "{heard:?}");
    assert!(heard[1].contains("見つかりました"), "{heard:?}");
    let last = heard.last().unwrap();
    for part in ["回答ができました", "14日前", "（出典1）"] {
        assert!(last.contains(part), "{part} is missing in {last}");
    }
    assert_eq!(heard.len(), 3, "nothing is read in scraps: {heard:?}");
    let tree = Tree::of(browser);
    let live = tree.with(&["status"]).find(|node| node.text.contains("14日前"));
    assert_eq!(live.unwrap().live, "polite");
    assert!(tree.with(&["textbox"]).any(|node| node.focused), "the focus stays where it was");
}

fn the_answer_can_be_walked(browser: &Browser) {
    let tree = Tree::of(browser);
    tree.check("answer");
    let headings = tree.headings();
    for heading in ["2 回答", "3 出典 1件", "3 生成情報", "2 この画面での履歴"] {
        assert!(headings.iter().any(|each| each == heading), "{heading} in {headings:?}");
    }
    for region in ["回答", "出典", "生成情報"] {
        assert!(tree.has("region", region), "{region} in {:?}", tree.landmarks());
    }
    let leads = |node: &&Node| node.name.contains("出典を開く：窓口業務マニュアル");
    assert_eq!(tree.with(&["button"]).filter(leads).count(), 1, "{:?}", tree.names("button"));
    let pieces = browser.run(
        "return [...document.querySelector('.answer-text').childNodes]
            .filter((node, at, all) => node.nodeType === 3 && all[at - 1]?.nodeType === 3).length;",
    );
    assert_eq!(pieces, 0, "text stands in one piece between two citations");
}

fn the_passage_is_a_dialog(browser: &Browser) {
    browser.run("document.querySelector('.cite').focus();");
    browser.press(&ENTER.to_string());
    browser.wait("document.getElementById('passage').open");
    let tree = Tree::of(browser);
    let dialogs = tree.names("dialog");
    assert!(dialogs[0].starts_with("[1] 窓口業務マニュアル"), "{dialogs:?}");
    let focused = tree.with(&["heading"]).find(|node| node.focused).unwrap();
    assert_eq!(focused.name, dialogs[0], "its title is read first");
    // What lies behind cannot be reached.
    assert_eq!(tree.names("button"), ["閉じる"]);
    assert!(tree.names("textbox").is_empty());
    let terms: Vec<&str> = tree.with(&["term"]).map(|node| node.text.as_str()).collect();
    for term in ["データセット", "基準日", "位置付け", "区分", "ファイル"] {
        assert!(terms.contains(&term), "{term} in {terms:?}");
    }
    browser.press(&ESCAPE.to_string());
    browser.wait("!document.getElementById('passage').open");
    let tree = Tree::of(browser);
    let again = tree.with(&["status"]).find(|node| node.text.contains("14日前"));
    assert!(again.is_none(), "an answer is announced once: {again:?}");
}

fn mistakes_are_said(browser: &Browser) {
    browser.run("document.getElementById('question').value = '';");
    browser.run("document.getElementById('send').click();");
    let tree = Tree::of(browser);
    let question = tree.with(&["textbox"]).next().unwrap();
    assert!(question.focused && question.description.contains("質問を入力"), "{question:?}");

    browser.run(
        "document.getElementById('question').value = '転出届';
         document.getElementById('datasets-none').click();
         document.getElementById('send').click();",
    );
    let tree = Tree::of(browser);
    assert!(tree.with(&["checkbox"]).next().unwrap().focused);
    let said = |node: &&Node| node.text.contains("1つ以上選んで");
    assert!(tree.with(&["status"]).any(|node| said(&node)), "the focus left the message");
}

#[test]
fn a_screen_reader_can_read_the_status_and_log_in() {
    let Some(browser) = browser("a_screen_reader_can_read_the_status_and_log_in") else { return };
    let key = Some("ひらけごま".to_owned());
    let server = Server::with(WebOptions { access_key: key, ..WebOptions::default() });
    let url = |path: &str| format!("http://{}{path}", server.address);
    browser.resize(1280, 900);
    browser.open(&url("/"));
    let tree = Tree::of(&browser);
    tree.check("log-in");
    assert_eq!(browser.run("return document.title;"), "ログイン｜kura 蔵");
    assert_eq!(tree.headings(), ["1 ログイン"]);
    let field = tree.with(&["textbox"]).next().unwrap();
    assert!(field.name == "アクセスキー" && field.focused, "{field:?}");

    browser.press("ちがう");
    browser.press(&ENTER.to_string());
    browser.wait("document.querySelector('[aria-invalid]') !== null");
    let tree = Tree::of(&browser);
    let field = tree.with(&["textbox"]).next().unwrap();
    assert!(field.description.contains("アクセスキーが違います") && field.focused, "{field:?}");

    browser.press("ひらけごま");
    browser.press(&ENTER.to_string());
    browser.wait("document.getElementById('ask') !== null");
    browser.open(&url("/status"));
    let tree = Tree::of(&browser);
    tree.check("status");
    assert_eq!(browser.run("return document.title;"), "稼働状況｜kura 蔵");
    let parts = ["1 稼働状況", "2 登録されているデータセット", "2 モデル", "2 個人情報の扱い"];
    assert_eq!(tree.headings(), parts);
    assert_eq!(tree.names("table"), ["登録されているデータセット", "個人情報の扱い"]);
    assert_eq!(tree.names("rowheader")[..2], ["試験町のデータ", "マイナンバー"]);
    assert!(tree.names("columnheader").contains(&"基準日"));
}

#[test]
fn a_screen_reader_can_read_the_updates() {
    let Some(browser) = browser("a_screen_reader_can_read_the_updates") else { return };
    let server = Server::with(options(&Publisher::new()));
    browser.resize(1280, 900);
    browser.open(&format!("http://{}/updates", server.address));
    browser.wait("document.documentElement.dataset.ready === 'true'");
    let tree = Tree::of(&browser);
    tree.check("updates");
    assert_eq!(browser.run("return document.title;"), "更新｜kura 蔵");
    let headings = [
        "1 更新",
        "2 導入されているもの",
        "2 更新パッケージを取り込む",
        "2 持込記録",
        "2 信頼する鍵",
    ];
    assert_eq!(tree.headings(), headings);
    assert_eq!(tree.names("table"), ["導入されているもの"]);
    let names = tree.names("textbox");
    for name in ["作業者", "承認者", "媒体番号"] {
        assert!(names.iter().any(|each| each.starts_with(name)), "{name} in {names:?}");
    }
    browser.run("document.getElementById('upload-send').click();");
    let tree = Tree::of(&browser);
    let focused = tree.with(&["textbox"]).find(|node| node.focused).unwrap();
    assert!(focused.name.starts_with("作業者"), "{focused:?}");
    assert!(focused.description.contains("作業者を入力してください"), "{focused:?}");
}

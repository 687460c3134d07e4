//! Records of answers: saved in every format, read back, changed, forged, reviewed.

use std::io::{Cursor, Read, Write};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use kura::answer::Service;
use kura::answer::record::{Code, Format, Origin, Records, TextState, Verdict};
use kura::config::Config;
use kura::document::{Person, Role};
use kura::ingest::saved;
use kura::store::{NewAccount, Store};
use kura::web::{AppState, WebOptions, router};
use tower::ServiceExt;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::env::{Env, text};
use crate::office::{FORM, PASSWORD, sign_in};
use crate::web_env::{Reply, post_json, send};

const FEE: &str = "# 施設使用料の手引\n\n## 会議室\n\n会議室の使用料は、1時間あたり300円とする。\
     減免を受ける団体は、申請書を提出する。\n";
const RAISED: &str = "# 施設使用料の手引\n\n## 会議室\n\n会議室の使用料は、1時間あたり500円とする。\
     減免を受ける団体は、申請書を提出する。\n";
const QUESTION: &str = "会議室の使用料はいくらですか";

/// A box with one data set, a database, and no model: answers are excerpts.
pub(crate) struct Desk {
    env: Env,
    service: Service,
    pub(crate) store: Store,
    records: Records,
    router: Router,
}

impl Desk {
    async fn new() -> Self {
        let env = Env::new();
        env.succeed(&["dataset", "add", text(&env.dataset("town", "1", &[("fee.md", FEE)]))]);
        let config = Config { data_dir: env.data_dir(), ..Config::default() };
        let service = Service::open(&config).unwrap();
        let store = Store::open(&env.data_dir()).await.unwrap();
        let records = Records::open(store.clone(), &env.data_dir()).unwrap();
        let options = WebOptions { store: Some(store.clone()), ..WebOptions::default() };
        let router = router(AppState::new(service.clone(), options));
        Self { env, service, store, records, router }
    }

    /// Asks through the API and gives the code of the record.
    async fn ask(&self, question: &str, cookie: &str) -> Code {
        let body = serde_json::json!({ "question": question }).to_string();
        let headers = [("content-type", "application/json"), ("cookie", cookie)];
        let reply = send(&self.router, "POST", "/api/answer", &headers, &body).await;
        let events = reply.events();
        let code = events.last().unwrap()["summary"]["record"].as_str().unwrap();
        Code::parse(code).unwrap()
    }

    /// The saved file as the server sends it, with its name.
    async fn save(&self, code: &Code, end: &str) -> (String, Vec<u8>) {
        let path = format!("/answers/{}.{end}", code.plain());
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let name = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        (name, to_bytes(response.into_body(), 1 << 24).await.unwrap().to_vec())
    }

    async fn check(&self, name: &str, bytes: &[u8]) -> Verdict {
        self.records.check(&saved::lines(name, bytes).unwrap()).await.unwrap()
    }

    async fn person(&self, login: &str, section: &str, role: Role) -> (Person, String) {
        let new = NewAccount {
            login: login.to_owned(),
            name: format!("{login}さん"),
            section: section.to_owned(),
            role,
            password: PASSWORD.to_owned(),
            must_change: false,
        };
        sign_in(&self.store, &self.router, new).await
    }

    async fn get(&self, path: &str, cookie: &str) -> Reply {
        send(&self.router, "GET", path, &[("cookie", cookie)], "").await
    }

    async fn post(&self, path: &str, cookie: &str, body: &str) -> Reply {
        send(&self.router, "POST", path, &[FORM, ("cookie", cookie)], body).await
    }

    async fn step(&self, code: &Code, cookie: &str, body: &str) -> Reply {
        self.post(&format!("/answers/{}/review", code.plain()), cookie, body).await
    }

    /// Sends a document to the page.
    async fn verify(&self, cookie: &str, field: &str, value: &str) -> Reply {
        let body = format!(
            "--x\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n--x--\r\n"
        );
        let headers = [("content-type", "multipart/form-data; boundary=x"), ("cookie", cookie)];
        send(&self.router, "POST", "/verify", &headers, &body).await
    }
}

/// The places that were changed, as (recorded, found).
fn places(verdict: &Verdict) -> Vec<(String, String)> {
    let TextState::Changed(changes) = &verdict.text else { return Vec::new() };
    let shown = |text: &Option<String>| text.clone().unwrap_or_default();
    changes.iter().map(|change| (shown(&change.recorded), shown(&change.found))).collect()
}

#[tokio::test]
async fn every_format_comes_back_unchanged() {
    let desk = Desk::new().await;
    let code = desk.ask(QUESTION, "").await;
    for (format, end) in Format::ALL {
        let (name, bytes) = desk.save(&code, end).await;
        assert!(name.contains("filename*=UTF-8''%E6%8A%9C"), "抜き出し_…: {name}");
        let verdict = desk.check(&format!("a.{end}"), &bytes).await;
        assert_eq!(verdict.origin, Origin::ThisBox, "{format:?}");
        assert!(verdict.is_good(), "{format:?}: {:?}", places(&verdict));
        assert_eq!(verdict.code, Some(code.clone()));
    }
    let text = String::from_utf8(desk.save(&code, "txt").await.1).unwrap();
    for part in [
        "資料からの抜き出し",
        "生成AIは使用せず",
        "試験町のデータ 版 1（基準日 令和8年4月1日",
        "[1] 施設使用料の手引 会議室",
        "本市の取扱い",
        "1時間あたり300円",
        "識別番号：",
        "作成：令和",
        "検証情報：KURA1-",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[tokio::test]
async fn any_changed_character_is_noticed_in_plain_formats() {
    let desk = Desk::new().await;
    let code = desk.ask(QUESTION, "").await;
    for end in ["txt", "md", "html"] {
        let whole = String::from_utf8(desk.save(&code, end).await.1).unwrap();
        let body = whole.find("<body>").map_or(0, |at| at + "<body>".len());
        let marks: Vec<_> = whole.match_indices("検証情報").map(|(at, _)| at).collect();
        for (at, c) in whole.char_indices().filter(|(at, _)| *at >= body) {
            // The letters of the text: signs of the format and white space are not the text.
            if !c.is_alphanumeric() || in_tag(&whole, at) {
                continue;
            }
            let mut changed = whole.clone();
            changed.replace_range(at..at + c.len_utf8(), if c == '乙' { "甲" } else { "乙" });
            let verdict = desk.check(&format!("a.{end}"), changed.as_bytes()).await;
            assert!(!verdict.is_good(), "{end}: {c} at {at}");
            if at < marks[0] {
                assert_eq!(verdict.origin, Origin::ThisBox, "{end}: {c} at {at}");
                assert_eq!(places(&verdict).len(), 1, "{end}: {c} at {at}");
            }
        }
    }
}

/// Whether a place lies inside of `<…>` or `&…;`.
fn in_tag(whole: &str, at: usize) -> bool {
    let before = &whole[..at];
    let open = before.rfind('<') > before.rfind('>');
    let entity = before.rfind('&').is_some_and(|from| !before[from..].contains(';'));
    whole.starts_with("<!doctype") && (open || entity)
}

/// The parts of a zip, by name.
fn parts(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut parts = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        parts.push((entry.name().unwrap().into_owned(), content));
    }
    parts
}

fn packed(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The same file with another main part.
fn with_document(bytes: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut parts = parts(bytes);
    let document = parts.iter_mut().find(|(name, _)| name == "word/document.xml").unwrap();
    document.1 = change(std::str::from_utf8(&document.1).unwrap()).into_bytes();
    packed(&parts)
}

#[tokio::test]
async fn a_word_file_that_was_saved_again_is_the_same() {
    let desk = Desk::new().await;
    let code = desk.ask(QUESTION, "").await;
    let (_, bytes) = desk.save(&code, "docx").await;
    let mut turned = parts(&bytes);
    turned.reverse();
    assert!(desk.check("a.docx", &packed(&turned)).await.is_good(), "in another order");
    // Word cuts runs where it has checked the spelling, and adds marks of its own.
    let cut = "</w:t></w:r><w:proofErr w:type=\"spellStart\"/><w:bookmarkStart w:id=\"9\" w:name=\"x\"/>\
               <w:r><w:t xml:space=\"preserve\">";
    let split = with_document(&bytes, |xml| {
        let cut_xml = xml
            .replace("円とする", &format!("円{cut}とする"))
            .replace("使用料", &format!("使用{cut}料"));
        assert!(cut_xml.len() > xml.len());
        cut_xml
    });
    assert!(desk.check("a.docx", &split).await.is_good(), "in other runs");
}

#[tokio::test]
async fn any_changed_character_is_noticed_in_a_word_file() {
    let desk = Desk::new().await;
    let code = desk.ask(QUESTION, "").await;
    let (_, bytes) = desk.save(&code, "docx").await;
    let lines = saved::lines("a.docx", &bytes).unwrap();
    let letters: Vec<(usize, char)> = lines.join("\n").chars().enumerate().collect();
    for (at, c) in letters.into_iter().filter(|(_, c)| c.is_alphanumeric()) {
        let changed = with_document(&bytes, |xml| changed_at(xml, at, &lines));
        let verdict = desk.check("a.docx", &changed).await;
        assert!(!verdict.is_good(), "{c} at {at}");
    }
    let footnote = with_document(&bytes, |xml| {
        xml.replacen("</w:p>", "</w:p><w:p><w:ins><w:r><w:t>追記</w:t></w:r></w:ins></w:p>", 1)
    });
    let added = desk.check("a.docx", &footnote).await;
    assert_eq!(places(&added), [(String::new(), "追記".to_owned())]);
}

/// Replaces the character number `at` of the lines in the text of the XML.
fn changed_at(xml: &str, at: usize, lines: &[String]) -> String {
    let mut left = at;
    let mut from = 0;
    for line in lines {
        let length = line.chars().count();
        if left < length {
            let escaped = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let place = from + xml[from..].find(&escaped).unwrap();
            let plain = line.char_indices().nth(left).unwrap();
            assert_eq!(escaped, *line, "no character of the test needs an escape");
            let start = place + plain.0;
            let other = if plain.1 == '乙' { "甲" } else { "乙" };
            let mut changed = xml.to_owned();
            changed.replace_range(start..start + plain.1.len_utf8(), other);
            return changed;
        }
        left -= length + 1;
        from += xml[from..].find(line.as_str()).unwrap() + line.len();
    }
    panic!("{at} lies behind the end");
}

#[tokio::test]
async fn a_forged_code_and_another_boxs_file_are_told() {
    let (desk, other) = (Desk::new().await, Desk::new().await);
    let (code, foreign) = (desk.ask(QUESTION, "").await, other.ask(QUESTION, "").await);
    let (_, theirs) = other.save(&foreign, "html").await;
    let verdict = desk.check("a.html", &theirs).await;
    assert!(matches!(&verdict.origin, Origin::OtherBox { box_id } if box_id.len() == 8));
    assert!(!verdict.is_good() && verdict.kept.is_none());
    // A style that makes a browser show another text.
    let page = String::from_utf8(desk.save(&code, "html").await.1).unwrap();
    for (from, to) in [("color: #1a1a1a", "color: #fff"), ("<body>", "<body><style>p{}</style>")] {
        let changed = page.replacen(from, to, 1);
        assert_ne!(changed, page);
        assert!(!desk.check("a.html", changed.as_bytes()).await.is_good(), "{to}");
    }
    let own = String::from_utf8(desk.save(&code, "txt").await.1).unwrap();
    // The name of this box on a file of the other.
    let id = |text: &str| text.split("KURA1-").nth(1).unwrap()[..8].to_owned();
    let theirs = String::from_utf8(other.save(&foreign, "txt").await.1).unwrap();
    let forged = theirs.replace(&id(&theirs), &id(&own));
    assert_eq!(desk.check("a.txt", forged.as_bytes()).await.origin, Origin::Forged);
    // The mark of one record under the text of another.
    let second = desk.ask("減免を受ける団体は何を提出しますか", "").await;
    let other_text = String::from_utf8(desk.save(&second, "txt").await.1).unwrap();
    let (body, _) = other_text.split_once("検証情報：").unwrap();
    let (_, mark) = own.split_once("検証情報：").unwrap();
    let swapped = format!("{body}検証情報：{mark}");
    let verdict = desk.check("a.txt", swapped.as_bytes()).await;
    assert!(matches!(verdict.text, TextState::Changed(_)) && !verdict.is_good());
    // Without the mark, the code still leads to the record.
    let bare = desk.check("a.txt", own.split("検証情報：").next().unwrap().as_bytes()).await;
    assert_eq!((bare.origin.clone(), bare.is_good()), (Origin::Recorded, true));
    let unknown = desk.check("a.txt", "会議室は500円です。".as_bytes()).await;
    assert_eq!(unknown.origin, Origin::Unknown);
}

#[tokio::test]
async fn the_mark_holds_when_the_record_is_gone() {
    let desk = Desk::new().await;
    let code = desk.ask(QUESTION, "").await;
    let text = String::from_utf8(desk.save(&code, "txt").await.1).unwrap();
    assert_eq!(desk.store.forget_answers("9999-01-01T00:00:00Z").await.unwrap(), 1);
    let verdict = desk.check("a.txt", text.as_bytes()).await;
    assert!(verdict.is_good() && verdict.kept.is_none());
    let changed = text.replace("300円", "500円");
    let verdict = desk.check("a.txt", changed.as_bytes()).await;
    assert_eq!((verdict.origin, verdict.text), (Origin::ThisBox, TextState::Changed(Vec::new())));
}

#[tokio::test]
async fn the_command_and_the_pages_tell_of_sources_that_were_superseded() {
    let desk = Desk::new().await;
    let code = desk.ask(QUESTION, "").await;
    let file = desk.env.path("回答.docx");
    std::fs::write(&file, desk.save(&code, "docx").await.1).unwrap();
    let before = desk.env.json(&["verify", text(&file), "--json"]);
    assert_eq!((&before["origin"], &before["text"]), (&"this-box".into(), &"unchanged".into()));
    assert_eq!(before["sources"][0]["since"], "");
    let new = desk.env.dataset("town-2", "2", &[("fee.md", RAISED)]);
    desk.env.succeed(&["dataset", "add", text(&new)]);
    let after = desk.env.json(&["verify", text(&file), "--json"]);
    let since = after["sources"][0]["since"].as_str().unwrap();
    assert!(since.contains("edition (2)") && since.contains("another text"), "{since}");
    let page = desk.get(&format!("/answers/{}", code.plain()), "").await;
    assert!(
        page.text.contains("いまの版（2）では、この箇所の文章が変わっています"),
        "{}",
        page.text
    );

    let changed = desk.env.path("改変.txt");
    let saved = String::from_utf8(desk.save(&code, "txt").await.1).unwrap();
    std::fs::write(&changed, saved.replace("300円", "100円")).unwrap();
    desk.env.fail(&["verify", text(&changed)], 3);
    let shown = String::from_utf8(desk.env.run(&["verify", text(&changed)]).stdout).unwrap();
    assert!(shown.contains("300円") && shown.contains("100円"), "{shown}");
    std::fs::write(&changed, "会議室は500円です。").unwrap();
    desk.env.fail(&["verify", text(&changed)], 4);
    let missing = desk.env.fail(&["verify", text(&desk.env.path("ない.txt"))], 1);
    assert!(missing.contains("ない.txt"), "{missing}");
    let record = &desk.records.find(&code).await.unwrap().unwrap().record;
    assert_eq!(desk.service.sources_since(record).unwrap().len(), 1);
}

#[tokio::test]
async fn who_may_read_and_review_a_record() {
    let desk = Desk::new().await;
    let (_, hanako) = desk.person("hanako", "総務課", Role::Staff).await;
    let (_, taro) = desk.person("taro", "総務課", Role::Staff).await;
    let (_, chief) = desk.person("chief", "総務課", Role::Reviewer).await;
    let (_, tax) = desk.person("tax", "税務課", Role::Reviewer).await;
    let (_, admin) = desk.person("admin", "情報課", Role::Admin).await;
    let code = desk.ask(QUESTION, &hanako).await;
    let path = format!("/answers/{}", code.plain());
    for (cookie, status) in
        [(&hanako, 200), (&taro, 404), (&chief, 200), (&tax, 404), (&admin, 200)]
    {
        for end in ["", ".txt", ".docx"] {
            let request = Request::builder().uri(format!("{path}{end}")).header("cookie", cookie);
            let request = request.body(Body::empty()).unwrap();
            let reply = desk.router.clone().oneshot(request).await.unwrap();
            assert_eq!(reply.status(), status, "{end}");
        }
    }
    assert!(desk.get("/answers", &hanako).await.text.contains(QUESTION));
    assert!(!desk.get("/answers", &taro).await.text.contains(QUESTION));

    assert_eq!(desk.post("/reviews/rule", &chief, "section=&rule=approve").await.status, 403);
    assert_eq!(desk.post("/reviews/rule", &admin, "section=&rule=approve").await.status, 303);
    let early = desk.step(&code, &chief, "action=confirmed").await;
    assert!(early.status == 400 && early.text.contains("いまの状態では"), "{}", early.text);
    assert_eq!(desk.step(&code, &hanako, "action=requested&comment=x").await.status, 303);
    for cookie in [&taro, &tax] {
        assert_eq!(desk.step(&code, cookie, "action=confirmed").await.status, 404);
    }
    assert!(desk.get("/reviews", &chief).await.text.contains(&code.to_string()));
    assert!(!desk.get("/reviews", &tax).await.text.contains(&code.to_string()));
    // The head of every page leads there.
    let waits = r#"<span class="who-count">1件</span>"#;
    for (cookie, told) in [(&chief, true), (&tax, false), (&hanako, false)] {
        assert_eq!(desk.get("/assistants", cookie).await.text.contains(waits), told);
    }
    let silent = desk.step(&code, &chief, "action=returned").await;
    assert!(silent.status == 400 && silent.text.contains("理由をコメントに"), "{}", silent.text);
    let back = desk.step(&code, &chief, "action=returned&comment=%E6%A0%B9%E6%8B%A0").await;
    assert_eq!(back.status, 303);
    assert!(desk.get("/reviews", &hanako).await.text.contains("差戻し"));
    assert_eq!(desk.step(&code, &hanako, "action=requested").await.status, 303);
    // 「300円です。」
    let text = "text=300%E5%86%86%E3%81%A7%E3%81%99%E3%80%82";
    let confirmed = desk.step(&code, &chief, &format!("action=confirmed&{text}")).await;
    assert_eq!(confirmed.status, 303, "{}", confirmed.text);
    let both = desk.step(&code, &chief, "action=approved").await;
    assert!(
        both.status == 400 && both.text.contains("確認した人は、承認できません"),
        "{}",
        both.text
    );
    assert!(!desk.get("/reviews", &chief).await.text.contains(&code.to_string()));
    assert_eq!(desk.step(&code, &admin, "action=approved").await.status, 303);
    let page = desk.get(&path, &hanako).await;
    for part in ["承認済み", "chiefさん", "adminさん", "コメント：根拠", "修正したところ"]
    {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let saved = desk.get(&format!("{path}.txt"), &hanako).await.text;
    for part in
        ["本文（職員が修正したもの）", "300円です。", "修正前の文章", "承認：令和", "差戻し：令和"]
    {
        assert!(saved.contains(part), "{part}: {saved}");
    }
    assert!(desk.check("a.txt", saved.as_bytes()).await.is_good());
}

#[tokio::test]
async fn nobody_reviews_their_own_text_where_the_section_wants_another() {
    let desk = Desk::new().await;
    let (_, admin) = desk.person("admin", "情報課", Role::Admin).await;
    let (_, chief) = desk.person("chief", "総務課", Role::Reviewer).await;
    let set =
        desk.post("/reviews/rule", &admin, "section=%E7%B7%8F%E5%8B%99%E8%AA%B2&rule=confirm");
    assert_eq!(set.await.status, 303);
    let code = desk.ask(QUESTION, &chief).await;
    assert_eq!(desk.step(&code, &chief, "action=requested").await.status, 303);
    let own = desk.step(&code, &chief, "action=confirmed").await;
    assert!(own.status == 400 && own.text.contains("自分が作成したもの"), "{}", own.text);
    assert!(!desk.get("/reviews", &chief).await.text.contains(&code.to_string()));
    assert_eq!(desk.step(&code, &admin, "action=confirmed").await.status, 303);
    let approve = desk.step(&code, &admin, "action=approved").await;
    assert_eq!(approve.status, 400, "the section asks for no approval");
}

/// A form's field.
fn field(name: &str, value: &str) -> String {
    let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("&{name}={encoded}")
}

/// The lines of a saved text from one heading to the next.
fn below<'t>(saved: &'t str, heading: &str) -> &'t str {
    let (_, rest) = saved.split_once(&format!("■ {heading}\n")).expect(saved);
    rest.split("■ ").next().unwrap()
}

#[tokio::test]
async fn what_staff_wrote_is_checked_as_an_answer_is() {
    let desk = Desk::new().await;
    let (_, hanako) = desk.person("hanako", "総務課", Role::Staff).await;
    let (_, chief) = desk.person("chief", "総務課", Role::Reviewer).await;
    let code = desk.ask(QUESTION, &hanako).await;
    let path = format!("/answers/{}", code.plain());
    let written = "会議室は1時間300円です。[1] 地方税法第999条により無料です。[9]\n\
         「会議室の使用料は、1時間あたり100円とする。」[1]";
    let edited = format!("action=requested{}", field("text", written));
    assert_eq!(desk.step(&code, &hanako, &edited).await.status, 303);
    let saved = desk.get(&format!("{path}.txt"), &hanako).await.text;
    let text = below(&saved, "本文（職員が修正したもの）");
    for line in [
        "職員の修正後の文章を検査しました：根拠未確認 2文",
        "会議室は1時間300円です。[1] 地方税法第999条により無料です。[9]（根拠未確認）",
        "「会議室の使用料は、1時間あたり100円とする。」[1]（根拠未確認）",
    ] {
        assert!(text.contains(line), "{line}: {saved}");
    }
    assert!(below(&saved, "出典").contains("[1] 施設使用料の手引 会議室"), "{saved}");
    assert!(desk.check("a.txt", saved.as_bytes()).await.is_good());
    // The mark of the file cannot be dropped together with those of the sentences.
    let (bare, _) = saved.split_once("検証情報：").unwrap();
    assert!(desk.check("a.txt", bare.as_bytes()).await.is_good());
    let hidden = bare.replace("（根拠未確認）", "");
    assert!(!desk.check("a.txt", hidden.as_bytes()).await.is_good());
    // The form has the person's own words; the confirmed text cites nothing.
    let page = desk.get(&path, &chief).await.text;
    let form = page.split("<textarea id=\"text\"").nth(1).unwrap();
    assert!(!form.split("</textarea>").next().unwrap().contains("根拠未確認"), "{form}");
    let edited = format!("action=confirmed{}", field("text", "1時間300円です。"));
    assert_eq!(desk.step(&code, &chief, &edited).await.status, 303);
    let later = desk.get(&format!("{path}.txt"), &hanako).await.text;
    let text = below(&later, "本文（職員が修正したもの）");
    assert!(text.contains("根拠未確認 0文") && text.contains("出典の番号がありません"), "{later}");
    assert!(below(&later, "修正前の文章だけの出典").contains("[1] 施設使用料の手引"), "{later}");
    for saved in [&saved, &later] {
        assert!(desk.check("a.txt", saved.as_bytes()).await.is_good(), "{saved}");
    }
}

#[tokio::test]
async fn an_early_document_tells_what_came_after_it() {
    let desk = Desk::new().await;
    let (_, hanako) = desk.person("hanako", "総務課", Role::Staff).await;
    let (_, chief) = desk.person("chief", "総務課", Role::Reviewer).await;
    let (_, admin) = desk.person("admin", "情報課", Role::Admin).await;
    let code = desk.ask(QUESTION, &hanako).await;
    let path = format!("/answers/{}", code.plain());
    let before = desk.get(&format!("{path}.txt"), &hanako).await.text;
    assert!(!before.contains("状態："), "the section asks for nothing: {before}");
    assert_eq!(desk.post("/reviews/rule", &admin, "section=&rule=approve").await.status, 303);
    let early = desk.get(&format!("{path}.txt"), &hanako).await.text;
    assert!(early.contains("状態：確認前（この課は確認と承認が必要）"), "{early}");
    let nothing = desk.verify(&hanako, "text", &early).await.text;
    assert!(!nothing.contains("この文書の後に"), "{nothing}");
    assert_eq!(desk.step(&code, &hanako, "action=requested").await.status, 303);
    let waiting = "状態：確認待ち（この課は確認と承認が必要）";
    let page = desk.get(&path, &hanako).await.text;
    assert_eq!(page.matches(waiting).count(), 2, "at the top and in the paper: {page}");
    let back = format!("action=returned{}", field("comment", "金額"));
    assert_eq!(desk.step(&code, &chief, &back).await.status, 303);
    let again = format!("action=requested{}", field("text", "300円です。[1]"));
    assert_eq!(desk.step(&code, &hanako, &again).await.status, 303);
    assert_eq!(desk.step(&code, &chief, "action=confirmed").await.status, 303);
    let file = desk.get(&format!("{path}.txt"), &hanako).await.text;
    assert!(file.contains("状態：承認待ち"), "{file}");
    assert_eq!(desk.step(&code, &admin, "action=approved").await.status, 303);
    let last = desk.get(&format!("{path}.txt"), &hanako).await.text;
    assert!(!last.contains("状態："), "{last}");

    let said = "この文書の後に、確認依頼・差戻し・修正・確認・承認されています（最新：承認 令和";
    for (text, said) in [
        (&before, said),
        (&early, said),
        (&file, "この文書の後に、承認されています（最新：承認 令和"),
    ] {
        let page = desk.verify(&hanako, "text", text).await.text;
        assert!(page.contains("改変されていません") && page.contains(said), "{page}");
        assert!(page.contains("情報課 adminさん）"), "{page}");
    }
    let page = desk.verify(&hanako, "text", &last).await.text;
    assert!(page.contains("改変されていません") && !page.contains("この文書の後に"), "{page}");

    let early_file = desk.env.path("early.txt");
    std::fs::write(&early_file, &early).unwrap();
    let json = desk.env.json(&["verify", text(&early_file), "--json"]);
    assert_eq!(
        (&json["text"], &json["later"][4]["action"]),
        (&"unchanged".into(), &"approved".into())
    );
    assert_eq!(json["later"][2]["edited"], true);
    let english = desk.env.succeed(&["verify", text(&early_file)]);
    assert!(english.contains("(latest: approved 20"), "{english}");
    let japanese = desk.env.succeed(&["--lang", "ja", "verify", text(&early_file)]);
    assert!(japanese.contains("作成: 令和") && japanese.contains(said), "{japanese}");
    assert!(!japanese.contains("T0"), "{japanese}");
    // Without the mark, and without what the rule asked for.
    let (bare, _) = file.split_once("検証情報：").unwrap();
    assert!(desk.check("a.txt", bare.as_bytes()).await.is_good());
    let hidden: String =
        bare.lines().filter(|line| !line.contains("状態：")).collect::<Vec<_>>().join("\n");
    assert!(!desk.check("a.txt", hidden.as_bytes()).await.is_good());
}

#[tokio::test]
async fn trails_of_before_there_were_notes_still_verify() {
    use sqlx::Connection;
    let desk = Desk::new().await;
    let (_, hanako) = desk.person("hanako", "総務課", Role::Staff).await;
    let code = desk.ask(QUESTION, &hanako).await;
    // As an earlier program left it: two steps, one with a text, and a MAC without the note.
    let file = desk.env.data_dir().join(kura::store::FILE);
    let url = format!("sqlite://{}", file.display());
    let mut database = sqlx::AnyConnection::connect(&url).await.unwrap();
    let mut before = String::new();
    let first = desk.store.review_steps(code.plain()).await.unwrap().remove(0);
    let second = kura::store::ReviewStep {
        step: 2,
        action: "requested".to_owned(),
        text: "無料です。[9]".to_owned(),
        ..first.clone()
    };
    sqlx::query("DELETE FROM review_steps").execute(&mut database).await.unwrap();
    for step in [first, second] {
        let parts = [
            &before,
            &step.code,
            &step.at,
            &step.person,
            &step.name,
            &step.section,
            &step.action,
            &step.comment,
            &step.text,
        ];
        let mac = desk.records.seal().mac("step", &parts.map(String::as_str));
        before.clone_from(&mac);
        let step = kura::store::ReviewStep { mac, noted: String::new(), ..step };
        assert!(desk.store.add_review_step(&step).await.unwrap());
    }
    let path = format!("/answers/{}.txt", code.plain());
    let saved = desk.get(&path, &hanako).await.text;
    let text = below(&saved, "本文（職員が修正したもの）");
    assert!(text.contains("無料です。[9]\n") && !text.contains("検査しました"), "{saved}");
    assert!(desk.check("a.txt", saved.as_bytes()).await.is_good());
    // Also without the mark, when the section asks for more since.
    desk.store.set_review_rule("", "approve").await.unwrap();
    let (bare, _) = saved.split_once("検証情報：").unwrap();
    assert!(desk.check("a.txt", bare.as_bytes()).await.is_good());
    assert!(desk.check("a.txt", saved.as_bytes()).await.is_good());
}

#[tokio::test]
async fn a_record_that_was_changed_in_the_database_is_refused() {
    use sqlx::Connection;
    let desk = Desk::new().await;
    let code = desk.ask(QUESTION, "").await;
    let file = desk.env.data_dir().join(kura::store::FILE);
    let url = format!("sqlite://{}", file.display());
    let mut database = sqlx::AnyConnection::connect(&url).await.unwrap();
    for change in [
        "UPDATE review_steps SET noted = ''",
        "UPDATE review_steps SET name = 'ほかの人'",
        "UPDATE answers SET body = replace(body, '300円', '100円')",
    ] {
        sqlx::query(change).execute(&mut database).await.unwrap();
        assert!(desk.records.find(&code).await.is_err(), "{change}");
        let page = desk.get(&format!("/answers/{}", code.plain()), "").await;
        assert!(page.status == 500 && page.text.contains("書き換えられている"), "{}", page.text);
    }
}

#[tokio::test]
async fn the_page_verifies_texts_and_codes() {
    let desk = Desk::new().await;
    let (_, hanako) = desk.person("hanako", "総務課", Role::Staff).await;
    let (_, taro) = desk.person("taro", "総務課", Role::Staff).await;
    let code = desk.ask(QUESTION, &hanako).await;
    let text = desk.get(&format!("/answers/{}.txt", code.plain()), &hanako).await.text;
    let good = desk.verify(&taro, "text", &text).await;
    assert!(good.text.contains("改変されていません"), "{}", good.text);
    let changed = text.replace("1時間あたり300円", "1時間あたり<b>500円");
    let own = desk.verify(&hanako, "text", &changed).await;
    assert!(
        own.text.contains("改変されています") && own.text.contains("<mark>3</mark>"),
        "{}",
        own.text
    );
    assert!(!own.text.contains("<b>500"), "{}", own.text);
    let other = desk.verify(&taro, "text", &changed).await;
    assert!(other.text.contains("改変されています"), "{}", other.text);
    assert!(!other.text.contains("あたり300円"), "what the record has is not theirs to read");
    let found = desk.verify(&hanako, "code", &code.to_string().to_lowercase()).await;
    assert_eq!(found.header("location"), format!("/answers/{}", code.plain()));
    let known = desk.verify(&taro, "code", code.plain()).await;
    assert!(known.text.contains("この機器で作成した回答") && !known.text.contains(QUESTION));
    for (typed, said) in
        [("ABC", "正しくありません"), (Code::random().plain(), "この機器にありません")]
    {
        let reply = desk.verify(&hanako, "code", typed).await;
        assert!(reply.status == 400 && reply.text.contains(said), "{}", reply.text);
    }
    let empty = desk.verify(&hanako, "file\"; filename=\"a.txt", "").await;
    assert!(empty.status == 400 && empty.text.contains("「a.txt」は空です"), "{}", empty.text);
    let nothing = desk.verify(&hanako, "other", "x").await;
    assert!(nothing.status == 400 && nothing.text.contains("ファイルを選ぶか"), "{}", nothing.text);
}

#[tokio::test]
async fn what_was_masked_stays_masked() {
    let desk = Desk::new().await;
    let code = desk.ask("会議室の使用料は。連絡先は090-1234-5678です", "").await;
    let text = String::from_utf8(desk.save(&code, "txt").await.1).unwrap();
    assert!(!text.contains("1234-5678"), "{text}");
    let stored = desk.store.answer(code.plain()).await.unwrap().unwrap();
    assert!(!stored.body.contains("1234-5678") && !stored.question.contains("1234-5678"));
}

#[tokio::test]
async fn answers_of_other_ways_in_have_records_too() {
    let desk = Desk::new().await;
    let page = desk
        .post(
            "/ask",
            "",
            "question=%E4%BC%9A%E8%AD%B0%E5%AE%A4%E3%81%AE%E4%BD%BF%E7%94%A8%E6%96%99",
        )
        .await;
    assert!(page.text.contains(".docx\" download"), "{}", page.text);
    let chat = r#"{"model": "default", "messages": [{"role": "user", "content": "会議室の使用料は"}],
        "kura": {"datasets": "all"}}"#;
    let reply = post_json(&desk.router, "/v1/chat/completions", chat).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(desk.store.answers_of("shared", 10).await.unwrap().len(), 2);
}

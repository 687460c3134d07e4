//! The page in a real browser, used as staff use it: by keyboard, with an IME, on a phone.

use std::io::Write;
use std::net::SocketAddr;

use kura::web::{WebOptions, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::web_driver::{Browser, ENTER, ESCAPE, TAB};
use crate::web_env::WebEnv;

/// A server on a free port, until the value goes.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let samples = vec!["会議室の使用料はいくらですか".to_owned()];
        Self::with(WebOptions { sample_questions: samples, ..WebOptions::default() })
    }

    pub(crate) fn with(options: WebOptions) -> Self {
        Self::over(WebEnv::new, options)
    }

    /// The same over other data.
    pub(crate) fn over(web: fn() -> WebEnv, options: WebOptions) -> Self {
        let (ready, address) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let web = web();
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                ready.send(listener.local_addr().unwrap()).unwrap();
                let asked_to_stop = async { drop(stopped.await) };
                serve(listener, web.service.clone(), options, asked_to_stop).await.unwrap();
            });
        });
        Self { address: address.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// True when an answer stands, whole.
pub(crate) const ANSWERED: &str =
    "document.querySelector('.answer')?.getAttribute('aria-busy') === 'false'";

/// An Enter that confirms a conversion, as browsers report it.
const COMPOSING_ENTER: &str = "
    const box = document.getElementById('question');
    const keys = { key: 'Enter', bubbles: true, cancelable: true };
    box.dispatchEvent(new KeyboardEvent('keydown', { ...keys, isComposing: true }));
    box.dispatchEvent(new KeyboardEvent('keydown', { ...keys, keyCode: 229 }));";

#[test]
fn staff_can_use_the_page() {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => {
            // Not by a macro: the test harness keeps what those print to itself.
            writeln!(std::io::stderr(), "skipped staff_can_use_the_page: {why}").unwrap();
            return;
        }
    };
    let server = Server::start();
    let url = format!("http://{}/", server.address);
    browser.resize(1280, 900);
    browser.open(&url);
    browser.wait("document.documentElement.dataset.ready === 'true'");
    asks_by_keyboard(&browser);
    opens_a_citation_by_keyboard(&browser);
    says_what_it_did_not_use(&browser);
    fits_a_phone(&browser, &url);
    shows_an_excerpt_until_the_answer_comes(&browser);
    let foreign = browser.run(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)
            .filter((name) => !name.startsWith(location.origin));",
    );
    assert_eq!(foreign, serde_json::json!([]), "the page fetched from elsewhere");
}

fn asks_by_keyboard(browser: &Browser) {
    browser.run("document.getElementById('question').focus();");
    browser.press("転出届は何日前から出せますか");
    browser.run(COMPOSING_ENTER);
    assert_eq!(browser.run("return document.querySelector('.answer');"), serde_json::Value::Null);
    browser.press(&ENTER.to_string());
    browser.wait(ANSWERED);
    let text = browser.run("return document.querySelector('.answer-text').textContent;");
    assert!(text.as_str().unwrap().contains("14日前"), "{text}");
    let made = browser.run("return document.querySelector('.provenance').textContent;");
    let made = made.as_str().unwrap();
    assert!(made.contains("令和8年4月1日") && made.contains("資料からの抜き出し"), "{made}");
    let asked = browser.run("return document.querySelectorAll('#history-list li').length;");
    assert_eq!(asked, 1, "one question was sent, once");
}

/// An answer that found nothing does not claim an excerpt.
fn says_what_it_did_not_use(browser: &Browser) {
    browser.run(
        "document.getElementById('question').value = '量子重力理論の実験';
         document.getElementById('send').click();",
    );
    browser.wait("document.querySelector('.badge-kind')?.textContent === '該当なし'");
    browser.wait("document.querySelector('.provenance') !== null");
    let made = browser.run("return document.querySelector('.provenance').textContent;");
    let made = made.as_str().unwrap();
    assert!(made.contains("使用なし") && !made.contains("抜き出し"), "{made}");
}

fn opens_a_citation_by_keyboard(browser: &Browser) {
    let at_citation = "return document.activeElement.classList.contains('cite');";
    let reached = (0..40).any(|_| {
        browser.press(&TAB.to_string());
        browser.run(at_citation) == true
    });
    assert!(reached, "Tab never reaches a citation");
    browser.press(&ENTER.to_string());
    browser.wait("document.getElementById('passage').open");
    let text = browser.run("return document.getElementById('passage').textContent;");
    let text = text.as_str().unwrap();
    for part in ["窓口業務マニュアル", "固有", "要綱・マニュアル", "令和8年4月1日", "14日前"]
    {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    browser.wait("document.getElementById('passage').contains(document.activeElement)");
    browser.press(&ESCAPE.to_string());
    browser.wait("!document.getElementById('passage').open");
    assert_eq!(browser.run(at_citation), true, "focus comes back to the citation");
}

/// While a model reads: the page's own view, fed as by a slow appliance.
const WAITING: &str = "
    const passage = { path: 'a.md', scope: 'local', as_of: '2026-04-01', text: '文。', headings: [] };
    const dataset = { title: '試験町', edition: '1', stale: false };
    const source = { number: 2, dataset, passage, citation: '手引', snippet: '文。', highlights: [] };
    const entry = { question: '使用料は', sources: [source], text: '', summary: null,
        excerpt: [{ number: 2, text: '使用料は、300円とする。' }], state: 'running', message: '' };
    import('/assets/answer.js').then(({ AnswerView }) => {
        const view = new AnswerView(entry, { onStop() {}, onRetry() {} });
        document.getElementById('answer').replaceChildren(view.element);
        document.querySelector('.excerpt .cite').focus();
        window.tested = { view, entry };
    });";

/// The answer takes the place of the excerpt, and nothing below it moves.
fn shows_an_excerpt_until_the_answer_comes(browser: &Browser) {
    browser.run(WAITING);
    browser.wait("window.tested !== undefined");
    let shown = browser.run("return document.querySelector('.excerpt').textContent;");
    let shown = shown.as_str().unwrap();
    assert!(shown.contains("該当箇所の抜き出し") && shown.contains("300円"), "{shown}");
    let top = "return document.querySelector('.sources').getBoundingClientRect().top;";
    let before = browser.run(top);
    browser.run(
        "const { view, entry } = window.tested;
         entry.text = '300円です。[2]';
         view.append(entry.text);",
    );
    browser.wait("document.querySelector('.excerpt').hidden");
    assert_eq!(browser.run(top), before, "what is below moved");
    assert_eq!(browser.run("return document.activeElement.id;"), "answer", "focus is not lost");
    browser.run(
        "const { view, entry } = window.tested;
         Object.assign(entry, { text: '', state: 'stopped' });
         view.update();",
    );
    browser.wait("!document.querySelector('.excerpt').hidden");
}

fn fits_a_phone(browser: &Browser, url: &str) {
    browser.resize(360, 740);
    browser.open(url);
    browser.wait("document.documentElement.dataset.ready === 'true'");
    browser.run("document.querySelector('.sample').click();");
    browser.wait(ANSWERED);
    let text = browser.run("return document.querySelector('.answer-text').textContent;");
    assert!(text.as_str().unwrap().contains("300円"), "{text}");
    let too_wide = browser.run("return document.documentElement.scrollWidth - innerWidth;");
    assert!(too_wide.as_i64().unwrap() <= 0, "{too_wide} pixels too wide");
}

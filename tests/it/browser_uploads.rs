//! A file in a conversation in a real browser: chosen, asked about, its passage opened, deleted.

use std::io::Write;

use kura::store::{Store, TRIAL};
use kura::web::{Reader, WebOptions};

use crate::accessibility::Tree;
use crate::browser::{ANSWERED, Server};
use crate::env::KURA;
use crate::web_driver::{Browser, ENTER};

/// Puts a file into the box as choosing one does.
const CHOOSES: &str = "
    const files = new DataTransfer();
    files.items.add(new File(['# 防災訓練の計画\\n\\n## 日時\\n\\n防災訓練は、11月3日の午前9時に始める。\\n'], '訓練.md'));
    const box = document.getElementById('upload-file');
    box.files = files.files;
    box.dispatchEvent(new Event('change', { bubbles: true }));";

/// Lets go of a file over the question box.
const DROPS: &str = "
    const files = new DataTransfer();
    files.items.add(new File(['MZ'], '悪い.exe'));
    const drop = new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: files });
    document.getElementById('ask').dispatchEvent(drop);
    return drop.defaultPrevented;";

#[test]
fn a_file_is_chosen_asked_about_and_deleted() {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => {
            // Not by a macro: the test harness keeps what those print to itself.
            let mut stderr = std::io::stderr();
            writeln!(stderr, "skipped a_file_is_chosen_asked_about_and_deleted: {why}").unwrap();
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(async {
        let store = Store::open(dir.path()).await.unwrap();
        store.confirm_guide(TRIAL).await.unwrap();
        store
    });
    let reader = Reader { program: Some(KURA.into()), ..Reader::default() };
    let options = WebOptions { store: Some(store), trial: true, reader, ..WebOptions::default() };
    let server = Server::with(options);
    browser.resize(1280, 900);
    browser.open(&format!("http://{}/", server.address));
    browser.wait("document.documentElement.dataset.ready === 'true'");
    browser.run("document.getElementById('uploads').open = true;");
    browser.run(CHOOSES);
    browser.wait("document.querySelectorAll('.upload-item').length === 1");
    let item = browser.run("return document.querySelector('.upload-item').textContent;");
    let item = item.as_str().unwrap();
    assert!(item.contains("訓練.md") && item.contains("あと約24時間"), "{item}");
    browser.wait("document.getElementById('talk-current').hidden === false");
    Tree::of(&browser).check("desk with a file");
    refuses(&browser);
    asks(&browser);
    browser.run("document.querySelector('.upload-item button').click();");
    browser.wait("document.querySelectorAll('.upload-item').length === 0");
    let hidden = browser.run("return document.getElementById('upload-use').hidden;");
    assert_eq!(hidden, true);
}

fn refuses(browser: &Browser) {
    assert_eq!(browser.run(DROPS), true, "the browser does not open the file itself");
    browser.wait("document.getElementById('upload-error').hidden === false");
    let error = browser.run("return document.getElementById('upload-error').textContent;");
    assert!(error.as_str().unwrap().contains("「悪い.exe」：対応していない形式"), "{error}");
    let count = browser.run("return document.querySelectorAll('.upload-item').length;");
    assert_eq!(count, 1);
}

fn asks(browser: &Browser) {
    browser.run("document.getElementById('upload-use-only').click();");
    browser.run("const q = document.getElementById('question'); q.value = ''; q.focus();");
    browser.press("防災訓練は何時に始めますか");
    browser.press(&ENTER.to_string());
    browser.wait(ANSWERED);
    let layer = browser.run("return document.querySelector('.sources')?.textContent ?? '';");
    let layer = layer.as_str().unwrap();
    assert!(layer.contains("アップロードした資料") && layer.contains("訓練"), "{layer}");
    browser.run("document.querySelector('.cite').click();");
    browser.wait("document.getElementById('passage').open");
    let passage = browser.run("return document.getElementById('passage-body').textContent;");
    let passage = passage.as_str().unwrap();
    assert!(passage.contains("午前9時") && passage.contains("国や本市の決まりではありません"));
    browser.run("document.getElementById('passage-close').click();");
}

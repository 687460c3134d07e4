//! A bundle brought in with a real browser: the folder picked, stopped, and gone on with.

use std::io::Write;
use std::path::Path;

use crate::browser::Server;
use crate::web_bundles::Publisher;
use crate::web_driver::Browser;
use crate::web_uploads::options;

/// Counts what is sent, and presses 停止 at the fifth piece when told to.
const COUNT: &str = "
    window.puts = 0;
    const real = window.fetch;
    window.fetch = (path, request) => {
      if (request?.method === 'PUT') {
        window.puts += 1;
        if (window.stopAt === window.puts) document.getElementById('upload-stop').click();
      }
      return real(path, request);
    };";

#[test]
fn a_bundle_is_brought_in_with_the_browser() {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => {
            // Not by a macro: the test harness keeps what those print to itself.
            let mut stderr = std::io::stderr();
            writeln!(stderr, "skipped a_bundle_is_brought_in_with_the_browser: {why}").unwrap();
            return;
        }
    };
    let publisher = Publisher::new();
    let bundle = publisher.dataset("town", 2, "婚姻届は、夜間も預かる。");
    let server = Server::with(options(&publisher));
    let url = format!("http://{}/updates", server.address);
    browser.resize(1280, 900);
    says_what_is_missing(&browser, &url);

    pick(&browser, &url, &bundle.path);
    browser.run("window.stopAt = 5; document.getElementById('upload-send').click();");
    browser.wait("document.querySelector('#upload-results .failure') !== null");
    let said = browser.run("return document.getElementById('upload-results').textContent;");
    assert!(said.as_str().unwrap().contains("続きから送れます"), "{said}");

    pick(&browser, &url, &bundle.path);
    browser.run("document.getElementById('upload-send').click();");
    browser.wait("document.querySelector('#upload-results .done, #upload-results .failure')");
    let said = browser.run("return document.getElementById('upload-results').textContent;");
    let said = said.as_str().unwrap();
    assert!(said.contains("「試験町のデータ」版 2") && said.contains("取り込みました"), "{said}");
    assert!(said.contains("1問のうち1問が正答"), "{said}");
    let sent = browser.run("return window.puts;").as_u64().unwrap();
    let most = bundle.chunks.len() as u64 - 2;
    assert!((1..=most).contains(&sent), "{sent} of {} pieces were sent again", most + 2);

    browser.open(&url);
    let page = browser.run("return document.querySelector('main').textContent;");
    let page = page.as_str().unwrap();
    for part in ["令和8年10月1日", "前の世代に戻す", "取込", "佐藤", "試験町 総務課"]
    {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    fits_every_width(&browser, &url);
}

/// Opens the page, fills the form and picks the folder.
fn pick(browser: &Browser, url: &str, folder: &Path) {
    browser.open(url);
    browser.wait("document.documentElement.dataset.ready === 'true'");
    browser.run(COUNT);
    browser.run(
        "document.getElementById('operator').value = '佐藤';
         document.getElementById('approver').value = '鈴木';
         document.getElementById('media').value = 'USB-07';",
    );
    browser.choose("#folder", folder);
    browser.wait("document.getElementById('folder').files.length > 0");
}

fn says_what_is_missing(browser: &Browser, url: &str) {
    browser.open(url);
    browser.wait("document.documentElement.dataset.ready === 'true'");
    browser.run("document.getElementById('upload-send').click();");
    let shown = browser.run(
        "return [...document.querySelectorAll('#upload .field-error:not([hidden])')]
            .map((error) => error.textContent);",
    );
    assert_eq!(shown.as_array().unwrap().len(), 3, "{shown}");
    assert_eq!(browser.run("return document.activeElement.id;"), "operator");
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("notes.txt"), "x").unwrap();
    pick(browser, url, elsewhere.path());
    browser.run("document.getElementById('upload-send').click();");
    browser.wait("document.getElementById('folder-error').textContent.includes('manifest.json')");
}

fn fits_every_width(browser: &Browser, url: &str) {
    for width in [360, 768, 1280, 1920] {
        browser.resize(width, 800);
        browser.open(url);
        browser.wait("document.documentElement.dataset.ready === 'true'");
        let wide = browser.run("return document.documentElement.scrollWidth;").as_u64().unwrap();
        assert!(wide <= u64::from(width), "{wide} pixels wide at {width}");
    }
}

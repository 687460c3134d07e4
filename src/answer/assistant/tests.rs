use std::sync::Arc;

use proptest::prelude::*;

use super::*;

const SMALL: &str = "title = \"議事録\"\nprompt = \"要約する\"\n";

fn read(text: &str) -> (Assistant, Vec<String>) {
    let (assistant, mistakes) = read_one(text, "note");
    let said = mistakes.iter().map(|each| each.message(crate::text::Lang::En)).collect();
    (assistant.unwrap(), said)
}

#[test]
fn title_and_prompt_are_enough() {
    let (assistant, mistakes) = read(SMALL);
    assert_eq!(mistakes, [""; 0]);
    assert_eq!((assistant.id.as_str(), assistant.version), ("note", 1));
    assert_eq!(assistant.fields, [Field::text()]);
    assert!(!assistant.uses_data());
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let text = "title = \"\"\nprompt = 3\nversoin = 2\nform = \"poem\"\nsearch = [\"who\"]\n\
                max_tokens = -1\n\n[sampling]\ntemperature = 9\n\n[[field]]\nid = \"Text\"\n\
                label = \"文\"\nkind = \"choice\"\n\n[[example]]\nvalues = { other = \"x\" }\n\n\
                [checks]\ncites = true\nstyle = \"x\"\n";
    let (_, mistakes) = read(text);
    for part in [
        "line 1: `title` is missing",
        "line 2: `prompt` must be a string",
        "line 3: unknown key `versoin`",
        "line 4: `form` must be one of free, letter",
        "line 5: `search` names no field: \"who\"",
        "line 6: `max_tokens` must be an integer",
        "line 9: `sampling.temperature` is 9",
        "line 11: the id of a field",
        "line 11: `choices` holds 1 to 20",
        "line 16: an example fills in no field: \"other\"",
        "line 20: `checks.cites` needs data sets",
        "line 21: `style` must be one of desumasu, dearu",
    ] {
        assert!(mistakes.iter().any(|said| said.starts_with(part)), "{part}: {mistakes:#?}");
    }
    let (nothing, mistakes) = read_one("title = ", "x");
    assert!(nothing.is_none());
    assert!(mistakes[0].en.starts_with("not TOML"), "{mistakes:?}");
}

#[test]
fn a_set_holds_several_and_no_id_twice() {
    let set = to_set(built_in().iter().map(AsRef::as_ref));
    let (all, mistakes) = read_all(&set, "");
    assert_eq!(mistakes, []);
    let there: Vec<Assistant> = built_in().iter().map(|each| each.as_ref().clone()).collect();
    assert_eq!(all, there);
    let one = "[[assistant]]\nid = \"a\"\ntitle = \"x\"\nprompt = \"y\"\n";
    let (_, mistakes) = read_all(&format!("{one}{one}"), "");
    assert!(mistakes[0].en.contains("two assistants"), "{mistakes:?}");
    let (_, mistakes) = read_all(&format!("title = \"x\"\n{one}"), "");
    assert!(mistakes[0].en.contains("beside [[assistant]]"), "{mistakes:?}");
}

#[test]
fn ids_that_hide_a_page_are_refused() {
    for (id, sound) in [("gijiroku", true), ("a-1_b", true), ("", false), ("new", false)] {
        assert_eq!(check_id(id).is_none(), sound, "{id}");
    }
    for id in ["大", "A", "-a", "a/b", "a.b", &"a".repeat(49)] {
        assert!(check_id(id).is_some(), "{id}");
    }
}

fn a_text() -> impl Strategy<Value = String> {
    "[a-z\"\\\\\n\t'#あ、「」（\\[\\]=\u{7f}🙂]{0,24}".prop_map(|text| text.trim().to_owned())
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(
        title in a_text(), prompt in a_text(), value in a_text(), word in a_text(),
        most in 0usize..9, warm in 0.0f32..2.0, flag: bool,
    ) {
        let (mut assistant, _) = read(SMALL);
        assistant.title = title;
        assistant.prompt = prompt;
        assistant.sampling.temperature = Some(warm);
        assistant.verbatim = flag.then_some(most > 4);
        if flag {
            assistant.data = DataChoice::Only(vec!["town".to_owned()]);
        }
        let (field, prompt) = ("text".to_owned(), String::new());
        assistant.long = Some(Long { field, join: Join::Concat, prompt });
        let values = vec![("text".to_owned(), value)];
        assistant.examples = vec![Example { title: word.clone(), values }];
        let checks = Checks { max_chars: most, plain_words: flag, ..Checks::default() };
        assistant.checks = Checks { contains: vec![word], ..checks };
        let (again, _) = read_one(&to_toml(&assistant), "note");
        prop_assert_eq!(again.as_ref(), Some(&assistant));
        let (set, _) = read_all(&to_set([&assistant]), "");
        prop_assert_eq!(&set[..], &[assistant][..]);
    }

    #[test]
    fn parts_fit_and_nothing_is_left_out(text in "[あいう。、\n]{0,200}", most in 1usize..40) {
        let parts = split(&text, most, |part| part.chars().count());
        prop_assert!(parts.iter().all(|part| part.chars().count() <= most));
        let bare = |text: &str| text.replace('\n', "");
        prop_assert_eq!(bare(&parts.concat()), bare(&text));
    }
}

/// An assistant with these checks and two fields.
fn with_checks(checks: &str) -> Arc<Assistant> {
    let text = format!(
        "{SMALL}data = \"all\"\n[[field]]\nid = \"to\"\nlabel = \"宛名\"\nkind = \"line\"\n\
         [[field]]\nid = \"text\"\nlabel = \"内容\"\nrequired = true\n[checks]\n{checks}\n"
    );
    let (assistant, mistakes) = read_one(&text, "note");
    assert_eq!(mistakes, []);
    Arc::new(assistant.unwrap())
}

fn filled(assistant: &Arc<Assistant>, values: &[(&str, &'static str)]) -> Filled {
    let find = |id: &str| values.iter().find(|(known, _)| *known == id).map(|(_, value)| *value);
    Filled::new(assistant.clone(), find).unwrap()
}

#[test]
fn checks_look_at_what_came_out() {
    let values = [("to", "各課長　様"), ("text", "令和8年4月1日に、三百円を2人から集める。")];
    for (check, good, bad, detail) in [
        ("max_chars = 5", "できます。", "できませんので。", "8文字"),
        ("max_sentence_chars = 8", "短いです。長くない。", "とても長い文なのです。", "「とても"),
        ("contains = [\"件名\"]", "件名：会議", "会議", "件名"),
        ("contains_fields = [\"to\"]", "各課長 様\n本文", "課長殿", "宛名"),
        ("avoids = [\"至急\"]", "お願いします。", "至急お願いします。", "至急"),
        ("portable_characters = true", "（1）株式会社", "①㈱", "①、㈱"),
        ("style = \"desumasu\"", "会議を開きます。\n日時 4月1日", "会議を開く予定だ。", "「会議を"),
        ("style = \"dearu\"", "会議を開く予定である。", "会議を開きます。", "「会議を"),
        ("plain_words = true", "お金を払ってください。", "納付してください。", "納付→お金を払う"),
        ("numbers = true", "1 2026年4月1日\n2 300円、2人", "500円を集めます。", "500"),
        ("cites = true", "決まっています[1]。", "決まっています。", "出典番号"),
    ] {
        let assistant = with_checks(check);
        let filled = filled(&assistant, &values);
        let run = |text: &str| {
            let cited = usize::from(text.contains("[1]"));
            let made = Made { text, cited, passages: &["資料に9の記載"] };
            let outcomes = run_checks(&filled, &made);
            assert_eq!(outcomes.len(), 1, "{check}");
            outcomes[0].clone()
        };
        let passed = run(good);
        assert!(passed.passed, "{check}: {passed:?}");
        let failed = run(bad);
        assert!(!failed.passed && failed.detail.contains(detail), "{check}: {failed:?}");
    }
}

#[test]
fn numbers_of_passages_and_of_other_calendars_are_known() {
    let assistant = with_checks("numbers = true");
    let filled = filled(&assistant, &[("text", "平成31年と2020年、１，０００円")]);
    let made = |text| Made { text, cited: 0, passages: &["第十条の二"] };
    for (text, passed) in [
        ("2019年、令和2年、1000円、第10条[3]", true),
        ("2,000円", false),
        ("(3) 項目", true),
        ("3人", false),
    ] {
        let outcome = &run_checks(&filled, &made(text))[0];
        assert_eq!(outcome.passed, passed, "{text}: {outcome:?}");
    }
}

#[test]
fn fields_are_checked_and_become_a_request() {
    let assistant = with_checks("cites = true");
    let gaps = Filled::new(assistant.clone(), |id| (id == "to").then_some("甲\n乙")).unwrap_err();
    let said: Vec<&str> = gaps.iter().map(|gap| gap.field.as_str()).collect();
    assert_eq!(said, ["to", "text"]);
    let filled = filled(&assistant, &[("text", " 一行目\r\n二行目 "), ("to", "甲")]);
    assert_eq!(filled.request(), "【宛名】甲\n\n【内容】\n一行目\n二行目");
    assert_eq!(filled.search_text(), "甲\n一行目\n二行目");
    let turns = assistant.preview(&filled);
    assert!(turns[0].content.contains("[1]のように"), "{}", turns[0].content);
    assert!(turns[1].content.ends_with("質問：【宛名】甲\n\n【内容】\n一行目\n二行目"));
}

#[test]
fn dates_carry_their_era() {
    let text = format!(
        "{SMALL}[[field]]\nid = \"day\"\nlabel = \"日\"\nkind = \"date\"\n\
                        [[field]]\nid = \"b\"\nlabel = \"他\"\n"
    );
    let assistant = Arc::new(read(&text).0);
    assert_eq!(filled(&assistant, &[("day", "2026-04-01")]).request(), "【日】令和8年4月1日");
    let wrong = Filled::new(assistant, |id| (id == "day").then_some("4月1日")).unwrap_err();
    assert!(wrong[0].ja.contains("2026-04-01"), "{wrong:?}");
}

#[tokio::test]
async fn the_office_covers_the_starting_set_and_can_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let cabinet = Cabinet::new(&crate::sync::Installation::new(&dir.path().join("data")));
    let before = cabinet.get("mail").await.unwrap();
    assert_eq!(before.origin, Origin::BuiltIn);
    assert!(!dir.path().join("data").exists(), "looking makes nothing");
    let mut changed = before.assistant.as_ref().clone();
    changed.title = "庁外メール".to_owned();
    let saving = |assistant, base| {
        let (note, author) = (String::new(), "佐藤".to_owned());
        Saving { assistant, base, note, author }
    };
    let saved = cabinet.save(saving(changed.clone(), 0)).await.unwrap();
    assert_eq!(saved.version, before.assistant.version + 1);
    let now = cabinet.get("mail").await.unwrap();
    assert_eq!(now.assistant.title, "庁外メール");
    assert!(matches!(now.origin, Origin::Office { revision: 1, hides: true, .. }));
    let late = cabinet.save(saving(changed.clone(), 0)).await;
    assert!(matches!(late, Err(CabinetError::Changed(_))), "{late:?}");

    let plan =
        cabinet.plan(vec![changed.clone(), before.assistant.as_ref().clone()]).await.unwrap();
    assert_eq!(plan[0].effect, Effect::Same);
    assert!(matches!(plan[1].effect, Effect::Replaces { .. }));

    changed.prompt = String::new();
    let wrong = cabinet.save(saving(changed, 1)).await;
    assert!(matches!(wrong, Err(CabinetError::Wrong(_))), "{wrong:?}");
    cabinet.remove("mail", 1, "佐藤".to_owned()).await.unwrap();
    assert_eq!(cabinet.get("mail").await.unwrap(), before);
    let again = cabinet.restore("mail", 1, 2, "鈴木".to_owned()).await.unwrap();
    assert_eq!((again.title.as_str(), again.version), ("庁外メール", 3));
    let kept: Vec<i64> =
        cabinet.versions("mail").await.unwrap().iter().map(|each| each.revision).collect();
    assert_eq!(kept, [3, 2, 1]);
    let unknown = cabinet.remove("shitsumon", 0, String::new()).await;
    assert!(matches!(unknown, Err(CabinetError::Unknown(_))), "{unknown:?}");
}

use super::*;

fn file(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kura.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(Config::default(), &Overrides { file: Some(path), ..Overrides::default() })
}

#[test]
fn later_sources_win() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kura.toml");
    std::fs::write(&path, "[engine]\nthreads = 3\nslots = 5\nqueue = 7\n").unwrap();
    let config = Config::load(
        Config::default(),
        &Overrides {
            file: Some(path),
            env: vec![
                ("KURA_ENGINE_SLOTS".into(), "6".into()),
                ("KURA_ENGINE_QUEUE".into(), "8".into()),
            ],
            flags: vec![("--queue".into(), "engine.queue", "9".into())],
        },
    )
    .unwrap();
    assert_eq!((config.engine.threads, config.engine.slots, config.engine.queue), (3, 6, 9));
}

#[test]
fn every_problem_is_named_with_its_line() {
    let error = file("lisen = \"x\"\nlisten = \"nowhere\"\n[engine]\nthreads = -1\nslots = true\n[motor]\nx = 1\n")
        .unwrap_err();
    let lines: Vec<_> = error
        .problems
        .iter()
        .map(|problem| match &problem.origin {
            Origin::File { line, .. } => (*line, problem.what.en.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        (1, "did you mean listen?"),
        (2, "127.0.0.1:8480"),
        (4, "from 0 to 1024"),
        (5, "a boolean is not expected"),
        (6, "unknown table [motor]"),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    let japanese = error.message(Lang::Ja);
    for part in ["設定に5件の誤り", "の1行目：", "listenのことですか", "0から1024までの数"]
    {
        assert!(japanese.contains(part), "{japanese}");
    }
    for (line, part) in expected {
        assert!(
            lines.iter().any(|(at, what)| *at == line && what.contains(part)),
            "{line}: {lines:?}"
        );
    }
}

#[test]
fn a_time_may_be_whole_or_not_and_zero() {
    for (written, seconds) in [("5", 5.0), ("2.5", 2.5), ("0", 0.0)] {
        let config = file(&format!("[answer]\nfirst_token_target_s = {written}\n")).unwrap();
        assert_eq!(config.answer.first_token_target_s, seconds);
    }
    assert!(file("[answer]\nfirst_token_target_s = -1\n").is_err());
}

#[test]
fn broken_toml_is_named_with_its_line() {
    let error = file("log = \"info\"\nlisten = \n").unwrap_err();
    assert!(matches!(error.problems[0].origin, Origin::File { line: 2, .. }), "{error}");
}

#[test]
fn open_address_needs_a_key() {
    assert!(file("listen = \"0.0.0.0:80\"").unwrap_err().to_string().contains("access_key"));
    assert!(file("access_key = \"short\"").is_err());
    let open = file("listen = \"0.0.0.0:80\"\naccess_key = \"0123456789abcdef\"").unwrap();
    assert_eq!(open.access_key.as_deref(), Some("0123456789abcdef"));
}

#[test]
fn unknown_environment_is_named() {
    let overrides =
        Overrides { env: vec![("KURA_LISTEM".into(), "x".into())], ..Overrides::default() };
    let error = Config::load(Config::default(), &overrides).unwrap_err();
    assert_eq!(error.problems[0].origin, Origin::Env("KURA_LISTEM".into()));
}

#[test]
fn switches_and_kinds_of_numbers_are_read() {
    let text = "[engine]\nspeculation = false\nkv_type = \"q8_0\"\nkv_cache_mib = 512\n";
    let engine = file(text).unwrap().engine;
    assert_eq!(
        (engine.speculation, engine.kv_type, engine.kv_cache_mib),
        (false, KvNumbers::Q8_0, 512)
    );
    assert!(Config::default().engine.speculation);
    let wrong = "[engine]\nspeculation = \"perhaps\"\nkv_type = true\nprefill_step_ms = 1\n";
    let error = file(wrong).unwrap_err().to_string();
    for part in ["true or false", "a boolean is not expected", "from 10 to 10000"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn trust_is_set_by_a_fingerprint() {
    let digits = "0123456789abcdef".repeat(4);
    let grouped = digits
        .to_uppercase()
        .as_bytes()
        .chunks(8)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect::<Vec<_>>()
        .join(" ");
    for written in [&digits, &grouped] {
        let sync = file(&format!("[sync]\ntrusted_root = \"{written}\"\n")).unwrap().sync;
        assert_eq!(sync.trusted_root.as_ref(), Some(&digits));
        assert_eq!((sync.channel.as_str(), sync.operator.as_str()), ("stable", ""));
    }
    assert_eq!(file("[sync]\ntrusted_root = \"\"\n").unwrap().sync.trusted_root, None);
    let wrong = format!(
        "[sync]\ntrusted_root = \"{}\"\nchannel = \"Beta\"\noperator = \"a\\nb\"\n",
        &digits[1..]
    );
    let error = file(&wrong).unwrap_err();
    let places: Vec<_> = error.problems.iter().map(|problem| &problem.origin).collect();
    assert!(
        matches!(
            places[..],
            [
                Origin::File { line: 2, .. },
                Origin::File { line: 3, .. },
                Origin::File { line: 4, .. }
            ]
        ),
        "{error}"
    );
    assert!(error.to_string().contains("64 hexadecimal digits"), "{error}");
}

#[test]
fn https_needs_certificate_and_key() {
    for (written, wrong) in [
        ("tls_certificate = \"/c.pem\"\ntls_key = \"/k.pem\"", ""),
        ("tls_certificate = \"/c.pem\"", "set both or neither"),
        ("tls_key = \"/k.pem\"", "set both or neither"),
        ("tls_certificate = \"\"\ntls_key = \"/k.pem\"", "it is empty"),
        ("tls_certificate = \"/c.pem\"\ntls_key = \"credential:../k\"", "after credential:"),
        ("tls_certificate = \"/c.pem\"\ntls_key = \"credential:.\"", "after credential:"),
        ("tls_certificate = \"credential:c\"\ntls_key = \"credential:k.pem\"", ""),
    ] {
        match file(written) {
            Ok(_) => assert!(wrong.is_empty(), "{written}"),
            Err(error) => {
                let said = error.to_string();
                assert!(!wrong.is_empty() && said.contains(wrong), "{written}: {said}");
            }
        }
    }
}

#[test]
fn credentials_lie_where_systemd_put_them() {
    let written = "tls_certificate = \"/etc/kura/c.pem\"\ntls_key = \"credential:k.pem\"";
    let config = file(written).unwrap();
    let (certificate, key) = (config.tls_certificate.unwrap(), config.tls_key.unwrap());
    let dir = Some(Path::new("/run/credentials/kura.service"));
    let found = key.path(dir).unwrap();
    assert_eq!(found, Path::new("/run/credentials/kura.service/k.pem"));
    assert_eq!(certificate.path(dir).unwrap(), Path::new("/etc/kura/c.pem"));
    assert_eq!(certificate.path(None).unwrap(), Path::new("/etc/kura/c.pem"));
    assert!(key.path(None).unwrap_err().en.contains("LoadCredential=k.pem"));
}

//! The changes that the power is cut in: imports of every kind, a newer root, roll-backs, the
//! program's way forward and back, records.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::super::bundle::{ArtifactRole as Role, Header, Kind};
use super::super::super::ledger::{Event, Ledger, Who};
use super::super::super::testing::{Publisher, import_with, scratch};
use super::super::super::{Installation, TrustSettings};
use super::disk::{Image, image_of, write_image};
use super::record::{Act, Builder, DATA, record};

/// A change, and the disk that it begins on.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) before: Image,
    pub(super) act: Act,
}

/// Text of about `kilobytes` that differs by seed.
pub(in super::super) fn text(seed: &str, kilobytes: usize) -> Vec<u8> {
    let line = |at| format!("{seed} 第{at}条　届出は窓口で受け付ける。\n");
    let mut text: Vec<u8> = (1..).map(line).take(kilobytes * 32).collect::<String>().into_bytes();
    text.truncate(kilobytes * 1000);
    text
}

/// A publisher, and sticks below a folder.
pub(in super::super) struct Desk {
    pub(in super::super) publisher: Publisher,
    dir: PathBuf,
    pub(in super::super) trust: TrustSettings,
}

impl Desk {
    pub(in super::super) fn new(dir: &Path) -> Self {
        let publisher = Publisher::new();
        let trust = publisher.settings();
        Self { publisher, dir: dir.to_owned(), trust }
    }

    fn stick(&self, header: Header, files: &[(Role, &str, &[u8])]) -> PathBuf {
        let name = format!("{}-{}", header.kind.name(), header.counter);
        let home = self.dir.join(name);
        self.publisher.bundle(header, files).write(&home);
        home
    }

    /// Edition `number` of a data set: most of it as before.
    pub(in super::super) fn dataset(&self, number: u64) -> PathBuf {
        let edition = format!("r8.{number}");
        let header = self.publisher.header(Kind::Dataset, "town", &edition, number);
        let mut passages = text("共通", 3);
        passages.extend(text(&edition, 1));
        let files: [(Role, &str, &[u8]); 3] = [
            (Role::Info, "dataset.toml", edition.as_bytes()),
            (Role::Passages, "passages.jsonl", &passages),
            (Role::Golden, "golden.toml", b"# none"),
        ];
        self.stick(header, &files)
    }

    /// A data set that brings its index.
    fn indexed(&self) -> PathBuf {
        let header = self.publisher.header(Kind::Dataset, "law", "r8.1", 7);
        let files: [(Role, &str, &[u8]); 4] = [
            (Role::Info, "dataset.toml", b"law"),
            (Role::Passages, "passages.jsonl", &text("法", 1)),
            (Role::Index, "meta.json", b"{}"),
            (Role::Index, "seg.store", &text("索引", 2)),
        ];
        self.stick(header, &files)
    }

    fn model(&self, counter: u64, content: &str) -> PathBuf {
        let header = self.publisher.header(Kind::Model, "small", &format!("v{counter}"), counter);
        self.stick(header, &[(Role::Weights, "model.gguf", &text(content, 3))])
    }

    fn app(&self, counter: u64) -> PathBuf {
        let header = self.publisher.header(Kind::App, "kura", &format!("0.{counter}.0"), counter);
        self.stick(header, &[(Role::Program, "kura", &text(&format!("program {counter}"), 2))])
    }

    fn assistants(&self) -> PathBuf {
        let header = self.publisher.header(Kind::Assistants, "desk", "r8.1", 1);
        let files: [(Role, &str, &[u8]); 2] = [
            (Role::Assistant, "minutes.toml", &text("議事録", 1)),
            (Role::Assistant, "reply.toml", &text("回答", 1)),
        ];
        self.stick(header, &files)
    }

    /// Imports a stick.
    pub(in super::super) fn import(&self, stick: PathBuf) -> Act {
        let trust = self.trust.clone();
        Rc::new(move |installation, done| {
            import_with(&Builder, installation, &trust, &stick)?;
            done();
            Ok(())
        })
    }
}

/// Goes back, unless it was done.
fn roll_back(kind: Kind, id: &'static str, is_done: fn(&Installation) -> bool) -> Act {
    Rc::new(move |installation, done| {
        let mut writer = installation.writer()?;
        if !is_done(installation) {
            writer.roll_back(kind, id)?;
            done();
        }
        Ledger::of(installation).note(Event::RolledBack, &Who::default(), id)?;
        done();
        Ok(())
    })
}

/// The minute of a new program's trial is over.
fn confirmed() -> Act {
    Rc::new(|installation, done| {
        // As the start did, a minute before.
        drop(installation.writer()?);
        let named = installation.program_named()?.unwrap_or_default();
        installation.confirm(&named)?;
        done();
        Ok(())
    })
}

/// A start of the program: where one is open already, the program died and the one before comes
/// back.
fn started() -> Act {
    Rc::new(|installation, done| {
        drop(installation.writer()?);
        if installation.state()?.app.is_some_and(|app| app.trial.is_some()) {
            installation.begin_start(std::time::Duration::ZERO);
        }
        done();
        Ok(())
    })
}

fn notes() -> Act {
    Rc::new(|installation, done| {
        let _writer = installation.writer()?;
        for word in ["戻した", "もう一度", "三度目"] {
            Ledger::of(installation).note(Event::AppWentBack, &Who::default(), word)?;
            done();
        }
        Ok(())
    })
}

/// The disk after these changes.
pub(in super::super) fn after(acts: &[Act]) -> Image {
    let dir = scratch();
    for act in acts {
        record(dir.path(), act, None).1.unwrap();
    }
    image_of(dir.path())
}

/// A fresh folder that holds an image.
pub(in super::super) fn on_disk(image: &Image) -> (tempfile::TempDir, Installation) {
    let dir = scratch();
    write_image(image, dir.path());
    let installation = Installation::new(&dir.path().join(DATA));
    (dir, installation)
}

/// All scenes, made from sticks below `dir`.
pub(super) fn all(dir: &Path) -> Vec<Scene> {
    let mut desk = Desk::new(dir);
    let first = desk.import(desk.dataset(1));
    let second = desk.import(desk.dataset(2));
    let third = desk.import(desk.dataset(3));
    let model = desk.import(desk.model(1, "weights"));
    let newer_model = desk.import(desk.model(2, "other weights"));
    let renamed_model = desk.import(desk.model(3, "other weights"));
    let (app, next_app) = (desk.import(desk.app(1)), desk.import(desk.app(2)));
    let one = after(&[Rc::clone(&first)]);
    let two = after(&[Rc::clone(&first), Rc::clone(&second)]);
    let models = after(&[Rc::clone(&first), Rc::clone(&model), Rc::clone(&newer_model)]);
    let old_app = after(&[Rc::clone(&first), Rc::clone(&app)]);
    let apps = after(&[Rc::clone(&first), Rc::clone(&app), Rc::clone(&next_app)]);
    let begun = after(&[Rc::clone(&first), Rc::clone(&app), Rc::clone(&next_app), started()]);
    let back = roll_back(Kind::Dataset, "town", |installation| {
        installation.state().is_ok_and(|state| state.datasets["town"].current == "r8.1")
    });
    let model_back = roll_back(Kind::Model, "small", |installation| {
        let state = installation.state().unwrap();
        state.models["small"].starts_with(&blake3::hash(&text("weights", 3)).to_hex()[..])
    });
    let app_back = roll_back(Kind::App, "kura", |installation| {
        installation.state().is_ok_and(|state| state.app.is_some_and(|app| app.trial.is_none()))
    });
    let indexed = desk.import(desk.indexed());
    let assistants = desk.import(desk.assistants());
    let again = after(&[Rc::clone(&first), Rc::clone(&second), Rc::clone(&back)]);
    desk.publisher.rotate();
    let rotated = desk.import(desk.dataset(4));
    let scene = |name, before: &Image, act: &Act| {
        let (before, act) = (before.clone(), Rc::clone(act));
        Scene { name, before, act }
    };
    vec![
        scene("first import", &Image::new(), &first),
        scene("next edition", &one, &second),
        scene("third edition, the first is swept", &two, &third),
        scene("edition that was rolled back", &again, &second),
        scene("data set with its index", &one, &indexed),
        scene("model", &one, &model),
        scene("same model, newer manifest", &models, &renamed_model),
        scene("assistants", &one, &assistants),
        scene("program", &one, &app),
        scene("next program", &old_app, &next_app),
        scene("newer root", &two, &rotated),
        scene("roll-back of a data set", &two, &back),
        scene("roll-back of a model", &models, &model_back),
        scene("roll-back of the program", &apps, &app_back),
        scene("program confirmed", &begun, &confirmed()),
        scene("program that died goes back", &begun, &started()),
        scene("records", &one, &notes()),
    ]
}

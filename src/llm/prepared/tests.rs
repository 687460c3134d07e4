use candle_core::quantized::GgmlDType;

use super::*;
use crate::llm::testing::TestModel;

const MATRIX: &str = "blk.0.ffn_down.weight";

struct ModelFolder {
    folder: tempfile::TempDir,
}

impl ModelFolder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn gguf(&self, seed: u64) -> Gguf {
        let path = self.folder.path().join("model.gguf");
        let large = Some(GgmlDType::Q6K);
        let model = TestModel {
            layers: 1,
            kind: GgmlDType::Q4K,
            kind_large: large,
            seed,
            ..TestModel::new("llama")
        };
        model.write(&path).unwrap();
        Gguf::open(&path).unwrap()
    }

    fn tiles(&self) -> PathBuf {
        self.folder.path().join("model.tiles")
    }
}

fn row(prepared: &Prepared) -> Vec<f32> {
    let place = prepared.place(MATRIX).unwrap();
    let tiles = prepared.tiles(&place);
    let mut row = vec![0.0; tiles.columns];
    tiles.dequantize_row(3, &mut row);
    row
}

#[test]
fn file_and_memory_hold_the_same() {
    let place = ModelFolder::new();
    let gguf = place.gguf(1);
    let mut told = Vec::new();
    prepare(&gguf, |done, total| {
        told.push((done, total));
        true
    })
    .unwrap();
    let (done, total) = told[told.len() - 1];
    assert_eq!(done, total);
    let (file, memory) = (Prepared::open(&gguf).unwrap(), Prepared::in_memory(&gguf));
    assert_eq!(row(&file), row(&memory));
    assert_eq!(file.matrices.len(), memory.matrices.len());
    assert!(verify(&gguf).unwrap());
    let before = std::fs::metadata(place.tiles()).unwrap().modified().unwrap();
    prepare(&gguf, |_, _| panic!("nothing is left to do")).unwrap();
    assert_eq!(std::fs::metadata(place.tiles()).unwrap().modified().unwrap(), before);
}

#[test]
fn the_file_of_another_model_or_version_is_made_again() {
    let place = ModelFolder::new();
    prepare(&place.gguf(1), |_, _| true).unwrap();
    let expected = row(&Prepared::in_memory(&place.gguf(1)));
    type Damage = (&'static str, fn(&mut Vec<u8>));
    let damage: [Damage; 5] = [
        ("another version", |bytes| bytes[8] ^= 1),
        ("no such file", |bytes| bytes[0] = b'X'),
        ("a table that is none", |bytes| bytes[17] = b'!'),
        ("cut short", |bytes| bytes.truncate(bytes.len() - 1)),
        ("a length beyond the end", |bytes| bytes[12..16].fill(255)),
    ];
    let gguf = Gguf::open(&place.folder.path().join("model.gguf")).unwrap();
    let good = std::fs::read(place.tiles()).unwrap();
    for (what, damage) in damage {
        let mut bytes = good.clone();
        damage(&mut bytes);
        std::fs::write(place.tiles(), bytes).unwrap();
        assert!(Prepared::open(&gguf).is_none(), "{what}");
        assert_eq!(row(&Prepared::of(&gguf)), expected, "{what}: made in memory");
        prepare(&gguf, |_, _| true).unwrap();
        assert!(Prepared::open(&gguf).is_some(), "{what}: made again");
    }
    let other = TestModel { layers: 2, kind: GgmlDType::Q4K, ..TestModel::new("llama") };
    let path = place.folder.path().join("model.gguf");
    other.write(&path).unwrap();
    assert!(Prepared::open(&Gguf::open(&path).unwrap()).is_none(), "another model");
}

#[test]
fn changed_content_is_found() {
    let place = ModelFolder::new();
    let gguf = place.gguf(1);
    assert!(verify(&gguf).unwrap(), "nothing there is nothing wrong");
    prepare(&gguf, |_, _| true).unwrap();
    let mut bytes = std::fs::read(place.tiles()).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(place.tiles(), bytes).unwrap();
    assert!(!verify(&gguf).unwrap());
}

#[test]
fn an_interruption_leaves_nothing() {
    let place = ModelFolder::new();
    let gguf = place.gguf(1);
    assert!(matches!(prepare(&gguf, |_, _| false), Err(PrepareError::Cancelled)));
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 1);
}

use super::*;
use crate::llm::kernels::tiles::Format;
use crate::llm::testing::TestModel;

const KINDS: [GgmlDType; 13] = [
    GgmlDType::F32,
    GgmlDType::F16,
    GgmlDType::BF16,
    GgmlDType::Q4_0,
    GgmlDType::Q4_1,
    GgmlDType::Q5_0,
    GgmlDType::Q5_1,
    GgmlDType::Q8_0,
    GgmlDType::Q2K,
    GgmlDType::Q3K,
    GgmlDType::Q4K,
    GgmlDType::Q5K,
    GgmlDType::Q6K,
];
const NAME: &str = "blk.0.ffn_down.weight";
const ROWS: usize = 256;
const COLUMNS: usize = 512;
/// Not a multiple of what the kernels take at once.
const TOKENS: usize = 7;

fn gguf(kind: GgmlDType) -> Gguf {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    TestModel { layers: 1, kind, ..TestModel::new("llama") }.write(&path).unwrap();
    Gguf::open(&path).unwrap()
}

fn activations() -> Vec<f32> {
    (0..TOKENS * COLUMNS).map(|i| ((i * 37 % 101) as f32 - 50.0) / 25.0).collect()
}

#[test]
fn every_type_multiplies_and_dequantizes_as_candle_does() {
    let x = activations();
    for kind in KINDS {
        let gguf = gguf(kind);
        let load = |compute: &Compute, prepared| {
            let source = Source { gguf: &gguf, compute, prepared };
            Matrix::load(&source, NAME, (ROWS, COLUMNS)).unwrap()
        };
        let theirs = load(&Compute::Candle(Device::Cpu), None);
        let plain = load(&Compute::Cpu, None);
        let ours = load(&Compute::Cpu, Some(Prepared::of(&gguf)));
        assert_eq!(
            matches!(ours.storage, MatrixStorage::Tiled(..)),
            Format::of_gguf(&format!("{kind:?}").replacen('K', "_K", 1)).is_some(),
            "{kind:?}"
        );
        let ids: Vec<u32> = (0..ROWS as u32).collect();
        let (mut table, mut plain_table) = (Vec::new(), Vec::new());
        ours.embed_on_host(&ids, &mut table).unwrap();
        plain.embed_on_host(&ids, &mut plain_table).unwrap();
        assert_eq!(table, plain_table, "{kind:?}");
        let their_table = take_vec(&theirs.embed(&ids).unwrap()).unwrap();
        for (ours, theirs) in table.iter().zip(&their_table) {
            assert!((ours - theirs).abs() < 1e-6, "{kind:?}: {ours} {theirs}");
        }
        let (mut product, mut by_rows) = (Vec::new(), Vec::new());
        ours.product(&mut Quantized::of(&x, COLUMNS), &mut product);
        plain.product(&mut Quantized::of(&x, COLUMNS), &mut by_rows);
        for (product, by_rows) in product.iter().zip(&by_rows) {
            assert!((product - by_rows).abs() < 0.03, "{kind:?}: {product} {by_rows}");
        }
        for (x, product) in x.chunks_exact(COLUMNS).zip(product.chunks_exact(ROWS)) {
            for (row, product) in table.chunks_exact(COLUMNS).zip(product) {
                let exact: f64 =
                    row.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
                // Rounding of the activations to eight bits, summed over a row at random.
                assert!((exact - f64::from(*product)).abs() < 0.06, "{kind:?}: {exact} {product}");
            }
        }
    }
}

#[test]
fn kernels_agree_with_the_portable_path() {
    let x = activations();
    for kind in KINDS {
        let gguf = gguf(kind);
        let matrix = map_matrix(&gguf, gguf.tensor(NAME).unwrap(), COLUMNS).unwrap();
        let (mut best, mut portable) = (vec![0.0; TOKENS * ROWS], vec![0.0; TOKENS * ROWS]);
        matrix.multiply(level(), &x, &mut best);
        matrix.multiply(Level::Portable, &x, &mut portable);
        for (a, b) in best.iter().zip(&portable) {
            assert!((a - b).abs() < 1e-4 * (1.0 + a.abs()), "{kind:?}: {a} {b}");
        }
    }
}

#[test]
fn a_token_does_not_depend_on_its_neighbours() {
    let x = activations();
    for kind in KINDS {
        let gguf = gguf(kind);
        let matrix = map_matrix(&gguf, gguf.tensor(NAME).unwrap(), COLUMNS).unwrap();
        let mut together = vec![0.0; TOKENS * ROWS];
        matrix.multiply(level(), &x, &mut together);
        for (x, together) in x.chunks_exact(COLUMNS).zip(together.chunks_exact(ROWS)) {
            let mut alone = vec![0.0; ROWS];
            matrix.multiply(level(), x, &mut alone);
            assert_eq!(alone, together, "{kind:?}");
        }
    }
}

#[test]
fn wrong_shapes_and_missing_tensors_are_named() {
    let gguf = gguf(GgmlDType::F32);
    let source = Source { gguf: &gguf, compute: &Compute::Cpu, prepared: None };
    let load = |name, shape| match Matrix::load(&source, name, shape) {
        Ok(_) => panic!("{name} was loaded"),
        Err(error) => error.to_string(),
    };
    let error = load(NAME, (COLUMNS, ROWS));
    assert!(error.contains(NAME) && error.contains("[256, 512]"), "{error}");
    assert!(load("blk.9.ffn_up.weight", (1, 1)).contains("blk.9.ffn_up.weight: is missing"));
    let matrix = Matrix::load(&source, NAME, (ROWS, COLUMNS)).unwrap();
    assert!(matches!(
        matrix.embed_on_host(&[256], &mut Vec::new()),
        Err(ModelError::Token { id: 256, .. })
    ));
}

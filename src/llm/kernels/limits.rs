//! What this machine can do at most, measured: bytes a second read from memory, and 8-bit
//! multiply-adds a second of each instruction sequence that a kernel may be built on.
//!
//! Both are roofs, so the best of several tries counts. The operands of the multiply-adds stay in
//! the first-level cache and nothing is unpacked: a kernel that reaches this does nothing else.

use std::hint::black_box;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// How long each thread multiplies for one figure.
const MULTIPLY_TIME: Duration = Duration::from_millis(60);
/// Passes over the memory; the quickest counts.
const READ_PASSES: usize = 5;
/// The least that is read, and by how many times the last cache is exceeded.
const READ_BYTES_MIN: usize = 512 << 20;
const CACHES: usize = 4;

/// Weight vectors and input vectors of one round; each weight meets each input.
const WEIGHTS: usize = 8;
const INPUTS: usize = 4;
const VECTOR_BYTES: usize = 64;
/// Rounds between two looks at the clock.
const ROUNDS: usize = 4096;

/// The machine's limits with a number of threads.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineLimits {
    pub threads: usize,
    /// Bytes a second from memory, well beyond the caches.
    pub read_bytes_per_s: f64,
    /// For each sequence that this processor has, in rising order of instruction set.
    pub int8: Vec<Int8Limit>,
}

/// What one sequence of instructions reaches.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8Limit {
    /// `AVX2` and so on.
    pub instructions: &'static str,
    /// Operations a second; a multiply-add counts as two.
    pub operations_per_s: f64,
}

impl MachineLimits {
    /// The higher of two measurements of the same machine, figure by figure: what disturbed one
    /// was no limit.
    #[must_use]
    pub fn or_higher(mut self, other: &Self) -> Self {
        self.read_bytes_per_s = self.read_bytes_per_s.max(other.read_bytes_per_s);
        for (limit, other) in self.int8.iter_mut().zip(&other.int8) {
            limit.operations_per_s = limit.operations_per_s.max(other.operations_per_s);
        }
        self
    }

    /// The best sequence's operations a second.
    pub fn int8_operations_per_s(&self) -> f64 {
        self.int8.iter().map(|limit| limit.operations_per_s).fold(0.0, f64::max)
    }
}

/// Measures the limits; takes about a second, and up to a quarter of the free memory meanwhile.
pub fn machine_limits(threads: usize) -> MachineLimits {
    let threads = threads.max(1);
    let int8 = Sequence::ALL.into_iter().filter(|sequence| sequence.is_available());
    MachineLimits {
        threads,
        read_bytes_per_s: read_bytes_per_s(threads, read_bytes()),
        int8: int8
            .map(|sequence| Int8Limit {
                instructions: sequence.name(),
                operations_per_s: operations_per_s(sequence, threads),
            })
            .collect(),
    }
}

/// How much to read: beyond all caches, within what is free.
fn read_bytes() -> usize {
    let wanted =
        READ_BYTES_MIN.max(CACHES * last_cache_bytes(Path::new("/sys/devices/system/cpu")));
    match crate::llm::available_memory_bytes().map(usize::try_from) {
        Some(Ok(free)) => wanted.min(free / 4),
        _ => wanted,
    }
}

/// Third-level caches of all processors together, as the kernel lists them; 0 where it does not.
fn last_cache_bytes(cpus: &Path) -> usize {
    let mut seen = Vec::new();
    let mut total = 0;
    for cpu in 0.. {
        let cpu = cpus.join(format!("cpu{cpu}"));
        if !cpu.exists() {
            return total;
        }
        let cache = cpu.join("cache/index3");
        let read = |name: &str| std::fs::read_to_string(cache.join(name)).unwrap_or_default();
        let (shared_by, size) = (read("shared_cpu_list"), read("size"));
        let kib = size.trim().strip_suffix('K').and_then(|kib| kib.parse::<usize>().ok());
        if !seen.contains(&shared_by) {
            total += kib.unwrap_or(0) << 10;
            seen.push(shared_by);
        }
    }
    total
}

/// Each thread reads its own part, all at once; a pass is as long as its slowest thread.
fn read_bytes_per_s(threads: usize, bytes: usize) -> f64 {
    let words = (bytes / threads / size_of::<u64>()).max(1);
    let barrier = Barrier::new(threads);
    let read = || {
        // Written, since memory that was never written is one page of zeros.
        let part: Vec<u64> = (0..words as u64).collect();
        let mut passes = [Duration::ZERO; READ_PASSES];
        for pass in &mut passes {
            barrier.wait();
            let started = Instant::now();
            black_box(sum(black_box(&part)));
            *pass = started.elapsed();
        }
        passes
    };
    let times = on_threads(threads, read);
    let slowest = |pass: usize| times.iter().map(|passes| passes[pass]).max().unwrap_or_default();
    let quickest = (0..READ_PASSES).map(slowest).min().unwrap_or_default();
    (threads * words * size_of::<u64>()) as f64 / quickest.as_secs_f64().max(1e-9)
}

fn sum(words: &[u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { x86::sum(words) };
    }
    sum_lanes(words)
}

/// Thirty-two sums at once, so that loads wait for memory only.
#[inline(always)]
fn sum_lanes(words: &[u64]) -> u64 {
    let mut sums = [0u64; 32];
    for chunk in words.as_chunks::<32>().0 {
        for (sum, word) in sums.iter_mut().zip(chunk) {
            *sum = sum.wrapping_add(*word);
        }
    }
    sums.iter().fold(0, |all, sum| all.wrapping_add(*sum))
}

/// Runs the same on several threads and gathers what they give.
fn on_threads<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

/// Instructions that multiply unsigned by signed bytes and add up in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sequence {
    /// What the compiler makes of plain Rust.
    Portable,
    /// maddubs, madd, add.
    Avx2,
    /// vpdpbusd on 32 bytes.
    AvxVnni,
    /// vpdpbusd on 64 bytes.
    Avx512Vnni,
}

/// The operands: plain bytes, aligned for any vector.
#[repr(align(64))]
struct Operands {
    weights: [[u8; VECTOR_BYTES]; WEIGHTS],
    inputs: [[i8; VECTOR_BYTES]; INPUTS],
}

impl Operands {
    /// Weights of four bits and inputs of seven, as in a quantized model.
    fn new() -> Self {
        let mut operands =
            Self { weights: [[0; VECTOR_BYTES]; WEIGHTS], inputs: [[0; VECTOR_BYTES]; INPUTS] };
        for (at, weight) in operands.weights.as_flattened_mut().iter_mut().enumerate() {
            *weight = (at * 7 % 16) as u8;
        }
        for (at, input) in operands.inputs.as_flattened_mut().iter_mut().enumerate() {
            *input = (at * 29 % 127) as i8 - 63;
        }
        operands
    }
}

impl Sequence {
    const ALL: [Self; 4] = [Self::Portable, Self::Avx2, Self::AvxVnni, Self::Avx512Vnni];

    fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "AVX2",
            Self::AvxVnni => "AVX-VNNI",
            Self::Avx512Vnni => "AVX-512 VNNI",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => std::is_x86_feature_detected!("avx2"),
            Self::AvxVnni => std::is_x86_feature_detected!("avxvnni"),
            Self::Avx512Vnni => {
                std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512vnni")
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == Self::Portable
    }

    /// Bytes that one instruction takes; the portable sequence takes all of a vector.
    fn width_bytes(self) -> usize {
        match self {
            Self::Avx2 | Self::AvxVnni => 32,
            Self::Portable | Self::Avx512Vnni => VECTOR_BYTES,
        }
    }

    /// Operations of one round.
    fn operations(self) -> usize {
        2 * WEIGHTS * INPUTS * self.width_bytes()
    }

    /// The sums of all products over so many rounds, for each input; only for an available
    /// sequence.
    fn multiply(self, operands: &Operands, rounds: usize) -> [i32; INPUTS] {
        assert!(self.is_available(), "{self:?}");
        #[cfg(target_arch = "x86_64")]
        {
            // SAFETY: the processor has the instructions.
            unsafe {
                match self {
                    Self::Portable => {}
                    Self::Avx2 => return x86::multiply_avx2(operands, rounds),
                    Self::AvxVnni => return x86::multiply_avx_vnni(operands, rounds),
                    Self::Avx512Vnni => return x86::multiply_avx512_vnni(operands, rounds),
                }
            }
        }
        multiply_portable(operands, rounds)
    }
}

fn multiply_portable(operands: &Operands, rounds: usize) -> [i32; INPUTS] {
    let mut sums = [0i32; INPUTS];
    for _ in 0..rounds {
        // Else the products of the first round would serve for all.
        let operands = black_box(operands);
        for weights in &operands.weights {
            for (sum, inputs) in sums.iter_mut().zip(&operands.inputs) {
                let products = weights.iter().zip(inputs);
                let dot: i32 = products.map(|(w, x)| i32::from(*w) * i32::from(*x)).sum();
                *sum = sum.wrapping_add(dot);
            }
        }
    }
    sums
}

/// All threads multiply at once; their rates are added up.
fn operations_per_s(sequence: Sequence, threads: usize) -> f64 {
    let barrier = Barrier::new(threads);
    let rates = on_threads(threads, || {
        let operands = Operands::new();
        black_box(sequence.multiply(&operands, ROUNDS));
        barrier.wait();
        let started = Instant::now();
        let mut rounds = 0;
        while started.elapsed() < MULTIPLY_TIME {
            black_box(sequence.multiply(&operands, ROUNDS));
            rounds += ROUNDS;
        }
        (rounds * sequence.operations()) as f64 / started.elapsed().as_secs_f64()
    });
    rates.iter().sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use super::{INPUTS, Operands, WEIGHTS};

    #[target_feature(enable = "avx2")]
    pub(super) fn sum(words: &[u64]) -> u64 {
        super::sum_lanes(words)
    }

    /// One round after another: load a weight vector, multiply it with each input vector, add to
    /// the next set of sums. There are as many sets as registers allow, so that few sums wait for
    /// the one before.
    macro_rules! multiply {
        ($name:ident, $features:literal, $sets:literal,
         $zero:ident, $load:ident, $add:ident, $reduce:ident,
         |$sum:ident, $w:ident, $x:ident| $step:expr) => {
            #[target_feature(enable = $features)]
            pub(super) fn $name(operands: &Operands, rounds: usize) -> [i32; INPUTS] {
                // SAFETY: each load takes at most the 64 bytes of one aligned operand.
                unsafe {
                    let inputs = black_box(&operands.inputs);
                    let inputs: [_; INPUTS] =
                        std::array::from_fn(|n| $load(inputs[n].as_ptr().cast()));
                    let mut sums = [[$zero(); INPUTS]; $sets];
                    for _ in 0..rounds {
                        // Else the products of the first round would serve for all.
                        let weights = black_box(&operands.weights);
                        for at in 0..WEIGHTS {
                            let $w = $load(weights[at].as_ptr().cast());
                            for n in 0..INPUTS {
                                let ($sum, $x) = (sums[at % $sets][n], inputs[n]);
                                sums[at % $sets][n] = $step;
                            }
                        }
                    }
                    std::array::from_fn(|n| {
                        let sets = sums.iter().map(|set| set[n]);
                        $reduce(sets.fold($zero(), |all, sum| $add(all, sum)))
                    })
                }
            }
        };
    }

    multiply!(
        multiply_avx2,
        "avx2",
        2,
        _mm256_setzero_si256,
        _mm256_load_si256,
        _mm256_add_epi32,
        reduce_256,
        |sum, w, x| {
            let pairs = _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1));
            _mm256_add_epi32(sum, pairs)
        }
    );

    multiply!(
        multiply_avx_vnni,
        "avx2,avxvnni",
        2,
        _mm256_setzero_si256,
        _mm256_load_si256,
        _mm256_add_epi32,
        reduce_256,
        |sum, w, x| _mm256_dpbusd_avx_epi32(sum, w, x)
    );

    multiply!(
        multiply_avx512_vnni,
        "avx512f,avx512vnni",
        4,
        _mm512_setzero_si512,
        _mm512_load_si512,
        _mm512_add_epi32,
        _mm512_reduce_add_epi32,
        |sum, w, x| _mm512_dpbusd_epi32(sum, w, x)
    );

    #[target_feature(enable = "avx2")]
    fn reduce_256(sums: __m256i) -> i32 {
        let mut lanes = [0i32; 8];
        // SAFETY: eight numbers of 32 bits are 256 bits.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
        lanes.iter().fold(0, |all, lane| all.wrapping_add(*lane))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence that left something out would measure too high a roof.
    #[test]
    fn every_sequence_computes_all_products() {
        let operands = Operands::new();
        for sequence in Sequence::ALL.into_iter().filter(|sequence| sequence.is_available()) {
            let width = sequence.width_bytes();
            let expected: [i32; INPUTS] = std::array::from_fn(|n| {
                let rows = operands.weights.iter();
                let products = rows.flat_map(|w| w[..width].iter().zip(&operands.inputs[n]));
                products.map(|(w, x)| i32::from(*w) * i32::from(*x)).sum::<i32>() * 3
            });
            assert_eq!(sequence.multiply(&operands, 3), expected, "{sequence:?}");
        }
    }

    #[test]
    fn limits_are_measured_for_what_the_processor_has() {
        let limits = machine_limits(2);
        assert_eq!(limits.threads, 2);
        assert!(limits.read_bytes_per_s > 0.0);
        assert_eq!(limits.int8[0].instructions, "portable");
        let best = limits.int8_operations_per_s();
        assert!(limits.int8.iter().all(|limit| 0.0 < limit.operations_per_s));
        assert!(limits.int8.iter().any(|limit| limit.operations_per_s == best));
    }

    #[test]
    fn the_higher_of_two_measurements_counts() {
        let limits = |read_bytes_per_s, operations_per_s| MachineLimits {
            threads: 2,
            read_bytes_per_s,
            int8: vec![Int8Limit { instructions: "AVX2", operations_per_s }],
        };
        assert_eq!(limits(3.0, 4.0).or_higher(&limits(2.0, 5.0)), limits(3.0, 5.0));
    }

    #[test]
    fn every_word_is_read() {
        let words: Vec<u64> = (0..640).collect();
        assert_eq!(sum(&words), 639 * 640 / 2);
    }

    #[test]
    fn caches_are_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        for (cpu, shared_by) in ["0-1", "0-1", "2"].iter().enumerate() {
            let cache = folder.path().join(format!("cpu{cpu}/cache/index3"));
            std::fs::create_dir_all(&cache).unwrap();
            std::fs::write(cache.join("shared_cpu_list"), shared_by).unwrap();
            std::fs::write(cache.join("size"), "32768K\n").unwrap();
        }
        assert_eq!(last_cache_bytes(folder.path()), 64 << 20);
    }
}

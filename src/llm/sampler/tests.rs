use super::*;

/// How often each of four tokens with probabilities 0.5, 0.3, 0.15, 0.05 is drawn in 2,000 tries.
fn counts(sampling: &Sampling) -> [usize; 4] {
    let logits = [0.5f32.ln(), 0.3f32.ln(), 0.15f32.ln(), 0.05f32.ln()];
    let sampling = Sampling { seed: Some(7), ..sampling.clone() };
    let mut sampler = Sampler::new(sampling).unwrap();
    let mut counts = [0; 4];
    for _ in 0..2_000 {
        counts[sampler.sample(&mut logits.to_vec(), &[]).unwrap() as usize] += 1;
    }
    counts
}

fn warm() -> Sampling {
    Sampling { temperature: 1.0, ..Sampling::default() }
}

#[test]
fn greedy_takes_the_first_of_the_largest() {
    let mut sampler = Sampler::new(Sampling::default()).unwrap();
    assert_eq!(sampler.sample(&mut [0.0, 3.0, 3.0, -1.0], &[]), Ok(1));
}

#[test]
fn temperature_draws_by_probability() {
    for (count, expected) in counts(&warm()).into_iter().zip([1000, 600, 300, 100]) {
        assert!(count.abs_diff(expected) < 80, "{count} is far from {expected}");
    }
    let cold = counts(&Sampling { temperature: 0.1, ..Sampling::default() });
    assert!(cold[0] > 1_950, "{cold:?}");
}

#[test]
fn filters_cut_the_tail() {
    let cut = |sampling: Sampling| counts(&sampling).map(|count| count > 0);
    assert_eq!(cut(Sampling { top_k: 2, ..warm() }), [true, true, false, false]);
    assert_eq!(cut(Sampling { top_p: 0.79, ..warm() }), [true, true, false, false]);
    assert_eq!(cut(Sampling { top_p: 0.81, ..warm() }), [true, true, true, false]);
    assert_eq!(cut(Sampling { min_p: 0.29, ..warm() }), [true, true, true, false]);
    assert_eq!(cut(Sampling { min_p: 0.31, ..warm() }), [true, true, false, false]);
}

#[test]
fn equal_seeds_draw_alike() {
    let draw = |seed| {
        let mut sampler = Sampler::new(Sampling { seed: Some(seed), ..warm() }).unwrap();
        (0..50).map(|_| sampler.sample(&mut [0.0; 100], &[]).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn repetition_penalty_counts_a_window() {
    let sampling =
        Sampling { repetition_penalty: 2.0, repetition_window: 2, ..Sampling::default() };
    let mut sampler = Sampler::new(sampling).unwrap();
    assert_eq!(sampler.sample(&mut [4.0, 3.0, -1.0], &[0, 2, 2]), Ok(0), "0 is long past");
    assert_eq!(sampler.sample(&mut [4.0, 3.0, -1.0], &[2, 0, 0]), Ok(1));
    assert_eq!(sampler.sample(&mut [-4.0, -3.0, -5.0], &[1]), Ok(1 - 1), "−3 became −6");
}

#[test]
fn values_that_are_no_numbers_are_an_error() {
    let mut sampler = Sampler::new(Sampling::default()).unwrap();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(sampler.sample(&mut [0.0, bad], &[]), Err(SamplerError::NotANumber));
    }
    assert_eq!(sampler.sample(&mut [], &[]), Err(SamplerError::NotANumber));
}

#[test]
fn settings_outside_their_range_are_named() {
    for (sampling, name) in [
        (Sampling { temperature: -1.0, ..Sampling::default() }, "temperature"),
        (Sampling { temperature: f32::NAN, ..Sampling::default() }, "temperature"),
        (Sampling { top_p: 0.0, ..Sampling::default() }, "top_p"),
        (Sampling { min_p: 1.5, ..Sampling::default() }, "min_p"),
        (Sampling { repetition_penalty: 0.0, ..Sampling::default() }, "repetition_penalty"),
    ] {
        let error = sampling.validate().unwrap_err().to_string();
        assert!(error.starts_with(name), "{error}");
    }
}

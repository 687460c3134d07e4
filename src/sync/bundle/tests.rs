//! Manifests, chunks, sticks.

//! Retrieve, prompt, generate, check citations, stamp with provenance.

//! One file per subcommand: build the parts, run.

pub mod eval_retrieval;

//! One file per subcommand: build the parts, run.

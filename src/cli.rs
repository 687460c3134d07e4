//! Command line: what can be asked for, in English and Japanese. The only module that names clap (with commands).

//! What is installed: generations and the one state file that names the current ones.

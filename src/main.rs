fn main() -> std::process::ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(name) if name == "ingest-worker" => kura::ingest::worker::run_worker(args),
        _ => std::process::ExitCode::SUCCESS,
    }
}

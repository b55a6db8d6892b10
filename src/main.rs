//! The `pktsh` program: see [`pktsh::shell`].

fn main() -> std::process::ExitCode {
    pktsh::shell::main().into()
}

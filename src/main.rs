//! The `pktsh` program: see [`pktsh::shell`].

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: pktsh::net::live::Counting = pktsh::net::live::Counting;

fn main() -> std::process::ExitCode {
    pktsh::shell::main().into()
}

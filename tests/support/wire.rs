//! Two network namespaces joined by a wire: a real kernel at each end, and nothing else in reach.
//!
//! They live in a fresh user namespace, so the same works as root and as anyone. Client `10.9.0.1`, `fd00:9::1`;
//! server `10.9.0.2`, `fd00:9::2`; both call their end `eth0`. A machine that cannot make them fails the test.
//!
//! ```text
//! let wire = Wire::new();
//! let _web = wire.listen(80);
//! wire.client("ping").args(["-c", "1", SERVER]).status();
//! ```

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};

/// The client's address.
pub const CLIENT: &str = "10.9.0.1";
/// The server's address.
pub const SERVER: &str = "10.9.0.2";
/// The client's hardware address.
pub const CLIENT_MAC: [u8; 6] = [2, 0, 0, 9, 0, 1];
/// The server's hardware address.
pub const SERVER_MAC: [u8; 6] = [2, 0, 0, 9, 0, 2];

/// Set in a process that [`inside`] started: the pids that hold the client's and the server's namespace.
const HOLDERS: &str = "PKTSH_WIRE";

/// The pair of namespaces. They end with this value, and so does all that was started through [`Running`].
pub struct Wire {
    client: u32,
    server: u32,
    /// Whether this process stands outside of the user namespace and has to enter it.
    outside: bool,
    /// In the order in which they are to end; empty for a process inside.
    _holders: Vec<Running>,
}

impl Wire {
    /// Makes both namespaces and the wire between them.
    pub fn new() -> Self {
        let client = Running::until_ready(Command::new("unshare").args(["-Urn", "sh", "-c", "echo ready; exec cat"]));
        let client_pid = client.id();
        let unshare = ["-t", &client_pid.to_string(), "-U", "--preserve-credentials", "unshare", "-n"];
        let hold = ["sh", "-c", "echo ready; exec cat"];
        let server = Running::until_ready(Command::new("nsenter").args(unshare).args(hold));
        let server_pid = server.id();
        let wire = Self { client: client_pid, server: server_pid, outside: true, _holders: vec![server, client] };
        run(wire.client("sh").args(["-ec", &format!(
            "ip link add eth0 address 02:00:00:09:00:01 type veth peer name eth0 address 02:00:00:09:00:02 netns {server_pid}
             {}", up(1))]));
        run(wire.server("sh").args(["-ec", &up(2)]));
        wire
    }

    /// A command that will run at the client's end.
    pub fn client(&self, program: &str) -> Command {
        self.enter(self.client, program)
    }

    /// A command that will run at the server's end.
    pub fn server(&self, program: &str) -> Command {
        self.enter(self.server, program)
    }

    /// Runs a shell script at the server's end, to its end.
    pub fn server_sh(&self, script: &str) {
        run(self.server("sh").args(["-ec", script]));
    }

    /// Runs a shell script at the client's end, to its end.
    pub fn client_sh(&self, script: &str) {
        run(self.client("sh").args(["-ec", script]));
    }

    /// A server that accepts TCP connections on `port` (IPv4 and IPv6) and closes them.
    pub fn listen(&self, port: u16) -> Running {
        let script = format!(
            "import socket\ns = socket.create_server(('', {port}), family=socket.AF_INET6, dualstack_ipv6=True)\n\
             print('ready', flush=True)\nwhile True: s.accept()[0].close()"
        );
        Running::until_ready(self.server("python3").args(["-c", &script]))
    }

    /// `tcpdump` at the server's end, writing into `file` what passes `filter`, each frame at once.
    pub fn tcpdump(&self, file: &std::path::Path, filter: &str) -> Running {
        let mut command = self.server("tcpdump");
        command.args(["-i", "eth0", "-Z", "root", "-U", "--immediate-mode", "-w"]).arg(file).args(filter.split(' '));
        Running::until(command.stderr(Stdio::piped()), |child| {
            let stderr = child.stderr.take().expect("it is a pipe");
            said(stderr, "listening on")
        })
    }

    fn enter(&self, holder: u32, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &holder.to_string(), "-n"]);
        if self.outside {
            command.args(["-U", "--preserve-credentials"]);
        }
        command.arg("--").arg(program).env(HOLDERS, format!("{} {}", self.client, self.server));
        command
    }
}

/// Runs `body` at the client's end of a new wire: the test program starts itself there, with the test `name` alone.
pub fn inside(name: &str, body: impl FnOnce(&Wire)) {
    if let Ok(holders) = env::var(HOLDERS) {
        let pids: Vec<u32> = holders.split(' ').map(|pid| pid.parse().expect("a pid")).collect();
        return body(&Wire { client: pids[0], server: pids[1], outside: false, _holders: Vec::new() });
    }
    let wire = Wire::new();
    let program = env::current_exe().expect("the test program");
    let mut command = wire.client(program.to_str().expect("a plain path"));
    run(command.args(["--exact", name, "--include-ignored", "--nocapture", "--test-threads=1"]));
}

/// A process that ends with this value.
pub struct Running {
    child: Child,
    _stdin: Option<ChildStdin>,
}

impl Running {
    /// Starts a command that prints the line `ready` when it is.
    pub fn until_ready(command: &mut Command) -> Self {
        Self::until(command.stdout(Stdio::piped()), |child| {
            let stdout = child.stdout.take().expect("it is a pipe");
            said(stdout, "ready")
        })
    }

    fn until(command: &mut Command, is_ready: impl FnOnce(&mut Child) -> bool) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let stdin = child.stdin.take();
        let ready = is_ready(&mut child);
        let running = Self { child, _stdin: stdin };
        assert!(ready, "{command:?} did not start");
        running
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a line with `word`; false when the output ends first. The rest is read and thrown away in the background.
fn said(output: impl Read + Send + 'static, word: &str) -> bool {
    let mut lines = BufReader::new(output).lines();
    let found = lines.by_ref().map_while(Result::ok).any(|line| line.contains(word));
    std::thread::spawn(move || lines.for_each(drop));
    found
}

/// Runs a command to its end; its output is part of the failure.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    print!("{text}");
    text
}

/// The script that sets one end up.
fn up(host: u8) -> String {
    format!(
        "ip link set lo up
         ip addr add 10.9.0.{host}/24 dev eth0
         ip addr add fd00:9::{host}/64 dev eth0 nodad
         ip link set eth0 up"
    )
}

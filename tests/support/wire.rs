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
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

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

    /// The wire at whose client's end this process was started, see [`inside`]; `None` elsewhere.
    pub fn here() -> Option<Self> {
        let holders = env::var(HOLDERS).ok()?;
        let pids: Vec<u32> = holders.split(' ').map(|pid| pid.parse().expect("a pid")).collect();
        Some(Self { client: pids[0], server: pids[1], outside: false, _holders: Vec::new() })
    }

    /// A command that will run at the client's end.
    pub fn client(&self, program: &str) -> Command {
        self.enter(self.client, program)
    }

    /// The same, as the user who runs this: root stays root, for programs that change their user (tcpdump).
    pub fn client_as_user(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.client.to_string(), "-n", "--", program]);
        command.env(HOLDERS, format!("{} {}", self.client, self.server));
        command
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

    /// Sends one frame from the server's end, as it is.
    pub fn server_sends(&self, frame: &[u8]) {
        let hex: Vec<String> = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        let script = "import socket, sys; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); \
                      s.bind(('eth0', 0)); s.send(bytes.fromhex(sys.argv[1]))";
        run(self.server("python3").args(["-c", script, &hex.concat()]));
    }

    /// A third machine on the same link, 10.9.0.3: the client's end becomes a bridge, `br0`. Runs `script` there.
    pub fn zombie(&self, script: &str) -> Running {
        let mut hold = self.client("unshare");
        let holder = Running::until_ready(hold.args(["-n", "sh", "-c", "echo ready; exec cat"]));
        let pid = holder.id();
        self.client_sh(&format!(
            "ip link add br0 address 02:00:00:00:09:01 type bridge
             ip link add eth1 type veth peer name eth0 address 02:00:00:09:00:03 netns {pid}
             for port in eth0 eth1; do ip link set $port master br0 up; done
             ip addr flush dev eth0
             ip addr add 10.9.0.1/24 dev br0
             ip link set br0 up"
        ));
        run(self.enter(pid, "sh").args(["-ec", &format!("{}\n{script}", up(3))]));
        holder
    }

    /// A pair of `tun0`, 10.9.1.1 and 10.9.1.2: interfaces without a link-layer header, joined by two processes.
    pub fn tun(&self) -> [Running; 2] {
        let (near, far) = UnixDatagram::pair().expect("a pair of sockets");
        let script = "import fcntl, os, select, struct, sys\n\
                      t = os.open('/dev/net/tun', os.O_RDWR)\n\
                      fcntl.ioctl(t, 0x400454ca, struct.pack('16sH22x', b'tun0', 0x1001)) # TUNSETIFF: TUN, NO_PI\n\
                      os.system(f'ip addr add {sys.argv[1]}/24 dev tun0; ip link set tun0 up')\n\
                      print('ready', flush=True)\n\
                      while True:\n  \
                        for f in select.select([0, t], [], [])[0]: os.write(t if f == 0 else 0, os.read(f, 65600))";
        let start = |mut command: Command, addr: &str, end: UnixDatagram| {
            Running::start(command.args(["-c", script, addr]).stdin(OwnedFd::from(end))).0
        };
        [start(self.client("python3"), "10.9.1.1", near), start(self.server("python3"), "10.9.1.2", far)]
    }

    /// A packet socket at the server's end that hears what comes in there.
    pub fn witness(&self) -> Witness {
        let script = "import socket\n\
                      s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind(('eth0', 3))\n\
                      s.settimeout(5); print('ready', flush=True)\n\
                      while True:\n  b, a = s.recvfrom(65600)\n  if a[2] != 4: print(b.hex(), flush=True)";
        let mut command = self.server("python3");
        let (running, lines) = Running::with_lines(command.args(["-c", script]).stderr(Stdio::null()));
        Witness { _running: running, lines }
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

/// Runs `body` at the client's end of a new wire: the test program starts itself there, with the test `name`
/// alone, which has its modules before it.
pub fn inside(name: &str, body: impl FnOnce(&Wire)) {
    if let Some(wire) = Wire::here() {
        return body(&wire);
    }
    let wire = Wire::new();
    let program = env::current_exe().expect("the test program");
    let mut command = wire.client(program.to_str().expect("a plain path"));
    let said = run(command.args(["--exact", name, "--include-ignored", "--nocapture", "--test-threads=1"]));
    assert!(said.contains("1 passed"), "{name:?} is not the test's name with its modules");
}

/// A process that ends with this value.
pub struct Running {
    child: Child,
    _stdin: Option<ChildStdin>,
}

impl Running {
    /// Starts a command that prints the line `ready` when it is.
    pub fn until_ready(command: &mut Command) -> Self {
        let (running, lines) = Self::with_lines(command);
        std::thread::spawn(move || lines.for_each(drop)); // or it would wait for a reader
        running
    }

    /// Starts a command that says `word` on its standard error when it is ready.
    pub fn until_says(command: &mut Command, word: &str) -> Self {
        let child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let mut lines = BufReader::new(child.stderr.take().expect("it is a pipe")).lines().map_while(Result::ok);
        let running = Self { child, _stdin: None };
        let mut said = Vec::new();
        let is_ready = lines.any(|line| {
            let is_ready = line.contains(word);
            said.push(line);
            is_ready
        });
        assert!(is_ready, "{command:?} did not start: {}", said.join("\n"));
        std::thread::spawn(move || lines.for_each(drop)); // or it would wait for a reader
        running
    }

    /// The same, with the lines that it prints after that one.
    fn with_lines(command: &mut Command) -> (Self, Lines) {
        Self::start(command.stdin(Stdio::piped()))
    }

    /// The same, with the standard input that the command has.
    fn start(command: &mut Command) -> (Self, Lines) {
        let child = command.stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let stdin = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().expect("it is a pipe")).lines();
        let running = Self { child, _stdin: stdin };
        let is_ready = lines.by_ref().map_while(Result::ok).any(|line| line == "ready");
        assert!(is_ready, "{command:?} did not start");
        (running, lines)
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

type Lines = std::io::Lines<BufReader<ChildStdout>>;

/// What [`Wire::witness`] hears.
pub struct Witness {
    _running: Running,
    lines: Lines,
}

impl Witness {
    /// The next frame that `wanted` accepts; fails when none comes for five seconds.
    #[track_caller]
    pub fn frame(&mut self, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex");
        let mut frames =
            self.lines.by_ref().map_while(Result::ok).map(|line| line.as_bytes().chunks(2).map(byte).collect());
        frames.find(|frame: &Vec<u8>| wanted(frame)).expect("the frame did not arrive")
    }
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

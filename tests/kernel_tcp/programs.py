# What listens at the server's end, as in the laboratory: see the ports in states.rs.
import collections, resource, socket, threading

resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def listen(port, program):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", port))
    s.listen(4096)
    threading.Thread(target=accept, args=(s, program), daemon=True).start()


def accept(s, program):
    while True:
        program(s.accept()[0])


kept = collections.deque(maxlen=256)  # the last connections; older ones were reset long ago


def aside(program):
    def run(c):
        try:
            with c:
                program(c)
        except OSError:
            pass  # the prober has reset it

    return lambda c: threading.Thread(target=run, args=(c,), daemon=True).start()


def echo(c):
    while data := c.recv(4096):
        c.sendall(data)


def http(c):
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        data = c.recv(4096)
        if not data:
            return
        request += data
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


listen(80, kept.append)
listen(7, aside(echo))
listen(8080, aside(http))
calls = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
calls.bind(("", 9))
print("ready", flush=True)
while True:
    peer = calls.recvfrom(16)[1]
    c = socket.socket()
    c.setblocking(False)
    c.connect_ex(peer)
    kept.append(c)

"""The server's end: programs that listen, a host that is made up, and SCTP, which not every kernel speaks.

The made-up host is 10.9.0.5 and fd00:9::5. What it answers to a probe of a port is a row of the tables below: functions of
the probe that give packets, sent in their order.
"""
import os, select, socket, struct

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one queue, one order
FIN, SYN, RST, ACK = 1, 2, 4, 16


def addr(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


MADE_UP = {addr("10.9.0.5"), addr("fd00:9::5")}
SERVER = {addr("10.9.0.2"), addr("fd00:9::2")}
OTHER = {4: addr("10.9.0.6"), 6: addr("fd00:9::6")}
MAC = {4: bytes.fromhex("020000090005"), 6: bytes.fromhex("020000090005")}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Probe:
    """A packet that came, and what its answers are made from."""

    def __init__(self, frame):
        self.mac, self.hop = frame[:6], frame[6:12]
        packet = frame[14:]
        if frame[12:14] == b"\x08\x00":
            self.family, self.proto = 4, packet[9]
            self.packet = packet[: struct.unpack("!H", packet[2:4])[0]]
            self.src, self.dst, self.body = packet[12:16], packet[16:20], self.packet[(packet[0] & 15) * 4 :]
        else:
            self.family, self.proto = 6, packet[6]
            self.packet = packet[: 40 + struct.unpack("!H", packet[4:6])[0]]
            self.src, self.dst, self.body = packet[8:24], packet[24:40], self.packet[40:]
        self.sport, self.dport = struct.unpack("!HH", self.body[:4]) if len(self.body) >= 4 else (0, 0)
        self.flags = 0
        if self.proto == 6:
            self.seq, self.ack, _, self.flags = struct.unpack("!IIBB", self.body[4:14])

    def ip(self, proto, body, at=None, src=None, ttl=64):
        """A packet back. `at` is where the checksum stands that covers the addresses, too."""
        src = src or self.dst
        if at is not None:
            ends = src + self.src + struct.pack("!IHBB", len(body), 0, 0, proto)
            body = body[:at] + struct.pack("!H", checksum(ends + body)) + body[at + 2 :]
        if self.family == 6:
            return struct.pack("!IHBB", 6 << 28, len(body), proto, ttl) + src + self.src + body
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0, ttl, proto, 0) + src + self.src
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def tcp(flags, ack=0, window=0, seq=None, src=None, sport=0):
    """A segment; `ack` and `seq` are counted from the right ones."""

    def make(p):
        right = p.seq + bool(p.flags & SYN) + bool(p.flags & FIN)
        number = p.ack if p.flags & ACK else 0
        number = (number if seq is None else number + seq) & 0xFFFFFFFF
        acked = right + ack & 0xFFFFFFFF if flags & ACK else 0
        head = struct.pack("!HHIIBBHHH", sport or p.dport, p.sport, number, acked, 0x50, flags, window, 0, 0)
        return p.ip(6, head, 16, src and OTHER[p.family])

    return make


def rst(window=0, seq=None):
    """A reset as RFC 9293 section 3.10.7.1 makes it."""
    return lambda p: tcp(RST if p.flags & ACK else RST | ACK, window=window, seq=seq)(p)


def udp(sport=0, src=None):
    return lambda p: p.ip(
        17, struct.pack("!HHHH", sport or p.dport, p.sport, 12, 0) + b"here", 6, src and OTHER[p.family]
    )


def error(kind, code, src=None, spoil=False):
    """An ICMP error that quotes the probe; `spoil` quotes another number."""

    def make(p):
        quote = bytearray(p.packet[:128])
        if spoil:
            quote[(20 if p.family == 4 else 40) + 4] ^= 1
        body = struct.pack("!BBHI", kind, code, 0, 1280 if (p.family, kind) in ((6, 2), (4, 3)) else 0) + bytes(quote)
        src_addr = src and OTHER[p.family]
        if p.family == 6:
            return p.ip(58, body, 2, src_addr)
        return p.ip(1, body[:2] + struct.pack("!H", checksum(body)) + body[4:], None, src_addr)

    return make


def chunk(kind, flags=0, tag=0):
    """An SCTP packet with one chunk. The tag is the one that is expected, and `tag` more."""

    def make(p):
        is_init = p.body[12] == 1
        expected = struct.unpack("!I", p.body[16:20] if is_init and not flags & 1 else p.body[4:8])[0]
        rest = struct.pack("!IIHHI", 0x01020304, 32768, 10, 10, 1) if kind == 2 else b""
        body = struct.pack("!HHII", p.dport, p.sport, expected + tag & 0xFFFFFFFF, 0)
        body += struct.pack("!BBH", kind, flags, 4 + len(rest)) + rest
        return p.ip(132, body[:8] + struct.pack("<I", crc32c(body)) + body[12:])

    return make


def abort(p):
    return chunk(6, 0 if p.body[12] == 1 else 1)(p)


def syn(*replies):
    """Only a SYN is answered."""
    return lambda p: [reply(p) for reply in replies] if p.flags & (SYN | ACK) == SYN else []


def every(*replies):
    return lambda p: [reply(p) for reply in replies]


def split(p):
    """A SYN for a SYN, and an ACK for the SYN and ACK that a kernel then sends (RFC 9293 section 3.5)."""
    if p.flags & (SYN | ACK) == SYN | ACK:
        return [tcp(ACK, window=1000, seq=1)(p)]
    return syn(tcp(SYN, window=1000, seq=77))(p)


def bsd(p):
    """An open port that drops FIN and ACK."""
    if p.flags & (SYN | ACK) == SYN:
        return [tcp(SYN | ACK, window=1000, seq=77)(p)]
    return [rst()(p)] if p.flags & (SYN | FIN | RST | ACK) == ACK else []


SA = tcp(SYN | ACK, window=1000, seq=77)
TCP = {
    5001: every(rst(window=4096)),
    5002: syn(tcp(SYN | ACK, ack=1000, window=1000, seq=77)),
    5003: split,
    5004: syn(tcp(RST)),
    5005: bsd,
    5006: syn(tcp(ACK, window=1000)),
    5007: syn(tcp(FIN, window=1000)),
    5008: syn(tcp(SYN | ACK, window=1000, seq=77, src=True)),
    5009: every(error(3, 13, spoil=True)),
    5010: syn(rst(), SA),
    5011: syn(SA, error(3, 13)),
    5012: syn(error(3, 3), SA),
    5013: syn(error(3, 13), rst()),
    5014: syn(tcp(SYN | ACK, window=1000, seq=77, sport=6000)),
    5015: every(lambda p: (tcp(RST, seq=9) if p.flags & ACK else tcp(RST | ACK, ack=9))(p)),
    5021: every(error(3, 3)),
    5022: every(error(3, 3, src=True)),
    5023: every(error(3, 4)),
    5024: every(error(3, 5)),
    5025: every(error(3, 6)),
    5026: every(error(3, 8)),
    5027: every(error(3, 12)),
    5028: every(error(11, 0)),
    5029: every(error(4, 0)),
    5030: every(error(12, 0)),
}
UDP = {
    5101: every(udp()),
    5102: every(udp(sport=6000)),
    5103: every(udp(src=True)),
}
UDP.update({port + 100: TCP[port] for port in range(5021, 5031)})
SCTP = {
    5201: every(chunk(2)),
    5202: every(chunk(2, tag=1)),
    5203: every(abort),
    5204: every(chunk(6, flags=0, tag=1)),
    5205: every(chunk(6, flags=1)),
    5206: every(chunk(11)),
    5209: every(error(3, 13, spoil=True)),
}
SCTP.update({port + 200: TCP[port] for port in range(5021, 5031)})
IP = {
    201: every(lambda p: p.ip(p.proto, b"here")),
    202: every(lambda p: p.ip(p.proto, b"here", src=OTHER[p.family])),
    203: every(error(3, 2, src=True)),
    204: every(error(3, 3, src=True)),
    205: every(error(3, 3)),
    206: every(error(3, 13)),
    207: every(error(3, 4)),
    208: every(error(11, 0)),
}
ERRORS6 = [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2)]
TCP6 = {port: TCP[port] for port in range(5001, 5009)}
TCP6.update({5300 + 10 * kind + code: every(error(kind, code)) for kind, code in ERRORS6})
TCP6[5350] = every(error(1, 4, src=True))
UDP6 = {5101: UDP[5101], 5102: UDP[5102], 5103: UDP[5103]}
UDP6.update({port + 100: TCP6[port] for port in TCP6 if port > 5300})
SCTP6 = {port + 200: TCP6[port] for port in TCP6 if port > 5300}
IP6 = {201: IP[201], 202: IP[202]}
IP6.update({210 + place: every(error(kind, code)) for place, (kind, code) in enumerate(ERRORS6)})
IP6[222] = every(error(1, 4, src=True))
PORTS = {4: {6: TCP, 17: UDP, 132: SCTP}, 6: {6: TCP6, 17: UDP6, 132: SCTP6}}
# The server's own SCTP: its kernel drops what comes to these ports.
OWN = {3001: lambda p: [chunk(2)(p)] if p.body[12] == 1 else [], 3002: every(abort)}


def neighbor(frame):
    """An answer to a question for the made-up host's hardware address."""
    mac = MAC[4]
    if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1" and frame[38:42] in MADE_UP:
        head = frame[6:12] + mac + b"\x08\x06" + bytes.fromhex("0001080006040002")
        return head + mac + frame[38:42] + frame[22:32]
    if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 135 and frame[62:78] in MADE_UP:
        p = Probe(frame)
        body = bytes([136, 0, 0, 0, 0x60, 0, 0, 0]) + frame[62:78] + b"\2\1" + mac
        return frame[6:12] + mac + b"\x86\xdd" + p.ip(58, body, 2, frame[62:78], 255)
    return None


def answers(p):
    if p.dst in SERVER:
        return OWN.get(p.dport, lambda p: [])(p) if p.proto == 132 else []
    if p.dst not in MADE_UP:
        return []
    if p.proto in (6, 17, 132):
        return PORTS[p.family][p.proto].get(p.dport, lambda p: [])(p)
    return (IP if p.family == 4 else IP6).get(p.proto, lambda p: [])(p)


def serve():
    """TCP ports that take connections, UDP ports of which the first answers."""
    listening = {socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64): "accept"
                 for port in (1001, 1012, 1014, 1015)}
    for port in (2001, 2002, 2012):
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.bind(("", port))
        listening[s] = "answer" if port == 2001 else "read"
    return listening


wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
wire.bind(("eth0", 3))
programs = serve()
print("ready", flush=True)
while True:
    for s in select.select([wire, *programs], [], [])[0]:
        if s is not wire:
            if programs[s] == "accept":
                s.accept()[0].close()
            else:
                data, peer = s.recvfrom(2000)
                if programs[s] == "answer":
                    s.sendto(b"here", peer)
            continue
        frame, about = wire.recvfrom(65600)
        if about[2] == socket.PACKET_OUTGOING:
            continue
        told = neighbor(frame)
        if told:
            wire.send(told)
        elif frame[12:14] in (b"\x08\x00", b"\x86\xdd"):
            probe = Probe(frame)
            kind = b"\x08\x00" if probe.family == 4 else b"\x86\xdd"
            for packet in answers(probe):
                wire.send(probe.hop + probe.mac + kind + packet)

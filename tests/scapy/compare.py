"""Scapy's half of tests/scapy.rs: one packet or question a line on standard input, one line of answer each.

`{"layers": [["IP", {"ttl": 5, ...}], ...]}` is built; the answer is the bytes in hexadecimal.
`{"read": ["IP", "4500..."]}` is dissected; the answer is layers and fields as text.
`{"ls": "IP"}` asks for the fields of a layer with their widths in bits (`-` where the width varies).
"""

import json
import logging
import sys

logging.getLogger("scapy").setLevel(logging.CRITICAL)

from scapy import fields as f  # noqa: E402
from scapy.contrib import igmp, igmpv3  # noqa: E402
from scapy.layers import dhcp, dns, inet, inet6, ipsec, l2, ntp, sctp, vxlan  # noqa: E402
from scapy.packet import Packet, Padding, Raw  # noqa: E402
from scapy.utils import inet_aton, inet_ntoa, mac2str, str2mac  # noqa: E402

CLASSES = {"Raw": Raw, "Padding": Padding}
for module in (l2, inet, inet6, ipsec, dns, dhcp, ntp, sctp, vxlan, igmp, igmpv3):
    CLASSES |= {n: c for n, c in vars(module).items() if isinstance(c, type) and issubclass(c, Packet)}
# Names that differ: Scapy's NTP is the family of NTP's messages, ours its first one.
CLASSES["NTP"] = ntp.NTPHeader
NAMES = {"NTPHeader": "NTP"}
# Scapy's own additions to ICMP, which are no part of the header.
NOT_OURS = {"ext", "extpad"}


def value(v):
    """A value from JSON: bytes are written as {"hex": "..."}."""
    if isinstance(v, dict):
        return bytes.fromhex(v["hex"])
    if isinstance(v, list):
        return tuple(value(x) for x in v)
    return v


def tcp_option(option):
    if isinstance(option, str):
        return (option, b"" if option in ("SAckOK", "AltChkSumOpt") else None)
    return (option[0], value(option[1]))


def ip_option(option):
    name, v = (option, None) if isinstance(option, str) else (option[0], value(option[1]))
    if isinstance(name, int):
        return inet.IPOption(copy_flag=name >> 7, optclass=name >> 5 & 3, option=name & 31, value=v)
    cls = getattr(inet, "IPOption_" + name)
    if v is None:
        return cls()
    if name == "Router_Alert":
        return cls(alert=v)
    if name == "Stream_Id":
        return cls(security=v)
    if isinstance(v, bytes):
        # Scapy's default class of Traceroute is 0; its number is 82 (RFC 1393), so the class is 2.
        header = cls(optclass=2) if name == "Traceroute" else cls()
        return inet.IPOption(copy_flag=header.copy_flag, optclass=header.optclass, option=header.option, value=v)
    pointer = v[0] if v and isinstance(v[0], int) else 4
    return cls(pointer=pointer, routers=[x for x in v if isinstance(x, str)])


def arp_addresses(kw):
    """Scapy takes addresses of other kinds than Ethernet's and IPv4's as bytes only."""
    if kw.get("hwtype", 1) != 1:
        kw |= {k: mac2str(kw[k]) for k in ("hwsrc", "hwdst")}
    if kw.get("ptype", 0x800) != 0x800:
        kw |= {k: inet_aton(kw[k]) for k in ("psrc", "pdst")}


def build(layers):
    packet = None
    for name, values in layers:
        kw = {k: value(v) for k, v in values.items() if k != "options"}
        if "options" in values:
            make = tcp_option if name.startswith("TCP") else ip_option
            kw["options"] = [make(o) for o in values["options"]]
        if name == "ARP":
            arp_addresses(kw)
        layer = CLASSES[name](**kw)
        packet = layer if packet is None else packet / layer
    return bytes(packet).hex()


def text(name, v):
    if name == "options":
        return ",".join(option_text(o) for o in until_end(v))
    if name in ("hwsrc", "hwdst") and len(v) == 6:
        return str2mac(v)
    if name in ("psrc", "pdst") and len(v) == 4:
        return inet_ntoa(v)
    if isinstance(v, bytes):
        return v.hex()
    return str(int(v)) if isinstance(v, (int, f.FlagValue)) else str(v)


def until_end(options):
    """Up to the end of the list: of the zeros that follow, Scapy makes an option each."""
    for i, o in enumerate(options):
        if not isinstance(o, tuple) and bytes(o) == b"\0":
            return options[: i + 1]
    return options


def option_text(o):
    if not isinstance(o, tuple):  # an IP option: its kind alone
        return str(bytes(o)[0])
    kind, v = o
    if v is None or isinstance(v, bytes):
        return "%s=%s" % (kind, (v or b"").hex())
    return "%s=%s" % (kind, " ".join(str(x) for x in (v if isinstance(v, tuple) else (v,))))


def read(name, data):
    packet = CLASSES[name](bytes.fromhex(data))
    layers = []
    while packet:
        shown = []
        for field in packet.fields_desc:
            v = packet.getfieldval(field.name)
            is_there = not isinstance(field, f.ConditionalField) or field._evalcond(packet)
            if is_there and field.name not in NOT_OURS and not (field.name == "unused" and v == b""):
                shown.append("%s=%s" % (field.name, text(field.name, v)))
        layers.append(" ".join([type(packet).__name__] + shown))
        packet = packet.payload
    return " / ".join(layers)


def width(field):
    if isinstance(field, f.BitField):
        return str(abs(field.size))
    varies = isinstance(field, f.StrField) or field.islist
    return "-" if varies else str(int(field.sz * 8))


def ls(name):
    rows = []
    for field in CLASSES[name].fields_desc:
        while isinstance(field, (f.ConditionalField, f.MayEnd, f.Emph)):
            field = field.fld
        if field.name in NOT_OURS:
            continue
        if field.name == "unused":
            rows += ["%s:%s" % (field.name, width(kind[0])) for kind in field.flds]
        elif isinstance(field, f.MultipleTypeField):
            rows.append(field.name + ":-")
        else:
            rows.append("%s:%s" % (field.name, width(field)))
    return " ".join(rows)


for line in sys.stdin:
    ask = json.loads(line)
    try:
        if "layers" in ask:
            print(build(ask["layers"]))
        elif "read" in ask:
            print(read(*ask["read"]))
        else:
            print(ls(ask["ls"]))
    except Exception as e:
        print("error: %s: %s" % (type(e).__name__, e))

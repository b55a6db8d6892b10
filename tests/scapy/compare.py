"""Scapy's half of tests/scapy.rs: one packet or question a line on standard input, one line of answer each.

`{"layers": [["IP", {"ttl": 5, ...}], ...]}` is built; the answer is the bytes in hexadecimal.
`{"read": ["IP", "4500..."]}` is dissected; the answer is layers and fields as text.
`{"ls": "IP"}` asks for the fields of a layer with their widths in bits (`-` where the width varies).
"""

import json
import logging
import struct
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
NAMES = {"NTPHeader": "NTP"} | {n: "IGMP" for n in ("IGMP_MQ", "IGMP_MR", "IGMPv2_MR", "IGMPv2_LG")}
# Scapy's own additions, which are no part of a header or read by no other layer of ours.
NOT_OURS = {"ext", "extpad", "autopad", "auxdata"}
EXTENSIONS = {"AH": {"padding"}, "VXLAN": {"reserved0", "NextProtocol", "gpflags", "gpid"}}
BY_NUMBER = {
    "SCTP": {
        1: (sctp.SCTPChunkParamHeartbeatInfo, "data"),
        5: (sctp.SCTPChunkParamIPv4Addr, "addr"),
        6: (sctp.SCTPChunkParamIPv6Addr, "addr"),
        7: (sctp.SCTPChunkParamStateCookie, "cookie"),
        8: (sctp.SCTPChunkParamUnrocognizedParam, "param"),
        9: (sctp.SCTPChunkParamCookiePreservative, "sug_cookie_inc"),
        11: (sctp.SCTPChunkParamHostname, "hostname"),
        12: (sctp.SCTPChunkParamSupportedAddrTypes, "addr_type_list"),
        0x8000: (sctp.SCTPChunkParamECNCapable, None),
        0x8002: (sctp.SCTPChunkParamRandom, "random"),
        0x8003: (sctp.SCTPChunkParamChunkList, "chunk_list"),
        0x8004: (sctp.SCTPChunkParamRequestedHMACFunctions, "HMAC_functions_list"),
        0x8008: (sctp.SCTPChunkParamSupportedExtensions, "supported_extensions"),
        0xC000: (sctp.SCTPChunkParamFwdTSN, None),
        0xC006: (sctp.SCTPChunkParamAdaptationLayer, "indication"),
    },
    "IPv6": {
        0: (inet6.Pad1, None),
        1: (inet6.PadN, "optdata"),
        5: (inet6.RouterAlert, "value"),
        194: (inet6.Jumbo, "jumboplen"),
        201: (inet6.HAO, "hoa"),
    },
}


def value(v):
    """A value from JSON: bytes are written as {"hex": "..."}, records as {"packet": [name, fields]}."""
    if isinstance(v, dict):
        return bytes.fromhex(v["hex"]) if "hex" in v else make(*v["packet"])
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


def dhcp_option(option):
    number, v = option[0], value(option[1])
    if number in (0, 255):
        return {0: "pad", 255: "end"}[number]
    known = dhcp.DHCPOptions.get(number)
    if not v or known is None:
        return (number, v)
    name = known if isinstance(known, str) else known.name
    if name not in dhcp.DHCPRevOptions or isinstance(known, str):
        return (name, v)
    try:
        return (name, *values_of(known, v))
    except (OSError, struct.error):  # it has not the form of its kind
        return (number, v)


def values_of(field, v):
    """The values in the bytes of an option, as Scapy itself reads them."""
    while v:
        v, one = field.getfield(None, v)
        yield one


def numbered_option(family, option):
    """An option by its number: of Scapy's class for it, with the value in the form that the class takes."""
    number, v = option[0], value(option[1])
    cls, field = BY_NUMBER[family].get(number, (None, None))
    if family == "IPv6" and (cls is None or len(v) != {"value": 2, "jumboplen": 4, "hoa": 16}.get(field, len(v))):
        return inet6.HBHOptUnknown(otype=number, optdata=v)
    if cls is None or not fits(cls, field, v):
        return Raw(number.to_bytes(2, "big") + (len(v) + 4).to_bytes(2, "big") + v + bytes(-len(v) % 4))
    packet = cls() if field is None else cls(**{field: b""} if field in ("optdata",) else {})
    if field is None:
        return packet
    kind = packet.get_field(field)
    kind = kind.fld if isinstance(kind, f.PadField) else kind
    # Fields of a fixed width read the value; those that a length measures are cut to it by their class.
    if isinstance(kind, f.FieldListField):
        item = kind.field
        size = item.sz
        packet.setfieldval(field, [int.from_bytes(v[i:i + size], "big") for i in range(0, len(v), size)])
    elif isinstance(kind, f.StrField):
        packet.setfieldval(field, v)
    else:
        packet.setfieldval(field, kind.getfield(packet, v)[1])
    return packet


def fits(cls, field, v):
    """Whether a parameter has the length that its class gives it."""
    if field in ("HMAC_functions_list", "addr_type_list") and len(v) % 2:
        return False
    sizes = {None: 0, "addr": 4, "sug_cookie_inc": 4, "indication": 4}
    return len(v) == (16 if cls is sctp.SCTPChunkParamIPv6Addr else sizes.get(field, len(v)))


def options(name, v):
    if name.startswith("TCP"):
        return [tcp_option(o) for o in v]
    if name == "DHCP":
        return [dhcp_option(o) for o in v]
    if name.startswith("IPv6"):
        return [numbered_option("IPv6", o) for o in v]
    return [ip_option(o) for o in v]


def arp_addresses(kw):
    """Scapy takes addresses of other kinds than Ethernet's and IPv4's as bytes only."""
    if kw.get("hwtype", 1) != 1:
        kw |= {k: mac2str(kw[k]) for k in ("hwsrc", "hwdst")}
    if kw.get("ptype", 0x800) != 0x800:
        kw |= {k: inet_aton(kw[k]) for k in ("psrc", "pdst")}


def mrcode(code):
    """Scapy computes with the floating-point number of IGMPv3 (RFC 3376 section 4.1.1)."""
    return code if code < 128 else (code & 15 | 16) << ((code >> 4 & 7) + 3)


def make(name, values):
    cls = CLASSES[name]
    kw = {k: value(v) for k, v in values.items() if k not in ("options", "params")}
    raw = {}
    if "options" in values and name != "BOOTP":
        kw["options"] = options(name, values["options"])
    if "params" in values:
        kw["params"] = [numbered_option("SCTP", o) for o in values["params"]]
    if name.startswith("IPv6ExtHdr") and "options" in kw:
        kw["autopad"] = 0
    if name == "BOOTP" and "options" in values:
        # Scapy's field is what we call options and all that follows.
        kw["options"] = values["options"].to_bytes(4, "big")
    if name == "ARP":
        arp_addresses(kw)
    if name == "DNSRROPT" and "rdata" in kw:
        kw["rdata"] = [dns.EDNS0TLV(optcode=n, optdata=v) for n, v in kw["rdata"]]
    elif name.startswith("DNS") and isinstance(kw.get("rdata"), tuple):
        kw["rdata"] = list(kw["rdata"])
    if name == "IGMPv3_MQ" and "mrcode" in kw and kw.get("type", 0x11) == 0x11:
        kw["mrcode"] = mrcode(kw["mrcode"])
    if name == "AH" and "icv" in kw:
        kw["icv"] += bytes(-len(kw["icv"]) % 4)
        kw.setdefault("payloadlen", len(kw["icv"]) // 4 + 1)
    if name == "AH":
        kw.setdefault("payloadlen", 1)
        kw.setdefault("reserved", 0)
    if "gap_ack_list" in kw:
        kw["gap_ack_list"] = ["%d:%d" % (gap >> 16, gap & 0xFFFF) for gap in kw["gap_ack_list"]]
    for field in cls.fields_desc:
        v = kw.get(field.name)
        if v is None:
            continue
        if isinstance(field, f.SignedByteField):
            kw[field.name] = v - 256 if v > 127 else v
        if isinstance(field, f.FixedPointField):
            raw[field.name] = kw.pop(field.name)
        if isinstance(v, tuple):
            kw[field.name] = list(v)
    layer = cls(**kw)
    layer.fields.update(raw)
    return layer


def build(layers):
    packet = None
    for name, values in layers:
        layer = make(name, values)
        packet = layer if packet is None else packet / layer
    for layer in all_layers(packet):
        # Scapy's options are what we call options and all that follows.
        if isinstance(layer, dhcp.BOOTP) and not layer.options and not isinstance(layer.payload, dhcp.DHCP):
            layer.options = bytes(4)
    return bytes(packet).hex()


def all_layers(packet):
    while packet:
        yield packet
        packet = packet.payload


def text(packet, field, v):
    name, of = field.name, type(packet).__name__
    if name == "options" and of == "DHCP":
        return ",".join(field.i2m(packet, [o]).hex() for o in v)
    if name == "options" and of.startswith("IPv6") or of == "DNSRROPT" and name == "rdata":
        return ",".join(bytes(o).hex() for o in v)
    if name == "params":
        return ",".join(unpadded(bytes(o)).hex() for o in v)
    if name == "options" and of == "BOOTP":
        return str(int.from_bytes(v[:4], "big"))
    if name == "options" and of == "IP" and packet.ihl == 5:
        return ""  # under IGMP, Scapy adds one when it reads, too
    if name == "options":
        return ",".join(option_text(o) for o in until_end(v))
    if of == "IGMPv3_MQ" and name == "mrcode":
        return str(bytes(packet.original)[1])
    if isinstance(field, f.SignedByteField):
        return str(v & 255)
    if isinstance(field, f.FixedPointField):
        return str(packet.fields[name])
    if isinstance(v, Packet) and name in ("data", "pkt", "error_causes", "cookie"):
        return bytes(v).hex()
    if isinstance(v, Packet):
        return "(%s)" % layer_text(v)
    if name == "gap_ack_list":
        return ",".join(str(start << 16 | end) for start, end in (map(int, gap.split(":")) for gap in v))
    if isinstance(v, list):
        return ",".join(text(packet, field, x) for x in v)
    if name in ("hwsrc", "hwdst") and len(v) == 6:
        return str2mac(v)
    if name in ("psrc", "pdst") and len(v) == 4:
        return inet_ntoa(v)
    if isinstance(v, bytes) and (is_name(packet, field)):
        return v.decode()
    if isinstance(v, bytes):
        return v.hex()
    return str(int(v)) if isinstance(v, (int, f.FlagValue)) else str(v)


def is_name(packet, field):
    names = (2, 5, 12, 39)
    return isinstance(field, dns.DNSStrField) or field.name == "rdata" and packet.type in names


def is_ours(packet, name):
    return name not in NOT_OURS and name not in EXTENSIONS.get(packet.__name__, ())


def unpadded(option):
    return option[:int.from_bytes(option[2:4], "big")]


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


def layer_text(packet):
    shown = []
    for field in packet.fields_desc:
        v = packet.getfieldval(field.name)
        is_there = not isinstance(field, f.ConditionalField) or field._evalcond(packet)
        while isinstance(field, (f.ConditionalField, f.MayEnd, f.Emph, f.PadField)):
            field = field.fld
        # Scapy forgets it when it reads.
        if is_there and field.name != "rdlen" and is_ours(type(packet), field.name) and not (field.name == "unused" and v == b""):
            shown.append("%s=%s" % (field.name, text(packet, field, v)))
    name = type(packet).__name__
    return " ".join([NAMES.get(name, name)] + shown)


def read(name, data):
    packet = CLASSES[name](bytes.fromhex(data))
    layers = []
    for layer in all_layers(packet):
        layers.append(layer_text(layer))
        if isinstance(layer, dhcp.BOOTP) and len(layer.options) > 4:
            layers.append("Raw load=" + layer.options[4:].hex())
    return " / ".join(layers)


def width(field):
    if isinstance(field, f.BitField):
        return str(abs(field.size))
    varies = isinstance(field, (f.StrField, f.PacketField, f.MultipleTypeField)) or field.islist or field.holds_packets
    return "-" if varies else str(int(field.sz * 8))


def ls(name):
    rows = []
    for field in CLASSES[name].fields_desc:
        while isinstance(field, (f.ConditionalField, f.MayEnd, f.Emph, f.PadField)):
            field = field.fld
        if not is_ours(CLASSES[name], field.name):
            continue
        if field.name == "unused" and isinstance(field, f.MultipleTypeField):
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
        print("error: %s: %s" % (type(e).__name__, repr(e)))

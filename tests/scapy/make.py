"""Packets of Scapy's, as capture files in the folder that is named: what no kernel in reach sends by itself."""

import logging
import sys
from pathlib import Path

logging.getLogger("scapy").setLevel(logging.CRITICAL)

from scapy.all import *  # noqa: E402,F403
from scapy.contrib.igmp import *  # noqa: E402,F403
from scapy.layers.igmp import *  # noqa: E402,F403
from scapy.layers.sctp import *  # noqa: E402,F403

ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
IP4 = ETHER / IP(src="192.0.2.1", dst="192.0.2.10", id=7)
IP6 = ETHER / IPv6(src="2001:db8::1", dst="2001:db8::10")
QUOTED = IPv6(src="2001:db8::10", dst="2001:db8::1") / UDP(sport=9, dport=61000) / b"quoted"
QUOTED4 = IP(src="192.0.2.10", dst="192.0.2.1", id=9)
ALERT = [IPOption_Router_Alert()]
RR = dict(rrname="lab.", ttl=60)

ETHERNET = [
    ETHER / ARP(op=2, hwsrc="02:00:00:00:00:01", psrc="192.0.2.1", hwdst="02:00:00:00:00:02", pdst="192.0.2.10"),
    ETHER / Dot1Q(prio=5, dei=1, vlan=100) / Dot1Q(vlan=200) / IP4[IP] / UDP(sport=61000, dport=9) / b"tagged",
    # 802.3: a bridge's spanning tree, and IP behind SNAP.
    Dot3(src="02:00:00:00:00:01", dst="01:80:c2:00:00:00") / LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP(),
    Dot3(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / LLC() / SNAP() / IP4[IP] / UDP(sport=1, dport=9) / b"snap",
    # ICMP errors and what they quote.
    IP4 / ICMP(type=3, code=4, nexthopmtu=1400) / QUOTED4 / UDP(sport=53, dport=61000),
    IP4 / ICMP(type=11, code=0) / QUOTED4 / TCP(sport=80, dport=61000, seq=77),
    IP4 / ICMP(type=5, code=1, gw="192.0.2.254") / QUOTED4 / ICMP(id=5, seq=6),
    IP4 / ICMP(type=3, code=2) / QUOTED4 / SCTP(sport=80, dport=61000, tag=5),
    IP4 / ICMP(type=13, id=1, seq=2, ts_ori=3, ts_rx=4, ts_tx=5),
    IP4 / ICMP(type=17, id=1, seq=2, addr_mask="255.255.255.0"),
    # IGMP.
    IP4 / IGMP(type=0x11, mrcode=100, gaddr="224.0.0.251"),
    IP4 / IGMP(type=0x16, gaddr="239.1.2.3"),
    IP4 / IGMP(type=0x17, gaddr="239.1.2.3"),
    IP4 / IGMPv3_MQ(mrcode=100, gaddr="239.1.2.3", s=1, qrv=2, qqic=125, srcaddrs=["192.0.2.7", "192.0.2.8"]),
    IP4 / IGMPv3_MR(records=[
        IGMPv3_MR_Group(rtype=4, maddr="239.1.2.3"),
        IGMPv3_MR_Group(rtype=6, maddr="239.1.2.4", srcaddrs=["192.0.2.7", "192.0.2.8"]),
        IGMPv3_MR_Group(rtype=1, maddr="239.1.2.5"),
    ]),
    # IPv6 and its extension headers.
    IP6 / IPv6ExtHdrHopByHop(options=[RouterAlert(value=0), PadN(optdata=b"\0\0")]) / UDP(sport=1, dport=9) / b"hbh",
    IP6 / IPv6ExtHdrDestOpt(options=[HAO(hoa="2001:db8::77")]) / UDP(sport=1, dport=9) / b"dst",
    IP6 / IPv6ExtHdrRouting(type=2, segleft=1, addresses=["2001:db8::99"]) / UDP(sport=1, dport=9) / b"route",
    IP6 / IPv6ExtHdrFragment(id=0x12345678, m=1, offset=0) / UDP(sport=1, dport=9, len=100, chksum=0x1111) / b"first part",
    IP6 / IPv6ExtHdrFragment(id=0x12345678, m=0, offset=100, nh=17) / b"second part",
    IP4 / AH(nh=17, payloadlen=4, reserved=0, spi=0x1234, seq=9, icv=b"twelve bytes") / UDP(sport=1, dport=9) / b"ah",
    # ICMPv6.
    IP6 / ICMPv6DestUnreach(code=4) / QUOTED,
    IP6 / ICMPv6PacketTooBig(mtu=1400) / QUOTED,
    IP6 / ICMPv6TimeExceeded(code=0) / IPv6(src="2001:db8::10", dst="2001:db8::1") / ICMPv6EchoRequest(id=5, seq=6),
    IP6 / ICMPv6ParamProblem(code=1, ptr=40) / IPv6(src="2001:db8::10", dst="2001:db8::1") / SCTP(sport=80, dport=61000, tag=5),
    IP6 / ICMPv6EchoRequest(id=0x1234, seq=7, data=b"ping"),
    IP6 / ICMPv6EchoReply(id=0x1234, seq=7, data=b"ping"),
    IP6 / ICMPv6Unknown(type=200, code=3, msgbody=b"whatever"),
    IP6 / ICMPv6MLQuery(mrd=1000, mladdr="ff02::fb"),
    IP6 / ICMPv6MLReport(mladdr="ff02::fb"),
    IP6 / ICMPv6MLDone(mladdr="ff02::fb"),
    IP6 / ICMPv6MLQuery2(mrd=1000, mladdr="ff02::fb", S=1, QRV=2, QQIC=125, sources=["2001:db8::7", "2001:db8::8"]),
    IP6 / ICMPv6MLReport2(records=[
        ICMPv6MLDMultAddrRec(rtype=4, dst="ff02::fb"),
        ICMPv6MLDMultAddrRec(rtype=6, dst="ff02::fc", sources=["2001:db8::7", "2001:db8::8"]),
    ]),
    IP6 / ICMPv6ND_RS() / ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:01"),
    IP6 / ICMPv6ND_RA(chlim=64, M=1, O=1, prf=1, routerlifetime=600, reachabletime=5, retranstimer=6)
    / ICMPv6NDOptPrefixInfo(prefixlen=64, L=1, A=1, validlifetime=7, preferredlifetime=6, prefix="2001:db8:1::")
    / ICMPv6NDOptMTU(mtu=1400) / ICMPv6NDOptRDNSS(lifetime=8, dns=["2001:db8::53", "2001:db8::54"])
    / ICMPv6NDOptDNSSL(lifetime=9, searchlist=["lab.", "example.org."])
    / ICMPv6NDOptUnknown(type=253, data=b"sixsix"),
    IP6 / ICMPv6ND_NS(tgt="2001:db8::10") / ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:01"),
    IP6 / ICMPv6ND_NA(R=0, S=1, O=1, tgt="2001:db8::1") / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:01"),
    IP6 / ICMPv6ND_Redirect(tgt="fe80::1", dst="2001:db8::9") / ICMPv6NDOptRedirectedHdr(pkt=bytes(QUOTED)[:56]),
    # SCTP.
    IP4 / SCTP(sport=80, dport=61000, tag=0) / SCTPChunkInit(
        init_tag=1, a_rwnd=65535, n_out_streams=10, n_in_streams=11, init_tsn=100,
        params=[SCTPChunkParamIPv4Addr(addr="192.0.2.1"), SCTPChunkParamIPv6Addr(addr="2001:db8::1"),
                SCTPChunkParamECNCapable(), SCTPChunkParamCookiePreservative(sug_cookie_inc=1000)]),
    IP4 / SCTP(sport=80, dport=61000, tag=1) / SCTPChunkInitAck(
        init_tag=2, a_rwnd=65535, n_out_streams=10, n_in_streams=11, init_tsn=200,
        params=[SCTPChunkParamStateCookie(cookie=b"cookie!!")]),
    IP6 / SCTP(sport=80, dport=61000, tag=2) / SCTPChunkCookieEcho(cookie=b"cookie!!")
    / SCTPChunkData(beginning=1, ending=1, tsn=200, stream_id=1, stream_seq=2, proto_id=0, data=b"hello"),
    IP4 / SCTP(sport=80, dport=61000, tag=2) / SCTPChunkCookieAck()
    / SCTPChunkSACK(cumul_tsn_ack=200, a_rwnd=65000, gap_ack_list=["2:3", "5:6"], dup_tsn_list=[201]),
    IP4 / SCTP(sport=80, dport=61000, tag=2) / SCTPChunkHeartbeatReq(params=[SCTPChunkParamHeartbeatInfo(data=b"beat")])
    / SCTPChunkHeartbeatAck(params=[SCTPChunkParamHeartbeatInfo(data=b"beat")]),
    IP4 / SCTP(sport=80, dport=61000, tag=2) / SCTPChunkError(error_causes=b"\0\x0d\0\x08abcd")
    / SCTPChunkAbort(TCB=1, error_causes=b"\0\x0c\0\x08bye!"),
    IP4 / SCTP(sport=80, dport=61000, tag=2) / SCTPChunkShutdown(cumul_tsn_ack=205) / SCTPChunkShutdownAck()
    / SCTPChunkShutdownComplete(TCB=1),
    IP4 / SCTP(sport=80, dport=61000, tag=2) / Raw(b"\xfe\x05\x00\x08what"),
    # NTP.
    IP4 / UDP(sport=123, dport=123) / NTPHeader(mode=4, stratum=2, poll=6, precision=-20, delay=0.25, dispersion=0.5,
                                                id="192.0.2.123", ref=3913056000, orig=3913056001, recv=3913056002, sent=3913056003),
    IP4 / UDP(sport=123, dport=123) / NTPHeader(mode=4, stratum=1, poll=6, precision=-20, ref_id=b"GPS",
                                                ref=3913056000, orig=3913056001, recv=3913056002, sent=3913056003),
    # DNS records that the server here does not give.
    IP4 / UDP(sport=53, dport=61000) / DNS(
        id=5, qr=1, aa=1, qd=[DNSQR(qname="lab.", qtype="SOA")],
        an=[DNSRRSOA(mname="ns.lab.", rname="root.lab.", serial=1, refresh=2, retry=3, expire=4, minimum=5, **RR)],
        ns=[DNSRR(type="NS", rdata="ns.lab.", **RR)],
        ar=[DNSRROPT(rclass=1232, z=0x8000, rdata=[EDNS0TLV(optcode=3, optdata=b"ns1")])]),
    # Tunnels.
    IP4 / GRE(chksum_present=1, key_present=1, seqnum_present=1, key=42, sequence_number=7) / IP4[IP] / ICMP(id=1, seq=2) / b"gre",
    IP4 / GRE() / IP6[IPv6] / UDP(sport=1, dport=9) / b"gre6",
    IP4 / UDP(sport=61000, dport=4789, chksum=0) / VXLAN(flags=8, vni=4242) / IP4 / UDP(sport=1, dport=9) / b"vxlan",
    IP4 / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=9) / b"ipip",
    IP4 / IP6[IPv6] / UDP(sport=1, dport=9) / b"sit",
    IP6 / IP4[IP] / UDP(sport=1, dport=9) / b"4in6",
]

UDP4 = IP4[IP] / UDP(sport=1, dport=9) / b"loop"
FILES = {
    "ethernet": (1, ETHERNET),
    "null": (0, [Loopback() / UDP4, Loopback(type=24) / IP6[IPv6] / UDP(sport=1, dport=9), Loopback(type=30) / IP6[IPv6] / UDP(sport=1, dport=9)]),
    "loop": (108, [LoopbackOpenBSD() / UDP4, LoopbackOpenBSD(type=24) / IP6[IPv6] / UDP(sport=1, dport=9)]),
    "raw": (101, [UDP4, IP6[IPv6] / UDP(sport=1, dport=9)]),
}

folder = Path(sys.argv[1])
for name, (linktype, packets) in FILES.items():
    wrpcap(str(folder / (name + ".pcap")), packets, linktype=linktype)

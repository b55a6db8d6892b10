//! What the ring holds, as a [`Frame`].

use super::ring::Slot;
use crate::base::Time;
use crate::net::{Checksum, Frame, Medium};

/// What the frames of a link type (`ARPHRD_`, `if_arp.h`) begin with.
///
/// tun, `WireGuard`, PPP and the IP tunnels give the IP packet: PPP takes its own header off before the capture, and for
/// tunnels that show their outer header (GRE) the ring's network offset leaves it out.
pub(super) fn medium(kind: u16) -> Medium {
    match kind {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Medium::Ethernet,
        _ => Medium::Ip,
    }
}

/// A slot as a frame. `None` for what nobody wants: loopback's outgoing copies (each comes in as well), and what is no
/// IP on a medium without Ethernet headers.
pub(super) fn frame<'a>(slot: &Slot<'a>, at: Time) -> Option<Frame<'a>> {
    let (header, address) = (&slot.header, &slot.address);
    let outgoing = address.sll_pkttype == libc::PACKET_OUTGOING;
    if outgoing && address.sll_hatype == libc::ARPHRD_LOOPBACK {
        return None;
    }
    let medium = medium(address.sll_hatype);
    let mut skip = 0;
    if medium == Medium::Ip {
        let protocol = i32::from(u16::from_be(address.sll_protocol));
        if protocol != libc::ETH_P_IP && protocol != libc::ETH_P_IPV6 {
            return None;
        }
        skip = usize::from(header.tp_net.saturating_sub(header.tp_mac));
    }
    Some(Frame {
        bytes: slot.bytes.get(skip..)?,
        at,
        iface: address.sll_ifindex as u32,
        medium,
        outgoing,
        vlan: vlan(header),
        wire_len: (header.tp_len as usize).saturating_sub(skip),
        checksum: match header.tp_status & libc::TP_STATUS_CSUMNOTREADY {
            0 => Checksum::Ready,
            _ => Checksum::Partial,
        },
    })
}

/// The tag that the kernel took out, as [`Frame::vlan`] has it.
fn vlan(header: &libc::tpacket2_hdr) -> Option<u32> {
    let has = |bit| header.tp_status & bit != 0;
    let tpid = if has(libc::TP_STATUS_VLAN_TPID_VALID) { header.tp_vlan_tpid } else { libc::ETH_P_8021Q as u16 };
    has(libc::TP_STATUS_VLAN_VALID).then(|| u32::from(tpid) << 16 | u32::from(header.tp_vlan_tci))
}

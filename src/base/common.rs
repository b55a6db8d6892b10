//! The ports that are worth a look first, by our own judgement: a short list of well-known and of today's services.

use super::ports::Proto;

/// The first `n` common ports of a protocol, the likeliest first; all of them when there are less, see [`common`].
pub fn top(proto: Proto, n: usize) -> Vec<u16> {
    common(proto).iter().copied().take(n).collect()
}

/// All common ports of a protocol.
pub fn common(proto: Proto) -> &'static [u16] {
    match proto {
        Proto::Tcp => TCP,
        Proto::Udp => UDP,
        Proto::Sctp => SCTP,
        Proto::Ip => IP,
    }
}

#[rustfmt::skip]
const TCP: &[u16] = &[
    // What beginners' books look at, in their order: old services, mail, files, panels of web hosts.
    21, 22, 23, 25, 53, 80, 88, 109, 110, 139, 143, 156, 389, 443, 445, 587, 660, 995, 993, 2086, 2087, 2082, 2083, 3306,
    8443, 10000,
    // What is missing there: RPC, remote desktops, proxies, further web servers.
    111, 135, 3389, 5900, 8080, 8000, 8888, 8081, 3128, 1080,
    // Data: SQL, caches, documents, search, queues.
    5432, 1433, 1521, 6379, 27017, 9200, 11211, 5984, 9042, 9092, 5672, 1883,
    // Clusters and containers: Kubernetes, etcd, Docker, Consul, Vault, Prometheus.
    6443, 10250, 2379, 2380, 2375, 2376, 8500, 8200, 9090, 9100, 3000, 5000,
    // Management: WinRM, Redfish and the like come by 443; VMware, SNMP and RMI have their own.
    5985, 5986, 902, 1099, 9443, 4443, 2222, 8008, 8009, 7001, 9000, 8088,
    // Files, printers, directories.
    2049, 548, 631, 515, 636, 3268, 873, 990, 3260, 464, 593, 465,
    // Voice, chat, tunnels, media.
    5060, 5061, 5222, 6667, 1723, 554, 1935, 1194, 5357, 32400, 6697, 5269,
    // Up to here about a hundred. The rest: older and rarer.
    20, 26, 37, 43, 49, 70, 79, 81, 82, 102, 113, 119, 179, 427, 444, 502, 512, 513, 514, 543, 853, 989, 992, 1025, 1352,
    1414, 1720, 2000, 2121, 2181, 3001, 3269, 3690, 4369, 4505, 4848, 5001, 5601, 5671, 5800, 5901, 6000, 6514, 7000,
    7077, 7474, 7547, 8082, 8083, 8086, 8089, 8090, 8123, 8140, 8161, 8181, 8291, 8834, 8883, 9091, 9093, 9300, 9418,
    9999, 15672, 16010, 20000, 25565, 27018, 44818, 49152, 50000, 50070, 61616, 62078,
];

#[rustfmt::skip]
const UDP: &[u16] = &[
    // The same books' UDP services.
    53, 69, 88, 123, 137, 138, 161, 389, 500, 546, 547,
    // What answers: DHCP, RPC, traps, discovery of devices and names, tunnels, voice.
    67, 68, 111, 162, 443, 514, 520, 623, 1194, 1434, 1701, 1812, 1813, 1900, 3478, 3702, 4500, 5060, 5351, 5353, 5355,
    5683, 51820,
    // Rarer.
    7, 9, 13, 17, 19, 37, 49, 177, 427, 464, 631, 1645, 1646, 2049, 3389, 4789, 5004, 6081, 10001, 11211, 19132, 27015,
    33434, 41641, 47808,
];

/// Signalling of telephone networks, mostly.
#[rustfmt::skip]
const SCTP: &[u16] = &[
    2905, 3868, 36412, 38412, 36422, 38422, 2904, 3565, 2944, 2945, 5060, 5061, 9900, 3863, 3864, 4739, 4740, 5868, 29118,
    29168, 29169, 38462, 38472, 25471, 36443, 36444, 3097, 14001, 2225, 5090, 5091, 5672, 5910, 5911, 5912, 6704, 6705,
    6706, 7626, 7701, 8471, 9082, 9901, 9902, 11997, 11998, 11999, 22, 80, 443, 7, 9, 20, 21, 179, 2049, 20049, 30100,
];

/// What hosts and routers speak.
#[rustfmt::skip]
const IP: &[u16] = &[
    1, 6, 17, 2, 58, 47, 50, 51, 4, 41, 132, 89, 103, 112, 88, 136, 115, 33, 46, 108, 94, 97, 137, 43, 44, 60, 0, 59, 8, 9,
    255,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ports::PortSpec;

    #[test]
    fn the_lists_hold_each_port_once_and_a_part_is_their_beginning() {
        for proto in Proto::ALL {
            let all = common(proto);
            assert_eq!(PortSpec::of_numbers(proto, all.iter().copied()).of(proto), all, "{proto:?}");
            assert_eq!(top(proto, 5), all[..5]);
            assert_eq!(top(proto, usize::MAX), all);
        }
        assert!(common(Proto::Tcp).len() >= 150 && common(Proto::Udp).len() >= 40);
        for port in [22, 443, 3389, 6443, 2379, 5985, 9200, 27017, 8443, 10250] {
            assert!(top(Proto::Tcp, 100).contains(&port), "{port}");
        }
    }
}

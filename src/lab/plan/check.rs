//! What only the whole plan can tell of a host.

use std::net::IpAddr;

use super::names::Known;
use super::{HostSpec, IpId, Plan};
use crate::base::Mac;
use crate::base::nearest::did_you_mean;
use crate::lab::nets::Nic;

impl Plan {
    /// Whether a host may stand beside those that are there.
    pub(super) fn check(&self, new: &HostSpec) -> Result<(), String> {
        if new.busy_per_second > 0 && new.ip_id() != IpId::Counter {
            return Err(format!("{}: a host that is busy counts its ids: say ip_id = \"counter\", too", new.name));
        }
        let mut earlier: Vec<&str> = Vec::new();
        for Known { name, .. } in new.names() {
            if self.find(name).is_some() || earlier.iter().any(|other| other.eq_ignore_ascii_case(name)) {
                return Err(format!("the name {name} is taken"));
            }
            earlier.push(name);
        }
        for (index, addr) in new.all_addrs().enumerate() {
            if let Some(owner) = self.hosts.iter().find(|host| host.all_addrs().any(|other| other == addr)) {
                return Err(format!("{}: the address {addr} is taken by {}", new.name, owner.name));
            }
            let place = |addr: IpAddr| (addr.is_ipv6(), self.nets.segment(addr));
            if new.all_addrs().take(index).any(|other| place(other) == place(addr)) {
                return Err(format!("{}: a host has one address in each network", new.name));
            }
            self.check_place(addr).map_err(|wrong| format!("{}: {wrong}", new.name))?;
        }
        self.check_device(new)
    }

    /// The claims of a host are in its networks, and its hardware addresses its own.
    fn check_device(&self, new: &HostSpec) -> Result<(), String> {
        self.check_hardware(new)?;
        if let Some(addr) = new.all_addrs().find(|addr| addr.is_ipv6() && !new.ipv6) {
            return Err(format!("{}: the address {addr} is one of IPv6, and ipv6 = false", new.name));
        }
        let nics = self.nics(new);
        let is_on_link = |addr: IpAddr| nics.iter().any(|nic| self.nets.segment(addr) == Some(nic.segment));
        let ends = new.claims.iter().flat_map(|net| [Some(net.first()), net.at(net.count() - 1)]).flatten();
        match ends.into_iter().find(|addr| !is_on_link(*addr)) {
            Some(addr) => Err(format!("{}: it claims {addr}, which is in none of its networks", new.name)),
            None => Ok(()),
        }
    }

    /// Whether a host may have this address.
    fn check_place(&self, addr: IpAddr) -> Result<(), String> {
        let net = self.nets.segment(addr).and_then(|segment| self.nets.get(segment));
        let Some(net) = net else {
            return Err(format!(
                "{addr} is outside the networks of this laboratory: use 2001:db8::x, 2001:db8:1::x or 2001:db8:2::x, \
                 or say [[net]] prefixes = [\"..\"]"
            ));
        };
        let edges = net.v4.filter(|_| addr.is_ipv4()).map(|prefix| {
            let nic = Nic::of([addr].into_iter(), &self.nets, None).into_iter().next();
            [Some(prefix.addr), nic.and_then(|nic| nic.broadcast()).map(IpAddr::V4)]
        });
        if edges.is_some_and(|edges| edges.contains(&Some(addr))) {
            return Err(format!("{addr} is the address of a network or a broadcast"));
        }
        Ok(())
    }

    /// Two stations with one hardware address could not be told apart.
    fn check_hardware(&self, new: &HostSpec) -> Result<(), String> {
        let taken = self.hosts.iter().flat_map(|host| self.nics(host).into_iter().map(move |nic| (host, nic.mac())));
        let own: Vec<Mac> = self.nics(new).iter().map(Nic::mac).collect();
        match taken.into_iter().find(|(_, mac)| own.contains(mac)) {
            Some((owner, mac)) => {
                Err(format!("{}: the hardware address {mac} is taken by {}; give it another", new.name, owner.name))
            }
            None => Ok(()),
        }
    }

    /// The names that a host uses belong to hosts with an IPv4 address.
    pub(super) fn check_names(&self, host: &HostSpec) -> Result<(), String> {
        for name in host.habits.iter().filter_map(|habit| habit.does.names()) {
            let there = self.hosts.iter().find(|other| other.name == name);
            if !there.is_some_and(|other| other.addrs.iter().any(IpAddr::is_ipv4)) {
                let hint = did_you_mean(name, self.names().map(|known| known.name));
                return Err(format!("{}: no host {name:?} with an IPv4 address{hint}", host.name));
            }
        }
        Ok(())
    }
}

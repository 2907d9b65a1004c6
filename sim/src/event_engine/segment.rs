//! Reading and making the packets of turmoil-net, as far as fates need it. Pure, without state.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use turmoil_net::{Packet, TcpFlags, TcpSegment, Transport};

/// Addresses of machines start here: 10.0.0.1, 10.0.0.2 …
const FIRST_ADDRESS: u32 = 0x0a00_0001;

/// The address of a machine.
pub(super) fn address_of(machine: usize) -> IpAddr {
    let number = u32::try_from(machine).unwrap_or(u32::MAX - FIRST_ADDRESS);
    Ipv4Addr::from_bits(FIRST_ADDRESS + number).into()
}

/// The machine with this address, if it is one of ours.
pub(super) fn machine_at(address: IpAddr) -> Option<usize> {
    let IpAddr::V4(address) = address else { return None };
    let number = address.to_bits().checked_sub(FIRST_ADDRESS)?;
    usize::try_from(number).ok()
}

/// The segment in a packet.
pub(super) fn of(packet: &Packet) -> Option<&TcpSegment> {
    match &packet.payload {
        Transport::Tcp(segment) => Some(segment),
        Transport::Udp(_) => None,
    }
}

/// Where a segment comes from and where it goes.
pub(super) fn addresses(packet: &Packet, segment: &TcpSegment) -> (SocketAddr, SocketAddr) {
    (SocketAddr::new(packet.src, segment.src_port), SocketAddr::new(packet.dst, segment.dst_port))
}

/// How many sequence numbers it takes: what is not 0 must be acknowledged.
pub(super) fn length(segment: &TcpSegment) -> u32 {
    let data = u32::try_from(segment.payload.len()).unwrap_or(u32::MAX);
    data + u32::from(segment.flags.syn) + u32::from(segment.flags.fin)
}

/// Whether it opens a connection.
pub(super) fn is_opening(segment: &TcpSegment) -> bool {
    segment.flags.syn && !segment.flags.ack
}

/// A reset. turmoil-net asks for no sequence number in one.
pub(super) fn reset(from: SocketAddr, to: SocketAddr) -> Packet {
    let segment = TcpSegment {
        src_port: from.port(),
        dst_port: to.port(),
        seq: 0,
        ack: 0,
        flags: TcpFlags { rst: true, ack: true, ..TcpFlags::default() },
        window: 0,
        payload: Default::default(),
    };
    Packet { src: from.ip(), dst: to.ip(), ttl: 64, payload: Transport::Tcp(segment) }
}

//! A listening socket of a host. Neighbours: `connecting` brings connections to it, `hosts` keeps them until they are accepted.

use super::alarm::Alarm;
use super::fabric::Fabric;
use super::hosts::HostId;
use super::stream::SimStream;
use super::wire::Side;
use rehearsal_reference::network::Listener;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A listening socket of a host.
pub struct SimListener {
    fabric: Arc<Fabric>,
    host: HostId,
    address: SocketAddr,
    alarm: Alarm,
}

impl SimListener {
    pub(super) fn bind(fabric: Arc<Fabric>, host: HostId, port: u16) -> io::Result<SimListener> {
        let address = fabric.listen(host, port)?;
        Ok(SimListener { fabric, host, address, alarm: Alarm::default() })
    }

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<(SimStream, SocketAddr)> {
        loop {
            match self.fabric.accept(self.host, self.address.port(), context) {
                Ok((wire, client)) => {
                    return Poll::Ready((SimStream::new(self.fabric.clone(), wire, Side::Server), client));
                }
                Err(until) => ready!(self.alarm.poll(until, &self.fabric, context)),
            }
        }
    }
}

impl Listener for SimListener {
    type Stream = SimStream;

    async fn accept(&mut self) -> io::Result<(SimStream, SocketAddr)> {
        Ok(poll_fn(|context| self.poll_accept(context)).await)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        self.fabric.stop_listening(self.host, self.address.port());
    }
}

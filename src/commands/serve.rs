//! `rehearsal serve`: the reference server on real sockets. Prints where it listens once it accepts, and leaves on Ctrl-C
//! or SIGTERM after it has closed its connections.

use super::runtime;
use crate::cli::Serve;
use crate::exit::{Exit, Failure};
use crate::output;
use rehearsal_loadgen::live::{machine, network::TcpNetwork, tls::Trust};
use rehearsal_reference::defects::{Defect, DefectSide, Defects};
use rehearsal_reference::identity::{Identity, Issuer, JwksIdentity, Rs256Identity};
use rehearsal_reference::network::{Listener, Network};
use rehearsal_reference::protocol::Profile;
use rehearsal_reference::server::{ListenerRole, Server, ServerOptions};
use rehearsal_reference::store::MemoryRoomStore;
use rehearsal_reference::surroundings::Surroundings;
use std::path::Path;
use std::sync::Arc;

/// Serves until told to leave.
pub fn run(arguments: &Serve) -> Result<Exit, Failure> {
    let options = ServerOptions {
        defects: server_defects(&arguments.defects)?,
        profile: if arguments.deployed { Profile::Deployed } else { Profile::Documented },
        ..ServerOptions::default()
    };
    let (surroundings, _spawner) = machine::surroundings();
    let identity = identity(arguments, &surroundings)?;
    let server = Server::new(options, surroundings, identity, Arc::new(MemoryRoomStore::new()));
    runtime::multi_thread()?.block_on(serve(arguments, server))
}

async fn serve(arguments: &Serve, server: Server) -> Result<Exit, Failure> {
    let network = TcpNetwork::new(&Trust::default()).map_err(|error| Failure::usage(error.to_string(), ""))?;
    let mut listeners = Vec::new();
    for address in std::iter::once(&arguments.listen).chain(&arguments.http_listen) {
        let listener = network.bind(address).await.map_err(|error| {
            Failure::usage(
                format!("cannot listen on {address}: {error}"),
                "an address looks like 127.0.0.1:8080; port 0 takes a free one",
            )
        })?;
        listeners.push(listener);
    }
    let mut addresses = Vec::new();
    for listener in &listeners {
        let address = listener.local_addr();
        addresses.push(address.map_err(|error| Failure::usage(format!("cannot tell where it listens: {error}"), ""))?);
    }
    if let [ws, .., http] | [ws @ http] = addresses.as_slice() {
        // Whoever waits for the line reads it now; a reader that is gone does not stop the server.
        output::print_line(&format_args!("listening ws://{ws} http://{http}"));
    }
    tokio::select! {
        () = server.run_on(with_roles(listeners), runtime::told_to_leave()) => Ok(Exit::Expected),
        // The first one lets connections end politely, the second does not wait for them.
        () = told_twice() => Ok(Exit::Interrupted),
    }
}

/// One listener serves everything; of two, the first is for WebSockets and the second for HTTP, as deployed.
fn with_roles<L>(listeners: Vec<L>) -> Vec<(ListenerRole, L)> {
    let roles: &[ListenerRole] = match listeners.len() {
        1 => &[ListenerRole::Both],
        _ => &[ListenerRole::WebSockets, ListenerRole::Http],
    };
    roles.iter().copied().zip(listeners).collect()
}

async fn told_twice() {
    runtime::told_to_leave().await;
    runtime::told_to_leave().await;
}

/// The defects of a server, by name; those of other programs are refused with their place.
fn server_defects(names: &[String]) -> Result<Defects, Failure> {
    let defects = super::defects_named(names)?;
    let misplaced = defects.iter().find(|defect| defect.side() != DefectSide::Server);
    match misplaced {
        Some(defect) => Err(Failure::usage(
            format!("{} is a defect of the {}, not of the server", defect.name(), defect.side()),
            format!("the server's are: {}", names_of(DefectSide::Server)),
        )),
        None => Ok(defects),
    }
}

fn names_of(side: DefectSide) -> String {
    let names: Vec<_> = Defect::ALL.iter().filter(|defect| defect.side() == side).map(|defect| defect.name()).collect();
    names.join(", ")
}

/// Who signs and verifies identity tokens: another issuer's keys, a key of the user's, or a new one.
fn identity(arguments: &Serve, surroundings: &Surroundings) -> Result<Arc<dyn Identity>, Failure> {
    let defaults = Issuer::default();
    let issuer = Issuer {
        url: arguments.issuer.clone().unwrap_or(defaults.url),
        client_id: arguments.client_id.clone().unwrap_or(defaults.client_id),
    };
    if let Some(path) = &arguments.jwks {
        let jwks = JwksIdentity::from_json(issuer, &read(path, "--jwks names a JWKS file (JSON)")?);
        let jwks = jwks.map_err(|error| {
            let hint = "a JWKS file holds {\"keys\": […]} with RSA keys";
            Failure::usage(format!("{} holds no usable keys: {error}", path.display()), hint)
        })?;
        return Ok(Arc::new(jwks));
    }
    let identity = match &arguments.identity_key {
        Some(path) => Rs256Identity::from_pem(issuer, &read(path, "--identity-key names a PEM file")?),
        None => Rs256Identity::generate(issuer, &*surroundings.random),
    };
    let identity = identity.map_err(|error| {
        Failure::usage(format!("cannot use the identity key: {error}"), "a key is PEM, RSA, of at least 2,048 bits")
    })?;
    Ok(Arc::new(identity))
}

fn read(path: &Path, hint: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display()), hint))
}

//! TLS with a private authority: trusted when its file is given, refused with the class `tls` when not.

use crate::live_runs::{options, run_quietly};
use crate::support::{Served, client, network, plan, user, worker};
use rehearsal_loadgen::live::options::{LiveError, LiveOptions};
use rehearsal_loadgen::live::tls::Trust;
use rehearsal_loadgen::live::url;
use rehearsal_loadgen::target::user_agent;
use rehearsal_reference::failure::FailureClass;
use rehearsal_reference::network::{Endpoint, Listener, Network};
use rehearsal_reference::server::ServerOptions;
use rehearsal_reports::outcome::Overall;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// An authority, and what a server needs that it vouches for under the name `localhost`.
struct Vouched {
    authority_pem: String,
    server: rustls::ServerConfig,
}

fn vouched() -> Vouched {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let names = vec!["localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    Vouched { authority_pem: authority_certificate.pem(), server }
}

/// Takes TLS off and passes everything on to a port of this machine, as a reverse proxy does.
async fn in_front_of(port: u16, server: rustls::ServerConfig) -> (u16, JoinSet<()>) {
    let mut listener = network().bind("localhost:0").await.unwrap();
    let front = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let mut accepting = JoinSet::new();
    accepting.spawn(async move {
        let mut passing = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            passing.spawn(async move {
                let behind = Endpoint { host: "127.0.0.1".into(), port, tls: false };
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let Ok(mut inside) = network().connect(&behind).await else { return };
                // Either side may end first, with or without a word.
                let _ = copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    (front, accepting)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_authority_is_trusted_when_its_file_is_given_and_only_then() {
    let Vouched { authority_pem, server } = vouched();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority_pem).unwrap();
    let served = Served::start(ServerOptions::default()).await;
    let (port, _proxy) = in_front_of(served.port, server).await;
    let address = |scheme: &str| format!("{scheme}://localhost:{port}");
    let target = url::target(&address("wss"), Some(&address("https")), user_agent("test")).unwrap();
    let plan = || plan(vec![user(0, "workers", 0, worker(10)), user(1, "clients", 0, client(1))]);
    let trusting = LiveOptions { trust: Trust::Private(file), ..options(target.clone(), &folder) };
    let run = run_quietly(plan(), trusting).await.unwrap();
    assert_eq!((run.outcome.verdict, run.left_behind.is_nothing()), (Overall::Holds, true), "{:?}", run.outcome.notes);
    match run_quietly(plan(), options(target, &folder)).await {
        Err(LiveError::Unreachable { failure, .. }) => assert_eq!(failure.class, FailureClass::Tls, "{failure}"),
        other => panic!("{:?}", other.err()),
    }
}

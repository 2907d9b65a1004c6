//! TLS with a private authority: trusted when its file is given, refused with the class `tls` when not.

use crate::support::network;
use rehearsal_loadgen::live::network::{LiveStream, TcpNetwork};
use rehearsal_loadgen::live::tls::Trust;
use rehearsal_reference::failure::{Failure, FailureClass};
use rehearsal_reference::network::{Endpoint, Listener, Network};
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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

/// Answers each connection with what it read.
async fn echo_over_tls(server: rustls::ServerConfig) -> (u16, tokio::task::JoinSet<()>) {
    let mut listener = network().bind("localhost:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut bytes = [0; 5];
                let _ = stream.read_exact(&mut bytes).await;
                let _ = stream.write_all(&bytes).await;
            }
        }
    });
    (port, tasks)
}

async fn connect(trust: &Trust, port: u16) -> Result<LiveStream, Failure> {
    let endpoint = Endpoint { host: "localhost".into(), port, tls: true };
    TcpNetwork::new(trust).unwrap().connect(&endpoint).await.map_err(|error| Failure::of_connect(&error))
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_its_file_is_given_and_only_then() {
    let Vouched { authority_pem, server } = vouched();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority_pem).unwrap();
    let (port, _server) = echo_over_tls(server).await;
    let mut stream = connect(&Trust::Private(file), port).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"hello");
    let failure = connect(&Trust::Machine, port).await.err().unwrap();
    assert_eq!(failure.class, FailureClass::Tls, "{failure}");
}

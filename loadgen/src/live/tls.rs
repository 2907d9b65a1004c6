//! Whom a live run trusts: the machine's own authorities, or a private one from a PEM file. Neighbours: `network`.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::PathBuf;
use std::sync::Arc;

/// Which authorities may vouch for a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those that this machine trusts.
    #[default]
    Machine,
    /// Those, and the ones in this PEM file.
    Private(PathBuf),
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file with the private authority cannot be used.
    #[error("cannot use the certificate authority `{}`: {why}\n  hint: it must be a PEM file with at least one CERTIFICATE block", .path.display())]
    Authority {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The library refuses its own defaults.
    #[error("cannot set up TLS: {0}")]
    Library(#[from] rustls::Error),
}

impl Trust {
    /// The configuration of all TLS connections of a run.
    pub fn client_config(&self) -> Result<Arc<rustls::ClientConfig>, TlsError> {
        let mut roots = RootCertStore::empty();
        // A machine without authorities can still play against plain targets, so that missing ones are no error here: a
        // target that nobody vouches for fails at its connection, with the certificate named.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Trust::Private(path) = self {
            let unusable = |why: String| TlsError::Authority { path: path.clone(), why };
            let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
            let mut count = 0;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
                count += 1;
            }
            if count == 0 {
                return Err(unusable("it holds no certificate".into()));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_one_clear_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "not a certificate").unwrap();
        let error = Trust::Private(path).client_config().unwrap_err().to_string();
        assert!(error.contains("holds no certificate") && error.contains("hint: "), "{error}");
        let missing = Trust::Private(folder.path().join("missing.pem")).client_config().unwrap_err().to_string();
        assert!(missing.contains("missing.pem"), "{missing}");
    }
}

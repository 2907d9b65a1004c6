//! Arguments of the reference server, worker and client.

use super::shared::duration;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Run the reference server.
#[derive(Debug, Args)]
#[command(
    after_help = "Prints `listening ws://HOST:PORT http://HOST:PORT` once it accepts.\n\nExamples:\n  rehearsal serve\n  \
rehearsal serve --listen 127.0.0.1:8080 --http-listen 127.0.0.1:8001\n  rehearsal serve --defect sender_not_checked"
)]
pub struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub listen: String,
    /// A second address for HTTP alone.
    #[arg(long, value_name = "ADDRESS")]
    pub http_listen: Option<String>,
    /// A known flaw to have (repeatable).
    #[arg(long = "defect", value_name = "NAME")]
    pub defects: Vec<String>,
    /// Show the quirks of a deployed server in place of the documented behaviour.
    #[arg(long)]
    pub deployed: bool,
    /// Verify identity tokens with the keys of this JWKS file, of another issuer; sign-in is then that issuer's.
    #[arg(long, value_name = "FILE", requires = "issuer", requires = "client_id")]
    pub jwks: Option<PathBuf>,
    /// The `iss` claim that identity tokens must have.
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// The application that identity tokens must be for (`aud`, or `client_id`).
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// PEM file of an RSA private key to sign identity tokens with; a new one is made at each start without it.
    #[arg(long, value_name = "FILE", conflicts_with = "jwks")]
    pub identity_key: Option<PathBuf>,
}

/// Where a reference program finds its server.
#[derive(Debug, Args)]
pub struct Member {
    /// WebSocket address of the server.
    #[arg(long, value_name = "URL")]
    pub target: String,
    /// Its HTTP address; the same host and port as the target by default.
    #[arg(long, value_name = "URL")]
    pub http: Option<String>,
    /// PEM file of a private certificate authority to trust.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Room to join as ID:TOKEN; a new one is made and printed without it.
    #[arg(long, value_name = "ID:TOKEN")]
    pub room: Option<String>,
    /// How workers protect themselves: reject_when_busy, metadata_first or reservation.
    #[arg(long, default_value = "metadata_first", value_name = "NAME")]
    pub strategy: String,
}

/// Run the reference worker.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  rehearsal worker --target ws://127.0.0.1:8080\n  rehearsal worker --target \
ws://127.0.0.1:8080 --room 1a2b3c4d:5e6f70 --job 30s\n  rehearsal worker --target ws://127.0.0.1:8080 --property \
gpu_memory_mb=24576 --property 'gpu_model=\"A100\"'")]
pub struct Worker {
    #[command(flatten)]
    pub member: Member,
    /// How long each job takes.
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = duration)]
    pub job: Duration,
    /// A tag to announce (repeatable); sleap-rtc, training-worker and inference-worker by default.
    #[arg(long = "tag", value_name = "NAME")]
    pub tags: Vec<String>,
    /// A property to announce beside the usual ones, or in place of one (repeatable), such as gpu_memory_mb=24576.
    #[arg(long = "property", value_name = "NAME=JSON")]
    pub properties: Vec<String>,
    /// A known flaw to have (repeatable).
    #[arg(long = "defect", value_name = "NAME")]
    pub defects: Vec<String>,
}

/// Run the reference client.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  rehearsal client --target ws://127.0.0.1:8080 --room 1a2b3c4d:5e6f70 --jobs 3")]
pub struct Client {
    #[command(flatten)]
    pub member: Member,
    /// How many jobs to get done, one after the other.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub jobs: u32,
}

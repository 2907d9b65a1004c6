//! The shop on a machine: `own_service ADDRESS [--take-first]`. It prints its address once it listens.

use own_service::serve::serve;
use own_service::shop::{Selling, Shop};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let selling = if arguments.any(|word| word == "--take-first") { Selling::TakeFirst } else { Selling::PayFirst };
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("ws://{}/shop", listener.local_addr()?);
    let spawn = Arc::new(|task| drop(tokio::spawn(task)));
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    serve(listener, Arc::new(Shop::new(100, selling)), spawn, stop).await;
    Ok(())
}

//! One HTTP request over a plain socket, and a server that keeps what it is sent: what tests need and nothing more.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests speak to a server on loopback")]

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

/// Sends a request to `http://HOST:PORT` and gives the whole answer.
pub fn request(http: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    let address = http.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

/// The JSON body of an answer.
pub fn json(http: &str, method: &str, path: &str, headers: &str) -> Value {
    let answer = request(http, method, path, headers, "");
    let body = answer.split("\r\n\r\n").nth(1).expect("a body");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {answer}"))
}

/// A collector on loopback that answers 200 to everything: its address, and what it was sent (head and body).
pub fn collector() -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let (sent, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut bytes = Vec::new();
            let mut chunk = [0; 4096];
            let whole = loop {
                match stream.read(&mut chunk) {
                    Ok(0) | Err(_) => break None,
                    Ok(count) => bytes.extend_from_slice(&chunk[..count]),
                }
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some((head, body)) = text.split_once("\r\n\r\n") {
                    let length = head.lines().find_map(|line| {
                        let (name, value) = line.split_once(':')?;
                        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
                    });
                    if body.len() >= length.unwrap_or(0) {
                        break Some((head.to_owned(), body.to_owned()));
                    }
                }
            };
            let Some(whole) = whole else { continue };
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
            if sent.send(whole).is_err() {
                return;
            }
        }
    });
    (address, received)
}

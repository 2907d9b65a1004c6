//! The `redis` crate over a simulated stream, unchanged: a multiplexed connection, and pub/sub with the task that it spawns by
//! itself. The server speaks the real protocol (RESP2), as far as these clients do; `real_redis` holds it to a real one.

use crate::world::{MS, Trace, World, now_ms, play};
use futures_util::StreamExt;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, AsyncTypedCommands, RedisConnectionInfo};
use rehearsal_reference::network::{Endpoint, Listener, Network};
use rehearsal_reference::surroundings::Spawn;
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::FaultAction;
use rehearsal_sim::host::Host;
use rehearsal_sim::network::SimStream;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const PORT: u16 = 6_379;

/// What a server holds: values, and who listens to which channel.
#[derive(Default)]
pub struct Store {
    values: BTreeMap<String, String>,
    channels: BTreeMap<String, Vec<UnboundedSender<String>>>,
}

async fn serve(host: Host, trace: Trace) {
    let spawner = host.surroundings("redis").spawner;
    let store = Arc::new(Mutex::new(Store::default()));
    let mut listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let connection = serve_connection(stream, store.clone(), spawner.clone(), trace.clone());
        spawner.spawn("connection", Box::pin(connection)).detach();
    }
}

async fn serve_connection(stream: SimStream, store: Arc<Mutex<Store>>, spawner: Arc<dyn Spawn>, trace: Trace) {
    let (from_client, mut to_client) = tokio::io::split(stream);
    let (answers, mut to_send) = unbounded_channel::<String>();
    let sending = async move {
        while let Some(answer) = to_send.recv().await {
            if to_client.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    };
    spawner.spawn("answers", Box::pin(sending)).detach();
    let mut from_client = BufReader::new(from_client);
    while let Ok(command) = read_command(&mut from_client).await {
        let answer = store.lock().unwrap().answer(&command, &answers);
        // Its sending task ends with the connection.
        let _ = answers.send(answer);
    }
    trace.write(format!("a client left at {}", now_ms()));
}

/// A command: an array of bulk strings.
async fn read_command(client: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Vec<String>> {
    let mut words = Vec::new();
    for _ in 0..read_number(client, '*').await? {
        let mut bytes = vec![0; read_number(client, '$').await? + 2];
        client.read_exact(&mut bytes).await?;
        bytes.truncate(bytes.len() - 2);
        words.push(String::from_utf8(bytes).unwrap());
    }
    Ok(words)
}

async fn read_number(client: &mut BufReader<impl AsyncRead + Unpin>, kind: char) -> io::Result<usize> {
    let mut line = String::new();
    client.read_line(&mut line).await?;
    let number = line.strip_prefix(kind).and_then(|number| number.trim_end().parse().ok());
    number.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

impl Store {
    /// What a command is answered; `answers` is where its connection is told more.
    pub fn answer(&mut self, command: &[String], answers: &UnboundedSender<String>) -> String {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["SET", key, value] => {
                self.values.insert((*key).to_owned(), (*value).to_owned());
                "+OK\r\n".to_owned()
            }
            ["GET", key] => self.values.get(*key).map_or_else(|| "$-1\r\n".to_owned(), |value| bulk(value)),
            ["INCRBY", key, by] => {
                let value = self.values.entry((*key).to_owned()).or_insert_with(|| "0".to_owned());
                *value = (value.parse::<i64>().unwrap() + by.parse::<i64>().unwrap()).to_string();
                format!(":{value}\r\n")
            }
            ["SUBSCRIBE", channel] => {
                self.channels.entry((*channel).to_owned()).or_default().push(answers.clone());
                format!("*3\r\n{}{}:1\r\n", bulk("subscribe"), bulk(channel))
            }
            ["PUBLISH", channel, message] => {
                let told = format!("*3\r\n{}{}{}", bulk("message"), bulk(channel), bulk(message));
                let listeners = self.channels.entry((*channel).to_owned()).or_default();
                listeners.retain(|listener| listener.send(told.clone()).is_ok());
                format!(":{}\r\n", listeners.len())
            }
            ["CLIENT", ..] => "+OK\r\n".to_owned(),
            other => format!("-ERR unknown command {other:?}\r\n"),
        }
    }
}

async fn dial(host: &Host) -> SimStream {
    let endpoint = Endpoint { host: "redis".to_owned(), port: PORT, tls: false };
    host.network.connect(&endpoint).await.unwrap()
}

/// Counts with two tasks over one connection, then tells whoever listens.
async fn count(host: Host, trace: Trace) {
    let (stream, config) = (dial(&host).await, AsyncConnectionConfig::new());
    let opened = MultiplexedConnection::new_with_config(&RedisConnectionInfo::default(), stream, config).await;
    let (connection, driver) = opened.unwrap();
    let spawner = host.surroundings("counter").spawner;
    spawner.spawn("redis driver", Box::pin(driver)).detach();
    let (done, mut are_done) = unbounded_channel();
    for by in [1, 100] {
        let (mut connection, done) = (connection.clone(), done.clone());
        let counting = async move {
            for _ in 0..10 {
                connection.incr("count", by).await.unwrap();
            }
            done.send(()).unwrap();
        };
        spawner.spawn("counting", Box::pin(counting)).detach();
    }
    for _ in 0..2 {
        are_done.recv().await.unwrap();
    }
    let mut connection = connection;
    connection.set("told", "yes").await.unwrap();
    let (count, told) = (connection.get("count").await.unwrap(), connection.get("told").await.unwrap());
    trace.write(format!("counted {} by {}, told {}", count.unwrap(), now_ms(), told.unwrap()));
    assert_eq!(connection.get("nothing").await.unwrap(), None);
    for message in ["first", "second"] {
        let heard_by = connection.publish("news", message).await.unwrap();
        trace.write(format!("{message} goes to {heard_by}"));
    }
}

async fn listen(host: Host, trace: Trace) {
    let mut pubsub = PubSub::new(&RedisConnectionInfo::default(), dial(&host).await).await.unwrap();
    pubsub.subscribe("news").await.unwrap();
    let mut news = pubsub.on_message();
    while let Some(message) = news.next().await {
        trace.write(format!("heard {} at {}", message.get_payload::<String>().unwrap(), now_ms()));
    }
}

fn build(world: &mut World) {
    world.add("redis", |host, trace| Box::pin(serve(host, trace)));
    world.add("listener", |host, trace| Box::pin(listen(host, trace)));
    world.add("counter", |host, trace| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            count(host, trace).await;
        })
    });
}

#[test]
fn a_multiplexed_connection_and_pub_sub_of_the_redis_crate_run_unchanged() {
    let lines = play(1, Distribution::Fixed(2 * MS), 2_000, build).unwrap().lines();
    assert!(lines[0].starts_with("counted 1010 by ") && lines[0].ends_with(", told yes"), "{lines:?}");
    let told: Vec<_> = lines.iter().filter(|line| line.contains("goes to") || line.contains("heard")).collect();
    assert_eq!(told.iter().filter(|line| line.ends_with("goes to 1")).count(), 2, "{lines:?}");
    let heard: Vec<_> = told.iter().filter_map(|line| line.strip_prefix("heard ")).collect();
    assert!(heard.len() == 2 && heard[0].starts_with("first") && heard[1].starts_with("second"), "{lines:?}");
}

#[test]
fn the_redis_crate_plays_the_same_twice_and_otherwise_with_another_seed() {
    let latency = || Distribution::Uniform(MS, 20 * MS);
    let lines = |seed| play(seed, latency(), 3_000, build).unwrap().lines();
    assert_eq!(lines(3), lines(3));
    assert_ne!(lines(3), lines(4));
}

#[test]
fn a_killed_subscriber_takes_the_task_of_its_library_along() {
    let trace = play(1, Distribution::Fixed(2 * MS), 1_500, |world| {
        world.add("redis", |host, trace| Box::pin(serve(host, trace)));
        world.add("listener", |host, trace| Box::pin(listen(host, trace)));
        world.fault(500, 5_000, FaultAction::Kill { hosts: vec!["listener".into()] });
    });
    assert_eq!(trace.unwrap().lines(), ["a client left at 502"]);
}

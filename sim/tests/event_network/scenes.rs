//! Scenes between a server and a client that has connected to it: what each of them sees, in words. A scene waits for
//! events, so that it plays on real sockets too; only what no event tells is looked for again and again.

use rehearsal_reference::network::Stream;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

/// More than any network holds between a writer and a reader.
const FLOOD_BYTES: usize = 16 << 20;

/// A scene. `go` lets one side wait for the other past the network.
pub trait Scene: 'static {
    fn server<S: Stream>(stream: S, go: &Notify) -> impl Future<Output = String> + Send;
    fn client<S: Stream>(stream: S, go: &Notify) -> impl Future<Output = String> + Send;
}

fn kind(error: &std::io::Error) -> String {
    format!("{:?}", error.kind())
}

/// The server says goodbye and shuts down its writing half; the client answers after it has read the end.
pub struct HalfClosed;

impl Scene for HalfClosed {
    async fn server<S: Stream>(mut stream: S, _: &Notify) -> String {
        stream.write_all(b"goodbye").await.unwrap();
        stream.shutdown().await.unwrap();
        hear(&mut stream).await
    }

    async fn client<S: Stream>(mut stream: S, _: &Notify) -> String {
        let heard = hear(&mut stream).await;
        stream.write_all(b"still here").await.unwrap();
        heard
    }
}

async fn hear(stream: &mut impl Stream) -> String {
    let mut words = String::new();
    stream.read_to_string(&mut words).await.map_or_else(|error| kind(&error), |_| format!("heard {words:?}"))
}

/// The client writes more than fits; the server does not read before the client has come to a halt.
pub struct BackPressure;

impl Scene for BackPressure {
    async fn server<S: Stream>(mut stream: S, go: &Notify) -> String {
        go.notified().await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.map_or_else(|error| kind(&error), |read| format!("read {read} bytes"))
    }

    async fn client<S: Stream>(mut stream: S, go: &Notify) -> String {
        let flood = vec![7; FLOOD_BYTES];
        let (mut written, mut stalled) = (0, "never stalled");
        while written < flood.len() {
            let polled = poll_fn(|context| match Pin::new(&mut stream).poll_write(context, &flood[written..]) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                // Only the first halt is told; from then on the server reads.
                Poll::Pending if stalled == "stalled" => Poll::Pending,
                Poll::Pending => Poll::Ready(None),
            });
            match polled.await {
                Some(result) => written += result.unwrap(),
                None => {
                    stalled = "stalled";
                    go.notify_one();
                }
            }
        }
        format!("{stalled}, then wrote all")
    }
}

/// The server aborts while the client writes. Where the bytes vanish for a latency before the reset is seen, a read tells it;
/// else the write itself fails.
pub struct ResetWhileWriting;

impl Scene for ResetWhileWriting {
    async fn server<S: Stream>(mut stream: S, _: &Notify) -> String {
        stream.read_u8().await.unwrap();
        stream.abort();
        "aborted".to_owned()
    }

    async fn client<S: Stream>(mut stream: S, _: &Notify) -> String {
        let written = stream.write_all(&vec![7; FLOOD_BYTES]).await;
        let seen = match written {
            Ok(()) => stream.read_u8().await.map(drop),
            Err(error) => Err(error),
        };
        seen.map_or_else(|error| kind(&error), |()| "no error".to_owned())
    }
}

/// The client reads the end of what the server says, again and again.
pub struct ReadsAfterTheEnd;

impl Scene for ReadsAfterTheEnd {
    async fn server<S: Stream>(mut stream: S, _: &Notify) -> String {
        stream.write_all(b"goodbye").await.unwrap();
        stream.shutdown().await.unwrap();
        hear(&mut stream).await
    }

    async fn client<S: Stream>(mut stream: S, _: &Notify) -> String {
        let mut heard = vec![hear(&mut stream).await];
        for _ in 0..3 {
            heard.push(hear(&mut stream).await);
        }
        heard.join(", ")
    }
}

/// The server is gone, and the client has not noticed: it writes until it is told.
pub struct HalfOpen;

impl Scene for HalfOpen {
    async fn server<S: Stream>(stream: S, _: &Notify) -> String {
        drop(stream);
        "gone".to_owned()
    }

    async fn client<S: Stream>(mut stream: S, _: &Notify) -> String {
        let end = hear(&mut stream).await;
        let first =
            stream.write(b"is anybody there?").await.map_or_else(|error| kind(&error), |_| "written".to_owned());
        let told = loop {
            if let Err(error) = stream.write(b"?").await {
                break kind(&error);
            }
            // Nothing tells a writer that a reset has come but the next write.
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        format!("{end}, {first}, {told}, {}", hear(&mut stream).await)
    }
}

/// The server lets go of a connection on which it has read only a part of what came.
pub struct LeavesUnread;

impl Scene for LeavesUnread {
    async fn server<S: Stream>(mut stream: S, go: &Notify) -> String {
        let mut first = [0];
        stream.read_exact(&mut first).await.unwrap();
        go.notified().await;
        "read 1 of 6 bytes".to_owned()
    }

    async fn client<S: Stream>(mut stream: S, go: &Notify) -> String {
        stream.write_all(b"unread").await.unwrap();
        go.notify_one();
        stream.read_u8().await.map_or_else(|error| kind(&error), |_| "no error".to_owned())
    }
}

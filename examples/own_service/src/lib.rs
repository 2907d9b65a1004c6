//! A ticket shop: `GET /left` says how many seats are left, and over a WebSocket at `/shop` a fan sends
//! `{"type":"buy"}` and hears `{"type":"sold","seat":…}` or `{"type":"sold_out"}`.
//!
//! `shop` sells, `serve` speaks. Nothing here knows rehearsal: connections, a clock and a spawner are handed in, by
//! `main` from the machine and by the test from a seed.

pub mod serve;
pub mod shop;

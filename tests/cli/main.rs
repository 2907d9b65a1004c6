//! Stories through the command line: what a user types, reads and gets back. One program, so that it is linked once.
//!
//! - `simulated`: seeds, verdicts, records, replays; `defects`: each one proven both ways
//! - `determinism`: the same seed is the same, and who could make it differ
//! - `live`: the reference server as a process, loaded and interrupted; `killed`: the same at chosen points, by a `gate`
//! - `several`: segments, processes and agents that play one plan
//! - `members`: worker and client by hand; `doctor`: what the machine is too small for
//! - `projects`: what `new` writes, parameters, variants, rows
//! - `explorer`: from a race to a kept file, and the score
//! - `exports`: checks of one's own, and records for other tools
//! - `capacity`: searches; `manners`: caps, rules that end a run, rooms that exist, secrets; `outlets`: numbers that go out
//! - `coming_from`: the page for those who know other tools; `http`: requests by hand
//! - `bad_input`: rubbish files, records and targets

mod bad_input;
mod capacity;
mod coming_from;
mod defects;
mod determinism;
mod doctor;
mod explorer;
mod exploring;
mod exports;
mod gate;
mod http;
mod killed;
mod live;
mod manners;
mod members;
mod outlets;
mod projects;
mod several;
mod simulated;
mod support;

//! The commands, one file each. [`rehearse`] is the main job, the one without a name.

pub mod agent;
pub mod capacity;
pub mod check;
pub mod cleanup;
pub mod doctor;
pub mod keep;
pub mod lint;
pub mod load;
pub mod member;
pub mod merge;
pub mod new;
pub mod plan;
pub mod rehearse;
pub mod replay;
pub mod report;
pub mod runtime;
pub mod schema;
pub mod score;
pub mod serve;
pub mod simulate;

use crate::exit::Failure;
use rehearsal_reference::defects::{Defect, Defects};

/// Defects by name; an unknown one is refused with the names that there are.
fn defects_named(names: &[String]) -> Result<Defects, Failure> {
    Defects::named(names.iter().map(String::as_str)).map_err(|error| {
        let known: Vec<_> = Defect::ALL.iter().map(|defect| defect.name()).collect();
        Failure::usage(error.to_string(), format!("defects are: {}", known.join(", ")))
    })
}

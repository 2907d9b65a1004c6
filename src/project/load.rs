//! `[load]` of `rehearsal.toml`: caps that no scenario may exceed, headers of every request, and where the identity token is.
//! Neighbours: `loadgen::live::policy` (what comes of it), `live` hands it to each run. Left out: everything about a scenario.

use crate::exit::Failure;
use rehearsal_loadgen::live::breaker::Patience;
use rehearsal_loadgen::live::policy::Policy;
use rehearsal_loadgen::live::secrets::{NoSecret, Secret};
use rehearsal_reference::target::Headers;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The section as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadSection {
    /// Most users of one run.
    users_max: Option<u64>,
    /// Most operations a second.
    rate_max: Option<f64>,
    /// Most sign-ins and rooms a second.
    sign_in_rate_max: Option<f64>,
    /// Longest run, such as `30m`.
    time_max: Option<String>,
    /// When a target that is not reached is left alone, and for how long.
    circuit_breaker: BreakerSection,
    /// Further headers of every request: values, or the places of secret ones.
    headers: BTreeMap<String, String>,
    /// Where the identity token of all users is, in place of signing in.
    token: Option<String>,
}

/// What the circuit breaker puts up with, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BreakerSection {
    /// How long the target is left alone the first time.
    back_off: Option<String>,
    /// How often it is tried again.
    tries: Option<u32>,
    /// How many may begin in a second of a try.
    tries_per_second: Option<u32>,
}

impl BreakerSection {
    fn patience(&self) -> Result<Patience, String> {
        let usual = Patience::default();
        let back_off = self.back_off.as_deref().map(crate::cli::duration).transpose();
        let patience = Patience {
            back_off: back_off.map_err(|why| format!("`back_off`: {why}"))?.unwrap_or(usual.back_off),
            tries: self.tries.unwrap_or(usual.tries),
            tries_per_second: self.tries_per_second.unwrap_or(usual.tries_per_second),
        };
        match patience.tries_per_second {
            0 => Err("`tries_per_second` must be above 0; `tries = 0` gives the target up at once".to_owned()),
            _ => Ok(patience),
        }
    }
}

/// What the project says about live runs, ready to be used.
#[derive(Debug, Default)]
pub struct Load {
    /// Caps, and the identity token.
    pub policy: Policy,
    /// Headers of every request.
    pub headers: Headers,
}

impl LoadSection {
    /// Reads what stands elsewhere. `file` is where the section is.
    pub fn resolve(self, file: &Path) -> Result<Load, Failure> {
        let wrong = |why: String| Failure::usage(format!("{}: {why}", file.display()), "see `[load]` in the README");
        let positive = |key: &str, value: Option<f64>| match value {
            Some(value) if !(value > 0.0 && value.is_finite()) => Err(wrong(format!("`{key}` must be above 0"))),
            value => Ok(value),
        };
        let time_max = self.time_max.map(|text| crate::cli::duration(&text)).transpose();
        let mut headers = Headers::default();
        for (name, value) in &self.headers {
            // A value that names no place is meant as it stands.
            let value = match Secret::parse(value) {
                Ok(place) => beside(place, file).read().map_err(|error| no_secret(&error))?,
                Err(_) => value.clone(),
            };
            headers.add(name, &value).map_err(wrong)?;
        }
        let token = match self.token {
            Some(place) => {
                let place = beside(Secret::parse(&place).map_err(|error| no_secret(&error))?, file);
                // A token that cannot be had is told before anything is sent.
                place.read().map_err(|error| no_secret(&error))?;
                Some(place)
            }
            None => None,
        };
        let policy = Policy {
            users_max: self.users_max,
            rate_max: positive("rate_max", self.rate_max)?,
            sign_in_rate_max: positive("sign_in_rate_max", self.sign_in_rate_max)?,
            time_max: time_max.map_err(|why| wrong(format!("`time_max`: {why}")))?,
            patience: self.circuit_breaker.patience().map_err(|why| wrong(format!("`circuit_breaker`: {why}")))?,
            token,
        };
        Ok(Load { policy, headers })
    }
}

fn no_secret(error: &NoSecret) -> Failure {
    Failure::usage(error.to_string(), "")
}

/// A file is meant from where the project's file lies.
fn beside(place: Secret, file: &Path) -> Secret {
    match place {
        Secret::File(path) if path.is_relative() => {
            Secret::File(file.parent().map_or_else(PathBuf::new, Path::to_owned).join(path))
        }
        place => place,
    }
}

//! Whether a worker can do a job at all, whatever it is doing now: job type, memory, version. Source: the application
//! protocol document (same major version, the worker's minor at least the client's). Neighbours: `core` asks.

use crate::protocol::Object;
use crate::protocol::job::JobRequest;
use serde_json::Value;

/// Why the worker with these properties cannot do this job, as the `reason` of a `job_response`; nothing if it can.
/// What a worker does not say about its job types and version restricts nothing.
pub fn unsuitable(properties: &Object, request: &JobRequest) -> Option<&'static str> {
    if !supports(properties, &request.job_type) {
        return Some("unsupported_job_type");
    }
    let memory_mb = properties.get("gpu_memory_mb").and_then(Value::as_f64).unwrap_or(0.0);
    if request.requirements.min_gpu_memory_mb.is_some_and(|needed_mb| memory_mb < needed_mb as f64) {
        return Some("insufficient_memory");
    }
    let own = properties.get("sleap_version").and_then(Value::as_str);
    if let (Some(own), Some(wanted)) = (own, request.requirements.sleap_version.as_deref())
        && !is_compatible(own, wanted)
    {
        return Some("incompatible_version");
    }
    None
}

fn supports(properties: &Object, job_type: &str) -> bool {
    match properties.get("supported_job_types").and_then(Value::as_array) {
        Some(types) if !job_type.is_empty() => types.iter().any(|known| known == job_type),
        _ => true,
    }
}

/// Same major, and the worker's minor at least the client's. A version that cannot be read is compatible with itself.
fn is_compatible(worker: &str, client: &str) -> bool {
    match (major_and_minor(worker), major_and_minor(client)) {
        (Some((worker_major, worker_minor)), Some((client_major, client_minor))) => {
            worker_major == client_major && worker_minor >= client_minor
        }
        _ => worker == client,
    }
}

fn major_and_minor(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.trim_start_matches('v').split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next().map_or(Some(0), |minor| minor.parse().ok())?;
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::job::JobMessage;
    use serde_json::json;

    fn reason(properties: Value, request: Value) -> Option<&'static str> {
        let mut payload = json!({ "app_message_type": "job_request", "job_id": "j" });
        payload.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
        let Some(JobMessage::JobRequest(request)) = JobMessage::parse(&payload) else { panic!("{payload}") };
        unsuitable(properties.as_object().unwrap(), &request)
    }

    #[test]
    fn a_newer_minor_serves_an_older_client_and_never_the_other_way() {
        let with = |worker: &str, client: &str| {
            reason(json!({ "sleap_version": worker }), json!({ "requirements": { "sleap_version": client } }))
        };
        assert_eq!(with("1.4.0", "1.3.9"), None);
        assert_eq!(with("1.3.9", "1.3.0"), None);
        assert_eq!(with("1.3.0", "1.4.0"), Some("incompatible_version"));
        assert_eq!(with("2.0.0", "1.9.0"), Some("incompatible_version"));
        assert_eq!(with("nightly", "1.0.0"), Some("incompatible_version"));
    }

    #[test]
    fn memory_and_job_types_are_what_the_worker_says() {
        let needs = json!({ "job_type": "training", "requirements": { "min_gpu_memory_mb": 8000 } });
        assert_eq!(reason(json!({ "gpu_memory_mb": 8000 }), needs.clone()), None);
        assert_eq!(reason(json!({ "gpu_memory_mb": 7999 }), needs.clone()), Some("insufficient_memory"));
        assert_eq!(reason(json!({}), needs.clone()), Some("insufficient_memory"));
        let inference_only = json!({ "gpu_memory_mb": 8000, "supported_job_types": ["inference"] });
        assert_eq!(reason(inference_only, needs), Some("unsupported_job_type"));
    }
}

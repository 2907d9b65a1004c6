//! The machine and its load, for the record's header. Neighbours: `machine` (what it offers to programs).

use rehearsal_reports::record::header::Machine;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// This machine, now.
pub fn machine() -> Machine {
    let what =
        RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()).with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(what);
    let os = System::long_os_version().unwrap_or_else(|| "unknown".into());
    let kernel = System::kernel_version().unwrap_or_default();
    Machine {
        system: format!("{os} {kernel}").trim_end().to_owned(),
        cpu: system.cpus().first().map_or("unknown", |cpu| cpu.brand()).trim().to_owned(),
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
        memory_bytes: system.total_memory(),
        load: System::load_average().one,
    }
}

//! The metrics of an engine that a run keeps, by DAOS's names without `engine_`. Those of DAOS 2.6 and 2.8; one that an engine does not have is
//! missing in the figures.

use std::collections::HashMap;
use std::sync::LazyLock;

/// How a metric is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It grows: what counts is the difference, summed over pools, contexts and devices.
    Count,
    /// It goes up and down: what counts is the highest value.
    Level,
    /// A count by size class, kept for each of them.
    BySize,
    /// A time: another one is another life of the engine.
    Stamp,
}

/// What a metric is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An object request that clients send, or other engines for replicas.
    Operation,
    /// What the figures of engines, targets and sizes are made of.
    Figure,
    Dtx,
    Aggregation,
    Gc,
    Scrubber,
    Checksum,
    Rebuild,
    Nvme,
    Media,
    Queue,
    Error,
}

impl Subject {
    /// The word in a result.
    pub fn word(self) -> &'static str {
        match self {
            Subject::Operation => "operation",
            Subject::Figure => "figure",
            Subject::Dtx => "dtx",
            Subject::Aggregation => "aggregation",
            Subject::Gc => "gc",
            Subject::Scrubber => "scrubber",
            Subject::Checksum => "checksum",
            Subject::Rebuild => "rebuild",
            Subject::Nvme => "nvme",
            Subject::Media => "media",
            Subject::Queue => "queue",
            Subject::Error => "error",
        }
    }
}

/// A metric.
#[derive(Debug)]
pub struct Metric {
    /// Its name without `engine_`.
    pub name: &'static str,
    /// How it is kept.
    pub how: How,
    /// What it is about.
    pub subject: Subject,
}

const fn count(subject: Subject, name: &'static str) -> Metric {
    Metric { name, how: How::Count, subject }
}

const fn level(subject: Subject, name: &'static str) -> Metric {
    Metric { name, how: How::Level, subject }
}

const fn by_size(name: &'static str) -> Metric {
    Metric { name, how: How::BySize, subject: Subject::Figure }
}

use Subject::{Aggregation, Checksum, Dtx, Error, Figure, Gc, Media, Nvme, Operation, Queue, Rebuild, Scrubber};

/// All of them. The position is the identity in a snapshot.
pub static METRICS: &[Metric] = &[
    Metric { name: "started_at", how: How::Stamp, subject: Figure },
    count(Figure, "net_hg_req_recv"),
    count(Figure, "net_hg_bulks"),
    count(Figure, "sched_total_time"),
    count(Figure, "sched_relax_time"),
    count(Figure, "pool_xferred_update"),
    count(Figure, "pool_xferred_fetch"),
    level(Figure, "io_ops_update_active"),
    level(Figure, "io_ops_fetch_active"),
    by_size("io_latency_fetch_samples"),
    by_size("io_latency_fetch_sum"),
    by_size("io_latency_vos_fetch_samples"),
    by_size("io_latency_vos_fetch_sum"),
    by_size("io_latency_bio_fetch_samples"),
    by_size("io_latency_bio_fetch_sum"),
    by_size("io_latency_bulk_fetch_samples"),
    by_size("io_latency_bulk_fetch_sum"),
    by_size("io_latency_update_samples"),
    by_size("io_latency_update_sum"),
    by_size("io_latency_vos_update_samples"),
    by_size("io_latency_vos_update_sum"),
    by_size("io_latency_bio_update_samples"),
    by_size("io_latency_bio_update_sum"),
    by_size("io_latency_bulk_update_samples"),
    by_size("io_latency_bulk_update_sum"),
    by_size("io_latency_tgt_update_samples"),
    by_size("io_latency_tgt_update_sum"),
    count(Operation, "pool_ops_update"),
    count(Operation, "pool_ops_fetch"),
    count(Operation, "pool_ops_tgt_update"),
    count(Operation, "pool_ops_obj_punch"),
    count(Operation, "pool_ops_dkey_punch"),
    count(Operation, "pool_ops_akey_punch"),
    count(Operation, "pool_ops_tgt_punch"),
    count(Operation, "pool_ops_tgt_dkey_punch"),
    count(Operation, "pool_ops_tgt_akey_punch"),
    count(Operation, "pool_ops_obj_enum"),
    count(Operation, "pool_ops_dkey_enum"),
    count(Operation, "pool_ops_akey_enum"),
    count(Operation, "pool_ops_recx_enum"),
    count(Operation, "pool_ops_key_query"),
    count(Operation, "pool_ops_key2anchor"),
    count(Operation, "pool_ops_compound"),
    count(Operation, "pool_ops_obj_sync"),
    count(Operation, "pool_ops_obj_coll_punch"),
    count(Operation, "pool_ops_obj_coll_query"),
    count(Dtx, "pool_ops_dtx_commit"),
    count(Dtx, "pool_ops_dtx_coll_commit"),
    count(Dtx, "pool_ops_dtx_sync_commit"),
    count(Dtx, "pool_ops_dtx_abort"),
    count(Dtx, "pool_ops_dtx_coll_abort"),
    count(Dtx, "pool_ops_dtx_check"),
    count(Dtx, "pool_ops_dtx_coll_check"),
    count(Dtx, "pool_ops_dtx_refresh"),
    count(Dtx, "pool_entries_dtx_batched_total"),
    count(Dtx, "io_dtx_async_cmt_lat_samples"),
    count(Dtx, "io_dtx_async_cmt_lat_sum"),
    count(Dtx, "io_dtx_chore_retry"),
    level(Dtx, "io_dtx_committable"),
    level(Dtx, "io_dtx_invalid"),
    count(Aggregation, "pool_vos_aggregation_obj_scanned"),
    count(Aggregation, "pool_vos_aggregation_dkey_scanned"),
    count(Aggregation, "pool_vos_aggregation_akey_scanned"),
    count(Aggregation, "pool_vos_aggregation_obj_deleted"),
    count(Aggregation, "pool_vos_aggregation_dkey_deleted"),
    count(Aggregation, "pool_vos_aggregation_akey_deleted"),
    count(Aggregation, "pool_vos_aggregation_deleted_sv"),
    count(Aggregation, "pool_vos_aggregation_deleted_ev"),
    count(Aggregation, "pool_vos_aggregation_merged_recs"),
    count(Aggregation, "pool_vos_aggregation_merged_size"),
    count(Aggregation, "pool_ops_ec_agg"),
    count(Gc, "pool_vos_gc_cont_del"),
    count(Gc, "pool_vos_gc_obj_del"),
    count(Gc, "pool_vos_gc_dkey_del"),
    count(Gc, "pool_vos_gc_akey_del"),
    count(Gc, "pool_vos_gc_sv_del"),
    count(Gc, "pool_vos_gc_ev_del"),
    count(Gc, "pool_vos_gc_tight_cnt"),
    count(Gc, "pool_vos_gc_duration_sum"),
    count(Scrubber, "pool_scrubber_bytes_scrubbed_total"),
    count(Scrubber, "pool_scrubber_csums_total"),
    count(Scrubber, "pool_scrubber_scrubs_completed"),
    count(Checksum, "pool_scrubber_corruption_total"),
    count(Checksum, "pool_vos_aggregation_csum_errors"),
    count(Checksum, "nvme_commands_checksum_mismatch"),
    count(Rebuild, "pool_ops_migrate"),
    count(Rebuild, "pool_ops_ec_rep"),
    level(Rebuild, "dmabuff_used_chunks_rebuild"),
    level(Rebuild, "pool_svc_draining_targets"),
    level(Rebuild, "pool_svc_disabled_targets"),
    level(Rebuild, "pool_svc_degraded_ranks"),
    count(Rebuild, "pool_svc_map_version"),
    count(Media, "pool_vos_wal_wal_sz_sum"),
    level(Media, "pool_vos_wal_wal_waiters"),
    count(Media, "pool_checkpoint_duration_sum"),
    count(Media, "pool_vos_cache_page_miss"),
    count(Media, "pool_vos_cache_page_evict"),
    count(Media, "pool_ec_update_full_stripe"),
    count(Media, "pool_ec_update_partial"),
    count(Nvme, "nvme_commands_data_units_written"),
    count(Nvme, "nvme_commands_data_units_read"),
    level(Nvme, "nvme_temp_current"),
    level(Nvme, "nvme_temp_warn"),
    level(Queue, "net_waitq_depth"),
    level(Queue, "sched_wait_queue"),
    level(Queue, "dmabuff_queued_reqs"),
    count(Queue, "dmabuff_grab_retries_sum"),
    count(Queue, "sched_total_reject"),
    count(Error, "dmabuff_grab_errs"),
    count(Error, "nvme_commands_media_errs"),
    count(Error, "nvme_commands_read_errs"),
    count(Error, "nvme_commands_write_errs"),
    count(Error, "nvme_commands_unmap_errs"),
    count(Error, "net_req_timeout"),
    count(Error, "net_uri_lookup_timeout"),
    count(Error, "net_failed_addr"),
    count(Error, "net_glitch"),
    count(Error, "net_quota_exceeded"),
    count(Error, "events_dead_ranks"),
    count(Error, "pool_vos_aggregation_fail_count"),
    count(Error, "pool_resent"),
    count(Error, "pool_retry"),
    count(Error, "pool_restarted"),
];

/// The size classes of latencies, small to large.
pub const SIZES: [&str; 16] = [
    "256B", "512B", "1KB", "2KB", "4KB", "8KB", "16KB", "32KB", "64KB", "128KB", "256KB", "512KB", "1MB", "2MB", "4MB",
    "GT4MB",
];

/// The position of a metric by its name without `engine_`.
pub fn index(name: &str) -> Option<usize> {
    static INDEX: LazyLock<HashMap<&'static str, usize>> =
        LazyLock::new(|| METRICS.iter().enumerate().map(|(index, metric)| (metric.name, index)).collect());
    INDEX.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_listed_once_and_found() {
        for (position, metric) in METRICS.iter().enumerate() {
            assert_eq!(index(metric.name), Some(position), "{}", metric.name);
        }
    }
}

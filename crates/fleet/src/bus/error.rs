//! What can go wrong on a bus.

/// What can go wrong on a bus, by what the caller has to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// A newer holder has the transactional id or the group instance: drop the work. A producer may also be fenced because its
    /// transaction took too long; a consumer never is without somebody in its place.
    #[error("a newer holder of the same name has taken over")]
    Fenced,
    /// The group has rebalanced since the records were taken: abort and take again.
    #[error("the group's generation has moved on")]
    StaleGeneration,
    /// The transaction failed and must be aborted; trying it again may work.
    #[error("the transaction must be aborted: {0}")]
    Abort(String),
    /// It is not known whether the transaction committed; only reading the log tells.
    #[error("it is not known whether the transaction committed: {0}")]
    OutcomeUnknown(String),
    /// The record is larger than the bus takes.
    #[error("the record has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// The record's size.
        bytes: usize,
        /// The most the bus takes.
        limit: usize,
    },
    /// No such topic or partition.
    #[error("no partition {0} on this bus")]
    UnknownPartition(String),
    /// A topic exists with other properties than asked for.
    #[error("topic {topic} has {found} partitions, {wanted} were asked for")]
    PartitionCount {
        /// The topic.
        topic: String,
        /// What it has.
        found: u32,
        /// What was asked for.
        wanted: u32,
    },
    /// The bus can't be reached or can't write right now; waiting may help.
    #[error("the bus is unavailable: {0}")]
    Unavailable(String),
    /// There is no room to write.
    #[error("no space left to write: {0}")]
    Full(String),
    /// Another process holds the log.
    #[error("another process holds {0}")]
    Locked(String),
    /// What is stored can't be trusted.
    #[error("the log is damaged: {0}")]
    Damaged(String),
    /// The bus refuses the credentials or the operation.
    #[error("the bus refuses: {0}")]
    Refused(String),
    /// Anything that waiting or retrying does not mend.
    #[error("the bus failed: {0}")]
    Fatal(String),
}

// === impl BusError ===

impl BusError {
    /// Whether waiting and trying again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Abort(_) | Self::Full(_))
    }

    /// Whether a commit may have failed for what was to be written, so that a part of it may go through.
    pub fn may_blame_content(&self) -> bool {
        matches!(self, Self::Abort(_) | Self::TooLarge { .. } | Self::UnknownPartition(_))
    }
}

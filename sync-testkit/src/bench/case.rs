//! What is measured.

use std::fmt;

/// One case: what the workers do, and which figure is made of the times they took.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) job: Job,
    pub(crate) workers: usize,
    pub(crate) measure: Measure,
}

/// The figure that is made of the times that the workers took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Microseconds that the first worker needed for one.
    Each,
    /// How many all workers together did in a second.
    Together,
    /// How many the first worker did in a second; the others helped.
    First,
    /// Microseconds from a moment that the first worker noted to one that the second did.
    Between,
    /// Microseconds: the median of what the first worker noted.
    Noted,
    /// Microseconds: what 99 of 100 that the first worker noted stayed below.
    Worst,
    /// Microseconds: the most that the first worker noted, in one run.
    Longest,
    /// Bytes: the median of what the first worker noted, in one run.
    Bytes,
}

impl Measure {
    /// Whether a second run would measure something else: memory that is already free, say.
    pub(crate) fn is_once(self) -> bool {
        matches!(self, Self::Longest | Self::Bytes)
    }

    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Each | Self::Between | Self::Noted | Self::Worst | Self::Longest => "us",
            Self::Bytes => "bytes",
            Self::Together | Self::First => "per_s",
        }
    }
}

/// What a worker does, over and over. The workers of all peers get its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    DictGet,
    /// The same, each by itself: half of them are below the figure.
    DictGetMedian,
    DictSet,
    ListPush,
    ValueGet,
    ValueSet,
    LockUnlock,
    Semaphore,
    QueuePutGet,
    QueueOneWay,
    QueuePingPong,
    EventWake,
    ConditionWake,
    Barrier,
    HandOver(usize),
    Clients(usize),
    Pipelined(usize),
    BytesSet(usize),
    BytesGet(usize),
    CreateDrop,
    Connect,
    /// A lock is passed on while this many wait.
    ReleaseAmong(usize),
    /// An event wakes this many.
    SetAmong(usize),
    /// A condition wakes this many, who retake its lock.
    NotifyAll(usize),
    /// A dict has this many entries.
    DictGetOf(usize),
    /// This many objects live.
    GetAmongObjects(usize),
    /// This many objects that only hold each other are searched and dropped.
    GetAmongCycles(usize),
    /// This many connections do nothing.
    GetAmongIdle(usize),
    /// This many sessions, one after another.
    ConnectAmong(usize),
    MemoryOfIdle(usize),
}

const PARTIES: usize = 8;
const KIB: usize = 1024;
const IDLE: usize = 10_000;

impl Job {
    /// All jobs, in the order of the table.
    pub(crate) fn all() -> Vec<Self> {
        let mut jobs = vec![
            Self::DictGet,
            Self::DictGetMedian,
            Self::DictSet,
            Self::ListPush,
            Self::ValueGet,
            Self::ValueSet,
            Self::LockUnlock,
            Self::Semaphore,
            Self::QueuePutGet,
            Self::QueueOneWay,
            Self::QueuePingPong,
            Self::EventWake,
            Self::ConditionWake,
            Self::Barrier,
        ];
        jobs.extend([2, 8].map(Self::HandOver));
        jobs.extend([1, 2, 8, 32].map(Self::Clients));
        jobs.extend([16, 64].map(Self::Pipelined));
        for size in [1, 64, 1024, 16 * 1024] {
            jobs.extend([Self::BytesSet(size * KIB), Self::BytesGet(size * KIB)]);
        }
        jobs.extend([Self::CreateDrop, Self::Connect]);
        jobs.extend([1, 100, 10_000].map(Self::ReleaseAmong));
        jobs.extend([1, 10_000].map(Self::SetAmong));
        jobs.extend([1, 10_000].map(Self::NotifyAll));
        jobs.extend([3, 4, 5, 6, 7].map(|power| Self::DictGetOf(10_usize.pow(power))));
        jobs.extend([1, 1_000_000].map(Self::GetAmongObjects));
        jobs.push(Self::GetAmongCycles(900_000));
        jobs.extend([0, IDLE].map(Self::GetAmongIdle));
        jobs.extend([Self::ConnectAmong(IDLE / 2), Self::MemoryOfIdle(IDLE)]);
        jobs
    }

    /// Whether it is about how things grow: then only this project is measured, and in one
    /// placement.
    pub(crate) fn is_growth(self) -> bool {
        use Job::*;
        matches!(
            self,
            ReleaseAmong(_)
                | SetAmong(_)
                | NotifyAll(_)
                | DictGetOf(_)
                | GetAmongObjects(_)
                | GetAmongCycles(_)
                | GetAmongIdle(_)
                | ConnectAmong(_)
                | MemoryOfIdle(_)
        )
    }

    /// Whether it is also measured while every processor is busy: a few cases show what other work
    /// costs.
    pub(crate) fn is_for_busy(self) -> bool {
        use Job::*;
        matches!(self, DictGet | DictGetMedian | LockUnlock | HandOver(2) | Clients(8))
    }

    /// Whether it takes too long for a quick look.
    pub(crate) fn is_long(self) -> bool {
        use Job::*;
        matches!(
            self,
            DictGetOf(count) | GetAmongObjects(count) | GetAmongCycles(count) if count > 100_000
        )
    }

    /// The job of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|job| job.to_string() == name)
    }

    /// Who does it, and what is measured.
    pub(crate) fn case(self) -> Case {
        let (workers, measure) = match self {
            Self::QueueOneWay => (2, Measure::First),
            Self::QueuePingPong => (2, Measure::Each),
            Self::EventWake | Self::ConditionWake => (2, Measure::Between),
            Self::Barrier => (PARTIES, Measure::Each),
            Self::HandOver(count) | Self::Clients(count) => (count, Measure::Together),
            Self::Pipelined(_) => (1, Measure::First),
            Self::ReleaseAmong(_) | Self::SetAmong(_) | Self::NotifyAll(_) => (1, Measure::Noted),
            Self::ConnectAmong(_) | Self::DictGetMedian => (1, Measure::Noted),
            Self::GetAmongIdle(_) => (1, Measure::Worst),
            Self::GetAmongCycles(_) => (1, Measure::Longest),
            Self::MemoryOfIdle(_) => (1, Measure::Bytes),
            _ => (1, Measure::Each),
        };
        Case { job: self, workers, measure }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DictGet => f.write_str("dict_get"),
            Self::DictGetMedian => f.write_str("dict_get_p50"),
            Self::DictSet => f.write_str("dict_set"),
            Self::ListPush => f.write_str("list_push"),
            Self::ValueGet => f.write_str("value_get"),
            Self::ValueSet => f.write_str("value_set"),
            Self::LockUnlock => f.write_str("lock_unlock"),
            Self::Semaphore => f.write_str("semaphore"),
            Self::QueuePutGet => f.write_str("queue_put_get"),
            Self::QueueOneWay => f.write_str("queue_one_way"),
            Self::QueuePingPong => f.write_str("queue_ping_pong"),
            Self::EventWake => f.write_str("event_wake"),
            Self::ConditionWake => f.write_str("condition_wake"),
            Self::Barrier => write!(f, "barrier_{PARTIES}"),
            Self::HandOver(count) => write!(f, "lock_hand_over_{count}"),
            Self::Clients(count) => write!(f, "clients_{count}"),
            Self::Pipelined(depth) => write!(f, "pipelined_{depth}"),
            Self::BytesSet(size) => write!(f, "bytes_set_{size}"),
            Self::BytesGet(size) => write!(f, "bytes_get_{size}"),
            Self::CreateDrop => f.write_str("create_drop"),
            Self::Connect => f.write_str("connect"),
            Self::ReleaseAmong(count) => write!(f, "release_among_{count}"),
            Self::SetAmong(count) => write!(f, "event_set_among_{count}"),
            Self::NotifyAll(count) => write!(f, "notify_all_of_{count}"),
            Self::DictGetOf(count) => write!(f, "dict_get_of_{count}"),
            Self::GetAmongObjects(count) => write!(f, "dict_get_among_objects_{count}"),
            Self::GetAmongCycles(count) => write!(f, "dict_get_longest_among_cycles_{count}"),
            Self::GetAmongIdle(count) => write!(f, "dict_get_p99_among_idle_{count}"),
            Self::ConnectAmong(count) => write!(f, "connect_among_idle_{count}"),
            Self::MemoryOfIdle(count) => write!(f, "memory_of_idle_{count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_found_by_its_name() {
        for job in Job::all() {
            assert_eq!(Job::named(&job.to_string()), Some(job));
        }
        assert_eq!(Job::named("nothing"), None);
    }
}

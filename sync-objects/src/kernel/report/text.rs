//! The report as text, for an operator to read.

use core::fmt::{self, Write as _};
use std::time::Duration;

use super::{
    CallerInfo, DeadlockInfo, DeadlockWait, DebugInfo, HolderInfo, ObjectInfo, WaiterInfo,
};

impl fmt::Display for DebugInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} sessions, {} objects, {} of {} bytes, {} calls wait, {} state changes, {} one-way \
             failures, {} deadlocks found",
            self.sessions.len(),
            self.object_count,
            self.memory_used,
            self.memory_max,
            self.blocked_count,
            self.commits,
            self.one_way_failures,
            self.deadlock_count,
        )?;
        for deadlock in &self.deadlocks {
            writeln!(f, "for {}: {deadlock}", Span(deadlock.closed_for))?;
        }
        for session in &self.sessions {
            let (session, pid, program) = (session.session, session.pid, &session.program);
            writeln!(f, "{session} {} (pid {pid})", OneLine(program))?;
        }
        self.objects.iter().try_for_each(|object| write!(f, "{object}"))
    }
}

impl fmt::Display for ObjectInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = Title { interface: &self.interface, names: &self.names, object: self.object };
        write!(f, "{title}, {} references", self.references)?;
        let more = self.name_count - self.names.len() as u64;
        if more > 0 {
            write!(f, ", {more} more names")?;
        }
        match &self.broken {
            Some(why) => writeln!(f, ", broken: {}", OneLine(why))?,
            None => writeln!(f)?,
        }
        self.holders.iter().try_for_each(|holder| writeln!(f, "  {holder}"))?;
        let more = self.holder_count - self.holders.len() as u64;
        if more > 0 {
            writeln!(f, "  and {more} more hold something")?;
        }
        self.waiters.iter().try_for_each(|waiter| writeln!(f, "  {waiter}"))?;
        let more = self.waiter_count - self.waiters.len() as u64;
        if more > 0 {
            writeln!(f, "  and {more} more wait")?;
        }
        Ok(())
    }
}

impl fmt::Display for CallerInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {}) ", OneLine(&self.program), self.pid)?;
        match &self.thread_name {
            Some(name) => write!(f, "thread {name:?}"),
            None => write!(f, "thread {}", self.thread),
        }
    }
}

impl fmt::Display for HolderInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { caller, count, token, held_for } = self;
        write!(f, "{caller} holds {count} for {}, token {token}", Span(*held_for))
    }
}

impl fmt::Display for WaiterInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} waits in {} for {}", self.caller, self.method, Span(self.waited_for))?;
        match self.gives_up_in {
            Some(time) => write!(f, ", for {} more", Span(time)),
            None => Ok(()),
        }
    }
}

/// One line, which says who waits for what, and who holds that.
impl fmt::Display for DeadlockInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certain = if self.is_certain { "deadlock" } else { "possible deadlock" };
        write!(f, "{certain} of {} callers", self.wait_count)?;
        for (at, wait) in self.waits.iter().enumerate() {
            let DeadlockWait { waiter, object, interface, names, holder } = wait;
            let title = Title { interface, names, object: *object };
            let sign = if at == 0 { ": " } else { "; " };
            write!(f, "{sign}{} waits in {} for {title}", waiter.caller, waiter.method)?;
            match self.wait_count {
                1 => write!(f, ", which it holds itself")?,
                _ => write!(f, ", held by {}", holder.caller)?,
            }
            write!(f, " for {}, token {}", Span(holder.held_for), holder.token)?;
        }
        match self.wait_count - self.waits.len() as u64 {
            0 => Ok(()),
            more => write!(f, "; and {more} more wait"),
        }
    }
}

/// An object as people know it.
struct Title<'a> {
    interface: &'a str,
    names: &'a [String],
    object: sync_proto::ObjectId,
}

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.interface)?;
        for name in self.names {
            write!(f, "{name:?} ")?;
        }
        write!(f, "({})", self.object)
    }
}

/// What clients say, and what quotes them: it makes no lines of its own in a log.
pub(crate) struct OneLine<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_string().chars().try_for_each(|char| match char {
            // These are read as they are.
            '"' | '\'' => f.write_char(char),
            _ => write!(f, "{}", char.escape_debug()),
        })
    }
}

/// A duration to the millisecond: more is noise to a person.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}",
            Duration::from_millis(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX))
        )
    }
}

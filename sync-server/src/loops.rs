//! The threads of a server: one event loop each. If one ends, in whatever way, all do.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use sync_proto::{Error, ErrorKind, Refusal};

use crate::hub::Hub;

/// The threads that run, and why the first one failed that did.
#[derive(Debug, Default)]
pub(crate) struct Loops {
    threads: Vec<JoinHandle<io::Result<()>>>,
    failure: Option<Refusal>,
}

/// Stops the server when a loop ends, even by a panic: half a manager would keep its clients, and a
/// supervisor that would restart it, waiting for ever.
struct StopAll(Arc<Hub>);

impl Drop for StopAll {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Loops {
    /// Runs an event loop on a thread of its own.
    pub(crate) fn start(
        &mut self,
        name: &str,
        hub: &Arc<Hub>,
        run: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let stop = StopAll(Arc::clone(hub));
        let run = move || {
            let _stop = stop;
            run()
        };
        self.threads.push(std::thread::Builder::new().name(name.to_owned()).spawn(run)?);
        Ok(())
    }

    /// Waits until all have ended. The error of one that failed is returned again to later callers.
    pub(crate) fn join(&mut self) -> Result<(), Error> {
        for thread in self.threads.drain(..) {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            let refusal = match thread.join() {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => Refusal::new(
                    ErrorKind::Io,
                    format!("the manager has ended: its thread {name} cannot go on: {error}"),
                ),
                Err(_) => Refusal::new(
                    ErrorKind::Broken,
                    format!("the manager has ended: its thread {name} panicked"),
                ),
            };
            tracing::error!("{refusal}");
            self.failure.get_or_insert(refusal);
        }
        self.failure.clone().map_or(Ok(()), |refusal| Err(refusal.into()))
    }
}

#[cfg(test)]
mod tests {
    use sync_objects::Kernel;
    use sync_proto::ManagerId;

    use super::*;
    use crate::limits::Limits;
    use crate::source::Source;

    fn hub() -> Arc<Hub> {
        let kernel = Kernel::new(sync_objects::registry(), Limits::default().kernel, ManagerId(1));
        let poll = mio::Poll::new().unwrap();
        Arc::new(Hub::new(kernel, mio::Waker::new(poll.registry(), Source::Waker.token()).unwrap()))
    }

    #[test]
    fn whichever_way_a_loop_ends_the_server_stops_and_whoever_asks_is_told_why() {
        let told = |end: fn() -> io::Result<()>| {
            let (hub, mut loops) = (hub(), Loops::default());
            loops.start("a-loop", &hub, end).unwrap();
            let told = loops.join();
            assert!(hub.is_stopping());
            assert_eq!(loops.join(), told, "it is told again");
            told
        };
        assert_eq!(told(|| Ok(())), Ok(()));
        let failed = told(|| Err(io::Error::other("no more"))).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Io);
        assert!(failed.message().ends_with("its thread a-loop cannot go on: no more"), "{failed}");
        let failed = told(|| panic!("it slipped")).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Broken);
        assert!(failed.message().ends_with("its thread a-loop panicked"), "{failed}");
    }
}

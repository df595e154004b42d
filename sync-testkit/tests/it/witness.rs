//! Real processes work on the same objects, and what they saw is proven linearizable.
//!
//! `cargo xtask witness` does it with a million calls.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sync_objects::{Channel, Cx, Flow, Grant, Refusal, Registry, Token, event, lock};
use sync_proto::address::MANAGER_VAR;
use sync_proto::{Address, ErrorKind};
use sync_server::Server;
use sync_testkit::witness::{Record, Workload, judge, load, save};
use sync_testkit::{Cast, Role, roles};

roles![worker];

const WORKERS: u64 = 4;

/// How many calls are made in all.
fn calls() -> usize {
    let set = std::env::var("SYNC_WITNESS_CALLS").ok();
    set.map_or(50_000, |calls| calls.parse().expect("a number of calls"))
}

fn worker(role: &Role) {
    let address: Address = std::env::var(MANAGER_VAR).unwrap().parse().unwrap();
    let (seed, calls): (u64, usize) = (role.arg(0), role.arg(1));
    let path: PathBuf = role.arg(2);
    let workload = Workload::new(&address, seed).unwrap();
    role.say("ready");
    role.hear();
    save(&path, &workload.run(calls).unwrap()).unwrap();
}

/// Returns what all workers saw of a manager with these types.
fn history(registry: Registry, calls: usize, folder: &Path) -> Vec<Record> {
    let limit = Duration::from_secs(60 + calls as u64 / 2_000);
    let cast = Cast::within(limit, Server::builder().witness().registry(registry));
    let file = |worker: u64| folder.join(worker.to_string());
    let share = calls / WORKERS as usize;
    let mut workers: Vec<_> = (0..WORKERS)
        .map(|seed| {
            let path = file(seed);
            cast.start_with(worker, &[&seed, &share, &path.display()])
        })
        .collect();
    workers.iter_mut().for_each(|worker| worker.expect("ready"));
    workers.iter_mut().for_each(|worker| worker.tell("go"));
    workers.into_iter().for_each(|worker| worker.wait());
    (0..WORKERS).flat_map(|worker| load(&file(worker)).unwrap()).collect()
}

#[test]
fn what_processes_see_of_all_types_is_linearizable() {
    let folder = tempfile::tempdir().unwrap();
    let history = history(sync_objects::registry(), calls(), folder.path());
    let verdict = judge(history).unwrap_or_else(|why| panic!("{why}"));
    println!("{verdict:#?}");
    assert!(verdict.calls >= calls());
    assert_eq!(verdict.sessions, WORKERS as usize);
    let modelled: Vec<_> = verdict.agreed.keys().copied().collect();
    let all = [
        "sync.array",
        "sync.barrier",
        "sync.dict",
        "sync.event",
        "sync.list",
        "sync.lock",
        "sync.namespace",
        "sync.queue",
        "sync.rlock",
        "sync.semaphore",
        "sync.set",
        "sync.value",
    ];
    assert_eq!(modelled, all, "every type is met, but the condition, which its lock stands for");
    // One after the other would prove nothing.
    assert!(verdict.switches > calls() / 10, "{verdict:?}");
}

#[test]
fn a_broken_manager_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut registry = sync_objects::registry();
    lock::register::<TwoHolders>(&mut registry);
    let why = judge(history(registry, 4_000, folder.path())).unwrap_err();
    assert!(why.contains("holds it already"), "{why}");
}

#[test]
fn a_stale_read_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut registry = sync_objects::registry();
    event::register::<Stale>(&mut registry);
    let why = judge(history(registry, 4_000, folder.path())).unwrap_err();
    assert!(why.contains("is_set"), "{why}");
}

#[test]
fn a_history_that_was_tampered_with_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let history = history(sync_objects::registry(), 4_000, folder.path());
    judge(history.clone()).unwrap();
    let carried_out = |history: &[Record]| {
        let carried_out = history.iter().enumerate().filter(|(_, of)| of.reply.outcome.is_ok());
        carried_out.map(|(at, _)| at).collect::<Vec<_>>()
    };
    let at = carried_out(&history);
    let (first, last) = (at[at.len() / 3], at[at.len() / 2]);
    let mut twice = history.clone();
    twice[last].commit = twice[first].commit;
    assert!(judge(twice).unwrap_err().contains("two calls have the commit"));
    // Of one session: the one had ended when the other began.
    let mut exchanged = history.clone();
    (exchanged[first].commit, exchanged[last].commit) =
        (exchanged[last].commit, exchanged[first].commit);
    assert!(judge(exchanged).unwrap_err().contains("comes after it"));
    let mut lost = history;
    let taken = lost.iter().position(|of| of.request.object.0 != 0 && of.reply.outcome.is_ok());
    lost.drain(taken.unwrap()..taken.unwrap() + 400);
    judge(lost).unwrap_err();
}

const FREE: Channel = Channel::new(0);

/// A lock that gives itself to whoever asks.
#[derive(Debug, Default)]
struct TwoHolders {
    holder: Option<Token>,
}

impl lock::Service for TwoHolders {
    fn new() -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn acquire(&mut self, cx: &mut Cx<'_>) -> Flow<Grant> {
        let token = cx.hold(1);
        self.holder = Some(token);
        let data = sync_proto::Data::encode(&(token, false)).unwrap();
        Flow::Done(data.decode().unwrap())
    }

    fn release(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        self.holder = self.holder.filter(|&holder| holder != token);
        match cx.let_go(token) {
            Some(_) => Flow::Done(()),
            None => Flow::refuse(ErrorKind::NotOwner, "not held"),
        }
    }

    fn release_held(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        Flow::Done(())
    }

    fn release_any(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        Flow::refuse(ErrorKind::NotOwner, "nobody here releases what is another's")
    }

    fn holding(&mut self, _: &mut Cx<'_>) -> Flow<Option<Token>> {
        Flow::Done(self.holder)
    }

    fn abandon(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        self.release(cx, token)
    }

    fn is_locked(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.holder.is_some())
    }

    fn holds(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<bool> {
        Flow::Done(cx.owner(token).is_some())
    }
}

/// An event that answers with what was so before the last change.
#[derive(Debug, Default)]
struct Stale {
    is_set: bool,
    was_set: bool,
}

impl Stale {
    fn become_set(&mut self, is_set: bool) {
        self.was_set = std::mem::replace(&mut self.is_set, is_set);
    }
}

impl event::Service for Stale {
    fn new() -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn set(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.become_set(true);
        cx.wake(FREE, usize::MAX);
        Flow::Done(())
    }

    fn clear(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        self.become_set(false);
        Flow::Done(())
    }

    fn is_set(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.was_set)
    }

    fn wait(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        if self.is_set { Flow::Done(()) } else { Flow::Wait(FREE) }
    }
}

//! The judge: sorts a history by its commits and replays it on models.

use std::collections::{BTreeMap, BTreeSet};

use sync_objects::{Woken, condition};
use sync_proto::{Data, Fingerprint, Interface, ManagerId, ObjectId, Token};

use super::Record;
use crate::models::{Model, Step, decode, model_of};

/// A history without a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// How many calls it has.
    pub calls: usize,
    /// How many of them a model answers as the manager did, by type.
    pub agreed: BTreeMap<&'static str, u64>,
    /// How many sessions took part.
    pub sessions: usize,
    /// How often the call that was carried out next was another session's.
    pub switches: usize,
}

/// Judges a history: all calls of all sessions of a manager, since it began, which determine the
/// order of its objects' states. Takes as long as sorting takes.
///
/// # Errors
/// What is wrong with it.
pub fn judge(mut history: Vec<Record>) -> Result<Verdict, String> {
    // Who was refused changed nothing: it looked at what the call before it had left.
    history.sort_by_key(|record| (record.commit, record.reply.outcome.is_err()));
    check_commits(&history)?;
    check_times(&history)?;
    let mut replay = Replay::new(&history);
    for record in &history {
        replay.check(record).map_err(|why| {
            let Record { session, commit, request, .. } = record;
            format!("{} of {session}, commit {commit}, on {}: {why}", request.call, request.object)
        })?;
    }
    let sessions: BTreeSet<_> = history.iter().map(|record| record.session).collect();
    let switches = history.windows(2).filter(|pair| pair[0].session != pair[1].session).count();
    let (calls, sessions) = (history.len(), sessions.len());
    Ok(Verdict { calls, agreed: replay.agreed, sessions, switches })
}

/// No two calls that were carried out have the same commit.
fn check_commits(history: &[Record]) -> Result<(), String> {
    let mut last = None;
    for record in history.iter().filter(|record| record.reply.outcome.is_ok()) {
        if last.replace(record.commit) == Some(record.commit) {
            return Err(format!("two calls have the commit {}", record.commit));
        }
    }
    Ok(())
}

/// A call that had ended before another began comes before it.
fn check_times(history: &[Record]) -> Result<(), String> {
    let mut latest: Option<&Record> = None;
    for record in history {
        if let Some(earlier) = latest.filter(|earlier| earlier.began > record.ended) {
            // Two that changed nothing between the same commits may stand either way.
            if earlier.commit < record.commit || earlier.reply.outcome.is_ok() {
                return Err(format!(
                    "{} of {} had ended when {} of {} began, and comes after it",
                    record.request.call, record.session, earlier.request.call, earlier.session,
                ));
            }
        }
        if latest.is_none_or(|latest| latest.began < record.began) {
            latest = Some(record);
        }
    }
    Ok(())
}

/// An object: its type, and its model if it has one.
type Known = (&'static Interface, Option<Box<dyn Model>>);

struct Replay {
    /// The locks that conditions stand on.
    locks: BTreeMap<ObjectId, ObjectId>,
    interfaces: BTreeMap<Fingerprint, &'static Interface>,
    objects: BTreeMap<ObjectId, Known>,
    agreed: BTreeMap<&'static str, u64>,
}

impl Replay {
    fn new(history: &[Record]) -> Self {
        let registry = sync_objects::registry();
        let interfaces = registry.interfaces().map(|of| (of.fingerprint, of)).collect();
        let (locks, objects, agreed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut replay = Self { locks, interfaces, objects, agreed };
        for record in history {
            replay.meet(record);
        }
        let given_up = replay.given_up(history);
        for (_, model) in replay.objects.values_mut() {
            if let Some(model) = model {
                model.given_up(&given_up);
            }
        }
        replay
    }

    /// Learns of an object from the call that made it: the first that its handle came out of.
    fn meet(&mut self, record: &Record) {
        let Ok(answer) = &record.reply.outcome else { return };
        for handle in &answer.handles {
            let Some(&interface) = self.interfaces.get(&handle.interface) else { continue };
            let given = &*record.request.data.handles;
            if let (true, [lock]) = (interface.name == condition::INTERFACE.name, given) {
                self.locks.insert(handle.object, lock.object);
            }
            let created = record.request.object == ObjectId::MANAGER;
            let make = || {
                if created { model_of(interface, &record.request.data) } else { None }
            };
            self.objects.entry(handle.object).or_insert_with(|| (interface, make()));
        }
    }

    /// Returns the grants of locks that were given up inside a condition's wait, which has no
    /// commit of its own.
    fn given_up(&self, history: &[Record]) -> BTreeSet<Token> {
        let waits = history.iter().filter(|record| {
            let object = self.objects.get(&record.request.object);
            object.is_some_and(|(interface, _)| {
                interface.name == "sync.condition"
                    && interface.method_name(record.request.method) == "wait"
            })
        });
        waits
            .filter_map(|record| decode::<(Token,)>(&record.request.data))
            .map(|(token,)| token)
            .collect()
    }

    /// A caller in a condition's wait has its lock again, as if it had acquired it.
    fn wake(&mut self, record: &Record) -> Result<(), String> {
        let Some(lock) = self.locks.get(&record.request.object) else { return Ok(()) };
        let woken = record.reply.outcome.as_ref().ok().and_then(decode::<Woken>);
        let (Some(woken), Some((_, Some(model)))) = (woken, self.objects.get_mut(lock)) else {
            return Ok(());
        };
        let grant = Data::encode(&woken.grant).and_then(|data| data.into_wire(ManagerId(0)));
        let grant = grant.map_err(|refusal| refusal.to_string())?;
        let (session, thread) = (record.session, record.request.thread);
        let (method, args) = ("acquire", &record.request.data);
        let step = Step { session, thread, method, args, answer: Some(&grant) };
        let checked = model.check(&step);
        checked.map_err(|why| format!("the lock of a condition's waiter: {why}"))
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        let Record { session, request, reply, .. } = record;
        self.wake(record)?;
        let Some((interface, model)) = self.objects.get_mut(&request.object) else {
            return Ok(());
        };
        let Some(model) = model else { return Ok(()) };
        let method = interface.method_name(request.method);
        let answer = reply.outcome.as_ref().ok();
        let (session, thread, args) = (*session, request.thread, &request.data);
        let step = Step { session, thread, method, args, answer };
        let checked = match &reply.outcome {
            Ok(_) => model.check(&step),
            Err(refusal) => model.refused(&step, refusal.kind),
        };
        checked.map_err(|why| format!("{}.{method}: {why}", interface.name))?;
        *self.agreed.entry(interface.name).or_default() += 1;
        Ok(())
    }
}

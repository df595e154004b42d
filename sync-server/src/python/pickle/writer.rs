//! Writes pickles of protocol 4, which every CPython from 3.8 on reads.
//!
//! No frames: they are optional, and help only those who read a pickle from a file in pieces. Only
//! what is referred to more than once is memoized.

use super::graph::{Graph, Make, Node, NodeId, Object, Step};
use super::{PickleError, opcode as op};

mod leaf;

/// The most items between two marks, as CPython writes them: its reader holds them all at once.
const BATCH: usize = 1000;

/// Writes a value.
///
/// # Errors
///
/// [`PickleError::Entangled`], when tuples or arguments contain themselves so often that only a
/// pickle out of proportion could say so.
pub fn write(graph: &Graph) -> Result<Vec<u8>, PickleError> {
    let (shared, edges) = survey(graph);
    match attempt(graph, shared, edges)? {
        Some(pickle) => Ok(pickle),
        // What is met again while it is made is written anew inside itself, and so may everything
        // be that is in it: it must be recalled there, however few refer to it.
        None => match attempt(graph, vec![true; graph.len()], edges)? {
            Some(pickle) => Ok(pickle),
            None => Err(PickleError::Entangled),
        },
    }
}

/// Writes a value, or gives up if it is met while it is made and not all is memoized.
fn attempt(graph: &Graph, shared: Vec<bool>, edges: usize) -> Result<Option<Vec<u8>>, PickleError> {
    let mut writer = Writer {
        graph,
        out: Vec::with_capacity(64),
        memo: vec![Memo::Unwritten; graph.len()],
        all_shared: shared.iter().all(|shared| *shared),
        shared,
        memoized: 0,
        tasks: vec![Task::Value(graph.root)],
        // What is written inside itself is written twice; a few times over is what real values
        // come to.
        budget: 8 * (edges + 1) + 1000,
    };
    writer.out.extend([op::PROTO, 4]);
    while let Some(task) = writer.tasks.pop() {
        let planned = writer.tasks.len();
        if !writer.run(task) {
            return Ok(None);
        }
        // Charged for what it plans, not only for what it does: plans take memory.
        let cost = 1 + writer.tasks.len().saturating_sub(planned);
        writer.budget = writer.budget.checked_sub(cost).ok_or(PickleError::Entangled)?;
    }
    writer.out.push(op::STOP);
    Ok(Some(writer.out))
}

/// Finds what is referred to more than once, and counts the references.
fn survey(graph: &Graph) -> (Vec<bool>, usize) {
    let mut seen = vec![false; graph.len()];
    let mut shared = vec![false; graph.len()];
    let mut edges = 0;
    let mut open = vec![graph.root];
    while let Some(id) = open.pop() {
        edges += 1;
        if seen[id.index()] {
            shared[id.index()] = true;
        } else {
            seen[id.index()] = true;
            graph.for_each_part(id, |part| open.push(part));
            // A step, a batch and an opcode are tasks of their own.
            edges += 4;
        }
    }
    (shared, edges)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memo {
    Unwritten,
    /// Its parts are being written.
    Begun,
    At(u32),
}

/// What is to be written, the next one last.
#[derive(Clone, Copy, Debug)]
enum Task {
    Value(NodeId),
    Opcode(u8),
    /// What this value is made of has been written; it is on the stack now.
    Made(NodeId),
}

struct Writer<'g> {
    graph: &'g Graph,
    out: Vec<u8>,
    memo: Vec<Memo>,
    shared: Vec<bool>,
    all_shared: bool,
    memoized: u32,
    tasks: Vec<Task>,
    budget: usize,
}

impl Writer<'_> {
    /// Carries out a task, unless it is one for which all must be memoized.
    fn run(&mut self, task: Task) -> bool {
        match task {
            Task::Opcode(opcode) => self.out.push(opcode),
            Task::Value(id) => match self.memo[id.index()] {
                Memo::At(index) => self.recall(index),
                Memo::Begun if !self.all_shared => return false,
                Memo::Begun | Memo::Unwritten => self.value(id),
            },
            Task::Made(id) => match self.memo[id.index()] {
                // It was met again while its parts were written, and made then.
                Memo::At(index) => {
                    self.out.push(op::POP);
                    self.recall(index);
                }
                Memo::Begun | Memo::Unwritten => {
                    self.memo[id.index()] = Memo::Unwritten;
                    self.memoize(id);
                    if let Node::Object(object) = self.graph.get(id) {
                        self.steps(object);
                    }
                }
            },
        }
        true
    }

    fn value(&mut self, id: NodeId) {
        match self.graph.get(id) {
            Node::Tuple(items) if items.is_empty() => self.out.push(op::EMPTY_TUPLE),
            Node::Tuple(items) => self.tuple(id, items),
            Node::FrozenSet(items) => {
                self.out.push(op::MARK);
                self.begin(id);
                self.then(Task::Opcode(op::FROZENSET));
                self.then_values(items.iter().rev().copied());
            }
            Node::List(items) => {
                self.out.push(op::EMPTY_LIST);
                self.memoize(id);
                self.batches(items, op::APPENDS, |item, values| values.push(*item));
            }
            Node::Set(items) => {
                self.out.push(op::EMPTY_SET);
                self.memoize(id);
                self.batches(items, op::ADDITEMS, |item, values| values.push(*item));
            }
            Node::Dict(entries) => {
                self.out.push(op::EMPTY_DICT);
                self.memoize(id);
                self.batches(entries, op::SETITEMS, |(key, value), values| {
                    values.extend([*key, *value]);
                });
            }
            Node::Object(object) => self.object(id, object),
            leaf => {
                leaf::put(&mut self.out, leaf);
                self.memoize(id);
            }
        }
    }

    fn tuple(&mut self, id: NodeId, items: &[NodeId]) {
        self.begin(id);
        let opcode = match items.len() {
            1 => op::TUPLE1,
            2 => op::TUPLE2,
            3 => op::TUPLE3,
            _ => op::TUPLE,
        };
        if opcode == op::TUPLE {
            self.out.push(op::MARK);
        }
        self.then(Task::Opcode(opcode));
        self.then_values(items.iter().rev().copied());
    }

    fn object(&mut self, id: NodeId, object: &Object) {
        self.begin(id);
        match &object.make {
            Make::Call { callable: class, args } => self.made_by(op::REDUCE, [*class, *args]),
            Make::New { class, args } => self.made_by(op::NEWOBJ, [*class, *args]),
            Make::NewEx { class, args, kwargs } => {
                self.made_by(op::NEWOBJ_EX, [*class, *args, *kwargs]);
            }
            Make::Instance { class, args } => {
                self.out.push(op::MARK);
                self.then(Task::Opcode(op::OBJ));
                self.then_values(args.iter().rev().copied());
                self.then(Task::Value(*class));
            }
        }
    }

    fn made_by<const N: usize>(&mut self, opcode: u8, parts: [NodeId; N]) {
        self.then(Task::Opcode(opcode));
        self.then_values(parts.into_iter().rev());
    }

    /// Plans what is done to an object; steps of a kind that follow each other go in one batch.
    fn steps(&mut self, object: &Object) {
        for steps in object.steps.chunk_by(is_same_kind).rev() {
            for batch in steps.chunks(BATCH).rev() {
                let (several, one) = match batch[0] {
                    Step::Append(_) => (op::APPENDS, op::APPEND),
                    Step::SetItem(..) => (op::SETITEMS, op::SETITEM),
                    Step::Add(_) => (op::ADDITEMS, op::ADDITEMS),
                    Step::State(_) => (op::BUILD, op::BUILD),
                    Step::Call(_) => (op::POP, op::POP),
                };
                // A class may have `append` and no `extend`.
                let is_marked = batch.len() > 1 || several == op::ADDITEMS;
                self.then(Task::Opcode(if is_marked { several } else { one }));
                for step in batch.iter().rev() {
                    match step {
                        Step::SetItem(key, value) => self.then_values([*value, *key].into_iter()),
                        Step::Append(part)
                        | Step::Add(part)
                        | Step::State(part)
                        | Step::Call(part) => self.then(Task::Value(*part)),
                    }
                }
                if is_marked {
                    self.then(Task::Opcode(op::MARK));
                }
            }
        }
    }

    /// Plans the items of what is on the stack already.
    fn batches<T>(&mut self, items: &[T], opcode: u8, parts: impl Fn(&T, &mut Vec<NodeId>)) {
        let mut values = Vec::new();
        for batch in items.chunks(BATCH).rev() {
            values.clear();
            batch.iter().for_each(|item| parts(item, &mut values));
            self.then(Task::Opcode(opcode));
            self.then_values(values.iter().rev().copied());
            self.then(Task::Opcode(op::MARK));
        }
    }

    /// Plans the end of what comes to be only after its parts.
    fn begin(&mut self, id: NodeId) {
        self.memo[id.index()] = Memo::Begun;
        self.then(Task::Made(id));
    }

    fn then(&mut self, task: Task) {
        self.tasks.push(task);
    }

    /// Plans values, of which the last is written first.
    fn then_values(&mut self, values: impl Iterator<Item = NodeId>) {
        self.tasks.extend(values.map(Task::Value));
    }

    fn memoize(&mut self, id: NodeId) {
        // What takes a byte is no shorter from the memo.
        let is_tiny = matches!(self.graph.get(id), Node::None | Node::Bool(_));
        if self.shared[id.index()] && !is_tiny {
            self.out.push(op::MEMOIZE);
            self.memo[id.index()] = Memo::At(self.memoized);
            self.memoized += 1;
        }
    }

    fn recall(&mut self, index: u32) {
        match u8::try_from(index) {
            Ok(index) => self.out.extend([op::BINGET, index]),
            Err(_) => {
                self.out.push(op::LONG_BINGET);
                self.out.extend(index.to_le_bytes());
            }
        }
    }
}

/// Tells whether two steps go into one batch.
fn is_same_kind(left: &Step, right: &Step) -> bool {
    matches!(
        (left, right),
        (Step::Append(_), Step::Append(_))
            | (Step::SetItem(..), Step::SetItem(..))
            | (Step::Add(_), Step::Add(_))
    )
}

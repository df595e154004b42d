//! Calls of Python programs: any method of any type, with any arguments.

use std::time::Duration;

use sync_objects::{Limits, Note};
use sync_server::python::bare::Bare;
use sync_server::python::pickle::{Graph, Limits as PickleLimits, Node, NodeId, Wide, read, write};

use super::Input;

/// What one input may keep in the manager, in bytes: few, so that it runs out.
const MEMORY: usize = 256 * 1024;

/// What one answer may be worth.
const ANSWER: usize = 1 << 20;

const TYPES: [&str; 15] = [
    "Lock",
    "RLock",
    "Semaphore",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "Barrier",
    "Queue",
    "JoinableQueue",
    "Namespace",
    "Value",
    "Array",
    "list",
    "dict",
    "set",
];

/// Methods that clients call beside those that a proxy exposes.
const HIDDEN: [&str; 5] = ["__str__", "__repr__", "#GETVALUE", "__iter__", "no_such_method"];

/// Names that some method or other knows an argument by.
const NAMES: [&str; 11] = [
    "action", "block", "blocking", "default", "key", "lock", "n", "reverse", "timeout", "typecode",
    "value",
];

/// Strings that mean something to somebody.
const TEXTS: [&str; 12] =
    ["", "a", "12", "_x", "x1", "d", "w", "q", "1_0", " -3\n", "inf", "Straße"];

const KINDS: [&str; 5] = ["#RETURN", "#ERROR", "#TRACEBACK", "#UNSERIALIZABLE", "#PROXY"];

/// Checks that a manager copes with any call of a Python client, with any arguments: it answers
/// with a reply or an exception, no object's code panics, the kernel's tables agree, and what is
/// dropped is gone.
///
/// # Panics
/// When it does not hold.
pub fn calls(input: &[u8]) {
    let mut limits = Limits::default();
    limits.memory = MEMORY;
    limits.objects = 32;
    limits.waiters_per_object = 8;
    let mut bare = Bare::new(limits, ANSWER);
    let mut input = Input(input);
    while !input.is_empty() {
        step(&mut bare, &mut input);
        let kernel = bare.kernel();
        kernel.assert_settled();
        while let Some(note) = kernel.poll_note() {
            assert!(!matches!(note, Note::ObjectBroke { .. }), "{note}");
        }
    }
    while !bare.idents().is_empty() {
        bare.forget(0);
    }
    bare.pass(Duration::from_secs(1));
    let left = bare.kernel().object_count();
    // What contains itself is collected in steps, with the time that passes.
    assert!(left == 0 || (0..1000).any(|_| is_empty(&mut bare)), "{left} objects are left");
}

fn is_empty(bare: &mut Bare) -> bool {
    bare.pass(Duration::from_millis(10));
    bare.kernel().object_count() == 0
}

/// Does one thing, chosen by the input.
fn step(bare: &mut Bare, input: &mut Input<'_>) {
    let what = input.byte();
    let answer = match what % 8 {
        0 => {
            bare.forget(usize::from(input.byte()) % bare.idents().len().max(1));
            return;
        }
        1 => {
            bare.pass(Duration::from_millis(u64::from(input.byte())));
            return;
        }
        2 | 3 => {
            let typeid = choose(input, &TYPES);
            Some(bare.create(&request(bare, "", typeid, input)))
        }
        _ => {
            let at = usize::from(input.byte());
            let idents = bare.idents();
            let ident = idents.get(at % idents.len().max(1)).cloned().unwrap_or_default();
            let (exposed, at) = (bare.methods(&ident), usize::from(input.byte()));
            let method = at % (exposed.len() + HIDDEN.len());
            let method = exposed.get(method).unwrap_or_else(|| &HIDDEN[method - exposed.len()]);
            bare.call(&request(bare, &ident, method, input))
        }
    };
    if let Some(answer) = answer {
        check(&answer);
    }
}

/// Checks that an answer is one that a client understands.
fn check(answer: &[u8]) {
    let limits = PickleLimits::default();
    let graph = read(answer, &limits).expect("an answer is a pickle");
    let Some(&[kind, _]) = graph.tuple(graph.root) else { panic!("an answer is a pair") };
    let kind = graph.text(kind).expect("what it is, and what it says");
    assert!(KINDS.contains(&kind), "{kind} is no answer");
}

fn choose<T: Copy>(input: &mut Input<'_>, from: &[T]) -> T {
    from[usize::from(input.byte()) % from.len()]
}

/// Makes up a request: `(ident, function, args, kwds)`.
fn request(bare: &Bare, ident: &str, function: &str, input: &mut Input<'_>) -> Vec<u8> {
    let mut maker = Maker { graph: Graph::new(), bare, input, made: Vec::new() };
    let count = maker.input.byte();
    let args: Vec<NodeId> = (0..count % 4).map(|_| maker.value(4)).collect();
    let named = if count < 192 { 0 } else { count % 3 };
    let named: Vec<(NodeId, NodeId)> = (0..named)
        .map(|_| {
            let name = choose(maker.input, &NAMES);
            (maker.graph.str(name), maker.value(2))
        })
        .collect();
    let graph = &mut maker.graph;
    let parts = [graph.str(ident), graph.str(function), graph.new_tuple(args), graph.dict(named)];
    graph.root = graph.new_tuple(parts);
    // One that cannot be written is another program's.
    write(graph).unwrap_or_default()
}

/// Makes up values.
struct Maker<'m, 'i> {
    graph: Graph,
    bare: &'m Bare,
    input: &'m mut Input<'i>,
    /// What may be a part once more.
    made: Vec<NodeId>,
}

impl Maker<'_, '_> {
    fn value(&mut self, depth: u8) -> NodeId {
        let what = self.input.byte();
        let value = match what % 24 {
            0 => NodeId::NONE,
            1 => self.graph.bool(what > 127),
            2..=4 => {
                let small = i64::from(self.input.byte()) - 128;
                self.graph.int(small)
            }
            5 => self.edge(),
            6 => self.float(),
            7..=9 => {
                let text = choose(self.input, &TEXTS);
                self.graph.str(text)
            }
            10 => match Wide::from_bytes(vec![b'a', 0xed, 0xa0 | what >> 4, 0x80]) {
                Some(text) => self.graph.push(Node::WideStr(text)),
                None => NodeId::NONE,
            },
            11 | 12 => {
                let length = usize::from(self.input.byte() % 16);
                let bytes = self.input.take(length).to_vec();
                let is_fixed = what.is_multiple_of(2);
                self.graph.push(if is_fixed { Node::Bytes(bytes) } else { Node::ByteArray(bytes) })
            }
            13 if !self.made.is_empty() => choose(self.input, &self.made),
            14 => self.proxy(),
            15 => {
                let name = choose(self.input, &["abs", "len", "str", "repr", "int", "print"]);
                self.graph.new_global("builtins", name)
            }
            _ if depth == 0 => NodeId::NONE,
            what => self.container(what, depth - 1),
        };
        self.made.push(value);
        value
    }

    fn container(&mut self, what: u8, depth: u8) -> NodeId {
        let count = self.input.byte() % 5;
        let parts: Vec<NodeId> = (0..count).map(|_| self.value(depth)).collect();
        match what {
            16 => self.graph.new_tuple(parts),
            17 => self.graph.list(parts),
            18 => self.graph.push(Node::Set(parts)),
            19 => self.graph.push(Node::FrozenSet(parts)),
            20 => {
                let (pairs, _) = parts.as_chunks::<2>();
                let entries: Vec<_> = pairs.iter().map(|&[key, value]| (key, value)).collect();
                self.graph.dict(entries)
            }
            _ => {
                let classes = [
                    ("builtins", "slice"),
                    ("builtins", "range"),
                    ("builtins", "iter"),
                    ("builtins", "reversed"),
                    ("builtins", "getattr"),
                    ("array", "array"),
                    ("collections", "Counter"),
                    ("collections", "deque"),
                    ("decimal", "Decimal"),
                ];
                let (module, name) = choose(self.input, &classes);
                self.graph.new_call(module, name, parts)
            }
        }
    }

    /// A number at the edge of some type.
    fn edge(&mut self) -> NodeId {
        let power = u32::from(self.input.byte()) % 130;
        let (by, sign) = (i128::from(power % 3) - 1, if power.is_multiple_of(2) { 1 } else { -1 });
        self.graph.int(sign * ((1 << power.min(126)) + by))
    }

    fn float(&mut self) -> NodeId {
        let floats = [0.0, -0.0, 0.5, -1.0, 1e300, f64::NAN, f64::INFINITY, -f64::INFINITY, 0.001];
        let float = choose(self.input, &floats);
        self.graph.float(float)
    }

    fn proxy(&mut self) -> NodeId {
        const MODULE: &str = "multiprocessing.managers";
        let at = usize::from(self.input.byte());
        let idents = self.bare.idents();
        let ident = idents.get(at % idents.len().max(1)).map_or("none", |ident| ident);
        let graph = &mut self.graph;
        let (func, address) = (graph.new_global(MODULE, "AutoProxy"), graph.str("bare"));
        let token = graph.new_token(MODULE, "list", address, ident);
        let (serializer, kwds) = (graph.str("pickle"), graph.dict([]));
        graph.new_proxy(MODULE, [func, token, serializer, kwds])
    }
}

//! Every method that a manager of Python exposes, with the call that serves it here, or with the
//! reason why not.

use std::collections::BTreeSet;

use sync_client::{Error, ErrorKind, Manager};

use crate::support::sessions;

use Row::{Not, Served};

mod dict;
mod list;
mod locks;
mod managers;
mod pool;
mod queue;
mod set;
mod values;
mod waiting;

/// What becomes of one of Python's methods.
enum Row {
    /// Calls what serves it here, and asserts what Python documents.
    Served(fn(&Manager) -> Result<(), Error>),
    /// Why nothing serves it.
    Not(&'static str),
}

type Rows = &'static [(&'static str, Row)];

/// What Python 3.14 exposes, type by type, and where it is served.
const EXPOSED: &[(&str, &str, Rows)] = &[
    ("Queue", QUEUE, queue::ROWS),
    ("JoinableQueue", QUEUE, queue::ROWS),
    ("Event", "is_set set clear wait", waiting::EVENT),
    ("Lock", "acquire release locked", locks::LOCK),
    ("RLock", "acquire release locked", locks::RLOCK),
    ("Semaphore", "acquire release locked", locks::SEMAPHORE),
    ("BoundedSemaphore", "acquire release locked", locks::BOUNDED_SEMAPHORE),
    ("Condition", "acquire release wait notify notify_all locked", waiting::CONDITION),
    ("Barrier", "__getattribute__ wait abort reset", waiting::BARRIER),
    ("Namespace", "__getattribute__ __setattr__ __delattr__", values::NAMESPACE),
    ("Value", "get set", values::VALUE),
    ("Array", "__len__ __getitem__ __setitem__", values::ARRAY),
    ("list", LIST, list::ROWS),
    ("dict", DICT, dict::ROWS),
    ("set", SET, set::ROWS),
    ("Iterator", "__next__ send throw close", dict::ITERATOR),
    ("Pool", POOL, pool::POOL),
    ("AsyncResult", "get ready successful wait", pool::ASYNC_RESULT),
    ("BaseManager", MANAGER, managers::ROWS),
];

const QUEUE: &str = "empty full get get_nowait join put put_nowait qsize task_done shutdown";

const LIST: &str = "__add__ __contains__ __delitem__ __getitem__ __len__ __mul__ __reversed__ \
    __rmul__ __setitem__ append count extend index insert pop remove reverse sort __imul__ \
    clear copy";

const DICT: &str = "__contains__ __delitem__ __getitem__ __iter__ __len__ __setitem__ clear copy \
    get items keys pop popitem setdefault update values __ior__ __or__ __ror__ __reversed__ \
    fromkeys";

const SET: &str = "__and__ __class_getitem__ __contains__ __iand__ __ior__ __isub__ __iter__ \
    __ixor__ __len__ __or__ __rand__ __ror__ __rsub__ __rxor__ __sub__ __xor__ __ge__ __gt__ \
    __le__ __lt__ add clear copy difference difference_update discard intersection \
    intersection_update isdisjoint issubset issuperset pop remove symmetric_difference \
    symmetric_difference_update union update";

const POOL: &str = "apply apply_async close imap imap_unordered join map map_async starmap \
    starmap_async terminate";

/// Not exposed by the server: what the class itself offers.
const MANAGER: &str = "Manager start get_server connect shutdown join address authkey register \
    _number_of_objects _debug_info";

#[test]
fn every_method_that_python_exposes_has_one_row() {
    for &(python, names, rows) in EXPOSED {
        let exposed: BTreeSet<&str> = names.split_whitespace().collect();
        let listed: BTreeSet<&str> = rows.iter().map(|&(name, _)| name).collect();
        assert_eq!(listed, exposed, "{python}");
        assert_eq!(rows.len(), exposed.len(), "{python}: a name appears twice");
    }
}

#[test]
fn every_row_is_served_as_python_documents_it_or_says_why_not() {
    let (_server, [manager]) = sessions();
    let mut refused = Vec::new();
    for &(python, _, rows) in EXPOSED {
        for (name, row) in rows {
            match row {
                Served(call) => {
                    let answered = call(&manager);
                    assert!(answered.is_ok(), "{python}.{name}: {answered:?}");
                }
                Not(reason) => refused.push((python, *name, *reason)),
            }
        }
    }
    refused.retain(|(python, ..)| !["Pool", "AsyncResult"].contains(python));
    let names: Vec<_> = refused.iter().map(|&(python, name, _)| (python, name)).collect();
    let known = [("set", "__class_getitem__"), ("Iterator", "send"), ("Iterator", "throw")];
    assert_eq!(names, known, "tell it in `coming_from_python.md` too: {refused:?}");
}

#[test]
fn the_page_names_every_method_in_the_section_of_its_type() {
    let page = include_str!("../../src/coming_from_python.md");
    let words = |text: &'static str| -> BTreeSet<&str> {
        text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect()
    };
    let sections: Vec<_> = page.split("\n# ").filter_map(|text| text.split_once('\n')).collect();
    for &(python, names, _) in EXPOSED {
        let titled = |(title, _): &&(&'static str, &'static str)| words(title).contains(python);
        let (_, rows) = sections.iter().find(titled).unwrap();
        let missing: Vec<_> =
            names.split_whitespace().filter(|name| !words(rows).contains(name)).collect();
        assert!(missing.is_empty(), "{python}: {missing:?}");
    }
}

/// Returns why a call could not be done.
fn kind<T>(result: Result<T, Error>) -> ErrorKind {
    result.err().unwrap().kind()
}

/// Opens the session of another process.
fn another(manager: &Manager) -> Result<Manager, Error> {
    let (_, address) = manager.envs().into_iter().next().unwrap();
    Manager::connect(address.to_str().unwrap())
}

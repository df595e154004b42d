//! A panic breaks one object, and its callers get an error; the manager goes on.

use sync_objects::{
    Channel, Cx, ErrorKind, Flow, Gone, Handle, Limits, Note, Refusal, interface, lock, registry,
    semaphore,
};
use sync_testkit::sim::Sim;

use crate::support::{kind, start};

interface! {
    /// Panics where it is told to.
    pub(crate) mod fragile = "test.fragile" {
        new(place: String);
        /// Panics.
        fn now();
        /// Waits for ever.
        fn wait();
        /// Waits for two permits of a semaphore.
        fn wait_in(semaphore: Handle);
        /// Waits in the line of another of this type.
        fn wait_at(other: Handle);
        /// Holds something.
        fn hold();
        /// Changes where it panics.
        fn next_time(place: String);
    }
}

const LINES: [Channel; 2] = [Channel::new(0), Channel::new(1)];

struct Fragile {
    place: String,
    calls: usize,
}

impl Fragile {
    fn panic_at(&self, place: &str) {
        assert_ne!(self.place, place, "as it was told");
    }
}

impl fragile::Service for Fragile {
    fn new(place: String) -> Result<Self, Refusal> {
        let new = Self { place, calls: 0 };
        new.panic_at("new");
        Ok(new)
    }

    fn now(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        panic!("told to")
    }

    fn wait(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        self.calls += 1;
        Flow::Wait(LINES[self.calls % 2])
    }

    fn wait_in(&mut self, cx: &mut Cx<'_>, semaphore: Handle) -> Flow<()> {
        let flow = semaphore::Peer(&semaphore).acquire(cx, 2);
        flow.unwrap_or_else(Flow::Refuse).map(drop)
    }

    fn wait_at(&mut self, cx: &mut Cx<'_>, other: Handle) -> Flow<()> {
        fragile::Peer(&other).wait(cx).unwrap_or_else(Flow::Refuse)
    }

    fn hold(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        cx.hold(1);
        Flow::Done(())
    }

    fn next_time(&mut self, _: &mut Cx<'_>, place: String) -> Flow<()> {
        self.place = place;
        Flow::Done(())
    }

    fn session_gone(&mut self, _: &mut Cx<'_>, _: &Gone) {
        self.panic_at("session_gone");
    }

    fn shape(&self) -> String {
        self.panic_at("shape");
        String::new()
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.panic_at("drop");
        }
    }
}

fn sim() -> Sim {
    let mut types = registry();
    fragile::register::<Fragile>(&mut types);
    Sim::with(types, Limits::default())
}

fn breaks(sim: &Sim) -> usize {
    let broke = |note: &&Note| matches!(note, Note::ObjectBroke { .. });
    sim.notes().iter().filter(broke).count()
}

#[test]
fn a_panic_in_a_method_breaks_that_object_and_tells_the_callers_in_all_its_lines() {
    let sim = sim();
    let (a, b) = (sim.client(), sim.client());
    let [ours, theirs] =
        [&a, &b].map(|client| fragile::Proxy::new(client.named("f"), String::new()).unwrap());
    let sound = fragile::Proxy::new(&b, String::new()).unwrap();
    let waiting = [0; 4].map(|_| start(&b, &theirs, fragile::Proxy::wait));
    let error = ours.now().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Broken);
    assert!(error.to_string().contains("told to"), "{error}");
    for one in waiting {
        assert_eq!(kind(one.answer()), ErrorKind::Broken);
    }
    assert_eq!(kind(theirs.wait()), ErrorKind::Broken);
    assert_eq!(kind(fragile::Proxy::new(a.named("f"), String::new())), ErrorKind::Broken);
    assert_eq!(breaks(&sim), 1);
    sound.hold().expect("another object of the type is sound");
    drop((ours, theirs));
    assert!(a.manager().unpublish("f".into()).unwrap());
    assert_eq!(sim.object_count(), 1, "a broken object goes as any other");
}

#[test]
fn the_callers_of_a_broken_object_are_told_also_where_they_stand_in_anothers_line() {
    let sim = sim();
    let (a, b) = (sim.client(), sim.client());
    let [ours, theirs] = [&a, &b].map(|c| semaphore::Proxy::new(c.named("s"), 3, true).unwrap());
    let fragile = fragile::Proxy::new(&b, String::new()).unwrap();
    let inside = theirs.remote().handle().clone();
    let wait_in = move |f: &fragile::Proxy| f.wait_in(inside.clone());
    ours.acquire(2).unwrap();
    let first = start(&b, &fragile, wait_in.clone());
    let modest = start(&a, &ours, |s| s.acquire(1));
    let greedy = start(&a, &ours, |s| s.acquire(3));
    let last = start(&b, &fragile, wait_in);
    assert!(modest.is_waiting(), "behind the fragile object's caller");
    assert_eq!(kind(fragile.now()), ErrorKind::Broken);
    assert_eq!(kind(first.answer()), ErrorKind::Broken);
    assert_eq!(kind(last.answer()), ErrorKind::Broken, "though it is not its turn");
    modest.answer().expect("who stood in its way is gone");
    assert!(greedy.is_waiting());
}

#[test]
fn callers_of_others_that_stand_in_a_broken_objects_line_are_looked_at() {
    let sim = sim();
    let client = sim.client();
    let [outer, inner] = [0; 2].map(|_| fragile::Proxy::new(&client, String::new()).unwrap());
    let handle = inner.remote().handle().clone();
    let waiting = start(&client, &outer, move |f| f.wait_at(handle.clone()));
    assert_eq!(kind(inner.now()), ErrorKind::Broken);
    assert_eq!(kind(waiting.answer()), ErrorKind::Broken);
    outer.hold().expect("it only was refused");
}

#[test]
fn a_panic_in_new_makes_no_object_and_harms_none() {
    let sim = sim();
    let client = sim.client();
    let error = fragile::Proxy::new(&client, "new".into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Broken);
    let named = fragile::Proxy::new(client.named("f"), "new".into());
    assert_eq!(kind(named), ErrorKind::Broken);
    assert!(client.manager().names().unwrap().is_empty());
    assert_eq!(sim.object_count(), 0);
}

#[test]
fn a_panic_in_drop_harms_nothing() {
    let sim = sim();
    let client = sim.client();
    drop(fragile::Proxy::new(&client, "drop".into()).unwrap());
    assert_eq!(sim.object_count(), 0);
    let kept = fragile::Proxy::new(client.named("f"), "drop".into()).unwrap();
    // A second object is made to compare shapes; its drop panics too.
    fragile::Proxy::new(client.named("f"), "drop".into()).unwrap();
    assert_eq!(kind(fragile::Proxy::new(client.new_named("f"), "drop".into())), ErrorKind::Exists);
    lock::Proxy::new(client.named("l")).unwrap();
    let other = fragile::Proxy::new(client.named("l"), "drop".into());
    assert_eq!(kind(other), ErrorKind::Mismatch);
    assert_eq!(kind(kept.now()), ErrorKind::Broken);
    assert_eq!(sim.object_count(), 2);
}

#[test]
fn a_panic_in_drop_harms_nothing_where_there_is_no_room_for_the_object() {
    let mut types = registry();
    fragile::register::<Fragile>(&mut types);
    let mut limits = Limits::default();
    limits.objects = 0;
    let sim = Sim::with(types, limits);
    let client = sim.client();
    for _ in 0..2 {
        let made = fragile::Proxy::new(&client, "drop".into());
        assert_eq!(kind(made), ErrorKind::LimitReached);
    }
}

#[test]
fn a_panic_in_shape_refuses_who_asks_and_leaves_the_manager_whole() {
    let sim = sim();
    let client = sim.client();
    let found = fragile::Proxy::new(client.named("f"), String::new()).unwrap();
    let wanted = fragile::Proxy::new(client.named("f"), "shape".into());
    assert_eq!(kind(wanted), ErrorKind::Broken);
    found.hold().expect("nothing was asked of the object that is there");
    found.next_time("shape".into()).unwrap();
    let wanted = fragile::Proxy::new(client.named("f"), String::new());
    assert_eq!(kind(wanted), ErrorKind::Broken);
    assert_eq!(client.manager().names().unwrap(), ["f"]);
    assert_eq!(sim.object_count(), 1);
}

#[test]
fn a_panic_in_session_gone_breaks_that_object_and_others_are_still_told() {
    let sim = sim();
    let (dying, heir) = (sim.client(), sim.client());
    let fragile = fragile::Proxy::new(dying.named("f"), "session_gone".into()).unwrap();
    let theirs = fragile::Proxy::new(heir.named("f"), String::new()).unwrap();
    let [held, wanted] = [&dying, &heir].map(|c| lock::Proxy::new(c.named("l")).unwrap());
    fragile.hold().unwrap();
    held.acquire().unwrap();
    let waiting = start(&heir, &theirs, fragile::Proxy::wait);
    let locking = start(&heir, &wanted, lock::Proxy::acquire);
    dying.kill();
    assert_eq!(kind(waiting.answer()), ErrorKind::Broken);
    assert!(locking.answer().unwrap().abandoned);
    assert_eq!(breaks(&sim), 1);
}

#[test]
fn who_holds_something_of_a_broken_object_may_die() {
    let sim = sim();
    let (dying, other) = (sim.client(), sim.client());
    let ours = fragile::Proxy::new(dying.named("f"), String::new()).unwrap();
    let theirs = fragile::Proxy::new(other.named("f"), String::new()).unwrap();
    ours.hold().unwrap();
    assert_eq!(kind(theirs.now()), ErrorKind::Broken);
    dying.kill();
    assert_eq!(kind(theirs.hold()), ErrorKind::Broken);
    assert_eq!(breaks(&sim), 1);
}

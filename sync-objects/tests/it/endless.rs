//! Settling is bounded: an object whose callers wake each other endlessly is broken, no other is.

use sync_objects::{
    Channel, Cx, ErrorKind, Flow, Gone, Limits, Note, Refusal, interface, lock, registry,
};
use sync_testkit::sim::Sim;

use crate::support::{kind, start};

interface! {
    /// Its callers wake each other for ever.
    pub(crate) mod restless = "test.restless" {
        new();
        /// Waits in one of two lines, in turns, and wakes the other.
        fn dance();
        /// Waits, and is woken by the music.
        fn rest();
        /// Begins.
        fn music();
        /// Begins when this session dies.
        fn at_my_death();
    }
}

const LINES: [Channel; 2] = [Channel::new(0), Channel::new(1)];

#[derive(Default)]
struct Restless {
    playing: bool,
    step: usize,
}

impl restless::Service for Restless {
    fn new() -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn dance(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        if self.playing {
            self.step += 1;
            cx.wake(LINES[self.step % 2], usize::MAX);
        }
        Flow::Wait(LINES[self.step % 2])
    }

    fn rest(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        Flow::Wait(LINES[0])
    }

    fn music(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.playing = true;
        cx.wake_in_turn(LINES[0]);
        Flow::Done(())
    }

    fn at_my_death(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        cx.hold(1);
        Flow::Done(())
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, _: &Gone) {
        let _ = self.music(cx);
    }
}

fn sim() -> Sim {
    let mut types = registry();
    restless::register::<Restless>(&mut types);
    Sim::with(types, Limits::default())
}

#[test]
fn an_object_whose_callers_wake_each_other_without_end_is_broken_and_the_manager_goes_on() {
    let sim = sim();
    let (a, b) = (sim.client(), sim.client());
    let ours = restless::Proxy::new(a.named("r")).unwrap();
    let theirs = restless::Proxy::new(b.named("r")).unwrap();
    let dancing = [0; 3].map(|_| start(&b, &theirs, restless::Proxy::dance));
    let resting = start(&b, &theirs, restless::Proxy::rest);
    ours.music().unwrap();
    for one in dancing {
        assert_eq!(kind(one.answer()), ErrorKind::Broken);
    }
    assert_eq!(kind(resting.answer()), ErrorKind::Broken);
    let notes = sim.notes();
    assert!(matches!(&notes[..], [Note::ObjectBroke { .. }]), "{notes:?}");
    lock::Proxy::new(&a).unwrap().acquire().unwrap();
}

#[test]
fn an_endless_object_takes_no_other_objects_wakes_with_it() {
    let sim = sim();
    let (dying, heir) = (sim.client(), sim.client());
    let restless = restless::Proxy::new(dying.named("r")).unwrap();
    let theirs = restless::Proxy::new(heir.named("r")).unwrap();
    restless.at_my_death().unwrap();
    let dancing = [0; 2].map(|_| start(&heir, &theirs, restless::Proxy::dance));
    let names: Vec<_> = (0..1_500).map(|number| format!("l{number}")).collect();
    let waiting: Vec<_> = names
        .iter()
        .map(|name| {
            lock::Proxy::new(dying.named(name)).unwrap().acquire().unwrap();
            let lock = lock::Proxy::new(heir.named(name)).unwrap();
            start(&heir, &lock, lock::Proxy::acquire)
        })
        .collect();
    dying.kill();
    for one in dancing {
        assert_eq!(kind(one.answer()), ErrorKind::Broken);
    }
    for one in waiting {
        assert!(one.answer().unwrap().abandoned);
    }
}

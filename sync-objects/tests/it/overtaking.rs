//! No overtaking inside one step: what an object frees goes to the caller that waits for it.

use sync_objects::{Cx, Flow, Handle, Limits, Order, Payload, Refusal, interface, queue, registry};
use sync_testkit::sim::Sim;

use crate::queue::{put, take, value};
use crate::support::{pack, start};

interface! {
    /// Gets from a queue and puts into it in one step.
    pub(crate) mod relay = "test.relay" {
        new(queue: Handle);
        /// Gets an item, then puts one; returns whether that went in.
        fn get_then_put(payload: Payload) -> bool;
        /// Puts an item, then gets one; returns whether one came out.
        fn put_then_get(payload: Payload) -> bool;
    }
}

struct Relay {
    queue: Handle,
}

fn is_done<T>(flow: Result<Flow<T>, Refusal>) -> bool {
    matches!(flow, Ok(Flow::Done(_)))
}

impl relay::Service for Relay {
    fn new(queue: Handle) -> Result<Self, Refusal> {
        Ok(Self { queue })
    }

    fn get_then_put(&mut self, cx: &mut Cx<'_>, payload: Payload) -> Flow<bool> {
        let queue = queue::Peer(&self.queue);
        assert!(is_done(queue.get(cx)), "there is an item");
        Flow::Done(is_done(queue.put(cx, payload, 0)))
    }

    fn put_then_get(&mut self, cx: &mut Cx<'_>, payload: Payload) -> Flow<bool> {
        let queue = queue::Peer(&self.queue);
        assert!(is_done(queue.put(cx, payload, 0)), "there is room");
        Flow::Done(is_done(queue.get(cx)))
    }
}

#[test]
fn the_room_and_the_item_that_a_step_makes_belong_to_who_waits() {
    let mut types = registry();
    relay::register::<Relay>(&mut types);
    let sim = Sim::with(types, Limits::default());
    let client = sim.client();
    let queue = queue::Proxy::new(&client, Some(1), Order::Fifo).unwrap();
    let relay = relay::Proxy::new(&client, queue.remote().handle().clone()).unwrap();
    put(&queue, 1);
    assert!(relay.get_then_put(pack(&2u32)).unwrap(), "nobody waits");
    let putting = start(&client, &queue, |q| q.put(pack(&3u32), 0));
    assert!(!relay.get_then_put(pack(&4u32)).unwrap());
    putting.answer().unwrap();
    assert_eq!(take(&queue), 3);
    assert!(relay.put_then_get(pack(&5u32)).unwrap(), "nobody waits");
    let getting = start(&client, &queue, queue::Proxy::get);
    assert!(!relay.put_then_get(pack(&6u32)).unwrap());
    assert_eq!(value(&getting.answer().unwrap().unwrap()), 6);
}

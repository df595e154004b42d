//! Fencing tokens: every grant of every type has one, greater than that of any grant before it.

use sync_objects::{Order, Token, condition, lock, queue, rlock, semaphore};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::{pack, start};

/// Takes and gives back one of everything; returns the tokens in the order of the grants.
fn tour(client: &SimClient) -> Vec<Token> {
    let lock = lock::Proxy::new(client.named("l")).unwrap();
    let rlock = rlock::Proxy::new(client.named("r")).unwrap();
    let permits = semaphore::Proxy::new(client.named("s"), 2, true).unwrap();
    let items = queue::Proxy::new(client.named("q"), None, Order::Fifo).unwrap();
    items.put(pack(&1), 0).unwrap();
    let mut tokens = vec![lock.acquire().unwrap().token, rlock.acquire().unwrap().token];
    tokens.push(permits.acquire(1).unwrap());
    tokens.push(permits.acquire(1).unwrap());
    tokens.push(items.get_leased().unwrap().unwrap().token);
    items.requeue(tokens[4]).unwrap();
    tokens.push(items.get_leased().unwrap().unwrap().token);
    // Taken again, it is the same grant; given up in a wait and retaken, it is a new one.
    assert_eq!(rlock.acquire().unwrap().token, tokens[1]);
    let handle = rlock.remote().handle().clone();
    let condition = condition::Proxy::new(client.named("c"), Some(handle)).unwrap();
    let token = tokens[1];
    let woken = start(client, &condition, move |c| c.wait(token));
    let between = client.on_thread(9, || rlock.acquire()).unwrap().token;
    client.on_thread(9, || condition.notify(between, 1)).unwrap();
    client.on_thread(9, || rlock.release()).unwrap();
    tokens.extend([between, woken.answer().unwrap().grant.token]);
    tokens
}

#[test]
fn every_grant_has_a_greater_token_than_all_before_it_also_after_a_death() {
    let sim = Sim::new();
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let client = sim.client();
        tokens.extend(tour(&client));
        // All that it holds comes back, and is granted anew to the next one.
        client.kill();
    }
    assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:?}");
}

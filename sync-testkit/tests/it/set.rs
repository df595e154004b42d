//! Sets: each member is there once, and taken once.

use std::collections::BTreeSet;

use sync_client::Set;
use sync_testkit::{Actor, Cast, Role, roles};

roles![claimer, taker];

fn pages(role: &Role) -> Set<u32> {
    role.manager().named("pages").create_set().unwrap()
}

/// Claims what nobody has claimed before, and says how much that was.
fn claimer(role: &Role) {
    let pages = pages(role);
    role.say("ready");
    role.hear();
    role.say((0..200).filter(|page| pages.insert(page).unwrap()).count());
}

/// Takes members until none is left, and says which it got.
fn taker(role: &Role) {
    let pages = pages(role);
    role.say("ready");
    role.hear();
    let took = std::iter::from_fn(|| pages.pop().unwrap());
    role.say(took.map(|page| page.to_string()).collect::<Vec<_>>().join(" "));
}

fn answers<R: Fn(&Role) + Copy>(cast: &Cast, role: R) -> Vec<String> {
    let mut actors: Vec<Actor> = (0..4).map(|_| cast.start(role)).collect();
    actors.iter_mut().for_each(|actor| actor.expect("ready"));
    actors.iter_mut().for_each(|actor| actor.tell("go"));
    let said = actors.iter_mut().map(Actor::hear).collect();
    actors.into_iter().for_each(Actor::wait);
    said
}

#[test]
fn what_four_processes_claim_is_claimed_by_one_each() {
    let cast = Cast::new();
    let pages = cast.manager().named("pages").create_set::<u32>().unwrap();
    let claimed = answers(&cast, claimer);
    let claimed: usize = claimed.iter().map(|count| count.parse::<usize>().unwrap()).sum();
    assert_eq!((claimed, pages.len().unwrap()), (200, 200));
}

#[test]
fn what_four_processes_take_is_taken_by_one_each() {
    let cast = Cast::new();
    let pages = cast.manager().named("pages").create_set::<u32>().unwrap();
    pages.extend(0..200).unwrap();
    let took = answers(&cast, taker).join(" ");
    let took: Vec<u32> = took.split_whitespace().map(|page| page.parse().unwrap()).collect();
    assert_eq!(took.len(), 200);
    assert_eq!(took.into_iter().collect::<BTreeSet<_>>(), (0..200).collect());
    assert!(pages.is_empty().unwrap());
}

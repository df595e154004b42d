//! Many calls under way at once.

use sync_client::{Dict, ErrorKind, List, Pending, Queue, QueueOptions, Received, Shared, Value};

use super::{Stage, behaviours, refused};

behaviours![
    answers_belong_to_their_calls_in_whatever_order_they_come,
    a_call_that_fails_harms_none_of_the_others,
    calls_are_carried_out_in_the_order_of_asking,
    calls_that_stand_in_line_keep_none_behind_them_waiting,
    what_is_flushed_is_carried_out_though_nobody_waits_for_it,
    a_call_that_nobody_waited_for_is_given_up_and_takes_nothing,
    large_answers_and_large_calls_do_not_block_each_other,
    a_proxy_in_an_answer_that_nobody_took_is_released,
    an_object_of_another_session_is_refused,
];

fn answers_belong_to_their_calls_in_whatever_order_they_come(stage: &Stage) {
    let jobs = stage.manager().create_queue::<u64>(10).unwrap();
    stage.manager().pipeline(|p| {
        let first = jobs.later(p).get();
        let second = jobs.later(p).get();
        let put = [1, 2].map(|item| jobs.later(p).put(&item));
        put.into_iter().for_each(|put| put.wait().unwrap());
        assert_eq!(second.wait().unwrap(), Some(2));
        assert_eq!(first.wait().unwrap(), Some(1));
    });
}

fn a_call_that_fails_harms_none_of_the_others(stage: &Stage) {
    let list = stage.manager().create_list::<u8>().unwrap();
    let words = stage.manager().create_value("many".to_owned()).unwrap();
    let number = Value::<u64>::attach(words.handle().clone()).unwrap();
    stage.manager().pipeline(|p| {
        let pushed = list.later(p).push(&1);
        let missing = list.later(p).get(7);
        let wrong = number.later(p).get();
        let there = list.later(p).get(0);
        assert_eq!(there.wait().unwrap(), 1);
        refused(missing.wait(), ErrorKind::OutOfRange);
        refused(wrong.wait(), ErrorKind::WrongType);
        pushed.wait().unwrap();
    });
}

fn calls_are_carried_out_in_the_order_of_asking(stage: &Stage) {
    let count = stage.manager().create_value::<u64>(0).unwrap();
    let before: Vec<u64> = stage.manager().pipeline(|p| {
        let asked: Vec<_> = (0..5_000).map(|_| count.later(p).fetch_add(1)).collect();
        asked.into_iter().map(|before| before.wait().unwrap()).collect()
    });
    assert!(before.into_iter().eq(0..5_000));
    assert_eq!(count.get().unwrap(), 5_000);
}

fn what_is_flushed_is_carried_out_though_nobody_waits_for_it(stage: &Stage) {
    let jobs = stage.manager().create_queue::<u64>(10).unwrap();
    stage.manager().pipeline(|p| {
        p.flush().unwrap();
        let put = jobs.later(p).put(&1);
        p.flush().unwrap();
        assert_eq!(jobs.get().unwrap(), Some(1));
        put.wait().unwrap();
    });
}

fn calls_that_stand_in_line_keep_none_behind_them_waiting(stage: &Stage) {
    let large = "x".repeat(70_000);
    let words = stage.manager().create_queue::<String>(1).unwrap();
    let jobs = stage.manager().create_queue::<u64>(QueueOptions::unbounded()).unwrap();
    stage.manager().pipeline(|p| {
        let got = words.later(p).get();
        let put = words.later(p).put(&large);
        assert_eq!(got.wait().unwrap().as_ref(), Some(&large));
        put.wait().unwrap();
        let got: Vec<_> = (0..3_000).map(|_| jobs.later(p).get()).collect();
        let put: Vec<_> = (0..3_000).map(|item| jobs.later(p).put(&item)).collect();
        let got = got.into_iter().map(|got| got.wait().unwrap().unwrap());
        assert!(got.eq(0..3_000));
        put.into_iter().try_for_each(Pending::wait).unwrap();
    });
}

fn a_call_that_nobody_waited_for_is_given_up_and_takes_nothing(stage: &Stage) {
    let jobs = stage.manager().create_queue::<u64>(10).unwrap();
    stage.manager().pipeline(|p| drop(jobs.later(p).get()));
    stage.until_blocked(&jobs, 0);
    jobs.put(&1).unwrap();
    assert_eq!(jobs.try_get().unwrap(), Received::Item(1));
}

fn large_answers_and_large_calls_do_not_block_each_other(stage: &Stage) {
    let large = "x".repeat(300_000);
    let queue = stage.manager().create_queue::<String>(QueueOptions::unbounded()).unwrap();
    let dict = stage.manager().create_dict::<u8, String>().unwrap();
    stage.manager().pipeline(|p| {
        let sets: Vec<_> =
            (0..20).map(|key| (dict.later(p).set(&key, &large), dict.later(p).get(&key))).collect();
        let puts: Vec<_> = (0..20).map(|_| queue.later(p).put(&large)).collect();
        for (set, got) in sets {
            set.wait().unwrap();
            assert_eq!(got.wait().unwrap().as_ref(), Some(&large));
        }
        puts.into_iter().try_for_each(Pending::wait).unwrap();
    });
    assert_eq!(queue.len().unwrap(), 20);
}

fn a_proxy_in_an_answer_that_nobody_took_is_released(stage: &Stage) {
    let manager = stage.manager();
    let lists: Dict<u8, List<u8>> = manager.create_dict().unwrap();
    lists.set(&1, &manager.create_list().unwrap()).unwrap();
    let before = manager.debug_info().unwrap().object_count;
    manager.pipeline(|p| drop(lists.later(p).get(&1)));
    assert!(lists.delete(&1).unwrap());
    assert_eq!(manager.debug_info().unwrap().object_count, before - 1);
}

fn an_object_of_another_session_is_refused(stage: &Stage) {
    let other = sync_server::Server::builder().spawn().unwrap();
    let other = sync_client::Manager::over(other.local().unwrap());
    let foreign: Queue<u8> = other.create_queue(1).unwrap();
    stage.manager().pipeline(|p| refused(foreign.later(p).put(&1).wait(), ErrorKind::InvalidInput));
    assert!(foreign.is_empty().unwrap());
}

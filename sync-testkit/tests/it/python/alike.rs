//! What docs/python.md calls the same is the same as in the interpreter at hand.

use super::{Site, run};

fn alike(name: &str) {
    done_by("alike.py", name);
}

fn sorts(name: &str) {
    done_by("sorts.py", name);
}

fn done_by(program: &str, name: &str) {
    let site = Site::new();
    run(&site, &site.server.python_addresses()[0], program, &[name]);
}

#[test]
fn sort_has_the_builtins_as_keys() {
    sorts("sort_has_the_builtins_as_keys");
}

#[test]
fn sort_has_items_as_keys() {
    sorts("sort_has_items_as_keys");
}

#[test]
fn a_dict_takes_whatever_gives_pairs() {
    alike("a_dict_takes_whatever_gives_pairs");
}

#[test]
fn an_array_says_which_numbers_it_has_not() {
    alike("an_array_says_which_numbers_it_has_not");
}

#[test]
fn every_method_of_3_14_is_there() {
    alike("every_method_of_3_14_is_there");
}

#[test]
fn what_is_no_index_and_no_iterable_is_named_alike() {
    alike("what_is_no_index_and_no_iterable_is_named_alike");
}

#[test]
fn an_array_is_made_of_an_array() {
    alike("an_array_is_made_of_an_array");
}

#[test]
fn an_array_of_characters_is_alike() {
    alike("an_array_of_characters_is_alike");
}

#[test]
fn a_list_is_multiplied_alike() {
    alike("a_list_is_multiplied_alike");
}

#[test]
fn nan_is_in_nothing() {
    alike("nan_is_in_nothing");
}

#[test]
fn a_set_is_changed_by_all_operands_or_by_none() {
    alike("a_set_is_changed_by_all_operands_or_by_none");
}

#[test]
fn a_set_takes_no_set() {
    alike("a_set_takes_no_set");
}

#[test]
fn what_has_no_hash_is_no_key() {
    alike("what_has_no_hash_is_no_key");
}

#[test]
fn bytes_that_may_change_are_equal_to_those_that_may_not() {
    alike("bytes_that_may_change_are_equal_to_those_that_may_not");
}

#[test]
fn a_shared_array_and_a_text_with_surrogates_are_iterated_over() {
    alike("a_shared_array_and_a_text_with_surrogates_are_iterated_over");
}

#[test]
fn iterators_are_iterated_over_from_where_they_are() {
    alike("iterators_are_iterated_over_from_where_they_are");
}

#[test]
fn what_need_not_wait_looks_at_no_time() {
    alike("what_need_not_wait_looks_at_no_time");
}

#[test]
fn a_number_of_permits_or_parties_may_be_a_whole_float() {
    alike("a_number_of_permits_or_parties_may_be_a_whole_float");
}

#[test]
fn what_is_waited_for_shows_itself_alike() {
    alike("what_is_waited_for_shows_itself_alike");
}

#[test]
fn a_namespace_shows_itself_in_the_same_order() {
    alike("a_namespace_shows_itself_in_the_same_order");
}

#[test]
fn what_only_its_class_shows_is_no_key_of_a_sort() {
    sorts("what_only_its_class_shows_is_no_key_of_a_sort");
}

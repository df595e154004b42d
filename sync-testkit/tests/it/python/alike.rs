//! What docs/python.md calls the same is the same as in the interpreter at hand.

use super::{Site, run};

fn alike(name: &str) {
    let site = Site::new();
    run(&site, &site.server.python_addresses()[0], "alike.py", &[name]);
}

#[test]
fn sort_has_the_builtins_as_keys() {
    alike("sort_has_the_builtins_as_keys");
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
fn an_array_is_made_of_an_array() {
    alike("an_array_is_made_of_an_array");
}

#[test]
fn an_array_of_characters_is_alike() {
    alike("an_array_of_characters_is_alike");
}

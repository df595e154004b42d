//! Arithmetic, by every method of `Value` and `Array`.

use crate::support::sessions;

#[test]
fn each_operation_is_the_one_that_its_name_says() {
    let (_server, [manager]) = sessions();
    let value = manager.create_value(0i64).unwrap();
    let array = manager.create_array([0i64]).unwrap();
    macro_rules! both {
        ($($method:ident($operand:literal) of $before:literal => $after:expr;)*) => {$(
            value.set(&$before).unwrap();
            assert_eq!(value.$method($operand).unwrap(), $before, stringify!($method));
            assert_eq!(value.get().unwrap(), $after, stringify!($method));
            array.set(0, $before).unwrap();
            assert_eq!(array.$method(0, $operand).unwrap(), $before, stringify!($method));
            assert_eq!(array.get(0).unwrap(), $after, stringify!($method));
        )*};
    }
    both! {
        fetch_add(10) of 12 => 22;
        fetch_sub(10) of 12 => 2;
        fetch_mul(10) of 12 => 120;
        fetch_min(10) of 12 => 10;
        fetch_max(10) of 12 => 12;
        fetch_and(10) of 12 => 12 & 10;
        fetch_or(10) of 12 => 12 | 10;
        fetch_xor(10) of 12 => 12 ^ 10;
    }
}

#[test]
fn floats_have_the_arithmetic_that_is_not_of_bits() {
    let (_server, [manager]) = sessions();
    let value = manager.create_value(1.5f64).unwrap();
    assert_eq!(value.fetch_mul(4.0).unwrap(), 1.5);
    assert_eq!(value.fetch_min(2.0).unwrap(), 6.0);
    assert_eq!(value.get().unwrap(), 2.0);
}

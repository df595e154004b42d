//! Floats as Python writes them: the fewest digits that read as the same one.

/// Writes a float.
pub(super) fn float(value: f64) -> String {
    let text = digits(value);
    // An integer is told from a float by its look.
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') { text + ".0" } else { text }
}

/// Writes a complex number.
pub(super) fn complex(real: f64, imaginary: f64) -> String {
    let imaginary_digits = digits(imaginary);
    if real == 0.0 && real.is_sign_positive() {
        return format!("{imaginary_digits}j");
    }
    let sign = if imaginary_digits.starts_with('-') { "" } else { "+" };
    format!("({}{sign}{imaginary_digits}j)", digits(real))
}

/// The shortest form, without a fraction where there is none.
fn digits(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    // As CPython, it takes the even one of two that are equally near; std takes the greater.
    let mut buffer = ryu::Buffer::new();
    let shortest = buffer.format_finite(value.abs());
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let all = format!("{whole}{fraction}");
    let leading = all.len() - all.trim_start_matches('0').len();
    let digits = all.trim_matches('0');
    // Where the point stands in `digits`.
    let point = exponent + whole.len() as i32 - leading as i32;
    format!("{sign}{}", place(digits, point))
}

/// Writes digits with the point before the one at `point`.
fn place(digits: &str, point: i32) -> String {
    let length = digits.len() as i32;
    match point {
        _ if digits.is_empty() => "0".to_owned(),
        -3..=0 => format!("0.{}{digits}", "0".repeat(-point as usize)),
        1..=16 if point >= length => format!("{digits}{}", "0".repeat((point - length) as usize)),
        1..=16 => format!("{}.{}", &digits[..point as usize], &digits[point as usize..]),
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            let exponent = point - 1;
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{first}{dot}{rest}e{sign}{:02}", exponent.abs())
        }
    }
}

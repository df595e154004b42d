use super::*;

#[track_caller]
fn check(text: &str, code: &str) {
    assert_eq!(code_of(text), code, "of {text:?}");
}

#[test]
fn comments_and_literals_are_spaces() {
    check("a // b\nc", "a     \nc");
    check("a /* b /* c */ d */ e", "a                   e");
    check(r#"f("a\"b", 1)"#, "f(      , 1)");
    check(r##"r#"a"b"# x"##, "         x");
    check(r#"br"\" x"#, "      x");
    check(r#"b"a\\" x"#, "b      x");
    check("/* open", "       ");
}

#[test]
fn lifetimes_and_characters_are_told_apart() {
    check("&'a str", "&'a str");
    check("('a', 'b)", "(   , 'b)");
    check(r"'\'' {'{'}", "     {   }");
    check(r"'\u{1F600}' x", "            x");
    check("r#type r", "r#type r");
}

#[test]
fn text_beyond_ascii_keeps_its_lines() {
    let code = code_of("// ä\nlet x = \"→\n\";");
    assert_eq!(code, "    \nlet x =   \n ;");
    assert_eq!(line_of(&code, code.find('x').unwrap()), 2);
}

#[test]
fn words_are_whole() {
    assert_eq!(find_words("lock unlock lock_api lock", "lock"), [0, 21]);
    assert_eq!(find_words("a.todo!(), my_todo!()", "todo!("), [2]);
}

#[test]
fn brackets_are_matched() {
    let code = "f(a[1], {b}) + c";
    assert_eq!(&code[bracketed(code, 1)], "(a[1], {b})");
    assert_eq!(&code[bracketed("f(", 1)], "(");
}

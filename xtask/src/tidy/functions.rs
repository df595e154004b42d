//! No function is longer than a screen.

use super::rust::{bracketed, find_words, is_word, line_of};
use super::tree::{Problem, Tree};

/// From the line of its `fn` to the line of its closing brace, both included.
const MAX_FUNCTION_LINES: usize = 70;

/// Finds functions that are too long; macros' definitions are let be.
fn check_function_lengths(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.with("rs") {
        for function in functions(&without_macros(&file.rust().code)) {
            if function.lines > MAX_FUNCTION_LINES {
                let Function { name, line, lines } = function;
                problems.push(file.problem(
                    line,
                    format!(
                        "`{name}` has {lines} lines, {MAX_FUNCTION_LINES} are allowed; \
                         give a part of it a name and move it out",
                    ),
                ));
            }
        }
    }
    problems
}

#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// The functions that have a body, nested ones too.
fn functions(code: &str) -> Vec<Function> {
    let measured = |at: usize| {
        let after = code[at..].strip_prefix("fn")?;
        // Without a name it is a type: `fn(u8) -> u8`.
        let name: String = after.trim_start().chars().take_while(|&c| is_word(c)).collect();
        let body = body_start(code, at).filter(|_| !name.is_empty())?;
        let (line, last) = (line_of(code, at), line_of(code, bracketed(code, body).end - 1));
        Some(Function { name, line, lines: last - line + 1 })
    };
    find_words(code, "fn").into_iter().filter_map(measured).collect()
}

/// Where the body opens; a declaration has none.
fn body_start(code: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += code[at..].find(['(', '[', '{', ';'])?;
        match code.as_bytes()[at] {
            b'{' => return Some(at),
            b';' => return None,
            _ => at = bracketed(code, at).end,
        }
    }
}

/// The code with the bodies of `macro_rules!` blanked out.
fn without_macros(code: &str) -> String {
    let mut code = code.to_owned();
    for at in find_words(&code, "macro_rules!") {
        let Some(open) = code[at..].find(['{', '(', '[']) else {
            continue;
        };
        let body = bracketed(&code, at + open);
        let blank = |c: char| {
            if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) }
        };
        let blanked: String = code[body.clone()].chars().map(blank).collect();
        code.replace_range(body, &blanked);
    }
    code
}

#[cfg(test)]
mod tests {
    use super::super::{assert_clean, assert_one};
    use super::*;

    fn function_of(lines: usize) -> String {
        format!("\nfn long() -> [u8; 2] {{\n{}}}\n", "    // {\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_of_71_lines_is_found() {
        let tree = Tree::of(&[("a.rs", &function_of(71)), ("b.rs", &function_of(70))]);
        assert_one(&check_function_lengths(&tree), "a.rs:2", "`long` has 71 lines");
    }

    #[test]
    fn macros_are_let_be() {
        let text = format!("macro_rules! m {{ () => {{{}}} }}", function_of(80));
        assert_clean(&check_function_lengths(&Tree::of(&[("a.rs", &text)])));
        let text = format!("macro_rules! m {{ () => {{}} }}\n{}", function_of(80));
        assert_one(&check_function_lengths(&Tree::of(&[("a.rs", &text)])), "a.rs:3", "80 lines");
    }

    #[test]
    fn declarations_and_types_have_no_body() {
        let code = "trait T { fn a(&self, x: [u8; 2]); fn b() {} }\nstruct S { f: fn(u8) -> u8 }";
        let names: Vec<String> = functions(code).into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["b"]);
    }

    #[test]
    fn every_function_fits_on_a_screen() {
        assert_clean(&check_function_lengths(Tree::of_repository()));
    }
}

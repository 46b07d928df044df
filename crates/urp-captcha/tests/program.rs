//! The program as it is called: how it ends, and what it says then.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

/// Exit code, standard output and standard error.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_urp-captcha")).args(arguments).output().unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
}

#[test]
fn every_command_explains_itself() {
    for command in [&["--help"][..], &["learn", "--help"], &["score", "--help"], &["draw", "--help"]] {
        let (code, out, _) = run(command);
        assert_eq!(code, Some(0), "{command:?}");
        assert!(out.contains("Usage: urp-captcha"), "{command:?}: {out}");
    }
    assert_eq!(run(&["frobnicate"]).0, Some(2));
}

#[test]
fn what_cannot_be_read_is_one_clear_line_and_exit_code_1() {
    let (code, out, error) = run(&["score", "no-such-labels.tsv", "."]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(error.starts_with("urp-captcha: no-such-labels.tsv: ") && error.lines().count() == 1, "{error}");
}

//! What `fob` says, word by word: the files in `transcripts` are played in a machine.
//!
//! `% command` prepares, `$ command` is played with its lines of input `< `, and what comes
//! of it stands below: `> ` stdout, `! ` stderr, `[exit N]`. What is new each time stands
//! there as a name, such as `<TIME>`. With `FOB_TRANSCRIBE=1` the files are written anew.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::machine::Machine;

#[test]
fn fob_says_what_the_transcripts_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/transcripts");
    let anew = std::env::var_os("FOB_TRANSCRIBE").is_some();
    let mut wrong = String::new();
    let mut played = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let written = fs::read_to_string(&path).unwrap();
        let seen = play(&written);
        if seen != written && anew {
            fs::write(&path, &seen).unwrap();
        } else if seen != written {
            let (line, is, was) = first_difference(&seen, &written);
            let path = path.display();
            writeln!(wrong, "{path}:{line}:\n  written {was}\n  seen    {is}").unwrap();
        }
        played += 1;
    }
    assert!(wrong.is_empty() && played > 0, "{wrong}");
}

fn first_difference<'a>(seen: &'a str, written: &'a str) -> (usize, &'a str, &'a str) {
    let (mut seen, mut written) = (seen.lines(), written.lines());
    for number in 1.. {
        match (seen.next(), written.next()) {
            (None, None) => break,
            (is, was) if is == was => {}
            (is, was) => return (number, is.unwrap_or("nothing"), was.unwrap_or("nothing")),
        }
    }
    (0, "other line breaks", "")
}

/// The transcript with what comes of its commands now.
fn play(written: &str) -> String {
    let machine = Machine::with(&["alice", "bob"]);
    machine.file(
        "root/seed",
        0o600,
        "hex:3132333435363738393031323334353637383930\n",
    );
    let mut seen = String::new();
    let mut lines = written.lines().filter(|line| !is_outcome(line)).peekable();
    while let Some(line) = lines.next() {
        writeln!(seen, "{line}").unwrap();
        if let Some(command) = line.strip_prefix("% ") {
            machine.shell(command);
        } else if let Some(command) = line.strip_prefix("$ ") {
            let mut input = String::new();
            while let Some(typed) = lines.next_if(|line| line.starts_with("< ")) {
                writeln!(seen, "{typed}").unwrap();
                input += &format!("{}\n", &typed[2..]);
            }
            seen += &outcome(&machine, command, &input);
        }
    }
    seen
}

fn is_outcome(line: &str) -> bool {
    ["> ", "! ", "[exit "]
        .iter()
        .any(|mark| line.starts_with(mark))
        || line == ">"
        || line == "!"
}

fn outcome(machine: &Machine, command: &str, input: &str) -> String {
    let output = machine.with_input("sh", &["-c", command], input);
    let mut text = String::new();
    for (mark, bytes) in [('>', output.stdout), ('!', output.stderr)] {
        let said = String::from_utf8(bytes).unwrap();
        let mut last = String::new();
        for line in said.lines().map(normal) {
            let line = format!("{mark} {line}").trim_end().to_owned();
            if line != last || !line.ends_with("<QR>") {
                writeln!(text, "{line}").unwrap();
            }
            last = line;
        }
    }
    text + &format!("[exit {}]\n", output.status.code().unwrap())
}

/// A line with names for what is new each time.
fn normal(line: &str) -> String {
    let drawn = |c: char| "█▀▄ ".contains(c);
    if !line.is_empty() && line.chars().all(drawn) {
        return "<QR>".into();
    }
    if line.starts_with("Secret: ") {
        return "Secret: <SECRET>".into();
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-:".contains(c);
    let mut text = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end.max(c.len_utf8()));
        text += name_of(word).unwrap_or(word);
        rest = after;
    }
    text
}

fn name_of(word: &str) -> Option<&'static str> {
    let shape: String = word
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let base32 = |text: &str| text.chars().all(|c| matches!(c, 'A'..='Z' | '2'..='7'));
    let groups: Vec<&str> = word.split('-').collect();
    if shape == "0000-00-00T00:00:00Z" {
        Some("<TIME>")
    } else if groups.len() == 4 && groups.iter().all(|group| group.len() == 4 && base32(group)) {
        Some("<RECOVERY>")
    } else if word.len() >= 16 && base32(word) {
        Some("<SECRET>")
    } else if word.len() >= 8 && shape.chars().all(|c| c == '0') {
        Some("<STEP>")
    } else {
        None
    }
}

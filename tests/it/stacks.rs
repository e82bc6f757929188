//! The doctor's walk through a stack, held against the real libpam.

// Parts of the command, as they are.
#[path = "../../crates/fob-cli/src/pam/line.rs"]
#[allow(dead_code)]
mod line;
#[path = "../../crates/fob-cli/src/pam/walk.rs"]
#[allow(dead_code)]
mod walk;

use std::fmt::Write;
use std::path::Path;

use line::{Control, Line, Placed};
use walk::{Module, Role, past_in_setcred, walk};

use crate::machine::Machine;

/// What line.rs looks for.
pub(crate) const MODULE: &str = "pam_fob.so";

/// How many stacks are made up.
const STACKS: usize = 800;
/// In how many of them the end of a login is looked at too.
const ENDED: usize = 300;
/// What the modules in them say; a yes more often, or hardly anybody gets in.
const ANSWERS: [&str; 6] = [
    "success",
    "success",
    "success",
    "auth_err",
    "ignore",
    "new_authtok_reqd",
];

/// A stream of numbers that is the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A stack in the making: its files, and its lines in the order in which libpam has them.
#[derive(Default)]
struct Made {
    files: Vec<(String, String)>,
    lines: Vec<Placed>,
    answers: Vec<&'static str>,
    /// What the modules say in `pam_setcred`.
    ends: Vec<&'static str>,
    /// The line of the one that logs that it was come to.
    mark: Option<usize>,
}

impl Made {
    fn file(&mut self, numbers: &mut Numbers, name: &str, depth: usize, level: usize) {
        let mut text = String::new();
        for _ in 0..1 + numbers.below(5) {
            let kind = if level < 3 { numbers.below(8) } else { 8 };
            let inner = format!("{name}-{}", self.files.len());
            match kind {
                0 => {
                    writeln!(text, "auth include {inner}").unwrap();
                    self.file(numbers, &inner, depth, level + 1);
                }
                1 => {
                    let line = format!("auth substack {inner}");
                    self.line(&mut text, depth, &line, ["success"; 2]);
                    self.file(numbers, &inner, depth + 1, level + 1);
                }
                _ => {
                    let answers = [numbers.one(&ANSWERS), numbers.one(&ANSWERS)];
                    let control = control(numbers);
                    if self.mark.is_none() && numbers.below(4) == 0 {
                        self.mark = Some(self.lines.len());
                        let line = format!("auth {control} pam_warn.so");
                        self.line(&mut text, depth, &line, ["ignore"; 2]);
                        continue;
                    }
                    let [auth, cred] = answers;
                    let line = format!("auth {control} pam_debug.so auth={auth} cred={cred}");
                    self.line(&mut text, depth, &line, answers);
                }
            }
        }
        self.files.push((name.to_owned(), text));
    }

    fn line(&mut self, text: &mut String, depth: usize, line: &str, answers: [&'static str; 2]) {
        writeln!(text, "{line}").unwrap();
        let line = Line::parse(line).unwrap().unwrap();
        self.lines.push(Placed::new(Path::new("x"), 0, depth, line));
        self.answers.push(answers[0]);
        self.ends.push(answers[1]);
    }

    fn modules(&self) -> Vec<Module<'_>> {
        let modules = self.answers.iter().zip(&self.ends).enumerate();
        let module = |(at, (answer, end)): (usize, (&&'static str, &&'static str))| Module {
            role: if self.mark == Some(at) {
                Role::Ours
            } else {
                Role::Other
            },
            answers: vec![*answer],
            setcred: end,
        };
        modules.map(module).collect()
    }

    /// Whether the walk says that somebody gets in.
    fn lets_in(&self) -> bool {
        !walk(&self.lines, &self.modules()).unwrap().is_empty()
    }

    /// Whether it says that the end of a login, in another process, comes to the marked line.
    fn ends_at_mark(&self) -> bool {
        self.mark.is_some() && past_in_setcred(&self.lines, &self.modules()).is_none()
    }
}

fn control(numbers: &mut Numbers) -> String {
    let words = ["required", "requisite", "sufficient", "optional"];
    if numbers.below(2) == 0 {
        return numbers.one(&words).to_owned();
    }
    let mut pairs = Vec::new();
    for value in [
        "success",
        "auth_err",
        "ignore",
        "new_authtok_reqd",
        "default",
    ] {
        if numbers.below(3) > 0 {
            let actions = ["ok", "done", "bad", "die", "ignore", "reset", "1", "2", "3"];
            pairs.push(format!("{value}={}", numbers.one(&actions)));
        }
    }
    if pairs.is_empty() {
        pairs.push("default=ok".into());
    }
    format!("[{}]", pairs.join(" "))
}

#[test]
fn walk_through_a_stack_ends_as_libpam_does() {
    let machine = Machine::with(&["alice"]);
    let mut numbers = Numbers(20_261_124);
    let made: Vec<Made> = (0..STACKS)
        .map(|number| {
            let mut made = Made::default();
            made.file(&mut numbers, &format!("s{number}"), 0, 0);
            for (name, text) in &made.files {
                machine.stack(name, text);
            }
            made
        })
        .collect();
    let script = format!(
        "for n in $(seq 0 {}); do pamdrive s$n alice 2>&1 </dev/null; done
         for n in $(seq 0 {}); do pamdrive --calls setcred s$n alice >/dev/null 2>&1 </dev/null; done; true",
        STACKS - 1,
        ENDED - 1
    );
    let printed = machine.shell(&script);
    let codes: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("pamdrive: authenticate "))
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    assert_eq!(codes.len(), STACKS);
    let mut yes = 0;
    for (made, code) in made.iter().zip(codes) {
        yes += usize::from(code == "0");
        assert_eq!(made.lets_in(), code == "0", "{:#?}", made.files);
    }
    let log = machine.log().join("\n");
    let (mut to, mut past) = (0, 0);
    for (number, made) in made.iter().enumerate().take(ENDED) {
        let was_there = log.contains(&format!("pam_warn(s{number}:setcred)"));
        assert_eq!(made.ends_at_mark(), was_there, "{:#?}", made.files);
        to += usize::from(was_there);
        past += usize::from(made.mark.is_some() && !was_there);
    }
    assert!(to > ENDED / 10 && past > ENDED / 10, "{to} {past}");
    // Otherwise the test says little.
    assert!((STACKS / 10..STACKS * 9 / 10).contains(&yes), "{yes}");
    assert!(made.iter().any(|made| {
        made.lines
            .iter()
            .any(|l| l.line.control == Control::Substack)
    }));
}

/// What the doctor says about the dash.
#[test]
fn missing_module_with_a_dash_is_refused_like_one_without() {
    let machine = Machine::with(&["alice"]);
    for (name, dash) in [("with", "-"), ("without", "")] {
        let stack = format!("{dash}auth required pam_nosuch.so\nauth required pam_permit.so\n");
        machine.stack(name, &stack);
    }
    let codes = ["with", "without"].map(|name| machine.drive(&[name, "alice"], &[]).code());
    assert!(codes[0] == codes[1] && codes[0] != 0, "{codes:?}");
}

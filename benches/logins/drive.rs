//! Logins, through the test suite's PAM application.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Result;

/// PAM's codes for a login that succeeds, and for one that is refused.
pub(super) const IN: i32 = 0;
pub(super) const REFUSED: i32 = 7;

/// What is to be done in one process of the application, or one process after another.
#[derive(Debug, Clone, Default)]
pub(super) struct Drive {
    words: Vec<String>,
    answers: Vec<String>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Driven {
    /// From the start of the application to its end, in microseconds.
    pub(super) took: f64,
    /// PAM's codes, and the time from the answer to the result in microseconds.
    results: Vec<(i32, f64)>,
}

impl Drive {
    /// A login of `user` with each of these answers.
    pub(super) fn new(service: &str, user: &str, answers: &[String]) -> Self {
        Self {
            words: vec![service.into(), user.into()],
            answers: answers.to_vec(),
        }
    }

    /// From another machine.
    pub(super) fn from(self, rhost: &str) -> Self {
        self.with(&["--rhost", rhost])
    }

    /// Several, in one process.
    pub(super) fn warm(self, times: usize) -> Self {
        self.with(&["--repeat", &times.to_string()])
    }

    /// Several, each in a process of its own.
    pub(super) fn forked(self, times: usize) -> Self {
        self.warm(times).with(&["--fork"])
    }

    fn with(mut self, words: &[&str]) -> Self {
        self.words
            .splice(0..0, words.iter().map(|&word| word.into()));
        self
    }

    /// The command that does it.
    pub(super) fn command(&self) -> Vec<String> {
        let application = ["pamdrive".to_owned()];
        [&application[..], &self.words, &self.answers].concat()
    }

    /// Does it. Every login must end with `expected`.
    pub(super) fn expect(&self, expected: i32) -> Result<Driven> {
        let since = Instant::now();
        let child = self.start()?;
        let driven = self.end(child, since)?;
        self.check(&driven, expected)?;
        Ok(driven)
    }

    /// Starts it.
    pub(super) fn start(&self) -> Result<Child> {
        let (program, words) = (&self.command()[0], &self.command()[1..]);
        let mut command = Command::new(program);
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        Ok(command.spawn()?)
    }

    /// Waits for its end.
    pub(super) fn end(&self, child: Child, since: Instant) -> Result<Driven> {
        let output = child.wait_with_output()?;
        let took = micros(since.elapsed());
        let text = String::from_utf8_lossy(&output.stdout);
        let results = text.lines().filter_map(read_result).collect();
        Ok(Driven { took, results })
    }

    /// Fails if a login didn't end with `expected`, or if there weren't as many as asked for.
    pub(super) fn check(&self, driven: &Driven, expected: i32) -> Result<()> {
        let repeat = self.words.iter().position(|word| word == "--repeat");
        let times = repeat.map_or(Ok(1), |at| self.words[at + 1].parse())?;
        let right = driven.results.iter().all(|(code, _)| *code == expected);
        if right && driven.results.len() == times {
            return Ok(());
        }
        let (what, results) = (self.words.join(" "), &driven.results);
        Err(format!("{what}: expected {times} times {expected}, but was {results:?}").into())
    }
}

impl Driven {
    /// The time from the answer to the result of the first login, in microseconds.
    pub(super) fn judging(&self) -> f64 {
        self.results.first().map_or(f64::NAN, |(_, took)| *took)
    }
}

/// `pamdrive: authenticate RC NS`
fn read_result(line: &str) -> Option<(i32, f64)> {
    let mut words = line.strip_prefix("pamdrive: authenticate ")?.split(' ');
    let code = words.next()?.parse().ok()?;
    let nanoseconds: f64 = words.next()?.parse().ok()?;
    Some((code, nanoseconds / 1000.0))
}

/// All these people answer at the same instant. PAM's codes, in their order.
pub(super) fn race(service: &str, racers: &[(&str, String)]) -> Result<Vec<i32>> {
    let mut child = Command::new("pamdrive")
        .args(["--race", service])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let line = |(name, code): &(&str, String)| format!("{name}\t{code}\n");
    let round: String = racers.iter().map(line).collect();
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(round.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let text = String::from_utf8(output.stdout)?;
    let codes = text
        .trim()
        .trim_start_matches("pamdrive:")
        .split_whitespace();
    let codes: Vec<i32> = codes
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    let known = codes.iter().all(|code| [IN, REFUSED].contains(code));
    if known && codes.len() == racers.len() {
        return Ok(codes);
    }
    Err(format!("{service}: a race ended with {codes:?}").into())
}

/// A duration in microseconds.
pub(super) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

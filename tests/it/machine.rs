//! A throwaway machine: its own root directory, accounts, PAM files and system log, in
//! namespaces of its own. What runs in it is the built module under the real libpam.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fob_core::{Algorithm, Counter, Digits, Kind, Period, Secret, Token};

/// Where `make check` puts what machines are made of; `tests/platforms` names another folder.
fn parts() -> PathBuf {
    let named = std::env::var_os("FOB_PARTS").unwrap_or_else(|| "target/machine".into());
    Path::new(env!("CARGO_MANIFEST_DIR")).join(named)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/sandbox")
        .join(name)
}

/// A machine; gone when dropped.
pub struct Machine {
    pub root: PathBuf,
    log: Arc<SystemLog>,
    layers: Vec<PathBuf>,
}

impl Machine {
    /// A machine with these people (`name` or `name:password`) and a service `test` whose
    /// stack is a first factor that always says yes, then pam_fob.
    pub fn with(people: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("m{}-{number}", std::process::id());
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        run(Command::new(script("make-root")).arg(&root));
        if !people.is_empty() {
            run(Command::new(script("people")).arg(&root).args(people));
        }
        let machine = Self {
            log: SystemLog::start(bind_log(&root.join("dev"))),
            root,
            layers: vec![parts().join("layer"), parts().join("debian/root")],
        };
        machine.folder("etc/fob/tokens", 0o700);
        machine.folder("var/lib/fob", 0o700);
        machine.service("test", "");
        machine
    }

    /// Has the module of the build with `test-panic`.
    pub fn with_panicking_module(self) -> Self {
        self.with_part("panic")
    }

    /// Has this over everything else.
    pub fn with_part(mut self, name: &str) -> Self {
        self.layers.insert(0, parts().join(name));
        self
    }

    /// A path of the machine, seen from outside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside.trim_start_matches('/'))
    }

    pub fn folder(&self, inside: &str, mode: u32) {
        fs::create_dir_all(self.path(inside)).unwrap();
        fs::set_permissions(self.path(inside), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn file(&self, inside: &str, mode: u32, content: impl AsRef<[u8]>) {
        fs::write(self.path(inside), content).unwrap();
        fs::set_permissions(self.path(inside), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A second-factor stack: a module that wrongly says "ignore" would let people in.
    pub fn service(&self, name: &str, arguments: &str) {
        let stack = format!(
            "auth required pam_permit.so\nauth required pam_fob.so {arguments}\n\
             account required pam_permit.so\nsession required pam_permit.so\n"
        );
        self.file(&format!("etc/pam.d/{name}"), 0o644, stack);
    }

    pub fn stack(&self, name: &str, stack: &str) {
        self.file(&format!("etc/pam.d/{name}"), 0o644, stack);
    }

    /// Lays a token file down, as ansible would.
    pub fn enrol(&self, person: &str, tokens: &[Token]) {
        let file = format!("etc/fob/tokens/{person}");
        self.file(&file, 0o600, token_file(tokens));
    }

    /// A command in the machine.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(script("enter"));
        command.arg(&self.root);
        for layer in &self.layers {
            command.arg("--layer").arg(layer);
        }
        command.arg("--").arg(program);
        command
    }

    /// Runs a shell script in the machine; its output, and whatever it printed as errors.
    pub fn shell(&self, script: &str) -> String {
        let output = self.command("sh").args(["-c", script]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\n{error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Logs `user` in to the service `test` with these answers.
    pub fn login(&self, user: &str, answers: &[&str]) -> Report {
        self.drive(&["test", user], answers)
    }

    /// Runs the test application with these options, service and user.
    pub fn drive(&self, words: &[&str], answers: &[&str]) -> Report {
        let output = self
            .command("pamdrive")
            .args(words)
            .args(answers)
            .output()
            .unwrap();
        Report::new(&output)
    }

    /// Rounds of simultaneous logins to `service`: for each round and line the PAM code.
    pub fn race(&self, service: &str, rounds: &[Vec<String>]) -> Vec<Vec<String>> {
        let script: Vec<String> = rounds.iter().map(|lines| lines.join("\n")).collect();
        let output = self.with_input("pamdrive", &["--race", service], &script.join("\n\n"));
        let text = String::from_utf8(output.stdout).unwrap();
        let codes = text.lines().map(|line| {
            let codes = line.trim_start_matches("pamdrive:").split_whitespace();
            codes.map(str::to_owned).collect::<Vec<_>>()
        });
        let codes: Vec<_> = codes.collect();
        assert_eq!(
            codes.len(),
            rounds.len(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        codes
    }

    pub fn with_input(&self, program: &str, words: &[&str], input: &str) -> Output {
        let mut command = self.command(program);
        command
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || match stdin.write_all(input.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("{error}"),
            _ => {}
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    /// What was logged since the last call.
    pub fn log(&self) -> Vec<String> {
        self.log.drain();
        std::mem::take(&mut self.log.lines.lock().unwrap())
    }

    /// The same without the processes' ids: with its priority, as docs/log.md promises it.
    pub fn lines(&self) -> Vec<String> {
        let cut = |line: String| {
            let (front, rest) = line.split_once('[').unwrap();
            format!("{front}{}", rest.split_once(']').unwrap().1)
        };
        self.log().into_iter().map(cut).collect()
    }

    /// The value of `key` in the last line of the log.
    pub fn logged(&self, key: &str) -> Option<String> {
        let line = self.log().pop()?;
        let value = line.split_once(&format!(" {key}="))?.1;
        let end = value.split_whitespace().next()?;
        Some(end.trim_matches('"').to_owned())
    }

    /// Starts a server; it ends with the value that is handed out.
    pub fn start(&self, program: &str, words: &[&str]) -> Server {
        let mut command = self.command(program);
        command
            .args(words)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        Server(command.spawn().unwrap())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.log.ended.store(true, Ordering::Relaxed);
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

/// The machine's system log. Its queue is short, so that it is read all the time.
struct SystemLog {
    socket: UnixDatagram,
    lines: Mutex<Vec<String>>,
    ended: AtomicBool,
}

impl SystemLog {
    fn start(socket: UnixDatagram) -> Arc<Self> {
        let log = Arc::new(Self {
            socket,
            lines: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let reader = Arc::clone(&log);
        std::thread::spawn(move || {
            while !reader.ended.load(Ordering::Relaxed) {
                reader.drain();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        log
    }

    fn drain(&self) {
        let mut lines = self.lines.lock().unwrap();
        let mut buffer = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            lines.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
    }
}

/// A process in the machine; ended by its id when dropped.
pub struct Server(Child);

impl Server {
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// What the test application saw.
#[derive(Debug)]
pub struct Report {
    pub lines: Vec<String>,
    /// What somebody else than the application printed.
    pub strays: Vec<String>,
    calls: BTreeMap<String, Vec<i32>>,
}

impl Report {
    fn new(output: &Output) -> Self {
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut report = Self {
            lines: vec![],
            strays: vec![],
            calls: BTreeMap::new(),
        };
        for line in text.lines() {
            match line.strip_prefix("pamdrive: ") {
                Some(own) => report.add(own),
                None => report.strays.push(line.to_owned()),
            }
        }
        report
    }

    fn add(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        if let (Some(call), Some(Ok(code)), Some(_)) =
            (words.next(), words.next().map(str::parse), words.next())
        {
            self.calls.entry(call.to_owned()).or_default().push(code);
        }
        self.lines.push(line.to_owned());
    }

    /// What pam_authenticate returned; -1 if it never did.
    pub fn code(&self) -> i32 {
        self.codes("authenticate").last().copied().unwrap_or(-1)
    }

    pub fn codes(&self, call: &str) -> &[i32] {
        self.calls.get(call).map_or(&[], Vec::as_slice)
    }

    /// All that the person was shown: prompts and messages.
    pub fn shown(&self) -> Vec<&str> {
        let shown = |line: &&String| {
            ["prompt ", "info ", "error "]
                .iter()
                .any(|kind| line.starts_with(kind))
        };
        self.lines
            .iter()
            .filter(shown)
            .map(String::as_str)
            .collect()
    }

    pub fn line(&self, kind: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| line.strip_prefix(kind))
    }
}

/// A token whose secret is made of `seed`.
pub fn hotp(seed: &str) -> Token {
    token(
        "fob",
        Kind::Hotp {
            counter: Counter(0),
        },
        seed,
    )
}

pub fn totp(seed: &str) -> Token {
    token(
        "phone",
        Kind::Totp {
            period: Period::DEFAULT,
            t0: 0,
        },
        seed,
    )
}

fn token(id: &str, kind: Kind, seed: &str) -> Token {
    let bytes = format!("{seed:*<20}").into_bytes();
    Token {
        id: id.into(),
        kind,
        algorithm: Algorithm::Sha1,
        digits: Digits::MIN,
        secret: Secret::new(bytes).unwrap(),
        serial: None,
        public_id: None,
        expires: None,
        disabled: false,
    }
}

pub fn token_file(tokens: &[Token]) -> String {
    let mut text = String::from("version = 1\n");
    for token in tokens {
        text += &format!(
            "\n[[token]]\nid = \"{}\"\ntype = \"{}\"\nsecret = \"{}\"\nalgorithm = \"{}\"\ndigits = {}\ndisabled = {}\n",
            token.id,
            token.kind.name(),
            token.secret.to_base32().as_str(),
            token.algorithm.name(),
            token.digits.count(),
            token.disabled,
        );
        match token.kind {
            Kind::Hotp { counter } => text += &format!("counter = {counter}\n"),
            Kind::Yubico { .. } => panic!("tests write these themselves"),
            Kind::Totp { period, t0 } => {
                text += &format!("period = {}\nt0 = {t0}\n", period.seconds())
            }
        }
    }
    text
}

/// The code of an HOTP counter.
pub fn press(token: &Token, counter: u64) -> String {
    token.code(Counter(counter)).to_text().to_string()
}

/// The code that a TOTP token shows now.
pub fn shows(token: &Token) -> String {
    showed(token, 0)
}

/// The code that it showed so many seconds ago.
pub fn showed(token: &Token, ago: u64) -> String {
    let Kind::Totp { period, t0 } = token.kind else {
        panic!("no clock")
    };
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    token
        .code(fob_core::step(time - ago, t0, period).unwrap())
        .to_text()
        .to_string()
}

/// A shell function `calls FILE`: each system call of a trace as `NAME K`, the K-th of its
/// name, which is how strace counts for its `when=`.
pub const CALLS: &str = r#"
calls() { sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' "$1" | awk '$1 != "execve" { print $1, ++count[$1] }'; }
"#;

/// The processes that a process started, and theirs, each with its name and state.
pub fn descendants(process: u32) -> Vec<(u32, String, char)> {
    let list = format!("/proc/{process}/task/{process}/children");
    let children = fs::read_to_string(list).unwrap_or_default();
    let mut all = vec![];
    for child in children.split_whitespace().map(|id| id.parse().unwrap()) {
        // PID (NAME) STATE ...
        if let Ok(stat) = fs::read_to_string(format!("/proc/{child}/stat")) {
            let (head, tail) = stat.rsplit_once(") ").unwrap();
            let name = head.split_once('(').unwrap().1.to_owned();
            all.push((child, name, tail.chars().next().unwrap()));
        }
        all.extend(descendants(child));
    }
    all
}

/// Waits for something to become true, at most ten seconds.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("in vain: {what}");
}

/// A socket as the system log's.
pub fn bind_log(folder: &Path) -> UnixDatagram {
    // Through a descriptor: the path of a socket may have 108 bytes only.
    let folder = fs::File::open(folder).unwrap();
    let path = format!("/proc/self/fd/{}/log", folder.as_raw_fd());
    let socket = UnixDatagram::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

//! A private sshd on loopback, and OpenSSH's own client.

use std::net::{TcpListener, TcpStream};
use std::process::Output;

use fob_core::RecoveryCode;

use crate::machine::{Machine, Server, hotp, press, token_file, wait_until};

/// A machine with an sshd whose PAM stack asks for a password, then for a code.
pub struct Site {
    pub machine: Machine,
    pub port: u16,
    pub server: Server,
}

impl Site {
    pub fn new(methods: &str, stack: &str) -> Self {
        let machine = Machine::with(&["alice:correct horse"]);
        let rest = "account required pam_permit.so\nsession required pam_permit.so\n";
        machine.stack("sshd", &format!("{stack}{rest}"));
        Self::on(
            machine,
            &format!(
                "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n\
                 AuthenticationMethods {methods}\n"
            ),
        )
    }

    /// An sshd with these lines in a file of its own, as the README has it. Everybody has
    /// the same key.
    pub fn on(machine: Machine, fob_conf: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let conf = format!(
            "Include /etc/ssh/sshd_config.d/*.conf\nPort {port}\nListenAddress 127.0.0.1\n\
             HostKey /etc/ssh/host\nPidFile none\n"
        );
        machine.folder("etc/ssh/sshd_config.d", 0o755);
        machine.file("etc/ssh/sshd_config", 0o644, conf);
        machine.file("etc/ssh/sshd_config.d/10-fob.conf", 0o644, fob_conf);
        // Answers the prompts with the lines of a file, one after the other.
        machine.file(
            "root/askpass",
            0o755,
            "#!/bin/sh\necho \"$1\" >>/tmp/prompts\n[ -s /tmp/answers ] || exit 1\n\
             head -n 1 /tmp/answers\nsed -i 1d /tmp/answers\n",
        );
        machine.shell(
            "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/host
             ssh-keygen -q -t ed25519 -N '' -f /root/key
             cd /home
             for name in *; do
                 mkdir -m 0700 $name/.ssh; cp /root/key.pub $name/.ssh/authorized_keys
                 chown -R $name:$name $name
             done",
        );
        let server = machine.start(
            "/usr/sbin/sshd",
            &["-D", "-e", "-f", "/etc/ssh/sshd_config"],
        );
        wait_until("sshd listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            machine,
            port,
            server,
        }
    }

    /// Logs alice in with these answers; what `id -un` printed, if she got in.
    pub fn login(&self, answers: &[&str]) -> Option<String> {
        self.login_as("alice", "-i /root/key", answers)
    }

    /// Logs somebody in, with these words for ssh.
    pub fn login_as(&self, person: &str, words: &str, answers: &[&str]) -> Option<String> {
        let output = self.try_login(person, words, answers);
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(name)
    }

    fn try_login(&self, person: &str, words: &str, answers: &[&str]) -> Output {
        let lines: String = answers.iter().map(|answer| format!("{answer}\n")).collect();
        self.machine.file("tmp/answers", 0o600, lines);
        let _ = std::fs::remove_file(self.machine.path("tmp/prompts"));
        let script = format!(
            "SSH_ASKPASS=/root/askpass SSH_ASKPASS_REQUIRE=force ssh {words} -p {} \
             -o StrictHostKeyChecking=no -o NumberOfPasswordPrompts=1 -o LogLevel=ERROR {person}@127.0.0.1 id -un",
            self.port
        );
        self.machine
            .command("sh")
            .args(["-c", &script])
            .output()
            .unwrap()
    }

    pub fn prompts(&self) -> String {
        std::fs::read_to_string(self.machine.path("tmp/prompts")).unwrap_or_default()
    }

    pub fn logged(&self) -> Vec<String> {
        let ours = |line: &String| line.contains("(pam_fob:");
        self.machine.log().into_iter().filter(ours).collect()
    }
}

#[test]
fn key_and_code_let_in_over_ssh() {
    let site = Site::new(
        "publickey,keyboard-interactive",
        "auth required pam_fob.so\n",
    );
    let fob = hotp("alice");
    site.machine.enrol("alice", &[fob.clone()]);
    assert_eq!(site.login(&[&press(&fob, 0)]).as_deref(), Some("alice"));
    assert!(site.prompts().contains("Verification code: "));
    let log = site.logged();
    assert!(
        log[0].contains("accepted user=alice service=sshd rhost=127.0.0.1 tty=ssh"),
        "{log:?}"
    );
    // The same code, a wrong one, none at all, and somebody who presses Ctrl-C.
    for answers in [
        vec![press(&fob, 0)],
        vec!["000000".into()],
        vec![String::new()],
        vec![],
    ] {
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        assert_eq!(site.login(&answers), None, "{answers:?}");
    }
    assert_eq!(site.login(&[&press(&fob, 1)]).as_deref(), Some("alice"));
}

#[test]
fn password_and_code_let_in_over_ssh() {
    let site = Site::new(
        "keyboard-interactive",
        "auth required pam_unix.so\nauth required pam_fob.so\n",
    );
    let fob = hotp("alice");
    let paper = RecoveryCode::new([5; 10]);
    let digests: Vec<_> = (0..10u8)
        .map(|n| RecoveryCode::new([n; 10]).digest(&[7; 16]).bytes())
        .map(|bytes| fob_core::format::hex_text(&bytes))
        .collect();
    let table = format!(
        "\n[recovery]\nset = \"{}\"\nsalt = \"{}\"\ndigests = {digests:?}\n",
        "01".repeat(16),
        "07".repeat(16)
    );
    site.machine.file(
        "etc/fob/tokens/alice",
        0o600,
        token_file(&[fob.clone()]) + &table,
    );
    assert_eq!(
        site.login(&["correct horse", &press(&fob, 0)]).as_deref(),
        Some("alice")
    );
    assert_eq!(site.login(&["wrong horse", &press(&fob, 1)]), None);
    assert_eq!(site.login(&["correct horse", "000000"]), None);
    let typed = paper.to_text().to_lowercase();
    assert_eq!(
        site.login(&["correct horse", &typed]).as_deref(),
        Some("alice")
    );
    assert_eq!(site.login(&["correct horse", &typed]), None);
}

#[test]
fn password_and_code_in_one_field_let_in_over_ssh() {
    let stack = "auth required pam_fob.so forward_pass\nauth required pam_unix.so use_first_pass\n";
    let site = Site::new("keyboard-interactive", stack);
    let fob = hotp("alice");
    site.machine.enrol("alice", &[fob.clone()]);
    let joined = format!("correct horse{}", press(&fob, 0));
    assert_eq!(site.login(&[&joined]).as_deref(), Some("alice"));
    assert_eq!(site.login(&[&joined]), None);
    assert!(site.prompts().contains("Password & verification code: "));
}

/// A YubiKey types its password behind a PIN; and a fob that was pressed in a pocket is
/// resynced by the next code, over the wire too.
#[test]
fn yubikey_pin_and_resync_work_over_ssh() {
    let stack = "auth required pam_fob.so pin=prompt\n";
    let site = Site::new("publickey,keyboard-interactive", stack);
    let fob = hotp("alice");
    let yubikey = "\n[[token]]\nid = \"yubikey\"\ntype = \"yubico\"\n\
        secret = \"5TPBRW7HN66QYMZTB4ODKSDR3M\"\nprivate_id = \"8792ebfe26cc\"\n\
        public_id = \"cccccbdefghi\"\n";
    let file = token_file(&[fob.clone()]) + yubikey;
    let machine = &site.machine;
    machine.file("etc/fob/tokens/alice", 0o600, file);
    machine.file("etc/fob/fob.conf", 0o644, "resync = \"prompt\"\n");
    machine.with_input("fob", &["pin", "alice"], "4711\n");
    let otp = "cccccbdefghiuujeihnhleghgvfejvugtldurguckuvk";
    assert_eq!(site.login(&["4712", otp]), None);
    assert_eq!(site.login(&["4711", otp]).as_deref(), Some("alice"));
    assert_eq!(site.login(&["4711", otp]), None);
    let (first, second) = (press(&fob, 40), press(&fob, 41));
    let far = site.login(&["4711", &first, &second]);
    assert_eq!(far.as_deref(), Some("alice"));
    assert!(site.prompts().contains("Next verification code: "));
    assert_eq!(site.login(&["4711", &second]), None);
}

/// "Under pam_wrapper without root": nobody's own user namespace, in which he is root.
#[test]
fn module_works_under_pam_wrapper_without_root() {
    let folder = std::env::temp_dir().join(format!("fob-nobody-{}", std::process::id()));
    let fob = hotp("alice");
    let script = include_str!("without_root.sh");
    let output = std::process::Command::new("setpriv")
        .args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/target/machine"))
        .arg(&folder)
        .arg(token_file(&[fob.clone()]))
        .args([press(&fob, 0), press(&fob, 0)])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains("successfully authenticated"),
        "{text}{errors}"
    );
    assert_eq!(text.matches("successfully").count(), 1, "{text}{errors}");
    assert!(errors.contains("Authentication failure"), "{text}{errors}");
}

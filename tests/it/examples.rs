//! The files of pam.d-examples, as they are, in the programs that they are for.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use fob_core::Token;

use crate::machine::{Machine, Report, hotp, press, wait_until};
use crate::ssh::Site;
use crate::terminal::Terminal;

pub const PASSWORD: &str = "correct horse";

/// What pam-auth-update writes on a Debian where no package adds anything.
const COMMON: [(&str, &str); 5] = [
    (
        "common-auth",
        "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n\
         auth required pam_permit.so\n",
    ),
    (
        "common-account",
        "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n\
         account requisite pam_deny.so\naccount required pam_permit.so\n",
    ),
    (
        "common-password",
        "password [success=1 default=ignore] pam_unix.so obscure yescrypt\n\
         password requisite pam_deny.so\npassword required pam_permit.so\n",
    ),
    ("common-session", SESSION),
    ("common-session-noninteractive", SESSION),
];
const SESSION: &str = "session [default=1] pam_permit.so\nsession requisite pam_deny.so\n\
    session required pam_permit.so\nsession required pam_unix.so\n";

pub fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pam.d-examples");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The lines of another file that an example's head tells, below the line that names it.
fn beside(name: &str, file: &str) -> String {
    let text = example(name);
    let head = text
        .lines()
        .skip_while(|line| !line.ends_with(&format!("{file}:")));
    let lines = head
        .skip(1)
        .take_while(|line| line.starts_with("#     ") || *line == "#");
    let lines: Vec<&str> = lines
        .map(|line| line.get(6..).unwrap_or_default())
        .collect();
    assert!(!lines.is_empty(), "{name} says nothing of {file}");
    lines.join("\n") + "\n"
}

/// A Debian with alice and bob, the example installed under this service's name.
pub fn debian(name: &str, service: &str) -> (Machine, [Token; 2]) {
    let machine = Machine::with(&[
        &format!("alice:{PASSWORD}"),
        &format!("bob:{PASSWORD}"),
        &format!("robot:{PASSWORD}"),
    ]);
    for (file, text) in COMMON {
        machine.stack(file, text);
    }
    machine.folder("etc/default", 0o755);
    for file in [
        "etc/default/locale",
        "etc/environment",
        "etc/security/pam_env.conf",
    ] {
        machine.file(file, 0o644, "");
    }
    machine.file("etc/security/limits.conf", 0o644, "");
    machine.file("etc/security/group.conf", 0o644, "");
    machine.stack(service, &example(name));
    let tokens = [hotp("alice"), hotp("bob")];
    machine.enrol("alice", &tokens[..1]);
    machine.enrol("bob", &tokens[1..]);
    (machine, tokens)
}

/// Both apart, each wrong one, and both right.
pub fn asks_for_both(login: &dyn Fn(&str, &str) -> bool, token: &Token) {
    assert!(login(PASSWORD, &press(token, 0)));
    assert!(!login(PASSWORD, &press(token, 0)), "a spent code");
    assert!(!login("wrong horse", &press(token, 1)), "a wrong password");
    assert!(!login(PASSWORD, "000000"), "a wrong code");
    assert!(login(PASSWORD, &press(token, 2)));
}

/// Each is a whole file, and tells the three things that its reader needs.
#[test]
fn every_example_says_what_locks_out_and_how_to_get_back_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pam.d-examples");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let own = include_str!("examples.rs");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        let text = example(&name);
        for head in [
            "# What it does: ",
            "# What locks you out: ",
            "# How to get back in: ",
        ] {
            assert_eq!(text.matches(head).count(), 1, "{name}: {head}");
        }
        assert!(
            readme.contains(&format!("| [{name}]({name}) |")),
            "{name} in README.md"
        );
        assert!(
            own.contains(&format!("\"{name}\"")),
            "{name} is used by no test"
        );
    }
}

#[test]
fn sshd_asks_for_key_and_code() {
    let name = "sshd-key-and-code";
    let (machine, [fob, _]) = debian(name, "sshd");
    let site = Site::on(machine, &beside(name, "10-fob.conf"));
    assert_eq!(site.login(&[&press(&fob, 0)]).as_deref(), Some("alice"));
    assert_eq!(site.login(&[&press(&fob, 0)]), None);
    let without = site.login_as("alice", "-o PubkeyAuthentication=no", &[&press(&fob, 1)]);
    assert_eq!(without, None);
    assert_eq!(site.prompts(), "", "a code is no key");
    assert_eq!(site.login(&[&press(&fob, 1)]).as_deref(), Some("alice"));
}

#[test]
fn sshd_asks_for_password_and_code() {
    let name = "sshd-password-and-code";
    let (machine, [fob, _]) = debian(name, "sshd");
    let site = Site::on(machine, &beside(name, "10-fob.conf"));
    let login = |password: &str, code: &str| site.login(&[password, code]).is_some();
    asks_for_both(&login, &fob);
}

/// Who has a key isn't asked for the password, and groups say who needs what.
#[test]
fn sshd_asks_for_key_or_password_and_code_by_groups() {
    let name = "sshd-key-or-password-and-code";
    let (machine, [alice, bob]) = debian(name, "sshd");
    machine.shell("printf 'admins:x:500:alice\\nrobots:x:501:robot\\n' >>/etc/group");
    machine.file("etc/fob/fob.conf", 0o644, beside(name, "/etc/fob/fob.conf"));
    let site = Site::on(machine, &beside(name, "10-fob.conf"));
    let key = "-i /root/key";
    let no_key = "-o PubkeyAuthentication=no -o SetEnv=SSH_AUTH_INFO_0=publickey";
    let enters = |person, words, answers: &[&str]| {
        let name = site.login_as(person, words, answers);
        assert!(
            name.is_none() || name.as_deref() == Some(person),
            "{name:?}"
        );
        name.is_some()
    };
    // Without a key, a password and a code; a code alone is nothing.
    assert!(enters("bob", no_key, &[PASSWORD, &press(&bob, 0)]));
    assert!(!enters("bob", no_key, &[&press(&bob, 1)]));
    assert!(!enters("bob", no_key, &["wrong horse", &press(&bob, 2)]));
    assert!(!enters("bob", no_key, &[PASSWORD, "000000"]));
    // With one, a code.
    assert!(enters("bob", key, &[&press(&bob, 3)]));
    assert!(!enters("bob", key, &["000000"]));
    assert!(enters("alice", key, &[&press(&alice, 0)]));
    // admins need it.
    assert!(!enters("alice", no_key, &[PASSWORD, &press(&alice, 1)]));
    assert_eq!(site.prompts(), "");
    // robots have nothing else, and come from one network.
    assert!(enters("robot", key, &[]));
    assert!(!enters("robot", no_key, &[PASSWORD]));
    let conf = beside(name, "/etc/fob/fob.conf").replace("127.0.0.0/8", "192.0.2.0/24");
    site.machine.file("etc/fob/fob.conf", 0o644, conf);
    assert!(!enters("robot", key, &[]));
}

/// Runs a script of the machine at a terminal, and types when it is asked.
fn at_terminal(machine: &Machine, script: &str, typed: &[(&str, &str)]) -> (i32, String) {
    let mut terminal = Terminal::run(machine, script);
    for (prompt, answer) in typed {
        let asked = |text: &str| {
            text.rsplit('\n')
                .next()
                .unwrap_or_default()
                .contains(prompt)
        };
        wait_until(prompt, || asked(&terminal.text()) || terminal.is_over());
        if terminal.is_over() {
            break;
        }
        terminal.types(&format!("{answer}\n"));
    }
    terminal.result()
}

#[test]
fn sudo_asks_for_password_and_code() {
    let (machine, [fob, _]) = debian("sudo", "sudo");
    machine.file(
        "etc/sudoers",
        0o440,
        "Defaults passwd_tries=1\nalice ALL=(ALL) ALL\n",
    );
    // sudo looks its host's name up.
    machine.shell("echo 127.0.0.1 $(hostname) >>/etc/hosts");
    let script = "setpriv --reuid alice --regid alice --init-groups sudo -k id -un";
    let login = |password: &str, code: &str| {
        let typed = [("assword", password), ("code:", code)];
        let (status, shown) = at_terminal(&machine, script, &typed);
        status == 0 && shown.contains("root")
    };
    asks_for_both(&login, &fob);
}

#[test]
fn su_asks_for_password_and_code_of_whom_one_becomes() {
    let (machine, [alice, bob]) = debian("su", "su");
    let script = "setpriv --reuid alice --regid alice --init-groups su bob -c 'id -un'";
    let login = |password: &str, code: &str| {
        let typed = [("assword", password), ("code:", code)];
        let (status, shown) = at_terminal(&machine, script, &typed);
        status == 0 && shown.ends_with("bob\r\n")
    };
    assert!(!login(PASSWORD, &press(&alice, 0)));
    asks_for_both(&login, &bob);
    assert_eq!(
        machine.shell("su bob -c 'id -un'"),
        "bob\n",
        "root is asked nothing"
    );
}

#[test]
fn login_asks_for_password_and_code_at_a_terminal() {
    let (machine, [fob, _]) = debian("login", "login");
    machine.file(
        "etc/login.defs",
        0o644,
        "ENCRYPT_METHOD SHA512\nLOGIN_RETRIES 1\nLOGIN_TIMEOUT 60\nFAIL_DELAY 0\n",
    );
    machine.file("etc/hostname", 0o644, "throwaway\n");
    let login = |password: &str, code: &str| {
        let typed = [("login:", "alice"), ("assword", password), ("code:", code)];
        let mut terminal = Terminal::run(&machine, "script -qec login /dev/null");
        for (prompt, answer) in typed {
            terminal.wait_for(prompt);
            terminal.types(&format!("{answer}\n"));
        }
        wait_until("an answer", || {
            terminal.text().contains("incorrect") || terminal.text().contains('$')
        });
        let entered = terminal.text().contains('$');
        if entered {
            terminal.types("id -un; exit\n");
            wait_until("her shell's end", || terminal.is_over());
            assert!(terminal.text().contains("\nalice"), "{}", terminal.text());
        }
        terminal.kill();
        entered
    };
    assert!(login(PASSWORD, &press(&fob, 0)));
    assert!(!login(PASSWORD, &press(&fob, 0)));
    let log = machine.log();
    let accepted =
        |line: &String| line.contains("accepted user=alice service=login rhost=- tty=/dev/pts/");
    assert!(log.iter().any(accepted), "{log:?}");
}

/// cron asks nobody, and its file may include a common-auth that asks for codes.
#[test]
fn cron_runs_jobs_without_a_code() {
    let (machine, _) = debian("cron", "cron");
    machine.stack(
        "common-auth",
        &example("common-auth").replace(" nullok", ""),
    );
    machine.folder("var/spool", 0o755);
    machine.folder("var/spool/cron", 0o755);
    machine.folder("var/spool/cron/crontabs", 0o730);
    machine.file("etc/crontab", 0o644, "@reboot alice id -un >/tmp/ran\n");
    machine.log();
    let _cron = machine.start("/usr/sbin/cron", &["-f"]);
    let ran = || fs::read_to_string(machine.path("tmp/ran")).unwrap_or_default();
    wait_until("the job runs", || ran() == "alice\n");
    let log = machine.log();
    assert!(log.iter().any(|line| line.contains("CRON")), "{log:?}");
    assert!(!log.iter().any(|line| line.contains("pam_fob")), "{log:?}");
    assert!(!machine.path("var/lib/fob/2000").exists());
}

/// What systemd asks PAM when it starts somebody's own services.
#[test]
fn services_of_a_person_start_without_a_code() {
    let (machine, _) = debian("systemd-user", "systemd-user");
    machine.stack(
        "common-auth",
        &example("common-auth").replace(" nullok", ""),
    );
    // SELinux and logind aren't there; each says that it isn't concerned.
    let calls = "acct_mgmt,open_session,close_session";
    let report = machine.drive(&["--calls", calls, "systemd-user", "alice"], &[]);
    for call in ["acct_mgmt", "open_session", "close_session"] {
        assert_eq!(report.codes(call), [0], "{call}: {report:?}");
    }
    assert!(report.shown().is_empty() && !machine.path("var/lib/fob/2000").exists());
}

/// A login over FTP: 230 or 530.
fn ftp(port: u16, user: &str, password: &str) -> String {
    let mut line = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut replies = BufReader::new(line.try_clone().unwrap()).lines();
    let mut reply = || replies.next().unwrap().unwrap();
    assert!(reply().starts_with("220"));
    line.write_all(format!("USER {user}\r\n").as_bytes())
        .unwrap();
    assert!(reply().starts_with("331"));
    line.write_all(format!("PASS {password}\r\n").as_bytes())
        .unwrap();
    reply().get(..3).unwrap().to_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn vsftpd_takes_password_and_code_in_one_field() {
    let (machine, [fob, _]) = debian("vsftpd", "vsftpd");
    let port = free_port();
    machine.file("etc/ftpusers", 0o644, "root\n");
    machine.folder("run/vsftpd/empty", 0o755);
    let conf = format!(
        "listen=YES\nlisten_port={port}\nlisten_address=127.0.0.1\nbackground=NO\n\
         local_enable=YES\nanonymous_enable=NO\npam_service_name=vsftpd\n\
         secure_chroot_dir=/run/vsftpd/empty\n"
    );
    machine.file("etc/vsftpd.conf", 0o644, conf);
    let _server = machine.start("/usr/sbin/vsftpd", &["/etc/vsftpd.conf"]);
    wait_until("vsftpd listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    let login =
        |password: &str, code: &str| ftp(port, "alice", &format!("{password}{code}")) == "230";
    asks_for_both(&login, &fob);
    assert_eq!(ftp(port, "alice", PASSWORD), "530");
}

/// OpenVPN's own server, plugin and client.
#[test]
fn openvpn_takes_password_and_code_in_one_field() {
    let name = "openvpn";
    let (machine, [fob, _]) = debian(name, "openvpn");
    machine.file("root/server.conf", 0o600, beside(name, "NAME.conf"));
    machine.file("root/openvpn.sh", 0o755, include_str!("openvpn.sh"));
    let login = |password: &str, code: &str| {
        let port = free_port();
        let said = machine.shell(&format!("/root/openvpn.sh {port} '{password}{code}'"));
        said.contains("succeeded for username 'alice'")
    };
    asks_for_both(&login, &fob);
}

/// xrdp's sesman, which asks PAM, and the client that comes with it. The X server is a stand-in.
#[test]
fn xrdp_sesman_takes_password_and_code_in_one_field() {
    let name = "xrdp-sesman";
    let (machine, [fob, _]) = debian(name, name);
    let port = free_port();
    machine.folder("etc/xrdp", 0o755);
    // Without the prefix it listens at ::1, and its client looks for it at 127.0.0.1.
    let settings = format!(
        "[Globals]\nListenAddress=::ffff:127.0.0.1\nListenPort={port}\nDefaultWindowManager=/etc/xrdp/desktop\n\
         [Sessions]\nMaxSessions=10\nPolicy=UBC\n[Logging]\nLogFile=/var/log/sesman.log\nEnableSyslog=false\n[Xvnc]\nparam=/etc/xrdp/screen\n"
    );
    machine.file("etc/xrdp/sesman.ini", 0o644, settings);
    let screen = "#!/bin/sh\ntouch /tmp/.X11-unix/X${1#:}\nexec sleep 60\n";
    machine.file("etc/xrdp/screen", 0o755, screen);
    let desktop = "#!/bin/sh\nid -un >session.new && mv session.new session\n";
    machine.file("etc/xrdp/desktop", 0o755, desktop);
    let _server = machine.start("sh", &["-c", "exec xrdp-sesman --nodaemon >/dev/null"]);
    wait_until("sesman listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    let session = machine.path("home/alice/session");
    let login = |password: &str, code: &str| {
        let words = ["-F", "0", "-t", "Xvnc", "alice"];
        let output = machine.with_input("xrdp-sesrun", &words, &format!("{password}{code}"));
        let said = String::from_utf8_lossy(&output.stdout);
        if !said.starts_with("ok ") {
            assert!(said.contains("authentication error"), "{output:?}");
            return false;
        }
        wait_until("a session", || session.exists());
        assert_eq!(fs::read_to_string(&session).unwrap(), "alice\n");
        fs::remove_file(&session).unwrap();
        true
    };
    asks_for_both(&login, &fob);
    assert!(!login(PASSWORD, ""));
}

/// One text for every question, as programs with one field answer.
fn one_field(machine: &Machine, service: &str, password: &str, code: &str) -> bool {
    let calls = ["--calls", "authenticate,setcred,acct_mgmt"];
    let text = format!("{password}{code}");
    let words = [&calls[..], &[service, "alice"]].concat();
    let report = machine.drive(&words, &[text.as_str(); 4]);
    all_yes(&report)
}

fn all_yes(report: &Report) -> bool {
    let calls = ["authenticate", "setcred", "acct_mgmt"];
    calls.iter().all(|call| report.codes(call) == [0])
}

/// The shapes of programs that aren't run here, by the test application.
#[test]
fn programs_with_one_field_let_in_with_password_and_code_behind_it() {
    let (machine, [fob, _]) = debian("one-field", "program");
    let login = |password: &str, code: &str| one_field(&machine, "program", password, code);
    asks_for_both(&login, &fob);
    assert!(!login(PASSWORD, ""));
}

#[test]
fn programs_that_ask_apart_let_in_with_password_and_code() {
    let calls = ["--calls", "authenticate,setcred,acct_mgmt"];
    for (name, code_first) in [
        ("common-auth", false),
        ("system-auth", true),
        ("lightdm", false),
    ] {
        let (machine, [fob, _]) = debian(name, name);
        // What others include isn't a service by itself.
        let includes = format!("@include {name}\n@include common-account\n");
        machine.stack("program", &includes);
        let login = |password: &str, code: &str| {
            let mut answers = [password, code];
            if code_first {
                answers.reverse();
            }
            let words = [&calls[..], &["program", "alice"]].concat();
            let report = machine.drive(&words, &answers);
            let first = if code_first {
                "Verification code: "
            } else {
                "Password: "
            };
            assert!(report.shown()[0].contains(first), "{report:?}");
            all_yes(&report)
        };
        asks_for_both(&login, &fob);
    }
}

/// cockpit's own cockpit-session, spoken to as its web server does; the program of the session is
/// a stand-in.
#[test]
fn cockpit_asks_for_password_and_code() {
    let name = "cockpit";
    let (machine, [fob, _]) = debian(name, name);
    let script = include_str!("cockpit.sh");
    let login = |password: &str, code: &str| {
        let words = ["-c", script, "cockpit.sh", password, code];
        let output = machine.command("bash").args(words).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        let asked = "asks Verification code: \n";
        match shown.strip_prefix(asked) {
            Some("session of alice\n") => true,
            Some("problem authentication-failed\n") => false,
            // common-auth refuses a wrong password before the code is asked for.
            None if shown == "problem authentication-failed\n" && password != PASSWORD => false,
            _ => panic!("{output:?}"),
        }
    };
    asks_for_both(&login, &fob);
    let rhost = "user=alice service=cockpit rhost=192.0.2.7 ";
    assert!(machine.log().iter().any(|line| line.contains(rhost)));
}

/// Who isn't enrolled passes the shape for a whole Debian, and no other.
#[test]
fn only_common_auth_lets_pass_who_is_not_enrolled() {
    for (name, passes) in [
        ("common-auth", true),
        ("system-auth", false),
        ("cockpit", false),
        ("lightdm", false),
    ] {
        let (machine, _) = debian(name, name);
        let answers = if name == "system-auth" {
            ["000000", PASSWORD]
        } else {
            [PASSWORD, "000000"]
        };
        let report = machine.drive(&[name, "robot"], &answers);
        assert_eq!(report.code() == 0, passes, "{name}: {report:?}");
    }
}

/// A locker isn't root: its file does without pam_fob, and the reason is true.
#[test]
fn screen_locker_opens_with_the_password_alone() {
    let name = "screen-locker";
    let (machine, [fob, _]) = debian(name, name);
    let as_alice = |service: &str, answers: &str| {
        machine.shell(&format!(
            "setpriv --reuid alice --regid alice --init-groups \
             pamdrive --calls authenticate,acct_mgmt {service} alice {answers}; true"
        ))
    };
    let opens = |shown: &str| shown.contains("authenticate 0 ") && shown.contains("acct_mgmt 0 ");
    assert!(opens(&as_alice(name, &format!("'{PASSWORD}'"))));
    assert!(!opens(&as_alice(name, "'wrong horse'")));
    machine.stack(
        "with",
        "auth required pam_unix.so\nauth required pam_fob.so\n",
    );
    machine.log();
    let both = format!("'{PASSWORD}' {}", press(&fob, 0));
    assert!(!opens(&as_alice("with", &both)));
    assert_eq!(machine.logged("reason").as_deref(), Some("not_root"));
}

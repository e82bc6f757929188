//! Enrolment in the middle of a login: through OpenSSH's own client in a terminal, su, and
//! the test application.

use crate::fob::{fob, json};
use crate::machine::{CALLS, Machine, totp, wait_until};
use crate::screen::{DARK, LIGHT};
use crate::ssh::Site;
use crate::terminal::{CTRL_C, Terminal, code_of, scanned};

pub const REQUIRE: &str =
    "[[rule]]\nname = \"roll-out\"\naction = \"require\"\nenroll = \"require\"\n";
const OFFER: &str =
    "[[rule]]\nname = \"roll-out\"\naction = \"skip-if-not-enrolled\"\nenroll = \"offer\"\n";

const KEY: &str = "publickey,keyboard-interactive";
const KEY_STACK: &str = "auth required pam_fob.so\nauth required pam_permit.so\n";
const PASSWORD: &str = "keyboard-interactive";
const PASSWORD_STACK: &str = "auth required pam_unix.so\nauth required pam_fob.so\n";

const CODE: &str = "Code that the app shows: ";
const ENTER: &str = "Press Enter once you have them: ";

/// OpenSSH's client, logging alice in from a terminal.
fn ssh(site: &Site, command: &str) -> Terminal {
    let script = format!(
        "ssh -i /root/key -p {} -o StrictHostKeyChecking=no -o NumberOfPasswordPrompts=1 \
         -o LogLevel=ERROR alice@127.0.0.1 '{command}'; echo status=$?",
        site.port
    );
    Terminal::run(&site.machine, &script)
}

/// The secret that the last question names.
pub fn secret(shown: &str) -> String {
    let line = shown.rsplit("type this secret into the app: ").next();
    line.unwrap()
        .lines()
        .next()
        .unwrap()
        .replace(' ', "")
        .trim()
        .to_owned()
}

/// The code that an app shows which took that secret.
pub fn code(secret: &str) -> String {
    code_of(&format!("secret={secret}"))
}

/// The recovery codes on the screen.
pub fn recovery_codes(shown: &str) -> Vec<String> {
    let lines = shown.lines().map(str::trim);
    let is_code = |line: &&str| line.len() == 19 && line.matches('-').count() == 3;
    lines.filter(is_code).map(str::to_owned).collect()
}

fn names_in(machine: &Machine, folder: &str) -> Vec<String> {
    let Ok(list) = std::fs::read_dir(machine.path(folder)) else {
        return vec![];
    };
    let names = list.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

/// Who is enrolled by a login, and which enrolments are under way.
fn left(machine: &Machine) -> (Vec<String>, usize) {
    let pending = names_in(machine, "var/lib/fob/pending");
    (names_in(machine, "var/lib/fob/tokens"), pending.len())
}

fn nobody() -> (Vec<String>, usize) {
    (vec![], 0)
}

/// The whole of it: the picture is scanned from the screen of the very login, one code
/// confirms it, and the person is in. That code is spent; a recovery code lets in; and the
/// session knows nothing of the receipt.
#[test]
fn person_enrols_in_the_middle_of_an_ssh_login() {
    let site = Site::new(KEY, KEY_STACK);
    let machine = &site.machine;
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    let mut terminal = ssh(&site, "id -un; env");
    let shown = terminal.wait_for(CODE);
    let secret = secret(&shown);
    let uri = scanned(machine, &shown, DARK);
    assert_eq!(uri.len(), 1, "{shown}");
    assert!(uri[0].starts_with("otpauth://totp/"), "{uri:?}");
    assert!(
        uri[0].contains(&format!(":alice?secret={secret}&")),
        "{uri:?}"
    );
    let confirming = code(&secret);
    terminal.types(&format!("{confirming}\n"));
    let shown = terminal.wait_for(ENTER);
    let papers = recovery_codes(&shown);
    assert_eq!(papers.len(), 10, "{shown}");
    assert_eq!(left(machine), nobody(), "kept before it was over");
    terminal.types("\n");
    let shown = terminal.wait_for("status=");
    assert!(
        shown.contains("\nalice\r") && shown.contains("status=0"),
        "{shown}"
    );
    assert!(!shown.contains("PAM_FOB"), "{shown}");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(left(machine), (vec!["alice".to_owned()], 0));
    let log = site.logged();
    assert!(
        log[0].contains("ignored reason=enrolling user=alice service=sshd rhost=127.0.0.1"),
        "{log:?}"
    );
    assert!(
        log[1].contains("(pam_fob:setcred)[") && log[1].contains(": enrolled user=alice "),
        "{log:?}"
    );
    assert!(log[1].ends_with("token=phone"), "{log:?}");

    // P1: from now on she is asked, and what confirmed it is spent.
    assert_eq!(site.login(&[&confirming]), None);
    assert_eq!(site.login(&[&papers[3]]).as_deref(), Some("alice"));
    assert_eq!(site.login(&[&papers[3]]), None);
}

/// A stranger can't enrol himself: the module can't know that the password was wrong, but
/// what he confirmed never becomes real.
#[test]
fn wrong_password_before_the_module_enrols_nobody() {
    let site = Site::new(PASSWORD, PASSWORD_STACK);
    let machine = &site.machine;
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    for (password, status) in [("wrong horse", "status=255"), ("correct horse", "status=0")] {
        let mut terminal = ssh(&site, "id -un");
        terminal.wait_for("Password: ");
        terminal.types(&format!("{password}\n"));
        let shown = terminal.wait_for(CODE);
        terminal.types(&format!("{}\n", code(&secret(&shown))));
        terminal.wait_for(ENTER);
        terminal.types("\n");
        let shown = terminal.wait_for("status=");
        assert!(shown.contains(status), "{password}: {shown}");
        let is_right = password == "correct horse";
        let enrolled = if is_right {
            vec!["alice".to_owned()]
        } else {
            vec![]
        };
        // The stranger's waits for an end that never comes.
        assert_eq!(left(machine), (enrolled, 1), "{password}");
    }
    let log = site.logged().join("\n");
    assert_eq!(log.matches(": enrolled user=alice").count(), 1, "{log}");
    let file = machine.shell("cat /var/lib/fob/tokens/alice; cat /var/lib/fob/pending/*");
    assert_eq!(
        file.matches("id = \"phone\"").count(),
        2,
        "two secrets: {file}"
    );
}

/// A connection that is dropped at any question leaves nothing.
#[test]
fn dropped_connection_leaves_nothing() {
    let site = Site::new(KEY, KEY_STACK);
    let machine = &site.machine;
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    for step in 0..3 {
        let mut terminal = ssh(&site, "id -un");
        let shown = terminal.wait_for(CODE);
        match step {
            0 => {}
            1 => {
                terminal.types("000000\n");
                terminal.wait_for("That isn't the code");
            }
            _ => {
                terminal.types(&format!("{}\n", code(&secret(&shown))));
                terminal.wait_for(ENTER);
            }
        }
        terminal.types(CTRL_C);
        terminal.ended();
        assert_eq!(left(machine), nobody(), "step {step}");
    }
    // Whatever those left behind in the machine, the next one enrols.
    let mut terminal = ssh(&site, "id -un");
    let shown = terminal.wait_for(CODE);
    terminal.types(&format!("{}\n", code(&secret(&shown))));
    terminal.wait_for(ENTER);
    terminal.types("\n");
    terminal.wait_for("status=0");
    assert_eq!(left(machine), (vec!["alice".to_owned()], 0));
}

/// sshd ends a login in another process than the one that asked. There libpam goes by what each
/// module says to `pam_setcred`, and pam_listfile says "success" of everybody. `fob doctor` says so.
#[test]
fn doctor_tells_where_sshd_ends_a_login_without_the_module() {
    let listed =
        "auth sufficient pam_listfile.so item=user sense=allow onerr=fail file=/etc/exempt";
    let named = "auth [success=1 default=ignore] pam_succeed_if.so quiet user = nobody";
    for (line, is_seen) in [(listed, false), (named, true)] {
        let stack = format!("{line}\n{KEY_STACK}");
        let site = Site::new(KEY, &stack);
        let machine = &site.machine;
        machine.file("etc/exempt", 0o644, "nobody\n");
        machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
        let mut terminal = ssh(&site, "id -un");
        let shown = terminal.wait_for(CODE);
        terminal.types(&format!("{}\n", code(&secret(&shown))));
        terminal.wait_for(ENTER);
        terminal.types("\n");
        terminal.wait_for("status=0");
        let log = site.logged().join("\n");
        assert!(log.contains("ignored reason=enrolling"), "{log}");
        assert_eq!(log.contains(": enrolled "), is_seen, "{line}: {log}");
        // In one process, as su's or sudo's, it ends by the way that it began.
        machine.shell("rm -rf /var/lib/fob/*");
        machine.stack("test", &stack);
        enrols(machine, "");
        assert_eq!(left(machine).0, ["alice"], "{line}");
        let doctor = machine.shell("fob doctor --json || true");
        assert_eq!(doctor.contains("stack.end_unseen"), !is_seen, "{doctor}");
    }
}

/// login(1) tries one person after the other on one handle. What was confirmed under a name
/// whose password was wrong isn't made real by the next person, who gets in past a module in
/// front of this one, so that nothing has taken the receipt back.
#[test]
fn next_person_at_a_console_login_makes_nothing_real() {
    let machine = Machine::with(&["alice:correct horse", "mallory:battery"]);
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    let stack = "auth sufficient pam_succeed_if.so quiet user = mallory\n\
        auth required pam_fob.so\nauth required pam_unix.so\n\
        account required pam_permit.so\nsession required pam_permit.so\n";
    machine.stack("login", stack);
    let mut terminal = Terminal::run(&machine, "script -qec 'exec login' /dev/null");
    terminal.wait_for("login: ");
    terminal.types("alice\n");
    let shown = terminal.wait_for(CODE);
    terminal.types(&format!("{}\n", code(&secret(&shown))));
    terminal.wait_for(ENTER);
    terminal.types("\n");
    terminal.wait_for("Password: ");
    terminal.types("wrong\n");
    terminal.wait_for("Login incorrect");
    let says = |terminal: &Terminal, what: &str| {
        let text = terminal.text();
        text.split_once("Login incorrect")
            .is_some_and(|(_, rest)| rest.contains(what))
    };
    wait_until("another name is asked for", || says(&terminal, "login: "));
    terminal.types("mallory\n");
    wait_until("it is over", || says(&terminal, "Permission denied"));
    assert_eq!(left(&machine), (vec![], 1), "{}", terminal.text());
    assert!(!terminal.text().contains("could not be kept"));
    let log = machine.log().join("\n");
    assert!(
        log.contains("enrolment_lost reason=gone user=mallory service=login"),
        "{log}"
    );
}

/// sudo calls the end of the login under the name of the target.
#[test]
fn sudo_enrols_who_runs_it() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.service("sudo", "");
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    machine.file("etc/sudoers", 0o440, "ALL ALL=(ALL) ALL\n");
    let id = "--reuid 2000 --regid 2000 --init-groups";
    let script = format!("setpriv {id} script -qec 'sudo -u bob id -un' /dev/null");
    let mut terminal = Terminal::run(&machine, &script);
    let shown = terminal.wait_for(CODE);
    terminal.types(&format!("{}\n", code(&secret(&shown))));
    let shown = terminal.wait_for(ENTER);
    terminal.types("\n");
    wait_until("it ran", || terminal.text()[shown.len()..].contains("bob"));
    assert_eq!(left(&machine), (vec!["alice".to_owned()], 0));
}

/// P9: whoever starts su chooses its limits. One that lets somebody confirm a token and keeps
/// it from being made real would be a way in without ever being enrolled.
#[test]
fn limits_of_the_caller_let_nobody_in_who_is_not_enrolled_then() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.service("su", "");
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    let blocks = [1, 2, 4, 8, 16, 23, 24, 40].map(|n| format!("ulimit -f {n}"));
    let files = (4..=9).map(|n| format!("ulimit -n {n}"));
    let (mut refused, mut enrolled) = (0, 0);
    // Nor may they take anything from somebody who is enrolling meanwhile.
    let app = APP.replace('\'', "'\\''");
    let other = format!("pamdrive --calls authenticate test bob '{app}' '' >/dev/null");
    for limit in blocks.into_iter().chain(files) {
        machine.shell(&format!("rm -rf /var/lib/fob/*; {other}"));
        let id = "--reuid 2001 --regid 2001 --clear-groups";
        let mut terminal = Terminal::run(
            &machine,
            &format!("setpriv {id} sh -c '{limit}; exec su alice -c true'; echo status=$?"),
        );
        wait_until("asked or not", || {
            let shown = terminal.text();
            shown.contains(CODE) || shown.contains("status=")
        });
        let shown = terminal.text();
        if shown.contains(CODE) {
            terminal.types(&format!("{}\n", code(&secret(&shown))));
            terminal.wait_for(ENTER);
            terminal.types("\n");
        }
        let shown = terminal.wait_for("status=");
        let is_in = shown.contains("status=0");
        assert_eq!(is_in, left(&machine).0 == ["alice"], "{limit}: {shown}");
        let pending = names_in(&machine, "var/lib/fob/pending");
        let bobs = pending.iter().filter(|name| name.starts_with("2001-"));
        assert_eq!(bobs.count(), 1, "{limit}: {pending:?}");
        *(if is_in { &mut enrolled } else { &mut refused }) += 1;
    }
    assert!(refused > 5 && enrolled > 2, "{refused} {enrolled}");
}

/// Two who confirm at once get one enrolment, and the other is told.
#[test]
fn two_at_once_give_one_enrolment() {
    let machine = Machine::with(&["alice"]);
    machine.service("su", "");
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    let mut both: Vec<Terminal> = (0..2)
        .map(|_| Terminal::run(&machine, "su alice -c 'id -un'; echo status=$?"))
        .collect();
    let secrets: Vec<String> = both
        .iter_mut()
        .map(|terminal| {
            let secret = secret(&terminal.wait_for(CODE));
            terminal.types(&format!("{}\n", code(&secret)));
            terminal.wait_for(ENTER);
            secret
        })
        .collect();
    assert_ne!(secrets[0], secrets[1]);
    both.iter_mut().for_each(|terminal| terminal.types("\n"));
    let ends: Vec<String> = both
        .iter()
        .map(|terminal| terminal.wait_for("status=0"))
        .collect();
    let late = |shown: &String| shown.contains("You were enrolled otherwise in the meantime");
    let winner = ends.iter().position(|shown| !late(shown)).unwrap();
    assert!(late(&ends[1 - winner]), "{ends:?}");
    let file = machine.shell("cat /var/lib/fob/tokens/alice");
    assert!(file.contains(&secrets[winner]) && !file.contains(&secrets[1 - winner]));
    assert_eq!(left(&machine), (vec!["alice".to_owned()], 0));
    let log = machine.log().join("\n");
    assert_eq!(log.matches(": enrolled user=alice").count(), 1, "{log}");
    assert_eq!(
        log.matches("enrolment_lost reason=late user=alice").count(),
        1,
        "{log}"
    );
}

/// Whoever declines or can't confirm gets in by an offer, and not by a demand.
#[test]
fn nothing_is_kept_unless_a_code_confirms_it() {
    let machine = Machine::with(&["alice"]);
    let long = "1".repeat(600);
    let ways: [(&[&str], &str); 4] = [
        (&[""], "declined"),
        (&["000000", " "], "declined"),
        (&["000000", "x", "1234567890"], "unconfirmed"),
        (&[&long, &long, "i", "i", &long], "unconfirmed"),
    ];
    for (conf, code, word) in [(OFFER, 25, "ignored"), (REQUIRE, 7, "refused")] {
        machine.file("etc/fob/fob.conf", 0o644, conf);
        for (answers, why) in ways {
            let report = machine.login("alice", answers);
            // The first factor of the test's stack says yes.
            let code = if code == 25 { 0 } else { code };
            assert_eq!(report.code(), code, "{conf} {answers:?}");
            let line = machine.log().pop().unwrap();
            assert!(
                line.contains(&format!("{word} reason=not_enrolled")),
                "{line}"
            );
            assert!(line.ends_with(&format!("enrolment={why}")), "{line}");
            assert_eq!(left(&machine), nobody());
        }
        // Somebody who hangs up has not declined.
        let report = machine.login("alice", &["000000"]);
        assert_eq!(report.code(), 19);
    }
    let unknown = machine.login("nosuch", &["123456"]);
    assert_eq!(unknown.shown(), [r#"prompt off "Verification code: ""#]);
}

/// A first factor that says yes, and a terminal in which the module shows the rest.
fn su(machine: &Machine) -> Terminal {
    Terminal::run(machine, "su alice -c 'id -un'; echo status=$?")
}

/// Some applications show what they are told late or never: the questions have all of it.
/// And what is drawn is right for the screen that it is drawn for.
#[test]
fn picture_is_for_every_screen_and_the_secret_is_in_the_question() {
    let machine = Machine::with(&["alice"]);
    machine.service("su", "");
    for (qr, schemes) in [
        ("", [Some(DARK), Some(LIGHT)]),
        ("qr = \"ascii\"\n", [Some(DARK), Some(LIGHT)]),
        ("qr = \"off\"\n", [None, None]),
    ] {
        machine.file("etc/fob/fob.conf", 0o644, format!("{qr}{REQUIRE}"));
        let mut terminal = su(&machine);
        let first = terminal.wait_for(CODE);
        let secret = secret(&first);
        let mut from = 0;
        for scheme in schemes {
            let Some(scheme) = scheme else {
                assert!(
                    !first.contains("Scan") && !first.contains("ype i to"),
                    "{first}"
                );
                continue;
            };
            let shown = terminal.text()[from..].to_owned();
            let uri = scanned(&machine, &shown, scheme);
            assert_eq!(uri.len(), 1, "{qr} {scheme:?}\n{shown}");
            assert!(uri[0].contains(&secret));
            from = terminal.text().len();
            terminal.types("i\n");
            wait_until("drawn anew", || terminal.text()[from..].contains(CODE));
        }
        terminal.types(CTRL_C);
        terminal.ended();
    }
    // A greeter's letters aren't equally wide, and LightDM hands on no more than a kilobyte.
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    let greeter = machine.drive(&["--tty", ":0", "su", "alice"], &[""]);
    let shown = greeter.shown();
    let head = "prompt on \"From now on you need a code";
    assert!(
        shown.len() == 1 && shown[0].starts_with(head) && shown[0].len() < 900,
        "{shown:?}"
    );
    assert!(!shown[0].contains("ype i to"), "{shown:?}");
    let silent = machine.drive(&["--silent", "su", "alice"], &["i", ""]);
    let shown = silent.shown();
    assert!(
        shown.iter().all(|line| line.starts_with("prompt on ")),
        "{shown:?}"
    );
    // As without a picture: nothing else says what it is about, and there is nothing to swap.
    assert!(
        shown.iter().all(|line| line.starts_with(head)
            && line.contains("type this secret into the app: ")
            && !line.contains("ype i to")),
        "{shown:?}"
    );
}

/// An answer of the test application: what an app shows that takes the secret from the
/// question.
pub const APP: &str = r#"|oathtool --totp -b "$(echo "$PROMPT" | sed -n 's/.*into the app: //p')""#;

/// Logs alice in by the test application, which answers as `APP` does.
fn enrols(machine: &Machine, before: &str) {
    let script = format!(
        "{before}\npamdrive --calls authenticate,setcred test alice '{APP}' ''",
        APP = APP.replace('\'', "'\\''")
    );
    let out = machine.shell(&script);
    assert!(out.contains("setcred 0"), "{out}");
}

/// What `fob show alice` says.
fn shown(machine: &Machine) -> serde_json::Value {
    json(machine, "show alice", "").1
}

/// P6, and SELinux: a login writes nothing below /etc, and `fob` shows and edits what it
/// wrote as if it stood there.
#[test]
fn fob_shows_and_edits_both_places_as_one() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.enrol("bob", &[totp("bob")]);
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    enrols(
        &machine,
        "mount --bind /etc/fob /etc/fob && mount -o remount,ro,bind /etc/fob",
    );
    let path = "/var/lib/fob/tokens/alice";
    assert!(machine.path(path).exists() && !machine.path("etc/fob/tokens/alice").exists());

    let list = machine.shell("fob list");
    assert!(list.contains("alice") && list.contains("bob"), "{list}");
    let show = shown(&machine);
    assert_eq!(show["tokens"][0]["id"], "phone");
    assert_eq!(show["recovery"]["left"], 10);
    let edits = "set -e\nfob rename alice phone old\nfob disable alice --id old\nfob enable alice --id old\n\
        fob recovery alice --yes >/dev/null\nfob enroll alice --id second --no-confirm >/dev/null\n\
        fob doctor || true\nfob list --not-enrolled";
    let after = machine.shell(edits);
    assert!(
        after.contains("/var/lib/fob/tokens: root's alone")
            && !after.contains("plain file")
            && !after.contains("alice  "),
        "{after}"
    );
    let show = shown(&machine);
    assert_eq!(show["tokens"][0]["id"], "old");
    assert_eq!(show["tokens"][1]["id"], "second");
    assert!(!machine.path("etc/fob/tokens/alice").exists());

    // Sealed with the others, each beside its own place.
    machine.shell("echo 'seal = \"/root/key\"' >/tmp/c; cat /etc/fob/fob.conf >>/tmp/c; cp /tmp/c /etc/fob/fob.conf\n\
        fob seal --new-key >/dev/null; fob seal --everybody >/dev/null");
    assert!(machine.shell(&format!("cat {path}")).contains("sealed:"));
    assert_eq!(shown(&machine)["sealed"], true);

    // The administrator's own file holds, and the doctor says so; revoking takes both.
    machine.enrol("alice", &[totp("other")]);
    assert_eq!(shown(&machine)["tokens"].as_array().unwrap().len(), 1);
    let doctor = machine.shell("fob doctor || true");
    assert!(
        doctor.contains(&format!("{path}: does not count")),
        "{doctor}"
    );
    machine.shell("fob revoke alice --yes");
    assert_eq!(left(&machine), nobody());
    assert!(!machine.path("etc/fob/tokens/alice").exists());
}

/// What was revoked doesn't come back by a login that was under way.
#[test]
fn revoked_person_is_not_enrolled_by_a_login_under_way() {
    let machine = Machine::with(&["alice:correct horse"]);
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    let stack = "auth required pam_fob.so\nauth required pam_unix.so\n";
    machine.stack("slow", stack);
    for (revokes, enrolled) in [("fob revoke alice --yes", false), (":", true)] {
        machine.shell("rm -rf /var/lib/fob/*");
        // While this one waits at the password, another login enrols her.
        let app = APP.replace('\'', "'\\''");
        let meanwhile = format!(
            "pamdrive --calls authenticate,setcred test alice '{app}' '' >/dev/null; {revokes} >/dev/null"
        );
        machine.file("root/meanwhile", 0o755, meanwhile);
        let answers = [APP, "", "|sh /root/meanwhile; echo correct horse"];
        let words = ["--calls", "authenticate,setcred", "slow", "alice"];
        let report = machine.drive(&words, &answers);
        assert_eq!((report.code(), report.codes("setcred")), (0, &[0][..]));
        let who = if enrolled {
            vec!["alice".to_owned()]
        } else {
            vec![]
        };
        assert_eq!(left(&machine), (who, 0), "{revokes}");
        let lines = machine.lines();
        let item = |service: &str| format!("user=alice service={service} rhost=- tty=- ruser=-");
        let (slow, test) = (item("slow"), item("test"));
        assert_eq!(
            lines[..3],
            [
                format!(
                    "<86>slow(pam_fob:auth): ignored reason=enrolling {slow} rule=\"roll-out\""
                ),
                format!(
                    "<86>test(pam_fob:auth): ignored reason=enrolling {test} rule=\"roll-out\""
                ),
                format!("<86>test(pam_fob:setcred): enrolled {test} token=phone"),
            ]
        );
        let lost = if enrolled {
            format!("<84>slow(pam_fob:setcred): enrolment_lost reason=late {slow}")
        } else {
            format!("<84>slow(pam_fob:setcred): enrolment_lost reason=gone {slow}")
        };
        assert_eq!(lines.last(), Some(&lost));
    }
    // Where it can't be seen what is under way, nobody is told that it was revoked.
    machine.shell("rm -r /var/lib/fob/pending; touch /var/lib/fob/pending");
    let (status, told) = fob(&machine, "revoke alice --yes", "");
    assert!(
        status != 0 && told.contains("/var/lib/fob/pending"),
        "{told}"
    );
}

/// One folder for both, which fob.conf may name, holds each file once.
#[test]
fn one_folder_for_both_places_is_in_order() {
    let machine = Machine::with(&["alice"]);
    let conf = format!("tokens = \"/var/lib/fob/tokens\"\n{REQUIRE}");
    machine.folder("var/lib/fob/tokens", 0o700);
    machine.file("etc/fob/fob.conf", 0o644, conf);
    enrols(&machine, "");
    let doctor = machine.shell("fob doctor || true");
    assert!(!doctor.contains("does not count"), "{doctor}");
    assert_eq!(machine.shell("fob list | grep -c alice").trim(), "1");
}

/// What a login writes is sealed where token files are.
#[test]
fn enrolment_at_a_login_is_sealed_too() {
    let machine = Machine::with(&["alice"]);
    machine.file(
        "etc/fob/fob.conf",
        0o644,
        format!("seal = \"/root/key\"\n{REQUIRE}"),
    );
    machine.shell("fob seal --new-key >/dev/null");
    enrols(&machine, "");
    let file = machine.shell("cat /var/lib/fob/tokens/alice");
    assert_eq!(file.matches("\"sealed:").count(), 2, "{file}");
    assert_eq!(shown(&machine)["sealed"], true);
}

/// P9: without the state folder, because its disk isn't mounted perhaps, nobody looks as if
/// they had never been enrolled.
#[test]
fn lost_state_folder_refuses_and_enrols_nobody() {
    let machine = Machine::with(&["alice"]);
    for conf in [OFFER, REQUIRE, "nullok = true\n"] {
        machine.file("etc/fob/fob.conf", 0o644, conf);
        std::fs::rename(machine.path("var/lib/fob"), machine.path("var/lib/gone")).unwrap();
        assert_eq!(
            machine.login("alice", &["123456", "", ""]).code(),
            4,
            "{conf}"
        );
        assert_eq!(
            machine.logged("reason").as_deref(),
            Some("state_missing"),
            "{conf}"
        );
        std::fs::rename(machine.path("var/lib/gone"), machine.path("var/lib/fob")).unwrap();
    }
    // An empty folder is what is left of a disk that isn't mounted.
    let strict = format!("fresh_ledger = \"refuse\"\n{REQUIRE}");
    machine.file("etc/fob/fob.conf", 0o644, strict);
    assert_eq!(machine.login("alice", &["123456", "", ""]).code(), 4);
    let line = machine.log().pop().unwrap();
    assert!(
        line.contains("install -d -m 0700 /var/lib/fob/tokens"),
        "{line}"
    );
    machine.shell("fob doctor --fix --yes || true");
    assert_eq!(machine.login("alice", &["", ""]).code(), 7);
    machine.shell("rmdir /var/lib/fob/tokens");
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    // Nor where the folder of the enrolled is another's.
    machine.folder("var/lib/fob/tokens", 0o777);
    assert_eq!(machine.login("alice", &["123456"]).code(), 4);
    assert_eq!(machine.logged("reason").as_deref(), Some("state_too_open"));
}

/// A receipt that the application or another module made up is none, and an old one counts
/// once. The login goes on: setcred says yes whatever happens.
#[test]
fn made_up_receipt_enrols_nobody() {
    let machine = Machine::with(&["alice"]);
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    for receipt in [
        "../../../etc/passwd",
        "2000-0123456789abcdef0123456789abcdef",
        "2000-../tokens/0123456789abcdef012345",
        "x",
    ] {
        machine.file(
            "etc/security/forged",
            0o644,
            format!("PAM_FOB_ENROLMENT DEFAULT={receipt}\n"),
        );
        let stack = "auth required pam_env.so conffile=/etc/security/forged\nauth required pam_fob.so\n\
            auth required pam_permit.so\n";
        machine.stack("forged", stack);
        let report = machine.drive(&["--calls", "setcred", "forged", "alice"], &[]);
        assert_eq!(report.codes("setcred"), [0], "{receipt}");
        assert_eq!(
            machine.logged("reason").as_deref(),
            Some("gone"),
            "{receipt}"
        );
        assert_eq!(left(&machine), nobody(), "{receipt}");
    }
}

/// What is asked must be answerable: where the field takes a password too, or nobody may be
/// asked, or the token wouldn't count, nobody is enrolled.
#[test]
fn nobody_is_enrolled_where_it_would_be_of_no_use() {
    let machine = Machine::with(&["alice"]);
    for (line, conf) in [
        ("forward_pass", ""),
        ("use_first_pass", ""),
        ("", "types = \"hotp\"\n"),
        ("", "min_tokens = 2\n"),
    ] {
        machine.service("test", line);
        machine.file("etc/fob/fob.conf", 0o644, format!("{conf}{REQUIRE}"));
        let report = machine.login("alice", &["123456"]);
        assert_eq!(report.code(), 7, "{line} {conf}");
        let shown = report.shown().join("\n");
        assert!(!shown.contains("secret"), "{line} {conf}: {shown}");
        let (_, told) = json(&machine, "explain alice --service test", "");
        assert_eq!(told["outcome"], "refused", "{line} {conf}: {told}");
    }
}

/// A name whose token file would have too long a name can't be enrolled: nobody confirms a
/// token that never becomes real.
#[test]
fn name_too_long_for_a_file_is_not_enrolled() {
    let machine = Machine::with(&["alice"]);
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    let mut passwd = std::fs::read_to_string(machine.path("etc/passwd")).unwrap();
    let (fits, long) = ("é".repeat(42), "ü".repeat(43));
    passwd += &format!("{fits}:x:3000:3000::/:/bin/sh\n{long}:x:3001:3001::/:/bin/sh\n");
    machine.file("etc/passwd", 0o644, passwd);
    let report = machine.login(&long, &["123456"]);
    assert_eq!(report.code(), 7);
    assert_eq!(report.shown(), [r#"prompt off "Verification code: ""#]);
    let report = machine.login(&fits, &[""]);
    assert!(report.shown()[0].starts_with("info "), "{report:?}");
}

/// One implementation: what is explained is what the module does.
#[test]
fn explanation_tells_who_is_enrolled() {
    let machine = Machine::with(&["alice"]);
    machine.service("test", "");
    for (conf, otherwise) in [(OFFER, "declines passes"), (REQUIRE, "is refused")] {
        machine.file("etc/fob/fob.conf", 0o644, conf);
        let (status, told) = json(&machine, "explain alice --service test", "");
        assert_eq!((status, &told["pam"]), (0, &"PAM_IGNORE".into()), "{told}");
        assert_eq!(told["outcome"], "enrolling");
        assert!(
            told["summary"].as_str().unwrap().contains(otherwise),
            "{told}"
        );
    }
    enrols(&machine, "");
    let (_, told) = json(&machine, "explain alice --service test", "");
    assert_eq!(told["outcome"], "asked", "{told}");
    let (_, told) = json(&machine, "explain nosuch --service test", "");
    assert_eq!(told["reason"], "no_such_user", "{told}");
}

/// P4: a login that enrols, killed at any of its system calls, leaves somebody who is
/// enrolled, or who isn't and can be; and the code that confirmed it lets nobody in.
#[test]
fn enrolment_killed_at_any_system_call_is_whole_or_not_there() {
    let machine = Machine::with(&["alice"]);
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    let app = APP.replace('\'', "'\\''");
    let script = format!(
        r#"{CALLS}
app='{app} | tee /tmp/code'
login() {{ pamdrive --calls authenticate,setcred test alice "$@" 2>/dev/null; }}
strace -qq -o /tmp/all pamdrive --calls authenticate,setcred test alice "$app" '' >/dev/null
calls /tmp/all | grep -E '^(openat|linkat|unlink|fsync|fdatasync|pwrite64|write|mkdir|flock|rename|statx|newfstatat|close) ' >/tmp/calls
n=0
while read -r name k <&3; do
    n=$((n + 1))
    rm -rf /var/lib/fob/*
    strace -qq -o /tmp/trace -e inject=$name:signal=KILL:when=$k \
        pamdrive --calls authenticate,setcred test alice "$app" '' >/dev/null 2>&1
    grep -q 'killed by SIGKILL' /tmp/trace && killed=$((killed + 1))
    [ -e /var/lib/fob/tokens/alice ] && enrolled=yes || enrolled=no
    fob show alice --json >/dev/null 2>&1 && shown=yes || shown=no
    if [ $enrolled = yes ]; then
        next=$(login $(cat /tmp/code) | sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p')
    else
        next=$(login "$app" '' | sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p')
    fi
    [ -e /var/lib/fob/tokens/alice ] && then=yes || then=no
    echo SEEN $n $name $enrolled $shown $next $then
done 3</tmp/calls
echo CALLS $n KILLED $killed
"#
    );
    let out = machine.shell(&format!("killed=0\n{script}"));
    let lines: Vec<&str> = out
        .lines()
        .filter(|line| line.starts_with("SEEN"))
        .collect();
    assert!(lines.len() > 60, "{out}");
    for line in &lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[3..] {
            ["yes", "yes", "7", "yes"] | ["no", "no", "0", "yes"] => {}
            _ => panic!("{line}\n{out}"),
        }
    }
    assert!(
        out.contains("yes yes 7 yes") && out.contains("no no 0 yes"),
        "{out}"
    );
    let counts = out.lines().last().unwrap();
    let words: Vec<usize> = counts
        .split_whitespace()
        .filter_map(|w| w.parse().ok())
        .collect();
    assert!(words[1] + 2 >= words[0], "{counts}");
}

/// P7: a directory that hangs holds up nobody else, and can be interrupted: it isn't asked while
/// signals wait, and so under no lock.
#[test]
fn user_database_is_not_asked_while_signals_wait() {
    let machine = Machine::with(&["alice"]);
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    let app = APP.replace('\'', "'\\''");
    let out = machine.shell(&format!(
        r#"strace -qq -o /tmp/all pamdrive --calls authenticate,setcred test alice '{app}' '' >/dev/null
        awk '/^rt_sigprocmask\(SIG_[A-Z]*, ~\[/ {{ held = 1 }}
            /^rt_sigprocmask\(SIG_SETMASK, \[/ {{ held = 0 }}
            held && /flock\(/ {{ locks++ }}
            /passwd/ {{ asked++; if (held) wrong++ }}
            END {{ print (locks > 2), (asked > 2), wrong + 0 }}' /tmp/all
        ls /var/lib/fob/tokens"#
    ));
    assert_eq!(out, "1 1 0\nalice\n");
}

//! Where a code is asked: rules, through the module, sshd and sudo.

use crate::fob::{fob, json};
use crate::machine::{Machine, hotp, press};

const RULES: &str = r#"
[[rule]]
name = "never root"
user = "root"
network = ["0.0.0.0/0", "::/0"]
action = "deny"

[[rule]]
name = "automation"
user = ["ansible", "backup-*"]
network = "10.20.0.5"
action = "skip"

[[rule]]
name = "office sudo"
service = ["sudo", "su*"]
group = ["wheel"]
tty = ["pts/*", "local"]
not_tty = "pts/9"
action = "skip"

[[rule]]
name = "office"
network = ["10.20.0.0/16", "2001:db8::/32"]
not_group = 2000
action = "skip-if-not-enrolled"

[[rule]]
name = "outside"
not_network = "192.0.2.0/24"
tty = "remote"
not_user = "bob"
not_time = "00:00-00:00"
action = "skip"

[[rule]]
name = "the rest"
not_service = "vpn"
time = "00:00-24:00"
action = "require"
"#;

fn machine(conf: &str) -> Machine {
    // uids and gids from 2000
    let machine = Machine::with(&["alice:correct horse", "bob", "ansible"]);
    machine.enrol("alice", &[hotp("alice")]);
    machine.shell("echo wheel:x:500:alice,bob >>/etc/group");
    machine.file("etc/fob/fob.conf", 0o644, conf);
    machine
}

/// A login of the table.
struct Way {
    person: &'static str,
    service: &'static str,
    rhost: Option<&'static str>,
    tty: &'static str,
}

fn ways() -> Vec<Way> {
    let mut ways = Vec::new();
    for person in ["alice", "bob", "ansible", "root", "nosuch"] {
        for service in ["sshd", "su", "vpn"] {
            for rhost in [
                None,
                Some("10.20.0.5"),
                Some("::ffff:10.20.0.6"),
                Some("2001:db8::1"),
                Some("192.0.2.7"),
                Some("10.20.0.5.example"),
            ] {
                for tty in ["/dev/pts/3", "pts/9"] {
                    ways.push(Way {
                        person,
                        service,
                        rhost,
                        tty,
                    });
                }
            }
        }
    }
    ways
}

/// One implementation: whatever the rule, the address or the person, the module does what
/// was explained.
#[test]
fn explanation_is_what_the_module_does_for_each_way_through_the_rules() {
    let machine = machine(RULES);
    for service in ["sshd", "su", "vpn"] {
        machine.service(service, "nullok");
    }
    let ways = ways();
    let from = |way: &Way| {
        way.rhost
            .map_or(String::new(), |rhost| format!("--rhost {rhost}"))
    };
    let explain = |way: &Way| {
        let Way {
            person,
            service,
            tty,
            ..
        } = way;
        let rhost = from(way);
        format!(
            "fob explain {person} --json --service {service} --tty {tty} {rhost} | tr -d '\\n'; echo\n"
        )
    };
    let told = machine.shell(&ways.iter().map(explain).collect::<String>());
    let told: Vec<serde_json::Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), ways.len());

    machine.log();
    let mut counter = 0;
    let mut script = String::new();
    for (way, told) in ways.iter().zip(&told) {
        let Way {
            person,
            service,
            tty,
            ..
        } = way;
        let code = press(&hotp("alice"), counter);
        counter += u64::from(told["outcome"] == "asked");
        let rhost = from(way);
        script += &format!("pamdrive --tty {tty} {rhost} {service} {person} {code} || :\n");
    }
    machine.shell(&script);
    let mut log = machine.log();
    log.retain(|line| line.contains("(pam_fob:auth)"));
    assert_eq!(log.len(), ways.len());

    let mut rules = Vec::new();
    for ((way, told), line) in ways.iter().zip(&told).zip(&log) {
        let first = match told["outcome"].as_str().unwrap() {
            "asked" => "accepted",
            word => word,
        };
        let shown = format!("{told}\n{line}");
        assert!(line.contains(&format!(": {first} ")), "{shown}");
        assert!(line.contains(&format!(" user={} ", way.person)), "{shown}");
        if let Some(reason) = told["reason"].as_str() {
            assert!(line.contains(&format!(" reason={reason} ")), "{shown}");
        }
        match told["rule"].as_str() {
            Some(rule) => assert!(line.contains(&format!(" rule=\"{rule}\"")), "{shown}"),
            None => assert!(!line.contains(" rule="), "{shown}"),
        }
        rules.push(told["rule"].as_str().unwrap_or("none").to_owned());
    }
    rules.sort_unstable();
    rules.dedup();
    let all = [
        "automation",
        "never root",
        "none",
        "office",
        "office sudo",
        "the rest",
    ];
    assert_eq!(
        rules, all,
        "each rule is met but the one with no time in it"
    );
}

/// P9: a rule that can't be read or told refuses everybody; it never falls through to the
/// next.
#[test]
fn broken_rule_refuses_everybody() {
    let rest = "\n[[rule]]\nname = \"all\"\naction = \"skip\"\n";
    for (broken, word, code) in [
        ("name = \"a\"\naction = \"alow\"", "config", 3),
        (
            "name = \"a\"\naction = \"deny\"\nusr = \"bob\"",
            "config",
            3,
        ),
        (
            "name = \"a\"\naction = \"deny\"\nnetwork = \"10.0.0.1/8\"",
            "config",
            3,
        ),
        (
            "name = \"a\"\naction = \"deny\"\ngroup = \"nosuch\"",
            "config",
            3,
        ),
        (
            "name = \"a\"\naction = \"deny\"\ntime = \"01:00-02:00\"",
            "state_damaged",
            4,
        ),
    ] {
        let machine = machine(&format!("[[rule]]\n{broken}\n{rest}"));
        machine.file("etc/localtime", 0o644, "no zone");
        for person in ["alice", "bob"] {
            let report = machine.drive(&["test", person], &[&press(&hotp("alice"), 0)]);
            assert_eq!(report.code(), code, "{broken}");
            assert_eq!(machine.logged("reason").as_deref(), Some(word), "{broken}");
            let (_, told) = json(&machine, &format!("explain {person} --service test"), "");
            assert_eq!(told["reason"], word, "{broken}");
        }
    }
}

/// P2: a group of a hundred thousand, whose list no C library hands out at once: by its number it
/// is as good as any, and by its name everything that refuses tells what to do.
#[test]
fn group_with_a_huge_list_is_named_by_its_number() {
    let rule = |group: &str| {
        format!("[[rule]]\nname = \"a\"\ngroup = {group}\naction = \"skip-if-not-enrolled\"\n")
    };
    let machine = machine(&rule("600"));
    let crowd = "{ printf 'crowd:x:600:'; seq -f 'member%.0f,' 100000 199999 | tr -d '\\n'; echo bob; } >>/etc/group";
    machine.shell(crowd);
    assert_eq!(machine.drive(&["test", "bob"], &[]).code(), 0);
    assert_eq!(machine.drive(&["test", "ansible"], &["000000"]).code(), 7);

    machine.file("etc/fob/fob.conf", 0o644, rule("\"crowd\""));
    machine.log();
    assert_eq!(machine.drive(&["test", "bob"], &[]).code(), 4);
    let remedy = "run: getent group crowd";
    let log = machine.log().pop().unwrap();
    assert!(
        log.contains("reason=user_database") && log.contains(remedy),
        "{log}"
    );
    for words in ["explain bob --service test", "config check", "doctor"] {
        let (_, told) = fob(&machine, words, "");
        assert!(told.contains(remedy), "{words}: {told}");
    }
    let group = machine.shell("getent group crowd | cut -d: -f3");
    assert_eq!(group.trim(), "600");
}

/// P13: who is denied sees what anybody sees, and no code lets them in or is spent.
#[test]
fn denied_person_is_asked_as_anybody_and_refused() {
    let deny = "[[rule]]\nname = \"no\"\nservice = \"test\"\naction = \"deny\"\n";
    let machine = machine(deny);
    machine.service("open", "");
    let code = press(&hotp("alice"), 0);
    let denied = machine.login("alice", &[&code]);
    assert_eq!(denied.code(), 7);
    assert_eq!(machine.logged("reason").as_deref(), Some("denied"));
    let stranger = machine.drive(&["open", "bob"], &[&code]);
    assert_eq!(denied.shown(), stranger.shown());
    assert_eq!(machine.drive(&["open", "alice"], &[&code]).code(), 0);
}

/// The time of a rule is the machine's, whatever the caller's TZ says.
#[test]
fn time_of_a_rule_is_in_the_zone_of_the_machine() {
    let rule = "[[rule]]\nname = \"day\"\ntime = \"Wed 08:00-18:00\"\naction = \"skip\"\n";
    let machine = machine(rule);
    // 05:30 in UTC, 14:30 in Tokyo, on a Wednesday.
    let reason = |zone: &str| {
        machine.shell(&format!(
            "ln -sf /usr/share/zoneinfo/{zone} /etc/localtime
             export TZ=Asia/Tokyo LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1)
             FAKETIME='@2026-11-25 14:30:00' FAKETIME_DONT_FAKE_MONOTONIC=1 pamdrive test bob 000000 || :"
        ));
        machine.logged("reason").unwrap()
    };
    assert_eq!(reason("Asia/Tokyo"), "skip");
    assert_eq!(reason("UTC"), "not_enrolled");
    machine.shell("rm /etc/localtime");
    assert_eq!(reason("Etc/GMT+11"), "not_enrolled");
}

/// Those who aren't enrolled pass until the day is over, and are told.
#[test]
fn nullok_until_ends_with_its_day() {
    let machine = machine("nullok_until = \"2027-01-31\"\n");
    let at = |time: &str, person: &str| {
        let script = format!(
            "export TZ=UTC LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1)
             FAKETIME='@{time}' FAKETIME_DONT_FAKE_MONOTONIC=1 pamdrive test {person} 000000 || :"
        );
        let shown = machine.shell(&script);
        (machine.logged("reason").unwrap(), shown)
    };
    let passes = |time, left| {
        let (reason, shown) = at(time, "bob");
        assert_eq!(reason, "not_enrolled");
        assert!(shown.contains("authenticate 0 "), "{shown}");
        let told = format!("From 2027-02-01 on you need one ({left})");
        assert!(shown.contains(&told), "{shown}");
    };
    passes("2026-12-31 12:00:00", "31 days left");
    passes("2027-01-30 23:59:50", "1 day left");
    passes("2027-01-31 23:59:50", "today is the last day");
    for (time, person) in [
        ("2027-02-01 00:00:01", "bob"),
        ("2026-12-31 12:00:00", "nosuch"),
        ("2026-12-31 12:00:00", "alice"),
        // The clock was never set.
        ("1999-01-01 12:00:00", "bob"),
    ] {
        let (_, shown) = at(time, person);
        assert!(shown.contains("authenticate 7 "), "{time} {person} {shown}");
        assert!(!shown.contains("left)"), "{shown}");
    }
}

/// The rules by address, over a real sshd, in a network of its own.
#[test]
fn rules_go_by_the_address_over_ssh() {
    let rules = r#"
[[rule]]
name = "office"
network = ["10.20.0.0/16", "2001:db8:20::/48"]
action = "skip"

[[rule]]
name = "elsewhere"
network = "192.0.2.9"
action = "deny"
"#;
    let machine = machine(rules);
    let fob = hotp("alice");
    machine.stack(
        "sshd",
        "auth required pam_fob.so\nauth required pam_permit.so\n\
         account required pam_permit.so\nsession required pam_permit.so\n",
    );
    machine.folder("etc/ssh", 0o755);
    machine.file(
        "etc/ssh/sshd_config",
        0o644,
        "ListenAddress 0.0.0.0\nListenAddress ::\nHostKey /etc/ssh/host\nUsePAM yes\nPidFile none\n\
         KbdInteractiveAuthentication yes\nPasswordAuthentication no\n\
         AuthenticationMethods keyboard-interactive\n",
    );
    let script = format!(
        r#"
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/host
printf '#!/bin/sh\necho asked >>/tmp/asked\ncat /tmp/answer\n' >/root/askpass; chmod 755 /root/askpass
cat >/root/net <<'EOF'
ip link set lo up
for a in 10.20.0.1/24 10.20.0.2/24 192.0.2.1/24 192.0.2.9/24 192.0.2.7/24; do ip addr add $a dev lo; done
for a in 2001:db8:20::1 2001:db8:20::2 2001:db8:30::1; do ip -6 addr add $a/128 dev lo nodad; done
/usr/sbin/sshd -f /etc/ssh/sshd_config -D & sshd=$!
until ip -o addr show scope global | grep -q 2001:db8:30::1 && bash -c 'exec 3<>/dev/tcp/127.0.0.1/22' 2>/dev/null; do sleep 0.05; done
try() {{
    echo "$3" >/tmp/answer; : >/tmp/asked
    if SSH_ASKPASS=/root/askpass SSH_ASKPASS_REQUIRE=force ssh -b $1 -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 -o LogLevel=ERROR alice@$2 true 2>/dev/null
    then got=in; else got=out; fi
    echo $1 $got $(cat /tmp/asked)
}}
try 10.20.0.2 10.20.0.1 none
try 2001:db8:20::2 2001:db8:20::1 none
try 192.0.2.9 192.0.2.1 {first}
try 192.0.2.7 192.0.2.1 {first}
try 2001:db8:30::1 2001:db8:20::1 {second}
kill $sshd
EOF
unshare --net sh /root/net
"#,
        first = press(&fob, 0),
        second = press(&fob, 1)
    );
    let shown = machine.shell(&script);
    let expected = "10.20.0.2 in\n2001:db8:20::2 in\n192.0.2.9 out asked\n\
                    192.0.2.7 in asked\n2001:db8:30::1 in asked\n";
    assert_eq!(shown, expected, "{:?}", machine.log());
}

/// The rules by group and terminal, through the real sudo.
#[test]
fn rules_go_by_group_and_terminal_under_sudo() {
    let rules = r#"
[[rule]]
name = "admins at a terminal"
service = "sudo"
group = "wheel"
tty = "pts/*"
action = "skip"

[[rule]]
name = "sudo"
service = "sudo"
action = "require"
"#;
    let machine = machine(rules);
    let fob = hotp("ansible");
    machine.enrol("ansible", &[fob.clone()]);
    machine.stack(
        "sudo",
        "auth required pam_fob.so\nauth required pam_permit.so\n\
         account required pam_permit.so\nsession required pam_permit.so\n",
    );
    machine.file(
        "etc/sudoers",
        0o440,
        "ALL ALL=(ALL) ALL\nDefaults timestamp_timeout=0, lecture=never\n",
    );
    let sudo = |person: &str, terminal: bool, answer: &str| {
        let sudo = "sudo -S id -u 2>&1";
        let run = if terminal {
            format!("script -qec '{sudo}' /dev/null </tmp/answer")
        } else {
            format!("{sudo} </tmp/answer")
        };
        machine.file("tmp/answer", 0o644, format!("{answer}\n"));
        let id = "--reuid $(id -u $who) --regid $(id -g $who) --init-groups";
        let script = format!("who={person}; setsid --wait setpriv {id} sh -c \"{run}\" || :");
        let shown = machine.shell(&script);
        let log = machine.log();
        let ours = log.iter().find(|line| line.contains("pam_fob:auth"));
        (shown, ours.cloned().unwrap_or_default())
    };
    let (shown, log) = sudo("bob", true, "");
    let skipped = "rule=\"admins at a terminal\"";
    assert!(
        log.contains("ignored reason=skip") && log.contains(skipped),
        "{log} {shown}"
    );
    assert!(shown.lines().any(|line| line.trim() == "0"), "{shown}");
    let (shown, log) = sudo("ansible", false, &press(&fob, 0));
    assert!(
        log.contains("accepted") && log.contains("rule=\"sudo\""),
        "{log} {shown}"
    );
    let (shown, log) = sudo("bob", false, "000000");
    assert!(log.contains("refused reason=not_enrolled"), "{log} {shown}");
}

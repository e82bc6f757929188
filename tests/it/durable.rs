//! Out of space, broken: what was spent stays spent, and the next login works. Killed:
//! faults.rs.

use fob_core::Token;

use crate::machine::{CALLS, Machine, hotp, press, token_file, totp};

/// P9, T01: whatever fails, a wrong code never gets in, nor does "no opinion" come out.
#[test]
fn failing_system_calls_never_let_a_wrong_code_in() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[totp("alice")]);
    machine.service("test", "nullok");
    let script = format!(
        "{CALLS}{}",
        r#"
        strace -f -qq -o /tmp/all pamdrive test alice 000000 >/dev/null
        calls /tmp/all >/tmp/calls
        for errno in ENOMEM EIO EACCES; do
            n=0
            while read -r name k <&3; do
                n=$((n + 1))
                strace -f -qq -o /dev/null -e inject=$name:error=$errno:when=$k \
                    pamdrive --rhost 192.0.2.$n test alice 000000 2>/dev/null |
                    sed -n "s/^pamdrive: authenticate \([0-9]*\) .*/$errno-$name-$k $n \1/p"
            done 3</tmp/calls
        done
        "#
    );
    let out = machine.shell(&script);
    let mut answers = std::collections::BTreeSet::new();
    for line in out.lines() {
        let code = line.split(' ').nth(2).unwrap();
        // 28: libpam couldn't open the module or its own files; 5: it found no memory.
        assert!(
            ["3", "4", "5", "7", "19", "26", "28"].contains(&code),
            "{line}"
        );
        answers.insert(code.to_owned());
    }
    assert!(
        answers.contains("4") && answers.contains("7"),
        "{answers:?}"
    );
    assert!(out.lines().count() > 300);
}

/// P3: success is only said once the disk confirmed.
#[test]
fn disk_that_fails_refuses_and_spends() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    machine.login("alice", &[&press(&fob, 0)]);
    let faulty = |fault: &str, code: &str| {
        let script = format!(
            "strace -f -qq -o /dev/null -e inject={fault} pamdrive test alice {code}; true"
        );
        let out = machine.shell(&script);
        assert!(out.contains("pamdrive: authenticate 4 "), "{fault}: {out}");
        assert_eq!(
            machine.logged("reason").as_deref(),
            Some("state_write"),
            "{fault}"
        );
    };
    for (counter, fault) in (1..).zip([
        "fdatasync:error=EIO",
        "fdatasync:error=ENOSPC",
        "fdatasync:error=EDQUOT",
    ]) {
        faulty(fault, &press(&fob, counter));
        assert_eq!(
            machine.login("alice", &[&press(&fob, counter)]).code(),
            7,
            "{fault}"
        );
    }
    // What couldn't be debited wasn't looked at: it is as good as before.
    for fault in [
        "pwrite64:error=EIO",
        "pwrite64:error=ENOSPC",
        "pwrite64:error=EROFS",
        "pwrite64:error=EDQUOT",
    ] {
        faulty(fault, &press(&fob, 10));
    }
    assert_eq!(machine.login("alice", &[&press(&fob, 10)]).code(), 0);
    // Cut short or interrupted, a write goes on.
    for (counter, fault) in (11..).zip(["pwrite64:retval=1:when=1", "pwrite64:error=EINTR:when=1"])
    {
        let script = format!(
            "strace -f -qq -o /dev/null -e inject={fault} pamdrive test alice {}; true",
            press(&fob, counter)
        );
        assert!(
            machine.shell(&script).contains("authenticate 0 "),
            "{fault}"
        );
        assert_eq!(
            machine.login("alice", &[&press(&fob, counter)]).code(),
            7,
            "{fault}"
        );
    }
}

/// P5.
#[test]
fn full_disk_stops_nobody_who_has_a_ledger() {
    let machine = Machine::with(&["alice", "bob"]);
    let (alice, bob) = (hotp("alice"), hotp("bob"));
    machine.enrol("alice", &[alice.clone()]);
    machine.enrol("bob", &[bob.clone()]);
    let script = format!(
        "mount -t tmpfs -o size=64k,mode=0700 tmpfs /var/lib/fob
         pamdrive test alice {}
         dd if=/dev/zero of=/var/lib/fob/fill bs=4096 2>/dev/null
         pamdrive test alice {}
         pamdrive test alice {}
         pamdrive test bob {}; true",
        press(&alice, 0),
        press(&alice, 1),
        press(&alice, 1),
        press(&bob, 0)
    );
    let out = machine.shell(&script);
    let codes: Vec<&str> = out
        .lines()
        .filter_map(|line| line.strip_prefix("pamdrive: authenticate "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(codes, ["0", "0", "7", "4"], "{out}");
}

/// P9: unreadable, too open, damaged: refused with the reason, also with `nullok`.
#[test]
fn state_in_bad_order_refuses_and_says_why() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.service("test", "nullok");
    machine.enrol("alice", &[fob.clone()]);
    machine.login("alice", &[&press(&fob, 0)]);
    let bad = [
        ("chmod 0644 /etc/fob/tokens/alice", "state_too_open"),
        ("chown 2000 /etc/fob/tokens/alice", "state_too_open"),
        ("chmod 0777 /etc/fob/tokens", "state_too_open"),
        ("chmod 0775 /etc/fob", "config"),
        ("chown 2000 /etc/fob/tokens", "state_too_open"),
        ("chmod 0777 /", "config"),
        (
            "ln /etc/fob/tokens/alice /etc/fob/tokens/twin",
            "state_too_open",
        ),
        (
            "mv /etc/fob/tokens/alice /root/a; ln -s /root/a /etc/fob/tokens/alice",
            "state_too_open",
        ),
        (
            "rm /etc/fob/tokens/alice; mkdir /etc/fob/tokens/alice",
            "state_too_open",
        ),
        (
            "rm /etc/fob/tokens/alice; mkfifo -m 600 /etc/fob/tokens/alice",
            "state_too_open",
        ),
        (
            "rm /etc/fob/tokens/alice; mknod -m 600 /etc/fob/tokens/alice c 1 5",
            "state_too_open",
        ),
        ("truncate -s 1G /etc/fob/tokens/alice", "state_damaged"),
        (
            "head -c 4000 /dev/urandom >/etc/fob/tokens/alice",
            "state_damaged",
        ),
        (
            "printf 'version = 1\\0' >/etc/fob/tokens/alice",
            "state_damaged",
        ),
        (
            "printf 'version = 9\\n' >/etc/fob/tokens/alice",
            "newer_version",
        ),
        ("chmod 0644 /var/lib/fob/2000", "state_too_open"),
        ("chmod 0770 /var/lib/fob", "state_too_open"),
        ("rm -r /var/lib/fob", "state_missing"),
        ("truncate -s 100 /var/lib/fob/2000", "state_damaged"),
        (": >/var/lib/fob/2000", "state_damaged"),
        (
            "head -c 12288 /dev/zero >/var/lib/fob/2000",
            "state_damaged",
        ),
        (
            "printf X | dd of=/var/lib/fob/2000 bs=1 seek=4200 conv=notrunc 2>/dev/null; \
          printf X | dd of=/var/lib/fob/2000 bs=1 seek=8300 conv=notrunc 2>/dev/null",
            "state_damaged",
        ),
        (
            "printf X | dd of=/var/lib/fob/2000 bs=1 seek=515 conv=notrunc 2>/dev/null",
            "state_damaged",
        ),
        (
            "printf '\\0\\11' | dd of=/var/lib/fob/2000 bs=1 seek=8 conv=notrunc 2>/dev/null",
            "newer_version",
        ),
        (
            "rm /var/lib/fob/2000; mkfifo -m 600 /var/lib/fob/2000",
            "state_too_open",
        ),
        (
            "mount --bind /var/lib/fob /var/lib/fob; mount -o remount,bind,ro /var/lib/fob",
            "state_unreadable",
        ),
    ];
    machine.shell("cp -a /etc/fob /root/etc; cp -a /var/lib/fob /root/lib");
    for (damage, reason) in bad {
        machine.log();
        // In one call, so that mounts last; the good state is put back after it.
        let out = machine.shell(&format!(
            "{damage}
             timeout 4 pamdrive test alice {} || :
             umount /var/lib/fob 2>/dev/null; chmod 0755 /
             rm -rf /etc/fob /var/lib/fob; cp -a /root/etc /etc/fob; cp -a /root/lib /var/lib/fob",
            press(&fob, 1)
        ));
        let code = if reason == "config" { 3 } else { 4 };
        let expected = format!("pamdrive: authenticate {code} ");
        assert!(out.contains(&expected), "{damage}: {out}");
        assert_eq!(
            machine.logged("reason").as_deref(),
            Some(reason),
            "{damage}"
        );
    }
    assert_eq!(machine.login("alice", &[&press(&fob, 1)]).code(), 0);
}

/// T24, T25: swapped for a link again and again while logins go on, whether a token file or a
/// ledger, no link is ever followed: not to a file that would let in, and not to one whose words
/// would be told. `make race` does it a thousand
/// times.
#[test]
fn swapped_files_are_never_followed() {
    let machine = Machine::with(&["alice"]);
    let (hers, other) = (hotp("alice"), hotp("other"));
    machine.enrol("alice", &[hers.clone()]);
    machine.file("root/other", 0o600, token_file(&[other.clone()]));
    machine.file("root/canary", 0o600, "CANARY\n");
    machine.service("test", "debug");
    assert_eq!(machine.login("alice", &[&press(&hers, 0)]).code(), 0);
    let logins = if std::env::var("FOB_ROUNDS").is_ok() {
        1000
    } else {
        60
    };
    let out = machine.shell(&format!(
        "swap() {{
             while :; do
                 ln -s $2 $1.new; mv -T $1.new $1
                 cp -p /root/kept $1.new; mv -T $1.new $1
             done
         }}
         tries() {{
             cp -p $1 /root/kept
             swap $1 $2 & swapper=$!
             for n in $(seq {logins}); do pamdrive --rhost 192.0.2.$((n % 250)) test alice $3; done 2>&1
             kill $swapper; wait $swapper 2>/dev/null
             rm -f $1.new; cp -p /root/kept $1.new; mv -T $1.new $1
         }}
         tries /etc/fob/tokens/alice /root/other {theirs}
         tries /etc/fob/tokens/alice /root/canary {theirs}
         tries /var/lib/fob/2000 /root/canary {spent}
         :",
        theirs = press(&other, 0),
        spent = press(&hers, 0),
    ));
    assert!(!out.contains("authenticate 0 "), "{out}");
    assert!(out.contains("authenticate 4 ") && out.contains("authenticate 7 "));
    let log = machine.log().join("\n");
    assert!(!out.contains("CANARY") && !log.contains("CANARY"));
    assert!(
        log.contains("symbolic link") || log.contains("ELOOP"),
        "{log}"
    );
}

/// Shell functions: `said` is what PAM said; `nameless LOGIN` which of its `openat` is the first to
/// want a file without a name.
const NAMELESS: &str = r#"
said() { sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p'; }
nameless() {
    strace -qq -o /tmp/all -e trace=openat "$@" >/dev/null
    find /var/lib/fob -mindepth 1 -delete
    sed -n '/O_TMPFILE/=' /tmp/all | head -n 1
}
"#;

/// P4: on a file system without files that have no name, and without a renaming that replaces
/// nothing (NFS), somebody killed at any step of a first login keeps nobody out. The next one goes
/// on, and takes the temporary name away.
#[test]
fn first_login_killed_on_a_poorer_file_system_keeps_nobody_out() {
    let machine = Machine::with(&["alice", "bob"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let tries = format!(
        r#"{NAMELESS}
         tries() {{
             faults=$1; shift
             find /var/lib/fob -mindepth 1 -delete
             first=$(strace -qq -o /dev/null -e inject=openat:error=EOPNOTSUPP:when=$k $faults \
                 pamdrive test "$@" 2>/dev/null | said)
             echo ${{first:--}} $(pamdrive test "$@" | said) $(pamdrive test "$@" | said) \
                 $(ls -A /var/lib/fob | grep -c '^\.new-')
         }}
         poor='-e inject=renameat2:error=EINVAL'
         for who in 'alice {code}' 'bob 000000'; do
             k=$(nameless pamdrive test $who)
             tries '' $who
             tries "$poor" $who
             tries "$poor -e inject=linkat:signal=KILL" $who
             tries "$poor -e inject=unlink:signal=KILL" $who
         done"#,
        code = press(&fob, 0)
    );
    let out = machine.shell(&tries);
    let seen: Vec<&str> = out.lines().collect();
    assert_eq!(
        seen,
        [
            "0 7 7 0", "0 7 7 0", "- 0 7 1", "- 0 7 0", "7 7 7 0", "7 7 7 0", "- 7 7 1", "- 7 7 0",
        ]
    );
}

/// P2: nor does a login that has just made the ledger, while its file has two names.
#[test]
fn first_logins_at_once_on_a_poorer_file_system_all_succeed() {
    let machine = Machine::with(&["alice"]);
    let (first, second) = (
        hotp("alice"),
        Token {
            id: "second".into(),
            ..hotp("second")
        },
    );
    machine.enrol("alice", &[first.clone(), second.clone()]);
    let script = format!(
        r#"{NAMELESS}
         k=$(nameless pamdrive test alice {one})
         strace -f -qq -o /tmp/trace -e inject=openat:error=EOPNOTSUPP:when=$k \
             -e inject=renameat2:error=EINVAL -e inject=linkat:signal=STOP \
             pamdrive test alice {one} >/tmp/one &
         for n in $(seq 500); do
             pid=$(sed -n 's/^\([0-9]*\) .*stopped by SIGSTOP.*/\1/p' /tmp/trace 2>/dev/null)
             [ -z "$pid" ] || break
             sleep 0.02
         done
         stat -c %h /var/lib/fob/2000
         pamdrive test alice {two} | said
         kill -CONT $pid
         wait
         said </tmp/one
         ls -A /var/lib/fob"#,
        one = press(&first, 0),
        two = press(&second, 0)
    );
    let out = machine.shell(&script);
    assert_eq!(
        out.split_whitespace().collect::<Vec<_>>(),
        ["2", "0", "0", "2000"]
    );
}

//! The power goes the moment a success is said: state on a real file system in an image, the
//! image copied just then, the copy mounted, so that its journal is replayed. What was spent is
//! spent, what was enrolled is enrolled (P3, P4).
//!
//! What nobody synced isn't in the image: each copy is proved by a file that was written and
//! must be missing, and the whole by a login whose sync is a lie, which must be lost. `make powercut` for ext4, xfs and btrfs; `make check` for ext4 alone.

use std::io::{Write, stderr};

use crate::enrolment::REQUIRE;
use crate::machine::{Machine, hotp, press};

/// The image, mounted on /srv; `cut` gives /after, as the machine would find it.
const POWER: &str = r#"
set -e
[ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
for n in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do [ -e /dev/loop$n ] || mknod /dev/loop$n b 7 $n; done
truncate -s $size /dev/shm/image
$mkfs /dev/shm/image >/dev/null 2>&1
mkdir -p /srv /after
mount -o loop,$kept /dev/shm/image /srv
mkdir -m 0700 /srv/tokens /srv/state
chattr +C /srv/state 2>/dev/null || :
sync -f /srv
cut() {
    echo late >/srv/late
    cp --sparse=always /dev/shm/image /dev/shm/copy
    rm /srv/late
    mount -o loop,$replayed /dev/shm/copy /after
    [ ! -e /after/late ] || echo "CONTROL after $1: what nobody synced is there"
}
says() { pamdrive "$@" 2>/dev/null | sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p'; }
# WHAT SPENT NEXT: after the cut, what was spent again, the next, and that again.
after() {
    echo "AFTER $1: $(says after $2 "$3") $(says after $2 "$4") $(says after $2 "$4")"
    umount /after; rm /dev/shm/copy
}
"#;

/// A life on a file system, cut after each success.
const LIFE: &str = r#"
[ $(says test alice $c0) = 0 ]; cut "the first login"; after "the first login" alice $c0 $c1
[ $(says test alice $c1) = 0 ]; cut "a login"; after "a login" alice $c1 $c2
[ $(says test alice 000000) = 7 ]; [ $(says test alice $c2) = 0 ]; cut "a login after a wrong code"; after "a login after a wrong code" alice $c2 $c3
[ $(says test alice $paper) = 0 ]; cut "recovery"; after "recovery" alice $paper $other_paper
for n in 1 2 3 4 5 6 7 8 9; do says test alice 000000 >/dev/null; done
[ $(says test alice $c3) = 7 ]; fob --conf /etc/fob/fob.conf unlock alice >/dev/null; cut unlock; after unlock alice $c2 $c3
liar="strace -f -qq -o /dev/null -e inject=fdatasync:retval=0"
[ $($liar pamdrive test alice $c3 | sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p') = 0 ]
cut "a sync that lies"; [ $(says after alice $c3) = 0 ] || echo "CONTROL: a code whose sync was a lie is spent"
umount /after; rm /dev/shm/copy
fob disable alice >/dev/null; cut disable; echo "AFTER disable: $(says after alice $c4) 0 7"; umount /after; rm /dev/shm/copy
echo $e0 | fob enroll bob --type hotp --secret-file /root/seed >/dev/null 2>&1; cut "fob enroll"; after "fob enroll" bob $e0 $e1
pamdrive --calls authenticate,setcred enrols dora "$app" '' >/tmp/enrols 2>&1; grep -q 'setcred 0' /tmp/enrols; cut "enrolment at a login"
shown=$(cat /tmp/code); after "enrolment at a login" dora ${shown% *} ${shown#* }
fob import /root/users --yes >/dev/null 2>&1; cut "fob import"; after "fob import" carol $i0 $i1
"#;

/// Answers as a phone does that took the secret, and keeps what it shows now and next.
const APP: &str = r#"|s="$(echo "$PROMPT" | sed -n 's/.*into the app: //p')"
now=$(oathtool --totp -b "$s") next=$(oathtool --totp -b -N 'now + 30 seconds' "$s")
echo $now $next >/tmp/code; echo $now"#;

/// How a file system is made, and mounted so that it writes nothing by itself meanwhile.
struct System {
    mkfs: &'static str,
    size: &'static str,
    kept: &'static str,
    replayed: &'static str,
}

const EXT4: System = System {
    mkfs: "mkfs.ext4 -q -F",
    size: "64M",
    kept: "commit=600",
    replayed: "rw",
};
const XFS: System = System {
    mkfs: "mkfs.xfs -q -f",
    size: "320M",
    kept: "rw",
    replayed: "nouuid",
};
const BTRFS: System = System {
    mkfs: "mkfs.btrfs -q -f",
    size: "256M",
    kept: "commit=300",
    replayed: "rw",
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lives on a file system whose power is cut.
fn survives(system: &System) {
    let machine = Machine::with(&["alice", "bob", "carol", "dora"]);
    if !has_loops(&machine, system) {
        return;
    }
    let folders = "tokens = \"/srv/tokens\"\nstate = \"/srv/state\"\n";
    machine.file("etc/fob/fob.conf", 0o644, folders);
    let enrols = format!("{folders}{REQUIRE}");
    machine.file("etc/fob/enrols.conf", 0o644, enrols);
    machine.service("enrols", "conf=/etc/fob/enrols.conf");
    machine.file(
        "etc/fob/after.conf",
        0o644,
        "tokens = \"/after/tokens\"\nstate = \"/after/state\"\n",
    );
    machine.service("after", "conf=/etc/fob/after.conf");
    let (fob, seed, moved) = (hotp("alice"), hotp("bob"), hotp("carol"));
    machine.file(
        "root/alice",
        0o600,
        crate::machine::token_file(&[fob.clone()]),
    );
    machine.file("root/seed", 0o600, seed.secret.to_base32().as_str());
    let last = press(&moved, 4);
    let key = hex(moved.secret.bytes());
    let line = format!("HOTP carol - {key}\t4\t{last}\t2026-11-24T01:02:03L\n");
    machine.file("root/users", 0o600, line);
    let System {
        mkfs,
        size,
        kept,
        replayed,
    } = system;
    let words = format!("mkfs='{mkfs}' size={size} kept={kept} replayed={replayed}");
    let codes: Vec<String> = (0..5).map(|n| format!("c{n}={}", press(&fob, n))).collect();
    let codes = format!(
        "{} e0={} e1={} i0={last} i1={}",
        codes.join(" "),
        press(&seed, 0),
        press(&seed, 1),
        press(&moved, 5)
    );
    let alice = "cp -p /root/alice /srv/tokens/alice; sync -f /srv
        papers=$(fob recovery alice --yes --json | grep -oE '([0-9A-Z]{4}-){3}[0-9A-Z]{4}' | head -n 2)
        paper=$(echo \"$papers\" | head -n 1) other_paper=$(echo \"$papers\" | tail -n 1)";
    let app = format!("app='{}'", APP.replace('\'', "'\\''"));
    let out = machine.shell(&format!(
        "{words}\n{codes}\n{app}\n{POWER}\n{alice}\n{LIFE}\numount /srv"
    ));
    let seen: Vec<&str> = out
        .lines()
        .filter(|line| line.starts_with("AFTER "))
        .collect();
    let wrong: Vec<&&str> = seen
        .iter()
        .filter(|line| !line.ends_with(": 7 0 7"))
        .collect();
    assert!(
        wrong.is_empty() && !out.contains("CONTROL"),
        "{out}\n{:#?}",
        machine.log()
    );
    assert_eq!(seen.len(), 9, "{out}");
}

/// Whether images can be mounted here. Where not, it is said, loudly.
fn has_loops(machine: &Machine, system: &System) -> bool {
    let probe = format!(
        "mkfs='{}' size={} kept={} replayed=rw; {POWER} mount | grep -q ' /srv ' && umount /srv && echo YES",
        system.mkfs, system.size, system.kept
    );
    let output = machine.command("sh").args(["-c", &probe]).output().unwrap();
    let able = String::from_utf8_lossy(&output.stdout).contains("YES");
    machine.shell("rm -rf /srv");
    if !able {
        let why = String::from_utf8_lossy(&output.stderr);
        // Not by a macro: what those print of a test that passes, nobody sees.
        let _ = writeln!(
            stderr(),
            "SKIPPED: no power cut on {}: no image can be mounted: {why}",
            system.mkfs
        );
        assert!(
            std::env::var("FOB_POWERCUT").is_err(),
            "make powercut needs loop devices"
        );
    }
    able
}

/// P3, P4.
#[test]
fn power_cut_on_ext4_takes_nothing_back() {
    survives(&EXT4);
}

/// P3, P4.
#[test]
#[ignore = "needs more tools; make powercut"]
fn power_cut_on_xfs_and_btrfs_takes_nothing_back() {
    survives(&XFS);
    survives(&BTRFS);
}

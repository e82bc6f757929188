//! Good stacks, and every way round the module.

use super::*;

/// The codes of all findings about a stack, but for the good ones.
/// No fob.conf.
fn nothing_said() -> Read<'static> {
    static NOTHING: std::sync::LazyLock<Conf> = std::sync::LazyLock::new(Conf::default);
    Read {
        path: Path::new("/x"),
        conf: &NOTHING,
    }
}

fn codes(service: &str, stack: &str) -> Vec<&'static str> {
    codes_with(&Conf::default(), service, stack)
}

fn codes_with(conf: &Conf, service: &str, stack: &str) -> Vec<&'static str> {
    let folder = std::env::temp_dir().join(format!(
        "fob-stacks-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(service), stack).unwrap();
    let read = Read {
        path: Path::new("/etc/fob/fob.conf"),
        conf,
    };
    let (findings, _) = examine_in(&Folders(vec![folder.clone()]), &[], &read);
    std::fs::remove_dir_all(folder).unwrap();
    let bad = findings
        .iter()
        .filter(|finding| finding.code != "stack.asks");
    bad.map(|finding| finding.code).collect()
}

#[test]
fn good_stacks_are_fine() {
    for stack in [
        "auth required pam_unix.so\nauth required pam_fob.so\n",
        "auth requisite pam_unix.so\nauth requisite pam_fob.so prompt=Code:\n",
        "auth required pam_fob.so forward_pass\nauth required pam_unix.so use_first_pass\n",
        "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so\nauth required pam_fob.so\n",
        "auth required pam_unix.so\nauth [success=ok ignore=ignore default=bad] pam_fob.so\n",
    ] {
        assert_eq!(codes("sudo", stack), [""; 0], "{stack}");
    }
}

#[test]
fn every_way_round_the_module_is_found() {
    for (stack, code) in [
        (
            "auth sufficient pam_unix.so\nauth required pam_fob.so\n",
            "stack.skipped",
        ),
        (
            "auth [success=2 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_fob.so\n",
            "stack.locks_out",
        ),
        (
            "auth sufficient pam_rootok.so\nauth required pam_unix.so\nauth required pam_fob.so\n",
            "stack.exempt",
        ),
        (
            "auth required pam_unix.so\nauth optional pam_fob.so\n",
            "stack.not_enforced",
        ),
        (
            "auth required pam_unix.so\nauth sufficient pam_fob.so\n",
            "stack.not_enforced",
        ),
        (
            "auth required pam_unix.so\nauth [success=ok system_err=ignore default=bad] pam_fob.so\n",
            "stack.not_enforced",
        ),
        (
            "auth required pam_unix.so\nauth [success=ok default=ignore] pam_fob.so\n",
            "stack.not_enforced",
        ),
        (
            "auth required pam_unix.so\n-auth required pam_fob.so\n",
            "stack.may_be_missing",
        ),
        (
            "auth required pam_unix.so\nauth required pam_fob.so nulok\n",
            "stack.bad_argument",
        ),
        (
            "auth required pam_unix.so\nauth required pam_fob.so conf=/x\n",
            "stack.other_conf",
        ),
        (
            "auth required pam_unix.so\nauth required pam_fob.so\nauth required pam_fob.so\n",
            "stack.twice",
        ),
        ("auth required pam_fob.so\n", "stack.no_first_factor"),
        (
            "auth required pam_unix.so\nauth required pam_fob.so nullok\n",
            "stack.nullok",
        ),
        (
            "auth required pam_unix.so\nauth must pam_x.so\nauth required pam_fob.so\n",
            "stack.bad_line",
        ),
    ] {
        let found = codes("sudo", stack);
        assert!(found.contains(&code), "{stack}: {found:?}");
    }
    assert_eq!(
        codes("sshd", "auth required pam_fob.so\n"),
        ["stack.key_only"]
    );
    let alone = codes(
        "sshd",
        "auth required pam_env.so\nauth required pam_fob.so nullok\n",
    );
    assert_eq!(alone, ["stack.key_only", "stack.nullok_alone"]);
    assert_eq!(codes("sudo", "auth required pam_unix.so\n"), ["stack.none"]);
    assert_eq!(
        codes("sudo", "auth include nosuch\n"),
        ["stack.unreadable", "stack.none"]
    );
}

/// A rule that lets pass needs a stack that says yes as much as `nullok` does.
#[test]
fn rule_that_lets_pass_is_nothing_in_a_stack_that_says_no() {
    let stack = "auth required pam_fob.so\n";
    for (rule, alone) in [
        ("action = \"skip\"", true),
        ("action = \"require\"\nenroll = \"require\"", true),
        ("action = \"require\"", false),
        ("service = \"su\"\naction = \"skip\"", false),
        ("not_service = \"su\"\naction = \"skip\"", true),
    ] {
        let conf = Conf::parse(&format!("[[rule]]\nname = \"a\"\n{rule}\n")).unwrap();
        let found = codes_with(&conf, "sshd", stack);
        assert_eq!(found.contains(&"stack.nullok_alone"), alone, "{rule}");
    }
}

/// sshd ends a login in another process than the one that asked, and there only what modules say
/// to `pam_setcred` leads to this one.
#[test]
fn end_of_a_login_that_never_comes_to_the_module_is_found() {
    let enrolls = "action = \"require\"\nenroll = \"require\"";
    let rest = "auth required pam_fob.so\nauth required pam_permit.so\n";
    for (before, unseen) in [
        ("", false),
        ("auth sufficient pam_listfile.so file=/x", true),
        (
            "auth [success=1 default=ignore] pam_listfile.so file=/x",
            true,
        ),
        ("auth required pam_listfile.so file=/x", false),
        ("auth sufficient pam_rootok.so", true),
        ("auth sufficient pam_succeed_if.so user = x", false),
        (
            "auth [success=1 default=ignore] pam_succeed_if.so user = x",
            false,
        ),
        // "ignore" is what `default` is about.
        (
            "auth [success=ignore default=1] pam_succeed_if.so user = x",
            true,
        ),
        (
            "auth [success=ignore ignore=ignore default=1] pam_succeed_if.so user = x",
            false,
        ),
        ("auth requisite pam_deny.so", true),
        (
            "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so",
            false,
        ),
        // What was said no to isn't over by a later yes.
        (
            "auth required pam_deny.so\nauth sufficient pam_rootok.so",
            false,
        ),
    ] {
        let stack = format!("{before}\n{rest}");
        for (service, rule, applies) in [
            ("sshd", enrolls, true),
            ("sshd", "action = \"require\"\nremember = \"1h\"", true),
            ("sshd", "action = \"skip\"", false),
            (
                "sshd",
                "service = \"su\"\naction = \"require\"\nenroll = \"require\"",
                false,
            ),
            ("su", enrolls, false),
        ] {
            let conf = Conf::parse(&format!("[[rule]]\nname = \"a\"\n{rule}\n")).unwrap();
            let found = codes_with(&conf, service, &stack);
            let expected = unseen && applies;
            assert_eq!(
                found.contains(&"stack.end_unseen"),
                expected,
                "{stack}{service} {rule}"
            );
        }
    }
}

/// `done` in a substack ends the substack alone.
#[test]
fn substack_ends_by_itself() {
    let folder = std::env::temp_dir().join(format!("fob-substack-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("common"),
        "auth sufficient pam_unix.so\nauth required pam_deny.so\n",
    )
    .unwrap();
    for (control, code) in [("substack", None), ("include", Some("stack.skipped"))] {
        std::fs::write(
            folder.join("login"),
            format!("auth {control} common\nauth required pam_fob.so\n"),
        )
        .unwrap();
        let (findings, _) = examine_in(&Folders(vec![folder.clone()]), &[], &nothing_said());
        let found = findings
            .iter()
            .find(|finding| finding.code == "stack.skipped");
        assert_eq!(found.map(|finding| finding.code), code, "{control}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Stacks where each line looks harmless, and a wrong code lets in, or a right one doesn't.
#[test]
fn ways_that_no_single_line_shows_are_found() {
    for (stack, expected) in [
        // A later line takes the refusal back.
        (
            "auth required pam_unix.so\nauth required pam_fob.so\nauth [success=reset default=reset] pam_warn.so\nauth required pam_permit.so\n",
            "stack.not_enforced",
        ),
        // A number of lines that is one too many.
        (
            "auth [success=2 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_fob.so\nauth required pam_permit.so\n",
            "stack.skipped",
        ),
        // Whom a module says no to comes to no code.
        (
            "auth required pam_unix.so\nauth [success=ignore default=1] pam_x.so\nauth required pam_fob.so\n",
            "stack.skipped",
        ),
        // The jump over pam_deny is taken by nobody.
        (
            "auth required pam_unix.so\nauth [success=ok default=bad] pam_fob.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
            "stack.locks_out",
        ),
        // A jump past the end is a refusal.
        (
            "auth required pam_unix.so\nauth [success=1 default=die] pam_fob.so\n",
            "stack.locks_out",
        ),
        // Nothing says yes.
        (
            "auth [success=ignore default=die] pam_unix.so\nauth [success=ignore default=die] pam_fob.so\n",
            "stack.locks_out",
        ),
        // One factor of the two is enough.
        (
            "auth [success=done default=ignore] pam_fob.so\nauth required pam_unix.so\n",
            "stack.not_enforced",
        ),
    ] {
        let found = codes("sudo", stack);
        assert!(found.contains(&expected), "{stack}: {found:?}");
    }
}

/// The jump of a common Debian stack counts the lines of an include, and a substack as one.
#[test]
fn jumps_count_over_includes_and_substacks() {
    let folder = std::env::temp_dir().join(format!("fob-jumps-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let common = "auth required pam_env.so\nauth required pam_fob.so\n";
    std::fs::write(folder.join("common"), common).unwrap();
    for (control, count, skipped) in [
        ("include", 1, false),
        ("include", 2, true),
        ("substack", 1, true),
        ("substack", 2, true),
    ] {
        let stack = format!(
            "auth [success={count} default=die] pam_unix.so\nauth {control} common\nauth required pam_permit.so\nauth required pam_permit.so\n"
        );
        std::fs::write(folder.join("login"), stack).unwrap();
        let (findings, _) = examine_in(&Folders(vec![folder.clone()]), &[], &nothing_said());
        let found = findings
            .iter()
            .any(|finding| finding.code == "stack.skipped");
        assert_eq!(found, skipped, "{control} {count}: {findings:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// What a substack says no to, the lines around it may take back.
#[test]
fn refusal_in_a_substack_that_is_taken_back_is_found() {
    let folder = std::env::temp_dir().join(format!("fob-taken-back-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("code"), "auth requisite pam_fob.so\n").unwrap();
    for (after, enforced) in [
        ("auth required pam_permit.so\n", true),
        (
            "auth [default=reset] pam_warn.so\nauth required pam_permit.so\n",
            false,
        ),
    ] {
        let stack = format!("auth required pam_unix.so\nauth substack code\n{after}");
        std::fs::write(folder.join("login"), stack).unwrap();
        let (findings, _) = examine_in(&Folders(vec![folder.clone()]), &[], &nothing_said());
        let found = findings
            .iter()
            .any(|finding| finding.code == "stack.not_enforced");
        assert_eq!(found, !enforced, "{after}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

use super::*;
use crate::format::Conf;
use proptest::prelude::*;

/// A login of a test.
struct Login {
    service: &'static str,
    user: &'static str,
    rhost: Option<&'static str>,
    tty: Option<&'static str>,
    /// None where the user database fails.
    groups: Option<Vec<&'static str>>,
    minute: Option<Minute>,
}

const ALICE: fn() -> Login = || Login {
    service: "sshd",
    user: "alice",
    rhost: Some("10.20.1.2"),
    tty: Some("ssh"),
    groups: Some(vec!["wheel"]),
    // Wednesday, 2026-11-25 12:00.
    minute: Some(Minute::of_local(1_795_608_000)),
};

impl Scene for Login {
    type Error = &'static str;

    fn service(&self) -> &str {
        self.service
    }

    fn user(&self) -> &str {
        self.user
    }

    fn rhost(&self) -> Option<&str> {
        self.rhost
    }

    fn tty(&self) -> Option<&str> {
        self.tty
    }

    fn is_in_group(&self, group: &GroupName) -> Result<bool, Self::Error> {
        let groups = self.groups.as_ref().ok_or("the user database failed")?;
        Ok(match group {
            GroupName::Name(name) => groups.contains(&name.as_str()),
            GroupName::Id(gid) => *gid == 10 && groups.contains(&"wheel"),
        })
    }

    fn minute(&self) -> Result<Option<Minute>, Self::Error> {
        Ok(self.minute)
    }
}

fn rules(text: &str) -> Vec<Rule> {
    Conf::parse(text).unwrap().rules
}

/// Whether a rule with that condition and action matches.
fn matches(condition: &str, action: &str, login: &Login) -> bool {
    let text = format!("[[rule]]\nname = \"it\"\naction = \"{action}\"\n{condition}\n");
    let rules = rules(&text);
    Rule::first(&rules, login).unwrap().is_some()
}

#[test]
fn each_condition_holds_for_any_of_its_list_and_its_not_form_for_none() {
    for (subject, hit, miss) in [
        ("service", "[\"su\", \"sshd\"]", "[\"su\", \"sudo\"]"),
        ("service", "\"ss*\"", "\"ssh\""),
        ("user", "[\"bob\", \"alice\"]", "\"Alice\""),
        ("user", "\"a*i*e\"", "\"a*i\""),
        (
            "network",
            "[\"10.20.0.0/16\", \"2001:db8::/32\"]",
            "\"10.21.0.0/16\"",
        ),
        ("network", "\"10.20.1.2\"", "\"10.20.1.3\""),
        ("network", "\"0.0.0.0/0\"", "\"::/0\""),
        ("tty", "\"remote\"", "\"local\""),
        ("tty", "[\"tty*\", \"ssh\"]", "\"pts/*\""),
        ("time", "\"Mon-Fri 08:00-18:00\"", "\"Sat,Sun 08:00-18:00\""),
        ("time", "\"12:00-12:01\"", "\"12:01-12:00\""),
        ("group", "[\"admins\", \"wheel\"]", "\"users\""),
        ("group", "10", "[11, 12]"),
    ] {
        for (not, of_hit, of_miss) in [("", true, false), ("not_", false, true)] {
            for action in ["require", "skip"] {
                let found = matches(&format!("{not}{subject} = {hit}"), action, &ALICE());
                assert_eq!(found, of_hit, "{not}{subject} = {hit}");
                let found = matches(&format!("{not}{subject} = {miss}"), action, &ALICE());
                assert_eq!(found, of_miss, "{not}{subject} = {miss}");
            }
        }
    }
}

/// What the doctor asks about a rule.
#[test]
fn rules_by_which_somebody_passes_without_a_code_are_known() {
    for (text, passes) in [
        ("action = \"require\"", false),
        ("action = \"deny\"", false),
        ("action = \"skip\"", true),
        ("action = \"skip-if-not-enrolled\"", true),
        ("action = \"require\"\nenroll = \"require\"", true),
        ("action = \"require\"\nremember = \"12h\"", true),
    ] {
        let rules = rules(&format!("[[rule]]\nname = \"it\"\n{text}\n"));
        assert_eq!(rules[0].lets_pass(), passes, "{text}");
    }
}

#[test]
fn rule_may_be_about_each_service_that_it_does_not_leave_out() {
    for (text, sshd, su) in [
        ("service = \"ssh*\"", true, false),
        ("not_service = [\"su\", \"sudo\"]", true, false),
        ("user = \"alice\"", true, true),
        ("user = \"alice\"\nservice = \"su\"", false, true),
    ] {
        let rules = rules(&format!(
            "[[rule]]\nname = \"it\"\naction = \"skip\"\n{text}\n"
        ));
        let about = |service| rules[0].may_be_about(service);
        assert_eq!((about("sshd"), about("su")), (sshd, su), "{text}");
    }
}

#[test]
fn all_conditions_of_a_rule_must_hold_and_the_first_rule_wins() {
    let rules = rules(
        "[[rule]]\nname = \"night\"\nservice = \"sshd\"\ntime = \"22:00-06:00\"\naction = \"deny\"\n\
         [[rule]]\nname = \"office\"\nservice = \"sshd\"\nnetwork = \"10.20.0.0/16\"\naction = \"skip\"\n\
         [[rule]]\nname = \"rest\"\naction = \"require\"\n",
    );
    let name = |login: &Login| Rule::first(&rules, login).unwrap().unwrap().name.clone();
    assert_eq!(name(&ALICE()), "office");
    let outside = Login {
        rhost: Some("192.0.2.1"),
        ..ALICE()
    };
    assert_eq!(name(&outside), "rest");
    let late = Login {
        minute: Some(Minute::of_local(23 * 3600)),
        ..ALICE()
    };
    assert_eq!(name(&late), "night");
    assert_eq!(Rule::first(&[], &ALICE()).unwrap(), None);
}

#[test]
fn address_is_the_same_in_all_its_forms_and_a_name_is_in_no_network() {
    let from = |rhost| Login { rhost, ..ALICE() };
    for (rhost, network) in [
        ("::ffff:10.20.1.2", "10.20.0.0/16"),
        ("2001:DB8::1", "2001:db8::/32"),
        ("fe80::1%eth0", "fe80::/10"),
    ] {
        let condition = format!("network = \"{network}\"");
        assert!(matches(&condition, "skip", &from(Some(rhost))), "{rhost}");
    }
    for rhost in [
        None,
        Some(""),
        Some("host.example"),
        Some("10.20.1.2.example"),
        Some("0x0a140102"),
    ] {
        for action in ["skip", "require", "deny"] {
            let all = "network = [\"0.0.0.0/0\", \"::/0\"]";
            assert!(!matches(all, action, &from(rhost)), "{rhost:?}");
        }
    }
}

/// A forged host name must not come past a rule, on whichever side it stands.
#[test]
fn what_is_not_known_never_loosens() {
    let forged = Login {
        rhost: Some("host.example"),
        ..ALICE()
    };
    let unset = Login {
        minute: None,
        ..ALICE()
    };
    for (condition, login) in [
        ("not_network = \"192.0.2.0/24\"", &forged),
        ("time = \"00:00-24:00\"", &unset),
        ("not_time = \"12:00-13:00\"", &unset),
    ] {
        for (action, expected) in [
            ("skip", false),
            ("skip-if-not-enrolled", false),
            ("require", true),
            ("deny", true),
        ] {
            assert_eq!(
                matches(condition, action, login),
                expected,
                "{condition} {action}"
            );
        }
    }
}

#[test]
fn group_that_cannot_be_told_is_an_error_where_it_decides() {
    let text = "[[rule]]\nname = \"g\"\nservice = \"su\"\ngroup = \"wheel\"\naction = \"deny\"\n";
    let failing = Login {
        groups: None,
        ..ALICE()
    };
    assert_eq!(
        Rule::first(&rules(text), &failing),
        Ok(None),
        "it's about su"
    );
    let su = Login {
        service: "su",
        ..failing
    };
    assert!(Rule::first(&rules(text), &su).is_err());
}

#[test]
fn span_goes_past_midnight_from_the_day_it_begins_on() {
    let at = |text: &str| {
        let (day, hours) = text.split_once(' ').unwrap();
        let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
            .iter()
            .position(|name| *name == day)
            .unwrap();
        let (hours, minutes) = hours.split_once(':').unwrap();
        let number = |text: &str| text.parse::<i64>().unwrap();
        let day = i64::try_from(day).unwrap();
        // 1970-01-05 was a Monday.
        Minute::of_local(((4 + day) * 24 + number(hours)) * 3600 + number(minutes) * 60)
    };
    for (span, inside, outside) in [
        (
            "Fri 22:00-06:00",
            ["Fri 22:00", "Sat 05:59"],
            ["Fri 05:59", "Sat 06:00"],
        ),
        (
            "Sun 22:00-06:00",
            ["Sun 23:00", "Mon 00:00"],
            ["Mon 06:00", "Mon 22:00"],
        ),
        (
            "Fri-Mon 00:00-24:00",
            ["Fri 00:00", "Mon 23:59"],
            ["Tue 00:00", "Thu 23:59"],
        ),
        (
            "mon,wed 08:00-09:00",
            ["Mon 08:00", "Wed 08:59"],
            ["Tue 08:30", "Wed 09:00"],
        ),
        ("00:00-00:00", ["Mon 00:00", "Sun 23:59"], ["", ""]),
    ] {
        let parsed = Span::parse(span).unwrap();
        for minute in inside {
            assert!(parsed.contains(at(minute)), "{span}: {minute}");
        }
        for minute in outside.into_iter().filter(|text| !text.is_empty()) {
            assert!(!parsed.contains(at(minute)), "{span}: {minute}");
        }
    }
}

/// An unreadable rule refuses everybody; the error says where it is.
#[test]
fn rule_that_cannot_be_read_is_an_error_at_its_line() {
    for (wrong, line) in [
        ("name = \"\"", 2),
        ("action = \"allow\"", 3),
        ("action = true", 3),
        ("servce = \"sshd\"", 4),
        ("service = []", 4),
        ("service = 1", 4),
        ("user = [\"\"]", 4),
        ("network = \"host.example\"", 4),
        ("network = \"10.20.0.1/16\"", 4),
        ("network = \"10.20.0.0/33\"", 4),
        ("network = \"::ffff:10.0.0.0/104\"", 4),
        ("time = \"8-18\"", 4),
        ("time = \"Mo 08:00-18:00\"", 4),
        ("time = \"08:00-24:01\"", 4),
        ("time = \"08:00-17:60\"", 4),
        ("time = \"08:00-1:000\"", 4),
        ("time = \"08:00-+9:00\"", 4),
        ("time = \"24:00-06:00\"", 4),
        ("group = -1", 4),
        ("group = true", 4),
        ("not_not_user = \"alice\"", 4),
    ] {
        let mut lines = [
            "[[rule]]",
            "name = \"it\"",
            "action = \"skip\"",
            "service = \"su\"",
        ];
        let place = line - 1;
        lines[place] = wrong;
        let error = Conf::parse(&lines.join("\n")).unwrap_err();
        assert_eq!(error.line, line, "{wrong}: {error}");
    }
    for wrong in [
        "rule = 1",
        "[rule]\nname = \"a\"\naction = \"skip\"",
        "[[rule]]\nname = \"a\"",
        "[[rule]]\naction = \"skip\"",
        "[[rule]]\nname = \"a\"\naction = \"skip\"\n[[rule]]\nname = \"a\"\naction = \"deny\"",
    ] {
        assert!(Conf::parse(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    /// Against a matcher that tries every way.
    #[test]
    fn star_stands_for_any_characters(pattern in "[ab*]{0,7}", text in "[ab]{0,7}") {
        fn slow(pattern: &[u8], text: &[u8]) -> bool {
            match pattern.split_first() {
                None => text.is_empty(),
                Some((b'*', rest)) => (0..=text.len()).any(|n| slow(rest, &text[n..])),
                Some((byte, rest)) => text.first() == Some(byte) && slow(rest, &text[1..]),
            }
        }
        let found = Pattern(pattern.clone()).matches(&text);
        prop_assert_eq!(found, slow(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn no_time_panics(text in "\\PC{0,24}", seconds in any::<i64>()) {
        if let Some(span) = Span::parse(&text) {
            span.contains(Minute::of_local(seconds));
        }
    }
}

/// `fob config check` looks whether they are there.
#[test]
fn names_of_groups_are_those_of_all_conditions_but_numbers() {
    let rule = &rules(
        "[[rule]]\nname = \"x\"\naction = \"require\"\nuser = \"bob\"\ngroup = [\"wheel\", 10, \"staff\"]\n",
    )[0];
    assert_eq!(rule.group_names().collect::<Vec<_>>(), ["wheel", "staff"]);
}

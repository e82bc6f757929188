//! What a login meets: arguments, rules, an application's answers, and faults.

use std::cell::RefCell;
use std::convert::Infallible;
use std::ffi::{c_char, c_int, c_void};
use std::rc::Rc;

use fob_core::format::Conf;
use fob_core::rule::{GroupName, Minute, Rule, Scene};
use fob_core::{Arguments, MAX_ANSWER};
use fob_store::model::{Bytes, History, Rules};

use crate::conversation::{Conversation, NoAnswer, Style, converse};

/// A life of logins: what is typed, in which order processes make their steps, what fails, is
/// killed and torn. Success only where the model says so.
pub(crate) fn live(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let rules = if first & 1 == 0 { Rules::Exact } else { Rules::Usual };
    let (rounds, faults) = (usize::from(first >> 1 & 7) + 1, u32::from(first >> 4));
    let chances = Rc::new(RefCell::new(Bytes(rest.to_vec().into_iter())));
    History::new(chances, rules).live(rounds, faults);
}

/// The words of a line, a NUL between them. Nobody passes who wasn't named (T09).
pub(crate) fn arguments(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let words: Vec<String> = text.split('\0').map(str::to_owned).collect();
    if let Ok(arguments) = Arguments::parse(&words) {
        let named = words.iter().any(|word| word == "nullok");
        assert_eq!(arguments.settings.nullok(), named);
        assert_eq!(arguments.settings.nullok_until, None);
    }
}

/// A fob.conf, and behind NULs the service, user, host, terminal and groups of a login.
pub(crate) fn rules(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut parts = text.split('\0');
    let Ok(conf) = Conf::parse(parts.next().unwrap_or_default()) else {
        return;
    };
    let scene = Login {
        service: parts.next().unwrap_or_default(),
        user: parts.next().unwrap_or_default(),
        rhost: parts.next(),
        tty: parts.next(),
        groups: parts.collect(),
    };
    let Ok(found) = Rule::first(&conf.rules, &scene);
    // The first that matches, and none before it.
    let matching = conf.rules.iter().find(|rule| rule.matches(&scene) == Ok(true));
    assert_eq!(found, matching);
}

struct Login<'a> {
    service: &'a str,
    user: &'a str,
    rhost: Option<&'a str>,
    tty: Option<&'a str>,
    groups: Vec<&'a str>,
}

impl Scene for Login<'_> {
    type Error = Infallible;

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

    fn is_in_group(&self, group: &GroupName) -> Result<bool, Infallible> {
        Ok(match group {
            GroupName::Name(name) => self.groups.contains(&name.as_str()),
            GroupName::Id(id) => self.groups.contains(&id.to_string().as_str()),
        })
    }

    fn minute(&self) -> Result<Option<Minute>, Infallible> {
        let seconds = i64::try_from(self.user.len()).unwrap_or_default() * 7_919;
        Ok((!self.groups.is_empty()).then(|| Minute::of_local(seconds)))
    }
}

/// `struct pam_message` and `struct pam_response`, as an application sees them.
#[repr(C)]
struct Response {
    text: *mut c_char,
    code: c_int,
}

/// As `crate::conversation::Conversation`, whose fields are its own.
#[repr(C)]
struct Application {
    callback: extern "C" fn(c_int, *mut *const c_void, *mut *mut Response, *mut c_void) -> c_int,
    data: *const Given,
}

/// How the application answers, and what.
struct Given {
    how: u8,
    text: Vec<u8>,
}

/// An application's answer, of which the first byte says how it is given. This runs the module's
/// unsafe code: `make sanitizers` has it with AddressSanitizer, which stable alone hasn't.
pub(crate) fn answer(bytes: &[u8]) {
    let Some((how, text)) = bytes.split_first() else {
        return;
    };
    let text: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
    let given = Given { how: how % 5, text };
    let application = Application {
        callback: respond,
        data: &raw const given,
    };
    let conversation = (&raw const application).cast::<Conversation>();
    // SAFETY: laid out as `struct pam_conv`.
    let said = unsafe { converse(conversation, Style::Hidden, c"Code: ") };
    match given.how {
        0 if given.text.len() > MAX_ANSWER => assert_eq!(said.err(), Some(NoAnswer::TooLong)),
        0 => {
            let answer = said.ok().flatten().map(|answer| answer.bytes().to_vec());
            assert_eq!(answer.as_deref(), Some(given.text.as_slice()));
            crate::attempt(&given.text);
        }
        1 | 2 => assert!(matches!(said, Ok(None))),
        _ => assert_eq!(said.err(), Some(NoAnswer::Failed)),
    }
}

extern "C" fn respond(
    count: c_int,
    _: *mut *const c_void,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    assert_eq!(count, 1);
    // SAFETY: what `answer` put there, which outlives the call.
    let given = unsafe { &*data.cast::<Given>() };
    // SAFETY: allocated as pam_conv(3) demands; the module frees both.
    unsafe {
        let mut response = std::ptr::null_mut();
        if !matches!(given.how, 2 | 4) {
            response = libc::calloc(1, size_of::<Response>()).cast::<Response>();
            if given.how != 1 {
                let text = libc::calloc(1, given.text.len() + 1).cast::<u8>();
                text.copy_from(given.text.as_ptr(), given.text.len());
                (*response).text = text.cast();
                (*response).code = -1;
            }
        }
        *responses = response;
    }
    c_int::from(given.how > 2) * 19
}

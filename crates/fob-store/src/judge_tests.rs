use std::path::Path;

use fob_core::{Attempt, Ledger, Owner, Reason, Refusal, SealKey, Source, Stay, Verdict};

use super::{Judged, Store};
use crate::root_folder::{RootFolder, set_mode};
use crate::{Account, Fault, FaultKind, LedgerFile, Who};

/// RFC 4226, appendix D.
const CODES: [&str; 2] = ["755224", "287082"];

/// A machine whose fob.conf ends in these lines, and on which alice has a fob.
fn store(home: &RootFolder, more: &str) -> Store {
    let (tokens, state) = (home.folder("tokens"), home.folder("state"));
    home.folder("state/tokens");
    home.file(
        "tokens/alice",
        "version = 1\n[[token]]\nid = \"fob\"\ntype = \"hotp\"\ncounter = 0\n\
         secret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\n",
    );
    let conf = format!("tokens = {tokens:?}\nstate = {state:?}\n{more}\n");
    Store::open(Some(&home.file("fob.conf", conf))).unwrap()
}

fn alice() -> Account {
    Account {
        uid: 1000,
        name: "alice".into(),
    }
}

fn judge(store: &Store, who: &Who, typed: &str) -> Result<Judged, Fault> {
    let attempt = Attempt::parse(typed.as_bytes());
    let (stay, source) = (Stay::default(), Source::remote("192.0.2.1"));
    store.judge(who, source, "192.0.2.1", stay, &attempt)
}

/// What becomes of it, and whether the ledger was made for it.
fn judged(store: &Store, who: &Who, typed: &str) -> (Option<Reason>, bool) {
    let judged = judge(store, who, typed).unwrap();
    let reason = match judged.verdict {
        Verdict::Accepted(_) => None,
        Verdict::Refused(Refusal { reason, .. }) => Some(reason),
    };
    (reason, judged.fresh)
}

/// P1, P13: the log says of the first login that its ledger is fresh, and of nobody's dummy.
#[test]
#[ignore = "needs root: tests/root-units"]
fn ledger_is_fresh_for_the_first_login_alone() {
    let home = RootFolder::new();
    let store = store(&home, "");
    let who = Who::Enrolled(alice());
    assert_eq!(store.ledger_now(&alice()), Ok(None));
    assert_eq!(judged(&store, &who, CODES[0]), (None, true));
    let spent = Some(Reason::Spent);
    assert_eq!(judged(&store, &who, CODES[0]), (spent, false));
    assert_eq!(judged(&store, &who, CODES[1]), (None, false));
    let ledger = store.ledger_now(&alice()).unwrap().unwrap();
    let file = store.tokens("alice").unwrap().unwrap();
    assert_eq!(ledger.floor(&file.tokens[0]).0, 2);
    let nobody = Who::Absent("bob".into(), Reason::NoSuchUser);
    for _ in 0..2 {
        let refused = (Some(Reason::NoSuchUser), false);
        assert_eq!(judged(&store, &nobody, CODES[0]), refused);
    }
}

/// P1: a lost ledger would let spent codes in again. Who is absent has none to lose.
#[test]
#[ignore = "needs root: tests/root-units"]
fn lost_ledger_is_refused_where_fob_conf_says_so() {
    let home = RootFolder::new();
    let store = store(&home, "fresh_ledger = \"refuse\"");
    let who = Who::Enrolled(alice());
    let path = store.ledger_path(1000);
    let what = "there is no such ledger, and fresh_ledger = \"refuse\"";
    let lost = Fault::at(FaultKind::StateMissing, &path, what);
    assert_eq!(judge(&store, &who, CODES[0]).unwrap_err(), lost);
    assert_eq!(store.ledger_now(&alice()), Err(lost));
    let nobody = Who::Absent("bob".into(), Reason::NotEnrolled);
    let refused = (Some(Reason::NotEnrolled), false);
    assert_eq!(judged(&store, &nobody, CODES[0]), refused);
    let owner = super::owner(&alice());
    LedgerFile::create(&path, &Ledger::new(owner)).unwrap();
    assert_eq!(judged(&store, &who, CODES[0]), (None, false));
}

/// P1: a uid that is given to somebody else brings nobody's spent codes back.
#[test]
#[ignore = "needs root: tests/root-units"]
fn ledger_of_another_name_under_the_uid_is_refused() {
    let home = RootFolder::new();
    let store = store(&home, "");
    let path = store.ledger_path(1000);
    let name = "carol".to_owned();
    let ledger = Ledger::new(Owner { uid: 1000, name });
    LedgerFile::create(&path, &ledger).unwrap();
    let what = "the uid was \"carol\" when this was made; run: fob rebind alice";
    let fault = Fault::at(FaultKind::StateOwner, &path, what);
    let who = Who::Enrolled(alice());
    assert_eq!(judge(&store, &who, CODES[0]).unwrap_err(), fault);
    assert_eq!(store.ledger_now(&alice()), Err(fault));
}

/// T03, P9: fob.conf that was named must be there and be right; the reason is said.
#[test]
#[ignore = "needs root: tests/root-units"]
fn fob_conf_that_was_named_is_read_or_refuses_everybody() {
    let home = RootFolder::new();
    let open = |path: &Path| Store::open(Some(path)).map(|store| store.conf.state);
    let wrong = |path: &Path, what| Err(Fault::at(FaultKind::Config, path, what));
    let none = home.path("none");
    assert_eq!(open(&none), wrong(&none, "there is no such file"));
    let below = none.join("fob.conf");
    assert_eq!(open(&below), wrong(&below, "there is no such file"));
    let link = home.link("link", &none);
    let what = "is a symbolic link that leads nowhere";
    assert_eq!(open(&link), wrong(&link, what));
    let conf = home.file("fob.conf", "state = \"/state\"\n");
    assert_eq!(open(&conf).unwrap(), Path::new("/state"));
    set_mode(&conf, 0o666);
    let what = "is too open (mode 0666); run: chmod 600 on it";
    assert_eq!(open(&conf), wrong(&conf, what));
}

/// The key of sealed files is the one that fob.conf names, and there is none where it names none.
#[test]
#[ignore = "needs root: tests/root-units"]
fn seal_key_is_the_one_that_fob_conf_names() {
    let home = RootFolder::new();
    let path = home.path("key");
    let mut named = store(&home, "");
    assert!(named.seal_key().unwrap().is_none());
    let conf = format!("seal = {path:?}\n");
    let conf = home.file("fob.conf", conf);
    let missing = Store::open(Some(&conf)).unwrap();
    let fault = missing.seal_key().unwrap_err();
    assert_eq!(fault.kind, FaultKind::StateMissing);
    let text = SealKey::new([7; SealKey::BYTES]).to_text();
    home.file("key", text.as_bytes());
    named = Store::open(Some(&conf)).unwrap();
    assert_eq!(named.seal_key().unwrap().unwrap().to_text(), text);
}

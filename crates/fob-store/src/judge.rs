//! A login from the lock to the verdict.

use std::path::{Path, PathBuf};

use fob_core::format::{Cause, Conf, FreshLedger, RefusedToken, TokenFile};
use fob_core::{
    Acceptance, Admission, Attempt, Durability, Evidence, Ledger, Now, Owner, Policy, Reason,
    Refusal, SealKey, Source, Stay, Ticket, Verdict, admit, decide,
};

use crate::account::file_name;
use crate::pages::{Medium, Pages};
use crate::places::Read;
use crate::seal::Seal;
use crate::trusted::{Kept, is_link, is_there, read};
use crate::way::Way;
use crate::{Account, Fault, FaultKind, LedgerFile, Who, clock, dummy, random, shell_word};

/// The fob.conf that is read where no other is named.
pub const DEFAULT_CONF: &str = "/etc/fob/fob.conf";

/// A token file that changes while its ledger's lock is waited for is read again, at most as
/// often as this.
const MOST_EDITS: u32 = 8;

/// Where a machine keeps its tokens and ledgers.
#[derive(Debug, Clone)]
pub struct Store {
    /// What fob.conf says.
    pub conf: Conf,
    pub(crate) way: Way,
    pub(crate) seal: Seal,
    pub(crate) enrolled: Option<PathBuf>,
}

/// What came of an attempt, and what the log should mention.
#[derive(Debug)]
pub struct Judged {
    /// What came of it.
    pub verdict: Verdict,
    /// The person's ledger was created for it.
    pub fresh: bool,
    /// By how many seconds the clock is behind the person's last success, if that is worth a word.
    pub clock_behind: Option<u64>,
    /// Tokens that this version can't use.
    pub refused: Vec<RefusedToken>,
}

impl Store {
    /// Reads fob.conf: `conf`, which must be there, or the usual one, which need not be.
    ///
    /// # Errors
    /// It can't be trusted, or it isn't right.
    pub fn open(conf: Option<&Path>) -> Result<Self, Fault> {
        let way = Way::default();
        let path = conf.unwrap_or(Path::new(DEFAULT_CONF));
        let config = |detail: String| Fault::new(FaultKind::Config, detail);
        let text = match read(&way, path, Kept::Public) {
            Ok(text) => text,
            Err(fault) if fault.kind == FaultKind::StateMissing => None,
            Err(fault) => return Err(config(fault.detail)),
        };
        let conf = match text {
            Some(text) => Conf::parse(&text)
                .map_err(|error| config(format!("{}: {error}", path.display())))?,
            // A link that leads nowhere, to a disk that isn't mounted perhaps, is no decision
            // to have no fob.conf.
            None if is_link(path) => {
                let what = "is a symbolic link that leads nowhere";
                return Err(config(format!("{}: {what}", path.display())));
            }
            None if conf.is_none() => Conf::default(),
            None => return Err(config(format!("{}: there is no such file", path.display()))),
        };
        let seal = Seal::read(&way, conf.seal.as_ref());
        let enrolled = Some(conf.state.join("tokens"));
        Ok(Self {
            conf,
            way,
            seal,
            enrolled,
        })
    }

    /// Who somebody is, and whether they have a token file.
    ///
    /// # Errors
    /// The user database failed, or the folder of the token files can't be trusted. Never
    /// "absent" for want of knowing.
    pub fn who(&self, name: &str) -> Result<Who, Fault> {
        let Some(account) = Account::look_up(name)? else {
            // Looked into all the same, so that a folder in bad order shows for everybody.
            // No path is made of a name that the system doesn't know.
            self.has_token_file("nobody")?;
            return Ok(Who::Absent(name.to_owned(), Reason::NoSuchUser));
        };
        if self.has_token_file(&file_name(&account.name))? {
            return Ok(Who::Enrolled(account));
        }
        Ok(Who::Absent(account.name, Reason::NotEnrolled))
    }

    /// The tokens that nobody has yet: a store whose token files are called by serials.
    pub fn stock(&self) -> Self {
        let mut stock = self.clone();
        stock.conf.tokens.clone_from(&self.conf.stock);
        stock.enrolled = None;
        stock
    }

    /// The path of a person's ledger.
    pub fn ledger_path(&self, uid: u32) -> PathBuf {
        self.conf.state.join(uid.to_string())
    }

    /// Reads a person's token file. `None` if there is none.
    ///
    /// # Errors
    /// It can't be trusted, or it isn't right.
    pub fn tokens(&self, name: &str) -> Result<Option<TokenFile>, Fault> {
        let text = self.token_text(name)?;
        text.map(|text| self.parse(name, &text)).transpose()
    }

    /// What `text` says as `name`'s token file.
    ///
    /// # Errors
    /// It isn't right; the error names the file and the place.
    pub fn parse(&self, name: &str, text: &str) -> Result<TokenFile, Fault> {
        TokenFile::open(text, name, self.seal.key()).map_err(|error| {
            let path = self.token_path(name);
            let kind = match error.cause {
                Cause::NoSealKey => return self.seal.fault(&path),
                Cause::NewerVersion => FaultKind::NewerVersion,
                Cause::Content => FaultKind::StateDamaged,
            };
            Fault::new(kind, format!("{}: {error}", path.display()))
        })
    }

    /// The key that token files are sealed with. `None` where fob.conf doesn't say `seal`.
    ///
    /// # Errors
    /// It can't be read.
    pub fn seal_key(&self) -> Result<Option<&SealKey>, Fault> {
        match &self.seal {
            Seal::Key(key) => Ok(Some(key)),
            Seal::Unset => Ok(None),
            Seal::Missing(fault) => Err(fault.clone()),
        }
    }

    /// Judges an attempt: tokens, lock, ledger, debit, decision, settlement. Nobody is let
    /// in whose code isn't durably spent, nor by what was taken from them before the lock was
    /// theirs. A success is remembered where `stay` says so.
    ///
    /// # Errors
    /// Whatever kept it from being judged. The attempt is then refused, and if it couldn't
    /// be debited it wasn't looked at.
    pub fn judge(
        &self,
        who: &Who,
        source: Source,
        from: &str,
        stay: Stay,
        attempt: &Attempt,
    ) -> Result<Judged, Fault> {
        let mut fresh = false;
        for _ in 0..MOST_EDITS {
            let judged = self.judge_once(who, source, from, stay, attempt, &mut fresh)?;
            if let Some(judged) = judged {
                return Ok(judged);
            }
        }
        let path = self.token_path(who.name());
        let what = "was changed each time it was read";
        Err(Fault::at(FaultKind::StateUnreadable, &path, what))
    }

    /// `None` if the token file was changed meanwhile: nothing was judged. Says whether the
    /// ledger was created for it.
    fn judge_once(
        &self,
        who: &Who,
        source: Source,
        from: &str,
        stay: Stay,
        attempt: &Attempt,
        fresh: &mut bool,
    ) -> Result<Option<Judged>, Fault> {
        let person = self.person(who)?;
        let file = &person.file;
        // What is slow is done before the lock: nobody waits for it.
        let evidence = Evidence::gather(file, attempt);
        let ticket = Ticket(stay.seconds.map_or(Ok([0; 8]), |_| random())?);

        let (mut ledger_file, ledger, made) = self.ledger(&person)?;
        *fresh |= made;
        if !person.read.still_holds() {
            return Ok(None);
        }
        let now = clock::now();
        let clock_behind = ledger.clock_behind(&now);
        let policy = &self.conf.policy;
        let source = person
            .masked
            .as_ref()
            .map_or(source, |name| source.masked(name));
        let judged = |verdict| {
            Ok(Some(Judged {
                verdict: person.outcome(verdict),
                fresh: *fresh,
                clock_behind,
                refused: file.refused.clone(),
            }))
        };

        let call = Judging {
            policy,
            evidence: &evidence,
            now,
            source,
            from,
            stay,
            ticket,
            attempt,
        };
        judged(call.verdict(ledger_file.pages(), ledger)?)
    }

    /// A person's ledger as the next login finds it. `None` if that login makes it.
    ///
    /// # Errors
    /// What would keep an attempt from being judged; a lost ledger where fob.conf says
    /// `fresh_ledger = "refuse"`.
    pub fn ledger_now(&self, account: &Account) -> Result<Option<Ledger>, Fault> {
        let path = self.ledger_path(account.uid);
        let opened = LedgerFile::open(&path);
        match opened.map_err(|fault| named(fault, account))? {
            Some((_, ledger)) => {
                check_owner(&path, &ledger, &owner(account))?;
                Ok(Some(ledger))
            }
            None if self.conf.fresh_ledger == FreshLedger::Refuse => Err(lost(&path)),
            None => Ok(None),
        }
    }

    /// Whom the attempt is judged as. Somebody whose file went while they typed is absent.
    pub(crate) fn person(&self, who: &Who) -> Result<Person, Fault> {
        let (name, absent) = match who {
            Who::Absent(name, reason) => (name, *reason),
            Who::Enrolled(account) => match self.read_tokens(&account.name)? {
                Some((text, read)) => {
                    let file = self.parse(&account.name, &text)?;
                    let owner = owner(account);
                    let ledger = self.ledger_path(account.uid);
                    return Ok(Person {
                        file,
                        read,
                        ledger,
                        owner,
                        masked: None,
                        absent: None,
                    });
                }
                None => (&account.name, Reason::NotEnrolled),
            },
        };
        let dummy = dummy::find(&self.way, &self.conf.state, name)?;
        let owner = Owner {
            uid: u32::MAX,
            name: String::new(),
        };
        Ok(Person {
            file: dummy.file,
            read: dummy.read,
            ledger: dummy.ledger,
            owner,
            masked: Some(name.clone()),
            absent: Some(absent),
        })
    }

    fn ledger(&self, person: &Person) -> Result<(LedgerFile, Ledger, bool), Fault> {
        let path = &person.ledger;
        let refuse_fresh = self.conf.fresh_ledger == FreshLedger::Refuse && person.absent.is_none();
        if refuse_fresh && !is_there(&self.way, path)? {
            return Err(lost(path));
        }
        let (file, ledger, fresh) = LedgerFile::open_or_create_on(&self.way, path, &person.owner)?;
        check_owner(path, &ledger, &person.owner)?;
        Ok((file, ledger, fresh && person.absent.is_none()))
    }
}

/// An attempt whose ledger is locked and read.
pub(crate) struct Judging<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) evidence: &'a Evidence<'a>,
    pub(crate) now: Now,
    pub(crate) source: Source,
    pub(crate) from: &'a str,
    pub(crate) stay: Stay,
    pub(crate) ticket: Ticket,
    pub(crate) attempt: &'a Attempt,
}

impl Judging<'_> {
    /// Debit, decision, settlement.
    pub(crate) fn verdict<M: Medium>(
        &self,
        pages: &mut Pages<M>,
        ledger: Ledger,
    ) -> Result<Verdict, Fault> {
        let Self {
            policy,
            evidence,
            now,
            source,
            from,
            stay,
            ticket,
            attempt,
        } = self;
        let debit = match admit(policy, ledger, now, *source, from, attempt) {
            Admission::Debit(debit) => debit.at(*stay, *ticket, attempt),
            Admission::Refused(decision) => {
                return decision.settle(|ledger, _| pages.debit(ledger));
            }
        };
        let debited = debit.settle(|ledger| pages.debit(ledger))?;
        let decision = decide(policy, evidence, debited, now, attempt);
        decision.settle(|ledger, durability| match durability {
            Durability::Written => pages.debit(ledger),
            Durability::Synced => pages.settle(ledger),
        })
    }
}

pub(crate) fn owner(account: &Account) -> Owner {
    Owner {
        uid: account.uid,
        name: account.name.clone(),
    }
}

/// The same trouble, told by the person's name.
pub(crate) fn named(mut fault: Fault, account: &Account) -> Fault {
    let by_uid = format!("NAME (the person with uid {})", account.uid);
    fault.detail = fault.detail.replace(&by_uid, &account.name);
    fault
}

fn lost(path: &Path) -> Fault {
    let what = "there is no such ledger, and fresh_ledger = \"refuse\"";
    Fault::at(FaultKind::StateMissing, path, what)
}

pub(crate) fn check_owner(path: &Path, ledger: &Ledger, owner: &Owner) -> Result<(), Fault> {
    if ledger.owner == *owner {
        return Ok(());
    }
    let (was, is) = (&ledger.owner.name, &owner.name);
    let what = format!(
        "the uid was {was:?} when this was made; run: fob rebind {}",
        shell_word(is)
    );
    Err(Fault::at(FaultKind::StateOwner, path, what))
}

/// Whom an attempt is judged as.
pub(crate) struct Person {
    pub(crate) file: TokenFile,
    /// Where the file was read.
    pub(crate) read: Read,
    pub(crate) ledger: PathBuf,
    pub(crate) owner: Owner,
    /// The name that shares a dummy ledger with others.
    masked: Option<String>,
    /// Why nothing that is typed can be right.
    pub(crate) absent: Option<Reason>,
}

impl Person {
    /// A dummy's answer is a refusal, whatever was found. Waits are told as to anybody.
    fn outcome(&self, verdict: Verdict) -> Verdict {
        let Some(reason) = self.absent else {
            return verdict;
        };
        let wait = match verdict {
            Verdict::Refused(Refusal { wait, .. }) => wait,
            Verdict::Accepted(Acceptance { .. }) => 0,
        };
        Verdict::Refused(Refusal { reason, wait })
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;

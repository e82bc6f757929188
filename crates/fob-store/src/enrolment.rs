//! Enrolling somebody in the middle of a login.
//!
//! That somebody typed a code proves that they have a token, not who they are: an earlier
//! module may have refused their password, and a later one may yet. So what was confirmed is
//! kept *pending* in the state folder, under a receipt that only this login knows, and is real
//! once the receipt comes back: after the whole stack has said yes. A login that ends before
//! leaves nothing that anybody can use.

use std::path::{Path, PathBuf};

use fob_core::format::{Pending, first_file, hex_text};
use fob_core::{
    Algorithm, Attempt, Counter, Digits, Kind, Ledger, Period, SealPlace, Secret, Token, brief_uri,
    confirm,
};
use nix::unistd::{gethostname, unlink};
use zeroize::Zeroizing;

use crate::account::file_name;
use crate::folder::names;
use crate::judge::{check_owner, owner};
use crate::ledger_file::require_room;
use crate::places::unless_missing;
use crate::trusted::{Kept, read};
use crate::{
    Account, Fault, FaultKind, LedgerFile, NewCodes, Store, create_file, create_folder,
    lock_folder, now, random, remove_file, shell_word,
};

/// The folder of pending enrolments, in the state folder.
const FOLDER: &str = "pending";
/// So many enrolments of one person may be under way: strangers who begin one after the other
/// fill no disk.
const MAX_PENDING: usize = 8;
/// What the token is called.
const TOKEN_ID: &str = "phone";
/// What apps show beside the name where the machine has no name that they could.
const NO_HOST: &str = "pam_fob";

/// A token that was made for somebody and isn't confirmed yet.
#[derive(Debug)]
pub struct Enrolment {
    account: Account,
    token: Token,
}

impl Enrolment {
    /// What a phone scans.
    pub fn uri(&self) -> Zeroizing<String> {
        brief_uri(&self.token, &issuer(), &self.account.name)
    }

    /// The secret, for those who type it.
    pub fn secret(&self) -> Zeroizing<String> {
        self.token.secret.grouped()
    }
}

/// A token that was confirmed by a code, and the recovery codes that go with it.
#[derive(Debug)]
pub struct Confirmed {
    enrolment: Enrolment,
    floor: Counter,
    offset: i32,
    codes: NewCodes,
}

impl Confirmed {
    /// The recovery codes for the person to write down.
    pub fn recovery_codes(&self) -> Vec<&str> {
        self.codes.list()
    }
}

/// Names a pending enrolment: `UID-NONCE`. Who has it can make it real.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(String);

impl Receipt {
    /// Reads a receipt. `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (uid, nonce) = text.split_once('-')?;
        let is_uid = (1..=10).contains(&uid.len()) && uid.bytes().all(|b| b.is_ascii_digit());
        let is_nonce = nonce.len() == 32
            && nonce
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (is_uid && is_nonce).then(|| Self(text.to_owned()))
    }

    /// Whose enrolment it is for.
    pub fn uid(&self) -> Option<u32> {
        let (uid, _) = self.0.split_once('-')?;
        uid.parse().ok()
    }

    /// The receipt as it is carried from one part of the login to the next.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// What became of a pending enrolment whose login succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The person of this name has the token with this id.
    Enrolled(String, String),
    /// The person of this name was enrolled otherwise meanwhile; that stands.
    Late(String),
    /// There is no such enrolment any more.
    Gone,
}

impl Store {
    /// Makes a token for somebody who has none, in memory.
    ///
    /// # Errors
    /// What would keep it from becoming real: the ledger is another's or can't be used.
    pub fn begin_enrolment(&self, account: Account) -> Result<Enrolment, Fault> {
        let path = self.ledger_path(account.uid);
        let ledger = match LedgerFile::open(&path)? {
            Some((_, ledger)) => ledger,
            None => Ledger::new(owner(&account)),
        };
        check_owner(&path, &ledger, &owner(&account))?;
        let bytes: Zeroizing<[u8; 20]> = Zeroizing::new(random()?);
        let secret = Secret::new(bytes.to_vec())
            .map_err(|error| Fault::new(FaultKind::StateUnreadable, error.to_string()))?;
        let token = Token {
            id: TOKEN_ID.into(),
            kind: Kind::Totp {
                period: Period::DEFAULT,
                t0: 0,
            },
            algorithm: Algorithm::Sha1,
            digits: Digits::MIN,
            secret,
            serial: None,
            public_id: None,
            expires: None,
            disabled: false,
        };
        // Tried in memory: nobody shall be told later that it could not be kept.
        raise(ledger, &path, &token, Counter(0), 0)?;
        Ok(Enrolment { account, token })
    }

    /// Looks whether a code confirms the token, and makes recovery codes if so. The wrong code
    /// gives the enrolment back.
    ///
    /// # Errors
    /// There are no random bytes.
    pub fn confirm_enrolment(
        &self,
        enrolment: Enrolment,
        attempt: &Attempt,
    ) -> Result<Result<Confirmed, Enrolment>, Fault> {
        let ledger = Ledger::new(owner(&enrolment.account));
        let policy = &self.conf.policy;
        let Some((floor, offset)) = confirm(policy, &enrolment.token, &ledger, &now(), attempt)
        else {
            return Ok(Err(enrolment));
        };
        let codes = NewCodes::make()?;
        Ok(Ok(Confirmed {
            enrolment,
            floor,
            offset,
            codes,
        }))
    }

    /// The folders in the state folder, which need not be there: of the people whom logins
    /// enrolled, and of enrolments that are under way.
    pub fn own_folders(&self) -> Vec<PathBuf> {
        let enrolled = self.enrolled().map(Path::to_owned);
        enrolled
            .into_iter()
            .chain([self.conf.state.join(FOLDER)])
            .collect()
    }

    /// Keeps a confirmed enrolment until its login is over.
    ///
    /// # Errors
    /// It couldn't be written.
    pub fn keep_pending(&self, confirmed: &Confirmed) -> Result<Receipt, Fault> {
        let Enrolment { account, token } = &confirmed.enrolment;
        let now = now();
        let pending = Pending {
            owner: owner(account),
            floor: confirmed.floor,
            offset: confirmed.offset,
            boot: now.boot,
            boot_id: now.boot_id,
            file: first_file(&account.name, token, &confirmed.codes.set, |text, place| {
                self.sealed(text, place)
            })?,
        };
        let folder = self.conf.state.join(FOLDER);
        // As `claim` needs them: a limit of the caller's that would keep it from being made
        // real refuses now, not once they are in.
        require_room(&folder)?;
        let _lock = lock_folder(&self.conf.tokens)?;
        self.own_folder(&folder)?;
        self.sweep(&folder, account.uid);
        let nonce: [u8; 16] = random()?;
        let receipt = Receipt(format!("{}-{}", account.uid, hex_text(&nonce)));
        let path = folder.join(receipt.text());
        if create_file(&path, pending.to_text().as_bytes())? {
            Ok(receipt)
        } else {
            Err(Fault::at(FaultKind::StateWrite, &path, "is there already"))
        }
    }

    /// Makes a pending enrolment of that person real, once. The ledger comes before the token
    /// file, so that the code that confirmed it is spent; and the token file is there as a
    /// whole, or not. The person was looked up before: others wait for the lock here.
    ///
    /// # Errors
    /// It couldn't be written: nobody was enrolled.
    pub fn claim(&self, receipt: &Receipt, account: &Account) -> Result<Claim, Fault> {
        let path = self.conf.state.join(FOLDER).join(receipt.text());
        // As `fob` does: nobody else edits token files meanwhile, or voids this.
        let _lock = lock_folder(&self.conf.tokens)?;
        let Some(text) = unless_missing(read(&self.way, &path, Kept::Secret), None)? else {
            return Ok(Claim::Gone);
        };
        unlink(&path).map_err(|errno| Fault::writing(&path, errno))?;
        let damaged = |what: String| Fault::at(FaultKind::StateDamaged, &path, what);
        let pending = Pending::parse(&text).map_err(|error| damaged(error.to_string()))?;
        if owner(account) != pending.owner || !pending.is_fresh(&now()) {
            return Ok(Claim::Gone);
        }
        let name = account.name.as_str();
        if self.has_token_file(&file_name(name))? {
            return Ok(Claim::Late(name.to_owned()));
        }
        let file = self.parse(name, &pending.file)?;
        let token = file.tokens.first();
        let token = token.ok_or_else(|| damaged("has no token".into()))?;
        self.spend(account, token, &pending)?;
        if self.create_token_file(name, &pending.file)? {
            Ok(Claim::Enrolled(name.to_owned(), token.id.clone()))
        } else {
            Ok(Claim::Late(name.to_owned()))
        }
    }

    /// Makes nothing of a person's enrolments that are under way. To be called with the folder
    /// of the token files locked.
    ///
    /// # Errors
    /// They can't be looked through, or one couldn't be removed.
    pub fn void_pending(&self, uid: u32) -> Result<(), Fault> {
        let folder = self.conf.state.join(FOLDER);
        for name in names(&folder).map_err(|errno| Fault::reading(&folder, errno))? {
            let receipt = name.to_str().and_then(Receipt::parse);
            if receipt.is_some_and(|receipt| receipt.uid() == Some(uid)) {
                remove_file(&folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Spends the code that confirmed a token.
    fn spend(&self, account: &Account, token: &Token, pending: &Pending) -> Result<(), Fault> {
        let path = self.ledger_path(account.uid);
        let owner = owner(account);
        let (mut file, ledger, _) = LedgerFile::open_or_create_on(&self.way, &path, &owner)?;
        check_owner(&path, &ledger, &owner)?;
        let ledger = raise(ledger, &path, token, pending.floor, pending.offset)?;
        file.settle(&ledger)
    }

    /// `false` if somebody else was faster.
    fn create_token_file(&self, name: &str, text: &str) -> Result<bool, Fault> {
        let Some(folder) = self.enrolled() else {
            return Ok(false);
        };
        self.own_folder(folder)?;
        create_file(&folder.join(file_name(name)), text.as_bytes())
    }

    /// A folder in the state folder, made where it is missing.
    fn own_folder(&self, folder: &Path) -> Result<(), Fault> {
        self.way.check_folder(&self.conf.state)?;
        create_folder(folder)?;
        self.way.check_folder(folder)
    }

    fn sealed(&self, text: &str, place: SealPlace<'_>) -> Result<Zeroizing<String>, Fault> {
        let Some(key) = self.seal_key()? else {
            return Ok(Zeroizing::new(text.to_owned()));
        };
        let failed = || Fault::new(FaultKind::StateWrite, "a secret couldn't be sealed");
        let sealed = key.seal(text, place, random()?).ok_or_else(failed)?;
        Ok(Zeroizing::new(sealed))
    }

    /// Removes what logins left that ended before they were over, and the oldest of one
    /// person's where there are too many. What can't be removed stays for the next time.
    fn sweep(&self, folder: &Path, uid: u32) {
        let now = now();
        let mut theirs: Vec<(u64, PathBuf)> = Vec::new();
        for name in names(folder).unwrap_or_default() {
            let path = folder.join(name);
            // What a limit of the caller's keeps from being read is somebody's all the same.
            let Ok(Some(text)) = read(&self.way, &path, Kept::Secret) else {
                continue;
            };
            let pending = Pending::parse(&text).ok();
            match pending.filter(|pending| pending.is_fresh(&now)) {
                None => drop(unlink(&path)),
                Some(pending) if pending.owner.uid == uid => theirs.push((pending.boot, path)),
                Some(_) => {}
            }
        }
        theirs.sort();
        let surplus = theirs.len().saturating_sub(MAX_PENDING.saturating_sub(1));
        for (_, path) in theirs.iter().take(surplus) {
            let _ = unlink(path);
        }
    }
}

/// The ledger with a token whose codes below `floor` are spent.
fn raise(
    mut ledger: Ledger,
    path: &Path,
    token: &Token,
    floor: Counter,
    offset: i32,
) -> Result<Ledger, Fault> {
    let now = now();
    ledger.make_room(&[], &now);
    if ledger.raise_floor(token, floor, offset, &now) {
        return Ok(ledger);
    }
    let name = shell_word(&ledger.owner.name);
    let what = format!("has no room for another token; run: fob repair {name} --forget-revoked");
    Err(Fault::at(FaultKind::StateWrite, path, what))
}

/// What apps show beside the name: this machine's.
fn issuer() -> String {
    let name = gethostname().unwrap_or_default();
    let plain = |c: &char| !c.is_control() && *c != ':';
    let name: String = name
        .to_string_lossy()
        .chars()
        .filter(plain)
        .take(64)
        .collect();
    if name.is_empty() {
        NO_HOST.into()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threats T29: a receipt names a file of its folder, and nothing else.
    #[test]
    fn receipt_leads_nowhere_else() {
        let nonce = "0123456789abcdef0123456789abcdef";
        let good = format!("2000-{nonce}");
        assert_eq!(Receipt::parse(&good).unwrap().text(), good);
        for text in [
            "".into(),
            nonce.into(),
            format!("-{nonce}"),
            format!("../x-{nonce}"),
            format!("20a0-{nonce}"),
            format!("12345678901-{nonce}"),
            format!("2000-{}", nonce.to_uppercase()),
            format!("2000-{nonce}0"),
            format!("2000-../../{}", &nonce[..26]),
        ] {
            assert_eq!(Receipt::parse(&text), None, "{text}");
        }
    }
}

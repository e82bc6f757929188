//! `fob export`: shows a person's secrets again, for a new phone, or writes them for another
//! system.

mod google_authenticator;
mod other;
mod pskc;
mod users_oath;

use fob_store::shell_word;
use std::path::PathBuf;

use clap::Args;
use fob_core::{Kind, Ledger, Token};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::output::{remark, say, say_json};
use crate::secret_page::SecretPage;
use crate::stop::Stop;
use crate::verbs::Desk;
use crate::{journal, people, plan, terminal};

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Example: fob export alice --id phone\n         \
    fob export --everybody --to users-oath --out /root/users.oath")]
pub(crate) struct Wish {
    /// The person's login name
    #[arg(value_name = "NAME", required_unless_present = "everybody")]
    name: Option<String>,
    /// This token only; without it, all
    #[arg(long)]
    id: Option<String>,
    /// What an app shows [default: this host]
    #[arg(long, value_name = "TEXT")]
    issuer: Option<String>,
    /// For google-authenticator, users-oath or pskc
    #[arg(
        long,
        value_enum,
        value_name = "SYSTEM",
        conflicts_with = "issuer",
        hide_possible_values = true
    )]
    to: Option<other::Target>,
    /// Where to; a new file [default: stdout]
    #[arg(long, value_name = "FILE", requires = "to")]
    out: Option<PathBuf>,
    /// For pskc: a key in hexadecimal
    #[arg(
        long,
        value_name = "FILE",
        requires = "to",
        conflicts_with = "passphrase_file"
    )]
    key_file: Option<PathBuf>,
    /// For pskc: a passphrase
    #[arg(long, value_name = "FILE", requires = "to")]
    passphrase_file: Option<PathBuf>,
    /// All people's tokens
    #[arg(long, requires = "to", conflicts_with_all = ["name", "id"])]
    everybody: bool,
    /// Don't ask
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    tokens: Vec<Exported<'a>>,
}

#[derive(Serialize)]
struct Exported<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    uri: &'a str,
    secret: &'a str,
}

pub(super) fn run(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    if let Some(target) = wish.to {
        return other::run(desk, wish, target);
    }
    let name = wish.name.as_deref().unwrap_or_default();
    let (account, file) = people::enrolled(&desk.store, name)?;
    let user = account.name.as_str();
    let issuer = plan::issuer(wish.issuer.clone())?;
    let chosen: Vec<&Token> = match &wish.id {
        Some(id) => vec![people::token(&file, user, id)?],
        None => file.tokens.iter().collect(),
    };
    terminal::agree(
        &format!("Whoever sees this can make {user}'s codes from now on. Show it?"),
        wish.yes,
    )?;
    let ledger = other::ledger(desk, &account)?;
    let tokens: Vec<Token> = chosen
        .into_iter()
        .filter_map(|token| as_it_stands(token, &ledger, user))
        .collect();
    if tokens.is_empty() {
        return Err(Stop::no(format!(
            "{user} has no token that can be exported"
        )));
    }
    // Before it is shown: what is seen was logged.
    for token in &tokens {
        journal::changed("export", user, &[("token", &token.id)]);
    }
    let pages: Vec<(&Token, SecretPage<'_>)> = tokens
        .iter()
        .map(|token| (token, SecretPage::new(token, &issuer, user)))
        .collect();
    pages.iter().for_each(|(_, page)| page.warn());
    if file.recovery.is_some() {
        remark(&format!(
            "Recovery codes can't be shown again. For new ones, run: fob recovery {user}",
            user = shell_word(user)
        ));
    }
    show(desk, user, &pages)
}

/// The token with the counter that comes next; none if nobody knows that.
fn as_it_stands(token: &Token, ledger: &Ledger, user: &str) -> Option<Token> {
    let id = &token.id;
    let floor = ledger.floor(token);
    if floor == Ledger::BLOCKED {
        remark(&format!(
            "{id:?} is blocked: nobody knows its counter. See: fob show {user}",
            user = shell_word(user)
        ));
        return None;
    }
    if matches!(token.kind, Kind::Yubico { .. }) {
        remark(&format!(
            "{id:?} is a YubiKey that types Yubico OTPs: no app can take it."
        ));
        return None;
    }
    let mut token = token.clone();
    if let Kind::Hotp { counter } = &mut token.kind {
        *counter = floor;
    }
    Some(token)
}

fn show(desk: &Desk, user: &str, pages: &[(&Token, SecretPage<'_>)]) -> Result<(), Stop> {
    if desk.json {
        let secrets: Vec<Zeroizing<String>> = pages
            .iter()
            .map(|(token, _)| token.secret.to_base32())
            .collect();
        let tokens = pages
            .iter()
            .zip(&secrets)
            .map(|((token, page), secret)| Exported {
                id: &token.id,
                kind: token.kind.name(),
                uri: &page.uri,
                secret,
            });
        return say_json(&Answer {
            user,
            tokens: tokens.collect(),
        });
    }
    for (token, page) in pages {
        say(&format!("{}:", token.id))?;
        say(&page.text()?)?;
        if matches!(token.kind, Kind::Hotp { .. }) {
            remark("Of this counter token use one copy only, or they get out of step.");
        }
    }
    Ok(())
}

//! fob.conf: what the administrator decides for a machine. See docs/file-formats.md.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::fields::{Field, FormatError, Source};
use super::rules::read_rules;
use super::settings::read_settings;
use crate::rule::Rule;
use crate::{Policy, Settings};

/// What a missing ledger beside a token file means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreshLedger {
    /// The person never logged in here: start one. Machines are provisioned by copying
    /// token files.
    Accept,
    /// It was lost: refuse. For those who provision ledgers too.
    Refuse,
}

/// Where the key of sealed token files is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seal {
    /// In a file that only root can read: `seal = "/path"`.
    File(PathBuf),
    /// Where `fob-seal.service` lays it out at boot: `seal = "systemd-creds"`.
    SystemdCreds,
}

impl Seal {
    /// Where `fob-seal.service` lays the key out.
    pub const RUNTIME: &'static str = "/run/fob/seal.key";

    /// The file that holds the key.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::SystemdCreds => Path::new(Self::RUNTIME),
        }
    }
}

/// What fob.conf says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conf {
    /// The folder of the token files.
    pub tokens: PathBuf,
    /// The folder of the ledgers.
    pub state: PathBuf,
    /// The folder of the tokens that nobody has yet, for `fob assign`.
    pub stock: PathBuf,
    /// What a missing ledger means.
    pub fresh_ledger: FreshLedger,
    /// Where the key of sealed token files is; none where secrets stand plain.
    pub seal: Option<Seal>,
    /// How codes are judged.
    pub policy: Policy,
    settings: Settings,
    services: BTreeMap<String, Settings>,
    /// Where a code is asked, from top to bottom.
    pub rules: Vec<Rule>,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            tokens: PathBuf::from("/etc/fob/tokens"),
            state: PathBuf::from("/var/lib/fob"),
            stock: PathBuf::from("/etc/fob/stock"),
            fresh_ledger: FreshLedger::Accept,
            seal: None,
            policy: Policy::default(),
            settings: Settings::default(),
            services: BTreeMap::new(),
            rules: Vec::new(),
        }
    }
}

impl Conf {
    /// Reads a fob.conf. What it doesn't say is as if it weren't there.
    ///
    /// # Errors
    /// No TOML, an unknown field, a value out of range.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let mut root = Source(text).parse()?;
        let mut conf = Self::default();
        if let Some(field) = root.take("tokens") {
            conf.tokens = folder(&field)?;
        }
        if let Some(field) = root.take("state") {
            conf.state = folder(&field)?;
        }
        if let Some(field) = root.take("stock") {
            conf.stock = folder(&field)?;
        }
        if let Some(field) = root.take("fresh_ledger") {
            conf.fresh_ledger = match field.text()? {
                "accept" => FreshLedger::Accept,
                "refuse" => FreshLedger::Refuse,
                _ => return Err(field.error("must be \"accept\" or \"refuse\"")),
            };
        }
        if let Some(field) = root.take("seal") {
            conf.seal = Some(read_seal(&field, &conf)?);
        }
        conf.settings = read_settings(&mut root)?;
        conf.policy = conf.settings.policy(conf.policy);
        if let Some(services) = root.take("service") {
            for service in services.table()?.into_fields() {
                let name = service.name.clone();
                let mut fields = service.table()?;
                conf.services.insert(name, read_settings(&mut fields)?);
                fields.end()?;
            }
        }
        if let Some(rules) = root.take("rule") {
            conf.rules = read_rules(rules)?;
        }
        root.end()?;
        Ok(conf)
    }

    /// How codes are asked for in `service`, unless the module's line says otherwise.
    pub fn settings(&self, service: &str) -> Settings {
        let own = self.services.get(service);
        own.map_or_else(|| self.settings.clone(), |own| self.settings.overlaid(own))
    }

    /// The services that have a table of their own, in the order of their names.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(String::as_str)
    }
}

fn folder(field: &Field<'_>) -> Result<PathBuf, FormatError> {
    let path = PathBuf::from(field.line(1024)?);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(field.error("must begin with a slash"))
    }
}

/// A key beside what it seals would be copied with it.
fn read_seal(field: &Field<'_>, conf: &Conf) -> Result<Seal, FormatError> {
    if field.text()? == "systemd-creds" {
        return Ok(Seal::SystemdCreds);
    }
    let path = folder(field)?;
    let near = [&conf.tokens, &conf.state, &conf.stock];
    if near.iter().any(|folder| path.starts_with(folder)) {
        return Err(field.error("must not be kept with the tokens or the ledgers"));
    }
    Ok(Seal::File(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FirstPass, Text, Types};

    #[test]
    fn empty_file_says_nothing() {
        assert_eq!(Conf::parse("").unwrap(), Conf::default());
    }

    /// T40: a test pins every default.
    #[test]
    fn defaults_are_the_safe_ones() {
        let conf = Conf::default();
        let settings = conf.settings("sshd");
        assert_eq!((conf.policy.window, conf.policy.look_ahead), (1, 10));
        assert_eq!(conf.policy.throttle.free, 5);
        assert_eq!(conf.policy.throttle.max_wait, 900);
        assert_eq!(conf.policy.throttle.lifetime, 100);
        assert_eq!(conf.policy.min_tokens, 1);
        assert_eq!(conf.policy.types, Types::ALL);
        assert!(conf.policy.follows_drift && settings.notices());
        assert!(settings.nullok_until.is_none() && !settings.asks_for_pin());
        assert!(!conf.policy.resync_at_prompt && conf.rules.is_empty());
        assert!(conf.seal.is_none());
        assert_eq!(conf.tokens, Path::new("/etc/fob/tokens"));
        assert_eq!(conf.state, Path::new("/var/lib/fob"));
        assert_eq!(conf.fresh_ledger, FreshLedger::Accept);
        assert!(!settings.nullok() && !settings.echo() && !settings.debug());
        assert!(!settings.forward_pass() && settings.first_pass().is_none());
        assert_eq!(settings.prompt(), "Verification code: ");
    }

    #[test]
    fn service_table_speaks_for_its_service_only() {
        let conf = Conf::parse(
            "prompt = \"Code: \"\nnullok = true\n[service.sshd]\nnullok = false\nuse_first_pass = true\n",
        )
        .unwrap();
        assert!(conf.settings("su").nullok());
        assert!(!conf.settings("sshd").nullok());
        assert_eq!(conf.settings("sshd").prompt(), "Code: ");
        assert_eq!(conf.services().collect::<Vec<_>>(), ["sshd"]);
        assert_eq!(conf.settings("sshd").first_pass(), Some(FirstPass::Use));
    }

    #[test]
    fn whole_file_is_read() {
        let conf = Conf::parse(
            "tokens = \"/srv/tokens\"\nstate = \"/srv/state\"\nstock = \"/srv/stock\"\nfresh_ledger = \"refuse\"\nwindow = 2\n\
             look_ahead = 20\n[throttle]\nfree = 3\nmax_wait = \"1h\"\nlifetime = 50\n",
        )
        .unwrap();
        assert_eq!(conf.tokens, PathBuf::from("/srv/tokens"));
        assert_eq!(conf.stock, PathBuf::from("/srv/stock"));
        assert_eq!(conf.policy.throttle.max_wait, 3600);
        assert_eq!(conf.policy.throttle.lifetime, 50);
    }

    #[test]
    fn service_judges_by_its_own_numbers() {
        let conf = Conf::parse(
            "window = 2\ntypes = \"hotp\"\n[throttle]\nfree = 3\nlifetime = 50\n\
             [service.sudo]\nlook_ahead = 3\ntypes = [\"totp\", \"yubico\"]\nmin_tokens = 2\n\
             [service.sudo.throttle]\nfree = 1\n",
        )
        .unwrap();
        let sshd = conf.settings("sshd").policy(conf.policy);
        assert_eq!(sshd, conf.policy);
        assert_eq!((sshd.window, sshd.look_ahead, sshd.min_tokens), (2, 10, 1));
        let sudo = conf.settings("sudo").policy(conf.policy);
        assert_eq!((sudo.window, sudo.look_ahead, sudo.min_tokens), (2, 3, 2));
        assert_eq!((sudo.throttle.free, sudo.throttle.lifetime), (1, 50));
        let period = crate::Period::DEFAULT;
        assert!(sudo.types.has(crate::Kind::Totp { period, t0: 0 }));
        assert!(!sshd.types.has(crate::Kind::Totp { period, t0: 0 }));
    }

    #[test]
    fn texts_are_replaced_for_all_services_or_for_one() {
        let conf = Conf::parse(
            "notices = false\n[texts]\nthrottled = \"Warten: {seconds} s\"\ncode_prompt = \"Prüfcode: \"\n\
             [service.sudo]\nnotices = true\ntexts.code_prompt = \"sudo: \"\n\
             [service.vpn]\nforward_pass = true\nprompt = \"VPN: \"\n",
        )
        .unwrap();
        let prompt = |service: &str| conf.settings(service).prompt().to_owned();
        assert_eq!(prompt("sshd"), "Prüfcode: ");
        assert_eq!(
            (prompt("sudo"), prompt("vpn")),
            ("sudo: ".into(), "VPN: ".into())
        );
        let sudo = conf.settings("sudo");
        assert_eq!(sudo.texts.get(Text::Throttled), "Warten: {seconds} s");
        assert!(sudo.notices() && !conf.settings("sshd").notices());
        assert!(Conf::default().settings("sshd").notices());
    }

    #[test]
    fn wrong_text_is_named_with_its_place() {
        let long = format!("pin_prompt = \"{}\"", "x".repeat(257));
        for (line, says) in [
            (
                "throtled = \"x\"",
                "line 3, column 1: unknown field `throtled`",
            ),
            (
                "throttled = \"x\"",
                "line 3, column 13: `throttled`: must have the placeholder {seconds}",
            ),
            (
                "throttled = \"{seconds} {minutes}\"",
                "`throttled`: can have no placeholder but {seconds}",
            ),
            ("pin_prompt = \"{\"", "`pin_prompt`: has a brace"),
            (
                "pin_prompt = \"\"",
                "`pin_prompt`: must be 1 to 256 bytes without control",
            ),
            (
                "pin_prompt = \"a\\u001b[31m\"",
                "`pin_prompt`: must be 1 to 256 bytes without control",
            ),
            (&long, "`pin_prompt`: must be 1 to 256 bytes"),
            ("pin_prompt = 1", "`pin_prompt`: must be a text"),
        ] {
            let error = Conf::parse(&format!("nullok = true\n[texts]\n{line}\n")).unwrap_err();
            assert!(error.to_string().contains(says), "{line}: {error}");
            let service = format!("[service.sshd.texts]\n{line}\n");
            assert!(Conf::parse(&service).is_err(), "{service}");
        }
        assert!(Conf::parse("texts = \"x\"").is_err());
    }

    /// T08: zero is not "off", and nothing follows a number.
    #[test]
    fn numbers_out_of_range_are_refused() {
        for line in [
            "window = 11",
            "window = -1",
            "window = \"\"",
            "look_ahead = 0",
            "look_ahead = 101",
            "look_ahead = 18446744073709551616",
            "look_ahead = 1e3",
            "look_ahead = 10x",
            "[throttle]\nfree = 0",
            "[throttle]\nlifetime = 101",
            "[throttle]\nlifetime = 0",
            "[throttle]\nmax_wait = \"0s\"",
            "[throttle]\nmax_wait = \"2d\"",
            "[throttle]\nmax_wait = \"+5m\"",
            "[throttle]\nmax_wait = \"m\"",
            "[throttle]\nmax_wait = \"99999999999999999999d\"",
            "tokens = \"relative\"",
            "prompt = \"a\\nb\"",
            "nullok = \"yes\"",
            "allow_readonly = true",
            "[service.sshd]\nwindow = 11",
            "[service.sshd]\ntokens = \"/srv\"",
            "types = []",
            "types = [\"sms\"]",
            "min_tokens = 0",
            "min_tokens = 17",
            "nullok_until = \"soon\"",
            "notices = \"off\"",
            "qr = \"png\"",
            "[[rule]]\nname = \"a\"\naction = \"skip\"\nenroll = \"offer\"",
            "[[rule]]\nname = \"a\"\naction = \"require\"\nenroll = \"offer\"",
            "[[rule]]\nname = \"a\"\naction = \"skip-if-not-enrolled\"\nenroll = \"require\"",
            "[[rule]]\nname = \"a\"\naction = \"require\"\nenroll = true",
            "nullok_until = 2027-01-31",
            "[service]\nsshd = 1",
            "try_first_pass = true\nuse_first_pass = true",
        ] {
            assert!(Conf::parse(line).is_err(), "{line}");
        }
    }
}

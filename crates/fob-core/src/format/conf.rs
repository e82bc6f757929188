//! fob.conf: what the administrator decides for a machine. See docs/file-formats.md.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::fields::{Field, Fields, FormatError, Source};
use crate::{FirstPass, PinEntry, Policy, Settings};

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
        read_policy(&mut root, &mut conf.policy)?;
        conf.settings = read_settings(&mut root)?;
        if let Some(services) = root.take("service") {
            for service in services.table()?.into_fields() {
                let name = service.name.clone();
                let mut fields = service.table()?;
                conf.services.insert(name, read_settings(&mut fields)?);
                fields.end()?;
            }
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

fn read_policy(root: &mut Fields<'_>, policy: &mut Policy) -> Result<(), FormatError> {
    let small = |field: Field<'_>, range| {
        let number = field.number(range)?;
        u16::try_from(number).map_err(|_| field.error("is too large"))
    };
    let byte = |field: Field<'_>, range| {
        let number = field.number(range)?;
        u8::try_from(number).map_err(|_| field.error("is too large"))
    };
    if let Some(field) = root.take("window") {
        policy.window = byte(field, 0..=10)?;
    }
    if let Some(field) = root.take("look_ahead") {
        policy.look_ahead = byte(field, 1..=100)?;
    }
    if let Some(field) = root.take("resync") {
        policy.resync_at_prompt = match field.text()? {
            "off" => false,
            "prompt" => true,
            _ => return Err(field.error("must be \"off\" or \"prompt\"")),
        };
    }
    let Some(throttle) = root.take("throttle") else {
        return Ok(());
    };
    let mut fields = throttle.table()?;
    if let Some(field) = fields.take("free") {
        policy.throttle.free = small(field, 1..=100)?;
    }
    if let Some(field) = fields.take("max_wait") {
        let seconds = field.seconds(1..=86_400)?;
        policy.throttle.max_wait =
            u32::try_from(seconds).map_err(|_| field.error("is too long"))?;
    }
    if let Some(field) = fields.take("lifetime") {
        policy.throttle.lifetime = small(field, 10..=100)?;
    }
    fields.end()
}

fn read_settings(fields: &mut Fields<'_>) -> Result<Settings, FormatError> {
    let prompt = fields
        .take("prompt")
        .map(|field| field.line(256))
        .transpose()?;
    let first_pass = read_first_pass(fields)?;
    let pin = fields.take("pin").map(|field| {
        PinEntry::from_name(field.text()?)
            .ok_or_else(|| field.error("must be \"front\" or \"prompt\""))
    });
    let pin = pin.transpose()?;
    let mut flag = |name| fields.take(name).map(|field| field.flag()).transpose();
    Ok(Settings {
        prompt,
        echo: flag("echo")?,
        nullok: flag("nullok")?,
        debug: flag("debug")?,
        first_pass,
        forward_pass: flag("forward_pass")?,
        pin,
        ..Settings::default()
    })
}

/// The two words exclude each other, here as on the module's line.
fn read_first_pass(fields: &mut Fields<'_>) -> Result<Option<Option<FirstPass>>, FormatError> {
    let (attempt, only) = (fields.take("try_first_pass"), fields.take("use_first_pass"));
    let flag = |field: &Option<Field<'_>>| field.as_ref().map(Field::flag).transpose();
    match (flag(&attempt)?, flag(&only)?, &only) {
        (Some(true), Some(true), Some(only)) => Err(only.error("excludes `try_first_pass`")),
        (_, Some(true), _) => Ok(Some(Some(FirstPass::Use))),
        (Some(true), _, _) => Ok(Some(Some(FirstPass::Try))),
        (None, None, _) => Ok(None),
        _ => Ok(Some(None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "[service.sshd]\nwindow = 1",
            "[service]\nsshd = 1",
            "try_first_pass = true\nuse_first_pass = true",
        ] {
            assert!(Conf::parse(line).is_err(), "{line}");
        }
    }
}

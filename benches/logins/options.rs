//! The command line.

use std::path::PathBuf;

use super::Result;

pub(super) const USAGE: &str = "\
usage: cargo bench --bench logins -- [OPTION...]
  --quick            half a minute: fewer rounds (usually it takes one or two)
  --long             many minutes: ten times the rounds, oath with as many lines as files
  --races N          rounds of the races (200)
  --files N          token files against one (100,000)
  --only WORD        just the measurements whose name has WORD in it
  --module PATH      the module (target/release/libpam_fob.so, or $PAM_FOB_MODULE)
";

/// What is to be measured, and how often.
#[derive(Debug, Clone)]
pub(super) struct Options {
    /// In per cent of the usual number of rounds.
    pub(super) effort: usize,
    /// Rounds of a race.
    pub(super) races: usize,
    /// Token files against one.
    pub(super) files: usize,
    /// Part of a measurement's name.
    pub(super) only: Option<String>,
    /// The module under test.
    pub(super) module: Option<PathBuf>,
    /// Whether this is the process in the throwaway machine.
    pub(super) inside: bool,
    /// What the folder of the machine lies on.
    pub(super) file_system: String,
}

impl Options {
    /// Reads the command line. `None`: help is wanted.
    pub(super) fn parse(words: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut options = Self {
            effort: 100,
            races: 200,
            files: 100_000,
            only: None,
            module: std::env::var_os("PAM_FOB_MODULE").map(PathBuf::from),
            inside: false,
            file_system: String::new(),
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--quick" => options.effort = 25,
                "--long" => (options.effort, options.races) = (1000, 2000),
                "--races" => options.races = value()?.parse()?,
                "--files" => options.files = value()?.parse()?,
                "--only" => options.only = Some(value()?),
                "--module" => options.module = Some(value()?.into()),
                "--inside" => options.inside = true,
                "--file-system" => options.file_system = value()?,
                "--bench" => {} // cargo says so to every benchmark
                "--help" => return Ok(None),
                _ => return Err(format!("unknown option {word}\n{USAGE}").into()),
            }
        }
        Ok(Some(options))
    }

    /// The same for the process inside.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec!["--inside".into()];
        words.extend(["--races".into(), self.races.to_string()]);
        words.extend(["--files".into(), self.files.to_string()]);
        words.extend(["--file-system".into(), self.file_system.clone()]);
        match self.effort {
            25 => words.insert(0, "--quick".into()),
            1000 => words.insert(0, "--long".into()),
            _ => {}
        }
        if let Some(only) = &self.only {
            words.extend(["--only".into(), only.clone()]);
        }
        words
    }

    /// Whether a measurement of this name is wanted.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only))
    }

    /// How many rounds to make, where `usual` is the usual number.
    pub(super) fn rounds(&self, usual: usize) -> usize {
        (usual * self.effort / 100).max(1)
    }
}

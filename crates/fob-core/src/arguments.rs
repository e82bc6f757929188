//! The words after the module's name in a PAM file.

use std::path::{Path, PathBuf};

use crate::{FirstPass, PinEntry, Settings, foreign_words};

/// What the module's line in a PAM file says.
#[derive(Debug, Clone, Default)]
pub struct Arguments {
    /// Another fob.conf.
    pub conf: Option<PathBuf>,
    /// How a code is asked for.
    pub settings: Settings,
}

impl Arguments {
    /// Reads the words. A word that isn't known refuses everybody: it may have been meant
    /// to make the login stricter.
    ///
    /// # Errors
    /// What is wrong, in a sentence for the log.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let mut arguments = Self::default();
        for word in words {
            arguments.read(word)?;
        }
        Ok(arguments)
    }

    fn read(&mut self, word: &str) -> Result<(), String> {
        let settings = &mut self.settings;
        match word.split_once('=') {
            Some(("conf", path)) if Path::new(path).is_absolute() => self.conf = Some(path.into()),
            Some(("conf", _)) => return Err("argument `conf=` needs a path from /".into()),
            Some(("prompt" | "authtok_prompt", text)) => settings.prompt = Some(prompt(text)?),
            Some(("pin", entry)) => {
                let entry = PinEntry::from_name(entry);
                settings.pin = Some(entry.ok_or("argument `pin=` needs front or prompt")?);
            }
            None if word == "nullok" => settings.nullok = Some(true),
            None if word == "echo" => settings.echo = Some(true),
            None if word == "debug" => settings.debug = Some(true),
            None if word == "forward_pass" => settings.forward_pass = Some(true),
            None if word == "try_first_pass" => first_pass(settings, FirstPass::Try)?,
            None if word == "use_first_pass" => first_pass(settings, FirstPass::Use)?,
            _ if foreign_words::read(word, settings)? => {}
            _ => return Err(format!("unknown argument `{word}`")),
        }
        Ok(())
    }
}

fn prompt(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
        return Err("argument `prompt=` needs 1 to 256 bytes without control characters".into());
    }
    Ok(text.into())
}

fn first_pass(settings: &mut Settings, which: FirstPass) -> Result<(), String> {
    if settings
        .first_pass
        .is_some_and(|before| before != Some(which))
    {
        return Err("`try_first_pass` and `use_first_pass` exclude each other".into());
    }
    settings.first_pass = Some(Some(which));
    Ok(())
}

//! How a code is asked for: the words of the module's line, of fob.conf and of its
//! `[service.NAME]` tables.

use crate::{Day, Drawing, Policy, PolicyChange, Text, Texts};

/// What to do with a password that an earlier module of the stack asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstPass {
    /// Take it if it holds a code, else ask: `try_first_pass`.
    Try,
    /// Take it, and never ask: `use_first_pass`.
    Use,
}

/// Where a PIN is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinEntry {
    /// In front of the code, in one field: `pin = "front"`.
    Front,
    /// At a question of its own, which everybody is asked: `pin = "prompt"`.
    Prompt,
}

impl PinEntry {
    /// The entry of that name: `front` or `prompt`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "front" => Some(Self::Front),
            "prompt" => Some(Self::Prompt),
            _ => None,
        }
    }
}

/// How a code is asked for. `None` leaves the word to whoever comes before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// What the person is asked.
    pub prompt: Option<String>,
    /// Whether the code shows while it is typed.
    pub echo: Option<bool>,
    /// Whether people who aren't enrolled are passed on to the rest of the stack.
    pub nullok: Option<bool>,
    /// The last day on which people who aren't enrolled are passed on.
    pub nullok_until: Option<Day>,
    /// Whether the paths and flags that are in force are logged too.
    pub debug: Option<bool>,
    /// What to do with an earlier module's password; `Some(None)` is "nothing".
    pub first_pass: Option<Option<FirstPass>>,
    /// Whether one field takes password and code, and the password goes on.
    pub forward_pass: Option<bool>,
    /// Where a PIN is typed.
    pub pin: Option<PinEntry>,
    /// What a QR code is drawn with at a login; `Some(None)` is "nothing".
    pub qr: Option<Option<Drawing>>,
    /// How codes are judged.
    pub policy: PolicyChange,
    /// Whether a person who got in is told what there is to know.
    pub notices: Option<bool>,
    /// What people are told.
    pub texts: Texts,
    /// Whether the question doesn't speak of a password, though one may stand in front.
    pub plain_prompt: bool,
}

impl Settings {
    /// These settings, with every word that `over` says taken from there.
    pub fn overlaid(&self, over: &Self) -> Self {
        Self {
            prompt: over.prompt.clone().or_else(|| self.prompt.clone()),
            echo: over.echo.or(self.echo),
            nullok: over.nullok.or(self.nullok),
            nullok_until: over.nullok_until.or(self.nullok_until),
            debug: over.debug.or(self.debug),
            first_pass: over.first_pass.or(self.first_pass),
            forward_pass: over.forward_pass.or(self.forward_pass),
            pin: over.pin.or(self.pin),
            qr: over.qr.or(self.qr),
            policy: self.policy.overlaid(over.policy),
            notices: over.notices.or(self.notices),
            texts: self.texts.overlaid(&over.texts),
            plain_prompt: over.plain_prompt || self.plain_prompt,
        }
    }

    /// The question that is asked.
    pub fn prompt(&self) -> &str {
        let usual = if self.forward_pass() && !self.plain_prompt {
            Text::JoinedPrompt
        } else {
            Text::CodePrompt
        };
        let usual = self.texts.get(usual);
        self.prompt.as_deref().unwrap_or(usual)
    }

    /// How codes are judged, with what was said beside the question.
    pub fn policy(&self, usual: Policy) -> Policy {
        self.policy.applied(usual)
    }

    /// Whether the code shows while it is typed; not unless somebody said so.
    pub fn echo(&self) -> bool {
        self.echo.unwrap_or(false)
    }

    /// Whether people who aren't enrolled are passed on; not unless somebody said so.
    pub fn nullok(&self) -> bool {
        self.nullok.unwrap_or(false)
    }

    /// Whether a person who got in is told what there is to know, unless somebody said no.
    pub fn notices(&self) -> bool {
        self.notices.unwrap_or(true)
    }

    /// Whether the paths and flags in force are logged too; not unless somebody said so.
    pub fn debug(&self) -> bool {
        self.debug.unwrap_or(false)
    }

    /// What to do with an earlier module's password; nothing unless somebody said so.
    pub fn first_pass(&self) -> Option<FirstPass> {
        self.first_pass.flatten()
    }

    /// What a QR code is drawn with at a login, if it is: with blocks unless somebody said
    /// otherwise.
    pub fn qr(&self) -> Option<Drawing> {
        self.qr.unwrap_or(Some(Drawing::Blocks))
    }

    /// Whether one field takes password and code; not unless somebody said so.
    pub fn forward_pass(&self) -> bool {
        self.forward_pass.unwrap_or(false)
    }

    /// Whether everybody is asked for a PIN before the code; not unless somebody said so.
    pub fn asks_for_pin(&self) -> bool {
        self.pin == Some(PinEntry::Prompt)
    }
}

//! How codes are asked for and judged: at the top of fob.conf, and in `[service.NAME]`.

use super::fields::{Field, Fields, FormatError};
use super::token_file::MAX_TOKENS;
use crate::{Day, Drawing, FirstPass, PinEntry, PolicyChange, Settings, Text, Texts, Types};

/// No question and no text is longer, in bytes.
const MAX_TEXT: usize = 256;

/// Takes what a table says of it.
pub(super) fn read_settings(fields: &mut Fields<'_>) -> Result<Settings, FormatError> {
    let prompt = fields
        .take("prompt")
        .map(|field| field.line(MAX_TEXT))
        .transpose()?;
    let first_pass = read_first_pass(fields)?;
    let pin = fields.take("pin").map(|field| {
        PinEntry::from_name(field.text()?)
            .ok_or_else(|| field.error("must be \"front\" or \"prompt\""))
    });
    let pin = pin.transpose()?;
    let qr = fields.take("qr").map(read_qr).transpose()?;
    let nullok_until = fields.take("nullok_until").map(|field| {
        Day::parse(field.text()?).ok_or_else(|| field.error("must be a day like 2027-01-31"))
    });
    let nullok_until = nullok_until.transpose()?;
    let policy = read_policy(fields)?;
    let texts = read_texts(fields)?;
    let mut flag = |name| fields.take(name).map(|field| field.flag()).transpose();
    Ok(Settings {
        prompt,
        echo: flag("echo")?,
        nullok: flag("nullok")?,
        nullok_until,
        debug: flag("debug")?,
        first_pass,
        forward_pass: flag("forward_pass")?,
        pin,
        qr,
        policy,
        notices: flag("notices")?,
        texts,
        ..Settings::default()
    })
}

fn read_qr(field: Field<'_>) -> Result<Option<Drawing>, FormatError> {
    match field.text()? {
        "utf8" => Ok(Some(Drawing::Blocks)),
        "ascii" => Ok(Some(Drawing::Ascii)),
        "off" => Ok(None),
        _ => Err(field.error("must be \"utf8\", \"ascii\" or \"off\"")),
    }
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

fn read_policy(fields: &mut Fields<'_>) -> Result<PolicyChange, FormatError> {
    let resync = fields.take("resync").map(|field| match field.text()? {
        "off" => Ok(false),
        "prompt" => Ok(true),
        _ => Err(field.error("must be \"off\" or \"prompt\"")),
    });
    let most = u64::try_from(MAX_TOKENS).unwrap_or(u64::MAX);
    let mut change = PolicyChange {
        window: small(fields, "window", 0..=10)?,
        look_ahead: small(fields, "look_ahead", 1..=100)?,
        resync_at_prompt: resync.transpose()?,
        types: fields.take("types").map(read_types).transpose()?,
        min_tokens: small(fields, "min_tokens", 1..=most)?,
        ..PolicyChange::default()
    };
    let Some(throttle) = fields.take("throttle") else {
        return Ok(change);
    };
    let mut fields = throttle.table()?;
    change.free = small(&mut fields, "free", 1..=100)?;
    change.lifetime = small(&mut fields, "lifetime", 10..=100)?;
    let max_wait = fields
        .take("max_wait")
        .map(|field| field.seconds(1..=86_400));
    change.max_wait = max_wait
        .transpose()?
        .map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
    fields.end()?;
    Ok(change)
}

/// What is said in the place of the usual texts.
fn read_texts(fields: &mut Fields<'_>) -> Result<Texts, FormatError> {
    let mut texts = Texts::default();
    let Some(table) = fields.take("texts") else {
        return Ok(texts);
    };
    let mut fields = table.table()?;
    for text in Text::ALL {
        if let Some(field) = fields.take(text.name()) {
            let words = field.line(MAX_TEXT)?;
            text.check(&words).map_err(|wrong| field.error(wrong))?;
            texts.replace(*text, words);
        }
    }
    fields.end()?;
    Ok(texts)
}

/// A whole number within `range`.
fn small<T: TryFrom<u64>>(
    fields: &mut Fields<'_>,
    name: &str,
    range: std::ops::RangeInclusive<u64>,
) -> Result<Option<T>, FormatError> {
    let Some(field) = fields.take(name) else {
        return Ok(None);
    };
    let number = field.number(range)?;
    let small = T::try_from(number).map_err(|_| field.error("is too large"))?;
    Ok(Some(small))
}

fn read_types(field: Field<'_>) -> Result<Types, FormatError> {
    let mut types = Types::NONE;
    for name in field.members()? {
        types = Types::of(name.text()?)
            .map(|kind| types.and(kind))
            .ok_or_else(|| name.error("must be \"hotp\", \"totp\" or \"yubico\""))?;
    }
    Ok(types)
}

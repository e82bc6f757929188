//! The words of google-authenticator and pam_oath on a module's line: what they mean here,
//! and which would make a login weaker and so are refused by name.

use crate::Settings;

/// The widest `window=`: what `window` in fob.conf may be at most.
const MAX_WINDOW: u8 = 10;

/// Takes a word that other modules have. `false` if it isn't one.
///
/// # Errors
/// The word is refused; says why and what to do.
pub(crate) fn read(word: &str, settings: &mut Settings) -> Result<bool, String> {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    if let Some(instead) = way_out(name) {
        return Err(format!("`{name}` is refused: {instead}"));
    }
    match name {
        "echo_verification_code" | "echo-verification-code" if name == word => {
            settings.echo = Some(true);
        }
        // A wrong code never moves a counter here.
        "no_increment_hotp" if name == word => {}
        "noskewadj" if name == word => settings.policy.follows_drift = Some(false),
        "window" => {
            let window = value.parse().ok();
            let fits = |window: &u8| (1..=MAX_WINDOW).contains(window);
            let window = window.filter(fits).ok_or(
                "`window=` needs 1 to 10 here; for more presses of a counter token set \
                 look_ahead in fob.conf, and for clocks that are off run: fob resync",
            )?;
            // pam_oath's means steps and presses alike.
            settings.policy.window = Some(window);
            settings.policy.look_ahead = Some(window);
        }
        // What stands in front of the code goes on; each token knows its own length.
        "digits" if matches!(value, "6" | "7" | "8") => {
            settings.forward_pass = Some(true);
            settings.plain_prompt = true;
        }
        "digits" => return Err("`digits=` needs 6, 7 or 8".into()),
        _ => return Ok(false),
    }
    Ok(true)
}

/// What to do instead of a word that would make a login weaker, or that has no meaning here.
fn way_out(name: &str) -> Option<&'static str> {
    Some(match name {
        "alwaysok" => "it lets everybody in; take it away",
        "allow_readonly" => {
            "a code that can't be written down as spent could be used again; take it away"
        }
        "no_strict_owner" | "allowed_perm" => {
            "secrets belong to root alone, in /etc/fob/tokens; take it away"
        }
        "secret" => {
            "secrets lie in /etc/fob/tokens; run: fob import google-authenticator FILE \
             --user NAME, and take it away"
        }
        "usersfile" => {
            "secrets lie in /etc/fob/tokens; run: fob import users-oath FILE, and take it away"
        }
        "user" => "files are read as root, for accounts of this system alone; take it away",
        "grace_period" => "say remember in a rule of fob.conf instead, and take it away",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::{Arguments, Policy};

    fn read(words: &str) -> Result<Arguments, String> {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        Arguments::parse(&words)
    }

    #[test]
    fn words_of_google_authenticator_keep_their_meaning() {
        let line = "nullok debug echo_verification_code no_increment_hotp noskewadj \
                    authtok_prompt=Code:";
        let settings = read(line).unwrap().settings;
        assert!(settings.nullok() && settings.debug() && settings.echo());
        assert_eq!(settings.prompt(), "Code:");
        assert!(!settings.policy(Policy::default()).follows_drift);
        let settings = read("forward_pass echo-verification-code")
            .unwrap()
            .settings;
        assert!(settings.forward_pass() && settings.echo());
    }

    #[test]
    fn words_of_pam_oath_keep_their_meaning() {
        let settings = read("window=5 digits=8 try_first_pass").unwrap().settings;
        let policy = settings.policy(Policy::default());
        assert_eq!((policy.window, policy.look_ahead), (5, 5));
        assert!(settings.forward_pass());
        assert_eq!(settings.prompt(), "Verification code: ");
    }

    #[test]
    fn words_that_would_weaken_a_login_are_refused_by_name() {
        for word in [
            "alwaysok",
            "allow_readonly",
            "no_strict_owner",
            "allowed_perm=0644",
            "secret=/etc/x",
            "usersfile=/etc/users.oath",
            "user=root",
            "grace_period=60",
        ] {
            let error = read(word).unwrap_err();
            let name = word.split('=').next().unwrap();
            assert!(
                error.contains(name) && error.contains("take it away"),
                "{error}"
            );
        }
        for word in [
            "window=0",
            "window=11",
            "window=",
            "digits=9",
            "noskewadj=1",
        ] {
            assert!(read(word).is_err(), "{word}");
        }
    }
}

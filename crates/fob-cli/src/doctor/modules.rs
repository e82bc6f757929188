//! What the modules of a stack are there for, and what they may say.

use crate::pam::{Module, Placed, Role};

/// Modules that ask for another factor.
const FIRST_FACTORS: [&str; 14] = [
    "pam_unix.so",
    "pam_sss.so",
    "pam_ldap.so",
    "pam_krb5.so",
    "pam_winbind.so",
    "pam_systemd_home.so",
    "pam_u2f.so",
    "pam_pkcs11.so",
    "pam_p11.so",
    "pam_fprintd.so",
    "pam_ssh_agent_auth.so",
    "pam_pwdfile.so",
    "pam_userdb.so",
    "pam_radius_auth.so",
];
/// Modules that people put there so that some don't come to the code.
const EXEMPTIONS: [&str; 8] = [
    "pam_rootok.so",
    "pam_succeed_if.so",
    "pam_access.so",
    "pam_listfile.so",
    "pam_time.so",
    "pam_localuser.so",
    "pam_wheel.so",
    "pam_group.so",
];
/// Modules that never say yes.
const SILENT: [&str; 6] = [
    "pam_env.so",
    "pam_nologin.so",
    "pam_faildelay.so",
    "pam_warn.so",
    "pam_echo.so",
    "pam_selinux.so",
];
/// Modules that ask for a one-time code, too.
const OTHER_CODES: [&str; 6] = [
    "pam_google_authenticator.so",
    "pam_oath.so",
    "pam_yubico.so",
    "pam_otpw.so",
    "pam_privacyidea.so",
    "pam_linotp.so",
];
/// Modules that say "ignore" in `pam_setcred`: pam_listfile, pam_rootok and most others say
/// "success" there, also of people to whom they said no.
const NO_OPINION_IN_SETCRED: [&str; 12] = [
    "pam_access.so",
    "pam_canonicalize_user.so",
    "pam_echo.so",
    "pam_exec.so",
    "pam_faildelay.so",
    "pam_ftp.so",
    "pam_issue.so",
    "pam_nologin.so",
    "pam_sepermit.so",
    "pam_succeed_if.so",
    "pam_usertype.so",
    "pam_warn.so",
];
/// Words with which a first factor says nothing of people who have none of it.
const STEPS_ASIDE: [&str; 2] = ["nouserok", "localifdown"];
/// What our module says when somebody must not get in.
pub(super) const REFUSALS: [&str; 5] =
    ["auth_err", "system_err", "service_err", "conv_err", "abort"];

/// Whether a module asks for a one-time code.
pub(super) fn asks_for_codes(name: &str) -> bool {
    OTHER_CODES.contains(&name)
}

/// What each line may say.
pub(super) fn of<'a>(auth: &[Placed]) -> Vec<Module<'a>> {
    auth.iter().map(module).collect()
}

fn module<'a>(placed: &Placed) -> Module<'a> {
    let name = placed.line.base();
    let (role, answers) = if placed.line.is_ours() {
        let mut answers = vec!["success", "ignore"];
        answers.extend(REFUSALS);
        (Role::Ours, answers)
    } else if FIRST_FACTORS.contains(&name) {
        let mut answers = vec!["success", "auth_err", "user_unknown", "authinfo_unavail"];
        let steps_aside = |word: &String| STEPS_ASIDE.contains(&word.as_str());
        answers.extend(
            placed
                .line
                .arguments
                .iter()
                .any(steps_aside)
                .then_some("ignore"),
        );
        (Role::FirstFactor, answers)
    } else if EXEMPTIONS.contains(&name) {
        (Role::Exemption, vec!["success", "auth_err", "ignore"])
    } else {
        let answers = match name {
            "pam_deny.so" => vec!["auth_err"],
            "pam_permit.so" => vec!["success"],
            name if SILENT.contains(&name) => vec!["ignore", "auth_err"],
            _ => vec!["success", "auth_err", "user_unknown", "ignore"],
        };
        (Role::Other, answers)
    };
    let setcred = match name {
        "pam_deny.so" => "cred_err",
        name if NO_OPINION_IN_SETCRED.contains(&name) => "ignore",
        _ => "success",
    };
    Module {
        role,
        answers,
        setcred,
    }
}

//! `fob completions`: what a shell completes, made from the command line itself.

use clap::{Args, Command, ValueEnum, ValueHint};
use clap_complete::{Shell, generate};

use crate::help;
use crate::output::say;
use crate::stop::Stop;

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fob completions bash > /usr/share/bash-completion/completions/fob\n  \
    fob completions zsh > /usr/share/zsh/site-functions/_fob\n  \
    fob completions fish > /usr/share/fish/vendor_completions.d/fob.fish")]
pub(crate) struct Wish {
    /// For which shell
    #[arg(value_name = "SHELL")]
    shell: Known,
}

/// The shells that fob completes for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Known {
    Bash,
    Zsh,
    Fish,
}

/// Needs neither root nor a fob.conf: packages are built without either.
pub(super) fn run(wish: &Wish) -> Result<(), Stop> {
    let shell = match wish.shell {
        Known::Bash => Shell::Bash,
        Known::Zsh => Shell::Zsh,
        Known::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut with_people(help::command()), "fob", &mut script);
    say(String::from_utf8_lossy(&script).trim_end())
}

/// Where a verb takes a person's name, shells offer those they know.
fn with_people(fob: Command) -> Command {
    fob.mut_subcommands(|verb| {
        if verb
            .get_arguments()
            .any(|argument| argument.get_id() == "name")
        {
            verb.mut_arg("name", |name| name.value_hint(ValueHint::Username))
        } else {
            verb
        }
    })
}

"""Draws the pictures of the handbook from the real program.

All that is shown comes from a throwaway machine: the command, sshd and the module of this
build, a person who doesn't exist, and secrets that are gone with the machine.
"""

import copy
import fcntl
import os
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pyte
import weasyprint

import screen

PROJECT = Path(__file__).resolve().parents[2]
PARTS = PROJECT / "target/machine"
HERE = PROJECT / "docs/pictures"
LIMIT = 150_000  # bytes: what a page can bear
COLUMNS = 80


class Machine:
    """A throwaway machine called `host`, with an sshd on loopback."""

    def __init__(self, conf=""):
        self.root = Path(tempfile.mkdtemp(prefix="pictures.", dir=PARTS))
        self.port = free_port()
        sandbox = PROJECT / "tests/sandbox"
        subprocess.run([sandbox / "make-root", self.root], check=True)
        subprocess.run([sandbox / "people", self.root, "alice:correct horse"], check=True)
        for folder in ("etc/fob/tokens", "var/lib/fob"):
            (self.root / folder).mkdir(mode=0o700, parents=True)
        self.write("etc/fob/fob.conf", conf)
        self.write(
            "etc/pam.d/sshd",
            "auth required pam_fob.so\nauth required pam_permit.so\n"
            "account required pam_permit.so\nsession required pam_permit.so\n",
        )
        self.write(
            "etc/ssh/sshd_config",
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey /etc/ssh/host\nUsePAM yes\n"
            "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nPrintMotd no\nPrintLastLog no\n"
            "AuthenticationMethods publickey,keyboard-interactive\n",
        )
        self.write(
            "root/.ssh/config",
            f"Host host\n Port {self.port}\n IdentityFile /root/key\n LogLevel ERROR\n"
            " StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n NumberOfPasswordPrompts 1\n",
        )
        self.write("etc/hosts", "127.0.0.1 localhost host\n")
        self.write("home/alice/.profile", "PS1='alice@host:~$ '\nexport PS1\n")
        self.run(
            "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/host; ssh-keygen -q -t ed25519 -N '' -f /root/key\n"
            "mkdir -m 0700 /home/alice/.ssh; cp /root/key.pub /home/alice/.ssh/authorized_keys\n"
            "chown -R alice:alice /home/alice"
        )
        self.sshd = subprocess.Popen(
            self.command("/usr/sbin/sshd", "-D", "-f", "/etc/ssh/sshd_config"), stdin=subprocess.DEVNULL
        )
        wait_until("sshd listens", lambda: can_connect(self.port))

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def command(self, *words):
        layers = ["--layer", str(PARTS / "layer"), "--layer", str(PARTS / "debian/root")]
        enter = [str(PROJECT / "tests/sandbox/enter"), str(self.root), *layers, "--env", "TERM=xterm-256color", "--", *words]
        return ["unshare", "--uts", "sh", "-c", 'hostname host; exec "$@"', "sh", *enter]

    def run(self, script):
        return subprocess.run(self.command("sh", "-ec", script), check=True, capture_output=True, text=True).stdout

    def close(self):
        self.sshd.terminate()
        self.sshd.wait()
        shutil.rmtree(self.root)


class Recorder:
    """Somebody at a terminal: types, waits, and keeps what was seen."""

    def __init__(self, machine, lines, prompt):
        self.machine, self.lines, self.frames, self.text = machine, lines, [], ""
        self.screen = pyte.Screen(COLUMNS, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.sits_at(prompt)
        self.machine.write("root/rc", "PROMPT_COMMAND='PS1=$(cat /tmp/prompt)'\n")
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            words = machine.command("bash", "--noprofile", "--rcfile", "/root/rc", "-i")
            os.execvp(words[0], words)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, COLUMNS, 0, 0))
        self.wait(re.escape(prompt) + "$")

    def sits_at(self, prompt):
        """Which prompt the shell shows from its next line on."""
        self.machine.write("tmp/prompt", prompt)

    def read(self, seconds):
        if select.select([self.terminal], [], [], seconds)[0]:
            try:
                new = os.read(self.terminal, 65536)
            except OSError:
                return
            self.stream.feed(new)
            self.text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", new.decode(errors="replace"))

    def wait(self, pattern):
        """Until what was printed since the last answer says so."""
        wait_until(pattern, lambda: self.read(0.05) or re.search(pattern, self.text))

    def keep(self, seconds):
        rows = [[copy.copy(self.screen.buffer[line][column]) for column in range(COLUMNS)] for line in range(self.lines)]
        self.frames.append((rows, (self.screen.cursor.x, self.screen.cursor.y), seconds))

    def types(self, text, pattern, seconds, shown=True):
        """Types a line; what comes of it is shown so long."""
        self.keep(0.8)
        if shown:
            for end in range(4, len(text), 4):
                os.write(self.terminal, text[end - 4 : end].encode())
                self.settle()
                self.keep(0.12)
            rest = text[(len(text) - 1) // 4 * 4 :]
        else:
            rest = text
        os.write(self.terminal, rest.encode())
        self.settle()
        self.keep(0.6)
        self.text = ""
        os.write(self.terminal, b"\n")
        self.wait(pattern)
        self.settle()
        self.keep(seconds)
        return self.text

    def settle(self):
        for _ in range(4):
            self.read(0.05)

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.process, 0)

    def save(self, name, title, description):
        used = max(line for rows, _, _ in self.frames for line, row in enumerate(rows) if any(cell.data != " " for cell in row))
        save(name, screen.picture(self.frames, COLUMNS, used + 1, title, description))


def save(name, svg):
    size = len(svg.encode())
    if size > LIMIT:
        (PROJECT / "target/pictures" / name).write_text(svg)
        sys.exit(f"pictures: target/pictures/{name} has {size} bytes, more than {LIMIT}")
    (HERE / name).write_text(svg)
    print(f"docs/pictures/{name}: {size} bytes")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def wait_until(what, done):
    end = time.monotonic() + 60
    while not done():
        if time.monotonic() > end:
            sys.exit(f"pictures: in vain: {what}")
        time.sleep(0.02)


def code(machine, secret, last=None):
    """The code that an app shows; waits for another one than `last`."""
    while True:
        shown = machine.run(f"oathtool --totp --base32 {secret}").strip()
        if shown != last:
            return shown
        time.sleep(1)


PROMPT = "host:~# "
LAPTOP = "laptop:~$ "


def enrol_and_log_in():
    machine = Machine()
    person = Recorder(machine, 42, PROMPT)
    shown = person.types("fob enroll alice", r"[Cc]ode[^\n]*: $", 4)
    secret = re.search(r"secret=([A-Z2-7]+)", re.sub(r"\s", "", shown)).group(1)
    confirming = code(machine, secret)
    person.sits_at("\n" + LAPTOP)
    person.types(confirming, re.escape(LAPTOP) + "$", 5)
    person.sits_at(LAPTOP)
    person.types("ssh alice@host", "Verification code: $", 1)
    now = code(machine, secret, confirming)
    person.types(now, r"~\$ $", 1.5, shown=False)
    person.types("exit", re.escape(LAPTOP) + "$", 1.5)
    person.types("ssh alice@host", "Verification code: $", 1)
    person.types(now, r"denied[^$]*\$ $", 4, shown=False)
    person.close()
    machine.close()
    person.save(
        "enrol-and-log-in.svg",
        "Enrolment and login",
        "An administrator runs fob enroll alice, which shows a QR code, asks for a code and prints ten recovery codes. "
        "Then alice logs in with ssh and a code; the same code a second time is refused.",
    )


def enrol_at_a_login():
    rule = '[[rule]]\nname = "roll-out"\naction = "require"\nenroll = "require"\n'
    machine = Machine(rule)
    person = Recorder(machine, 40, LAPTOP)
    shown = person.types("ssh alice@host", "Code that the app shows: $", 5)
    secret = re.search(r"into the app: ([A-Z2-7 ]+)", shown).group(1).replace(" ", "")
    person.types(code(machine, secret), "Press Enter once you have them: $", 5, shown=False)
    person.types("", r"~\$ $", 4)
    person.close()
    machine.close()
    person.save(
        "enrol-at-a-login.svg",
        "Enrolment at a login",
        "ssh alice@host shows a QR code in the terminal, asks for the code that the app shows, prints ten recovery codes, and lets alice in.",
    )


def smaller(drawn):
    """A tenth of a point is finer than any screen; black is what isn't said to be another colour."""
    drawn = re.sub(r"\d+\.\d+(?=[^%\d])", lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), drawn)
    drawn = re.sub(r'<g style="fill:rgb\(0%,0%,0%\);fill-opacity:1;">\s*((?:<use [^>]*/>\s*)+)</g>', r"\1", drawn)
    return re.sub(r"\n\s+", "\n", drawn)


def letter():
    machine = Machine()
    machine.write("root/people.csv", "name\nalice\n")
    machine.run("fob enroll --from /root/people.csv --issuer Example --letters /root/letters")
    page = weasyprint.HTML(string=(machine.root / "root/letters/letters.html").read_text())
    machine.close()
    with tempfile.TemporaryDirectory() as folder:
        pdf, svg = Path(folder, "letter.pdf"), Path(folder, "letter.svg")
        page.write_pdf(pdf)
        subprocess.run(["pdftocairo", "-svg", "-f", "1", "-l", "1", pdf, svg], check=True)
        drawn = smaller(svg.read_text().split("\n", 1)[1])
    # Paper is white, whatever lies behind the picture.
    sheet = '<rect width="100%" height="100%" fill="#ffffff" stroke="#7d8590"/>'
    save("letter.svg", re.sub(r"(<svg[^>]*>)", r"\1" + sheet, drawn, count=1))


if __name__ == "__main__":
    chosen = sys.argv[1:] or ["enrol_and_log_in", "enrol_at_a_login", "letter"]
    for name in chosen:
        {"enrol_and_log_in": enrol_and_log_in, "enrol_at_a_login": enrol_at_a_login, "letter": letter}[name]()

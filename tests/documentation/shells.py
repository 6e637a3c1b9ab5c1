"""What bash, fish and zsh offer: each shell itself completes a command line with our file loaded.

    shell.offers("sendoff produce -")    # {"-b", "--brokers", ...}: whole words, as they would stand there
"""
import os
import pathlib
import pty
import re
import shlex

import checks
import help as command_help
import processes

COMPLETIONS = checks.ROOT / "completions"
PATIENCE_SECONDS = 60


class Bash:
    """In a bash without a terminal, which calls the function as readline would; typed() asks readline itself."""
    name, file = "bash", COMPLETIONS / "sendoff.bash"

    def __init__(self, place: pathlib.Path) -> None:
        self.place = place

    def offers(self, line: str) -> set:
        script = (f"COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'; COMP_LINE={shlex.quote(line)}; "
                  "COMP_POINT=${#COMP_LINE}; "
                  f"source {shlex.quote(str(self.file))}; [[ $(complete -p sendoff) == *'-F _sendoff sendoff' ]] && "
                  "_sendoff sendoff && printf '%s\\n' \"${COMPREPLY[@]}\"")
        done = processes.run(["bash", "--norc", "-c", script], env=_environment())
        checks.expect(done.returncode == 0 and not done.stderr, f"bash ended with {done.returncode}: {done.stderr}")
        last = line.rsplit(" ", 1)[1]
        taken = last.rpartition("=")[0] + "=" if "=" in last else ""  # at = bash begins a word of its own
        return {taken + word for word in done.stdout.splitlines() if word}

    def typed(self, keys: str) -> list:
        """The arguments of sendoff when that is typed in a terminal, tabs and all."""
        start, log = self.place / "bashrc", self.place / "typed"
        start.write_text(f"""source {shlex.quote(str(self.file))}
sendoff() {{
  if [ "${{3-}}" = list ]; then command sendoff "$@"; return; fi
  printf '%s\\n' "$@" > {shlex.quote(str(log))}.begun && mv {shlex.quote(str(log))}.begun {shlex.quote(str(log))}
}}
""")
        terminal, theirs = pty.openpty()
        child = processes.start(["bash", "--noprofile", "--rcfile", start, "-i"], stdin=theirs, stdout=theirs,
                                stderr=theirs, env=_environment() | {"TERM": "dumb", "INPUTRC": "/dev/null"})
        os.close(theirs)
        os.write(terminal, keys.encode() + b"\n")
        try:
            processes.wait_until(log.exists, PATIENCE_SECONDS, "bash runs what was typed", interval_seconds=0.01)
        finally:
            processes.end(child)
            os.close(terminal)
        return log.read_text().splitlines()


class Fish:
    """By its own `complete -C`."""
    name, file = "fish", COMPLETIONS / "sendoff.fish"

    def __init__(self, place: pathlib.Path) -> None:
        self.home = place

    def offers(self, line: str) -> set:
        script = f"source {shlex.quote(str(self.file))}; complete -C {shlex.quote(line)}"
        done = processes.run(["fish", "--no-config", "-c", script],
                             env=_environment() | {"HOME": str(self.home), "XDG_DATA_HOME": str(self.home)})
        checks.expect(done.returncode == 0 and not done.stderr, f"fish ended with {done.returncode}: {done.stderr}")
        return {line.partition("\t")[0] for line in done.stdout.splitlines()}


# What zsh adds is written down by a compadd in front of its own; a second key tells that the first is done with.
ZSHRC = """
fpath=({folder} $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {{
  if [[ ${{@[1,(i)(-|--)]}} == *-(O|A|D)\\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a offered
  builtin compadd -O offered "$@"
  (( $#offered )) && print -rl -- $IPREFIX${{^offered}} >> {log}
  builtin compadd "$@"
}}
finish() {{ print -r -- {end} >> {log}; BUFFER= }}
zle -N finish
bindkey '^I' complete-word '^T' finish
zstyle ':completion:*' menu no
setopt no_beep no_always_last_prompt
LISTMAX=100000
PS1='ready> '
print -r -- {end} >> {log}
"""


class Zsh:
    """An interactive zsh in a terminal of its own."""
    name, file = "zsh", COMPLETIONS / "_sendoff"
    END = "-- that is all"

    def __init__(self, place: pathlib.Path) -> None:
        self.place, self.log = place / "zsh", place / "zsh" / "log"
        self.place.mkdir(exist_ok=True)
        self.log.write_text("")
        text = ZSHRC.format(folder=shlex.quote(str(self.file.parent)), log=shlex.quote(str(self.log)),
                            end=shlex.quote(self.END))
        (self.place / ".zshrc").write_text(text)
        self.terminal, theirs = pty.openpty()
        self.child = processes.start(["zsh", "-i"], stdin=theirs, stdout=theirs, stderr=theirs,
                                     env=_environment() | {"ZDOTDIR": str(self.place), "TERM": "dumb"})
        os.close(theirs)
        os.set_blocking(self.terminal, False)
        self.answered = 0
        self._await()

    def offers(self, line: str) -> set:
        os.write(self.terminal, line.encode() + b"\t\x14")
        return set(self._await())

    def close(self) -> None:
        processes.end(self.child)
        os.close(self.terminal)

    def _await(self) -> list:
        """The lines up to the next end."""
        self.answered += 1
        processes.wait_until(lambda: self._said().count(self.END) >= self.answered, PATIENCE_SECONDS,
                             "zsh completes", interval_seconds=0.005)
        said = self._said()
        ends = [at for at, line in enumerate(said) if line == self.END]
        begin = ends[self.answered - 2] + 1 if self.answered > 1 else 0
        return said[begin:ends[self.answered - 1]]

    def _said(self) -> list:
        try:
            os.read(self.terminal, 65536)  # what it shows is not looked at, but has to go somewhere
        except BlockingIOError:
            pass
        return self.log.read_text().splitlines()


def _environment() -> dict:
    path = f"{command_help.program().parent}:{os.environ['PATH']}"
    return {name: value for name, value in os.environ.items() if not re.match("XDG_|ZDOT", name)} | {"PATH": path}

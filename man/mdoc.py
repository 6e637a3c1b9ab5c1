"""Writes pages in mdoc, the manuals' own language: see mdoc(7)."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
MONTHS = ("January February March April May June July August September October November December").split()
WORD = re.compile(r"(?P<open>[(\"]*)(?P<name>\*?[\w.-]*\w)(?P<close>[.,:;)\"]*)")
DELIMITERS = ("(", ")", ".", ",", ":", ";")


def date_of_release() -> str:
    """Of the newest one, so that a page is the same whenever it is made."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    year, month, day = max(re.findall(r"^## \[[\d.]+\] (\d+)-(\d+)-(\d+)$", text, re.MULTILINE))
    return f"{MONTHS[int(month) - 1]} {int(day)}, {year}"


def escaped(text: str) -> str:
    text = text.replace("\\", r"\e").replace("-1", r"\-1").replace('"', r"\(dq")
    return re.sub(r"^(?=[.'])", r"\\&", text)


class Page:
    """A page that grows. names: what the text marks wherever it stands, as {word: macro}, e.g. {"error": "Fa"}."""

    def __init__(self, name: str, section: int, about: str, names: dict) -> None:
        self.name, self.section, self.about, self.names = name, section, about, names
        self.lines = []

    def macro(self, line: str) -> None:
        self.lines.append(f".{line}")

    def title(self, text: str) -> None:
        self.macro(f"Sh {text}")

    def text(self, prose: str) -> None:
        """A sentence a line; what names has, and functions and constants of ours, marked."""
        words = []
        for word in prose.split():
            marked = self._marked(word)
            if marked:
                self._end_line(words)
                self.lines.append(marked)
            else:
                words.append(word)
                if re.search(r"\w\)?[.:]\)?$", word):
                    self._end_line(words)
        self._end_line(words)

    def entries(self, pairs) -> None:
        """A list of (macro line, prose)."""
        self.macro("Bl -tag -width Ds")
        for head, prose in pairs:
            self.macro(f"It {head}")
            self.text(prose)
        self.macro("El")

    def _end_line(self, words: list) -> None:
        if words:
            self.lines.append(escaped(" ".join(words)))
            words.clear()

    def _marked(self, word: str) -> str:
        match = WORD.fullmatch(word)
        if not match or '"' in word:
            return ""
        name = match.group("name")
        if re.fullmatch(r"sendoff_\w+", name) and name != self.name:
            macro = f"Xr {name} 3"
        elif re.fullmatch(r"SENDOFF_[A-Z_]+", name):
            macro = f"Dv {name}"
        elif name.lstrip("*") in self.names:
            macro = f"{self.names[name.lstrip('*')]} {name}"
        else:
            return ""
        return " ".join([f".{macro.split()[0]}", *match.group("open"), *macro.split()[1:], *match.group("close")])

    def finished(self, date: str, version: str) -> str:
        head = [f".\\\" Made by man/make-pages: edit what it is made from.\n.Dd {date}",
                f".Dt {self.name.upper()} {self.section}", f".Os Sendoff {version}", ".Sh NAME",
                f".Nm {self.name}", f".Nd {self.about}"]
        return "\n".join([*head, *self.lines]) + "\n"

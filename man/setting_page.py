"""sendoff.properties(5): every setting, from CONFIGURATION.md, which is itself made from the library's tables."""
import re

import contract
import mdoc

FORM = """Each line sets one setting, as
.Dl name=value
in the form of Java's .properties files:
blanks around the name and the equals sign do not count, a colon or a blank may stand in its place,
lines that begin with # or ! are comments, a backslash at its end continues a line,
and \\e, \\et, \\en, \\er, \\ef and \\eu with four hexadecimal digits stand for what they do in Java.
.Pp
A setting that is marked
.Em per topic
can be set for one topic as well:
.Dl topic.orders.compression.type=zstd
.Pp
A value of the type password is never shown.
With config.providers set, ${env:NAME}, ${file:/path:key} and ${directory:/path:name} in values are looked up.
Without it they are texts like any other.
.Pp
Names that end in .ms are milliseconds and take up to three decimals.
An unknown name is refused, unless the file sets unknown.settings=warn.
A fault anywhere in a file leaves all as it was."""


def make() -> mdoc.Page:
    page = mdoc.Page("sendoff.properties", 5, "settings of Sendoff, a producer for Apache Kafka", {})
    page.title("DESCRIPTION")
    page.text("Files in this form are read by sendoff_config_load_file and by the option -F of sendoff-produce(1).")
    page.macro("Pp")
    page.lines += FORM.splitlines()
    page.title("SETTINGS")
    rows = table_below("## Settings")
    page.entries([(setting_head(row[0]), described(*row[1:])) for row in rows])
    page.title("ALIASES")
    page.text("Names of librdkafka's that are understood:")
    page.entries([(f"Li {bare(name)}", f"is {bare(own)}. {plain(text)}")
                  for name, own, text in table_below("## Aliases")])
    page.title("SEE ALSO")
    page.lines += [".Xr sendoff-produce 1 ,", ".Xr sendoff 3 ,", ".Xr sendoff_config_load_file 3"]
    return page


def table_below(heading: str) -> list:
    text = (contract.ROOT / "CONFIGURATION.md").read_text(encoding="utf-8")
    section = text.partition(f"{heading}\n")[2].partition("\n## ")[0]
    rows = [re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |"))
            for line in section.splitlines() if line.startswith("| `")]
    if not rows:
        raise ValueError(f"CONFIGURATION.md has no table below {heading!r}")
    return rows


def setting_head(cell: str) -> str:
    name, mark = re.fullmatch(r"`([^`]+)`( \*per topic\*)?", cell).groups()
    return f"Li {name}" + (" Pq Em per topic" if mark else "")


def described(kind: str, default: str, allowed: str, text: str) -> str:
    default = "none" if default == "none" else bare(default) or "empty"
    return f"{plain(text)} Type: {kind}; allowed: {plain(allowed)}; default: {default}."


def bare(cell: str) -> str:
    return cell.strip("`")


def plain(cell: str) -> str:
    return cell.replace("`", "").replace(r"\|", "|").replace("*", "")

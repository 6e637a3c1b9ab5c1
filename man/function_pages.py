"""A page for each function and each struct of the header."""
import re

import contract
import mdoc

CONSTANTS = re.compile(r"(SENDOFF_[A-Z]+_)\.\.\.")


def make(parsed) -> dict:
    """{file name: page}."""
    pages = {f"{function.name}.3": function_page(function, parsed) for function in parsed.functions.values()}
    pages |= {f"{struct.name}.3": struct_page(struct, parsed) for struct in parsed.structs.values()}
    return pages


def function_page(function, parsed) -> mdoc.Page:
    said = contract.of(function)
    page = mdoc.Page(function.name, 3, about(said.does), {each.name: "Fa" for each in function.parameters})
    begin_synopsis(page)
    page.macro(f"Ft {quoted(function.return_type)}")
    page.macro(f"Fo {function.name}")
    for each in function.parameters or [None]:
        page.macro(f"Fa {quoted(declared(each) if each else 'void')}")
    page.macro("Fc")
    page.title("DESCRIPTION")
    page.text(said.does)
    page.entries([(name, sentence(text, page.names)) for name, text in
                  (("Pointers", said.pointers), ("Threads", said.threads), ("Waits", said.waits))])
    add_return_values(page, function, said)
    add_constants(page, parsed, function.comment)
    mentioned = [each.type for each in function.parameters]
    add_see_also(page, parsed, " ".join([function.comment, *mentioned]))
    page.title("HISTORY")
    page.text(f"Since version {said.since}.")
    return page


def struct_page(struct, parsed) -> mdoc.Page:
    page = mdoc.Page(struct.name, 3, about(struct.comment), {name: "Fa" for name in struct.fields})
    begin_synopsis(page)
    page.macro(f"Vt {struct.name}")
    page.title("DESCRIPTION")
    page.text(struct.comment)
    page.macro("Pp")
    page.text("Its fields, in this order:")
    page.entries([(field_head(field), field.comment) for field in struct.fields.values()])
    everything = " ".join([struct.comment, *(f"{each.comment} {each.type}" for each in struct.fields.values())])
    add_constants(page, parsed, everything)
    users = [each.name for each in parsed.functions.values()
             if any(re.search(rf"\b{struct.name}\b", parameter.type) for parameter in each.parameters)]
    add_see_also(page, parsed, " ".join([everything, *users]))
    return page


def about(prose: str) -> str:
    """The first sentence, as the line of NAME has it."""
    first = re.match(r".+?(?=[.:;](?: |$)|$)", prose).group()
    words = first.split()
    if words[0] == "A" or not words[0].isupper() and "_" not in words[0]:
        words[0] = words[0][0].lower() + words[0][1:]
    return mdoc.escaped(" ".join(words))


def begin_synopsis(page: mdoc.Page) -> None:
    page.title("LIBRARY")
    page.text("The library libsendoff (-lsendoff, or pkg-config sendoff)")
    page.title("SYNOPSIS")
    page.macro("In sendoff/sendoff.h")


def quoted(text: str) -> str:
    return f'"{text}"'


def declared(parameter) -> str:
    return parameter.type + ("" if parameter.type.endswith("*") else " ") + parameter.name


def field_head(field) -> str:
    if "(" in field.type:
        return f"Vt {quoted(field.type)}"
    match = re.fullmatch(r"(.*?)(\[\w+\])?", field.type)
    return f"Vt {quoted(match.group(1))} Fa {quoted(field.name + (match.group(2) or ''))}"


def sentence(text: str, names: dict) -> str:
    """With a capital, unless it begins with a name."""
    return text if text.split()[0].strip("*,") in names else text[0].upper() + text[1:]


def add_return_values(page: mdoc.Page, function, said) -> None:
    if function.return_type == "void":
        return
    page.title("RETURN VALUES")
    if not said.statuses:
        page.text("What is asked for; it cannot fail.")
        return
    page.text("One of these statuses:")
    texts = contract.known()
    pairs = []
    for status in said.statuses:
        if status.name in contract.GROUPS:
            pairs.append((f"Em {quoted(status.name)}", contract.GROUPS[status.name] + "."))
            continue
        head = f"Dv SENDOFF_{status.name}" if status.number is None else f"Li {status.number} {status.name}"
        text = texts[status.name][1]
        text = text[0].upper() + text[1:]
        pairs.append((head, f"{text} ({status.when})." if status.when else f"{text}."))
    page.entries(pairs)
    page.macro("Pp")
    page.text("What would come out is untouched unless this is SENDOFF_OK, or the text above says otherwise.")


def add_constants(page: mdoc.Page, parsed, text: str) -> None:
    prefixes = sorted(set(CONSTANTS.findall(text)))
    found = [each for each in parsed.constants.values() if any(each.name.startswith(prefix) for prefix in prefixes)]
    if found:
        page.title("CONSTANTS")
        page.entries([(f"Dv {each.name} No = {each.value}", each.comment) for each in found])


def add_see_also(page: mdoc.Page, parsed, mentioned: str) -> None:
    names = set(re.findall(r"\bsendoff_\w+", mentioned)) & (parsed.functions.keys() | parsed.structs.keys())
    names = sorted({"sendoff", *names} - {page.name})
    page.title("SEE ALSO")
    for name in names:
        page.macro(f"Xr {name} 3" + (" ," if name != names[-1] else ""))

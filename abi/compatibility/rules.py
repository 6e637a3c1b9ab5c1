"""What a minor or patch version has to keep. ABI.md has the same rules under the same names; tests/abi/run compares."""
import typing

RULES = {
    "functions-stay": "A released function is never removed.",
    "nodes-stay": "A released function stays under the version node that it was released under.",
    "nodes-new": "A new function comes under the node of the version that brings it, newer than all before.",
    "signatures-stay": "The parameters of a released function and what it returns never change.",
    "structs-frozen": "A struct that does not begin with `size` never changes.",
    "structs-grow": "A struct that begins with `size` only gets new fields behind all that it had.",
    "constants-stay": "A released constant is never removed and keeps its value.",
    "exports-exact": "The library exports what the header declares and the map lists, under its nodes, no more.",
    "soname-stays": "The library's name is libsendoff.so.N, N being SENDOFF_ABI_VERSION, the same in every release.",
    "versions-rise": "The version in the header is not below a recorded release's.",
    "baselines-stay": "What was recorded of a release is not changed afterwards.",
    "all-checked": "What cannot be compared counts as a failure.",
}


class Finding(typing.NamedTuple):
    """One breach. name is what it is about: a function, a struct's field, a constant; by: which way found it."""
    rule: str
    name: str
    what: str
    by: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what} [{self.rule}; {self.by}]"

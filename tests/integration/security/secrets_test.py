#!/usr/bin/env python3
"""secrets_test.py: where secrets must not be found. A program runs a producer for each kind of secret, at the most
verbose log level, some with logins that are refused; credentials are loaded anew while it runs. What the library says
(log lines, events, errors, settings) has none of the secrets, and neither does a core dump after the end, nor any
memory then; while it runs, a core dump has none that is at rest. Canaries prove that the search finds what is there."""
import base64
import dataclasses
import json
import pathlib
import secrets
import struct
import subprocess
import sys
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import certificates  # noqa: E402  pylint: disable=wrong-import-position
import checks  # noqa: E402  pylint: disable=wrong-import-position
import processes  # noqa: E402  pylint: disable=wrong-import-position
import secure_cluster  # noqa: E402  pylint: disable=wrong-import-position
from oidc_server import base64_url  # noqa: E402  pylint: disable=wrong-import-position
from secure_cluster import LOGIN_MODULES, USER, SecureCluster, jaas  # noqa: E402  pylint: disable=wrong-import-position
from security.fake_broker import Behaviour, FakeBroker  # noqa: E402  pylint: disable=wrong-import-position

LISTENERS = ("MTLS", "PLAIN", "SCRAM256", "SCRAM512", "UNSIGNED", "SIGNED", "SCRAMCLEAR")
# What is left of a secret may be a part of it, since memory that was given back loses its first sixteen bytes at least:
# pieces of so many bytes are looked for, one behind the other.
PART_BYTES = 12
PAGE_BYTES = 4096
PT_LOAD = 1
RECORDS = 50


@dataclasses.dataclass
class Planted:
    """A secret and how it may be written in memory. Not at rest: OpenSSL or libcurl has copies of its own while it
    works with it, in memory that core dumps do have: a key, what a login that is tried again and again derives keys
    from, what goes over HTTP."""
    name: str
    value: bytes
    other_forms: tuple[bytes, ...] = ()
    is_at_rest: bool = True

    def parts(self) -> set[bytes]:
        return {form[at:at + PART_BYTES] for form in (self.value, *self.other_forms)
                for at in range(0, len(form) - PART_BYTES + 1, PART_BYTES)}


def base64_forms(text: str) -> tuple[bytes, ...]:
    """What stands behind zero, one or two other bytes; the ends depend on the neighbours."""
    return tuple(base64.b64encode(b"\0" * shift + text.encode())[4:-4] for shift in range(3))


def utf16_forms(text: str) -> tuple[bytes, ...]:
    """As PKCS#12 makes keys of passwords (RFC 7292, B.1)."""
    return (text.encode("utf-16-be"),)


class Search:
    """Which secrets are in some bytes."""

    def __init__(self, planted: list[Planted]) -> None:
        self.parts = {secret.name: secret.parts() for secret in planted}

    def find(self, data: bytes) -> dict[str, int]:
        """Names and how many parts."""
        pages = (data[at:at + PAGE_BYTES] for at in range(0, len(data), PAGE_BYTES))
        dense = b"".join(page for page in pages if page.strip(b"\0"))
        counts = {name: sum(part in dense for part in parts) for name, parts in self.parts.items()}
        return {name: count for name, count in counts.items() if count > 0}


class Plan:
    """The folder that the program reads: producers, and which secrets are theirs."""

    def __init__(self, cluster: SecureCluster, aws: FakeBroker, folder: pathlib.Path) -> None:
        self.cluster, self.aws, self.folder = cluster, aws, folder
        self.planted: list[Planted] = []
        self.delivering: list[str] = []
        self.canary = self.plant("canary")
        folder.mkdir()
        (folder / "canary").write_text(self.canary)
        self.logins()
        self.client_certificates()
        self.tokens()
        self.refused()

    def plant(self, name: str, value: str | None = None, other_forms: Callable | None = None,
              is_at_rest: bool = True) -> str:
        value = value or secrets.token_urlsafe(32)
        self.planted.append(Planted(name, value.encode(), other_forms(value) if other_forms else (), is_at_rest))
        return value

    def plant_busy(self, name: str) -> str:
        return self.plant(name, is_at_rest=False)

    def write(self, name: str, listener: str, settings: dict, kind: str = "settings", delivers: bool = True) -> None:
        common = {"bootstrap.servers": self.cluster.bootstrap(listener), "security.protocol":
                  self.cluster.listeners[listener].protocol, "ssl.truststore.location": self.cluster.root.certificate}
        self.write_file(f"{name}.{kind}", common | {"log.level": 7, "delivery.timeout.ms": 30000, "linger.ms": 0,
                                                    "request.timeout.ms": 10000, "buffer.memory": 1 << 20} | settings)
        if delivers:
            self.delivering.append(name)

    def write_file(self, name: str, settings: dict) -> None:
        end = "\n" if name.endswith(".properties") else "\0"
        (self.folder / name).write_text("".join(f"{key}={value}{end}" for key, value in settings.items()
                                                if value is not None))

    def logins(self) -> None:
        password = self.plant("sasl.password", secure_cluster.PASSWORD)
        self.write("scram", "SCRAM512", {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": USER,
                                         "sasl.password": password})
        quoted = self.plant("password in sasl.jaas.config", secure_cluster.QUOTED_PASSWORD)
        module = jaas(f"{LOGIN_MODULES}.plain.PlainLoginModule", username=USER, password=quoted)
        self.write("plain", "PLAIN", {"sasl.mechanism": "PLAIN",
                                      "sasl.jaas.config": secure_cluster.properties_value(module)}, "properties")
        # In the clear, so that nothing is hidden by encryption alone.
        self.write("clear", "SCRAMCLEAR", {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": USER,
                                           "sasl.password": password, "ssl.truststore.location": None})

    def client_certificates(self) -> None:
        """Each form has a key of its own, to be told apart."""
        text = self.client_key("text")
        body = "".join(line for line in text.key.read_text().splitlines() if not line.startswith("-----"))
        self.planted.append(Planted("ssl.keystore.key", body.encode()))
        self.write("key-text", "MTLS", {"ssl.keystore.key": text.key.read_text(),
                                        "ssl.keystore.certificate.chain": text.chain.read_text()})
        file, password = self.client_key("encrypted file"), self.plant("ssl.key.password")
        self.write("key-file", "MTLS", {"ssl.certificate.location": file.chain, "ssl.key.password": password,
                                        "ssl.key.location": file.encrypted_key(password)})
        store, password = self.client_key("store"), self.plant("ssl.keystore.password", None, utf16_forms)
        trust_password = self.plant("ssl.truststore.password", None, utf16_forms)
        trust = certificates.trust_pkcs12(self.cluster.folder / "trust.p12", trust_password,
                                          self.cluster.root.certificate)
        self.write("stores", "MTLS", {"ssl.keystore.location": store.pkcs12(password),
                                      "ssl.keystore.password": password, "ssl.truststore.location": trust,
                                      "ssl.truststore.password": trust_password}, "properties")

    def client_key(self, form: str) -> certificates.Identity:
        client = self.cluster.middle.issue(f"client with a key in {form}", names=())
        scalar = private_scalar(client.key)
        # As OpenSSL's numbers lie in memory of such machines, too.
        self.planted.append(Planted(f"number of a private key in {form}", scalar, (scalar[::-1],),
                                    is_at_rest=False))
        return client

    def tokens(self) -> None:
        secret = self.plant("client secret", secure_cluster.CLIENT_SECRET, base64_forms, is_at_rest=False)
        self.write("oidc", "SIGNED", {"sasl.mechanism": "OAUTHBEARER", "https.ca.location":
                                      self.cluster.root.certificate, "sasl.oauthbearer.token.endpoint.url":
                                      self.cluster.oidc.token_url, "sasl.oauthbearer.client.id":
                                      secure_cluster.CLIENT_ID, "sasl.oauthbearer.client.secret": secret})
        (self.folder / "token").write_text(self.unsigned_token())
        self.write("token", "UNSIGNED", {"sasl.mechanism": "OAUTHBEARER"})

    def unsigned_token(self) -> str:
        claims = self.cluster.oidc.claims(USER) | {"id": secrets.token_hex(24)}
        header, body = (base64_url(json.dumps(part).encode()) for part in ({"alg": "none"}, claims))
        self.planted.append(Planted("token of the program", body.encode()))
        return f"{header}.{body}."

    def note_tokens(self) -> None:
        """Those that the provider gave, by their signatures."""
        for number, token in enumerate(self.cluster.oidc.tokens):
            self.planted.append(Planted(f"token {number} of the provider", token.rpartition(".")[2].encode(),
                                        is_at_rest=False))

    def refused(self) -> None:
        """Logins that fail, whose errors must not say why too well."""
        mechanism = {"sasl.mechanism": "SCRAM-SHA-256", "delivery.timeout.ms": 3000, "request.timeout.ms": 2000}
        delegation = self.plant_busy("HMAC of a delegation token")
        module = jaas(f"{LOGIN_MODULES}.scram.ScramLoginModule", username="token", password=delegation,
                      tokenauth="true")
        self.write("delegation", "SCRAM256", mechanism | {"sasl.jaas.config": module}, delivers=False)
        in_file = self.plant_busy("password from a file")
        in_environment = self.plant_busy("password from the environment")
        path = self.folder / "passwords"
        path.touch(0o600)
        path.write_text(f"it={in_file}\n")
        (self.folder / "environment").write_text(f"SENDOFF_TEST_PASSWORD={in_environment}")
        providers = mechanism | {"config.providers": "file,env", "sasl.username": USER}
        self.write("file", "SCRAM256", providers | {"sasl.password": f"${{file:{path}:it}}"}, delivers=False)
        self.write("environment", "SCRAM256", providers | {"sasl.password": "${env:SENDOFF_TEST_PASSWORD}"},
                   "properties", delivers=False)
        self.write("replaced", "SCRAM256", mechanism | {"sasl.username": USER,
                                                        "sasl.password": self.plant_busy("password that was replaced")},
                   delivers=False)
        self.write_file("replaced.next", {"sasl.password": self.plant_busy("password that replaced it")})
        self.write("aws", "SCRAM256", {
            "bootstrap.servers": f"127.0.0.1:{self.aws.port}", "sasl.mechanism": "AWS_MSK_IAM", "sasl.aws.region":
            "eu-west-1", "sasl.aws.access.key.id": "AKIATEST", "sasl.aws.secret.access.key":
            self.plant("AWS secret access key"), "sasl.aws.session.token": self.plant("AWS session token"),
            "delivery.timeout.ms": 3000, "request.timeout.ms": 2000}, delivers=False)


def private_scalar(key: pathlib.Path) -> bytes:
    text = certificates.openssl("pkey", "-in", key, "-noout", "-text")
    digits = text.partition("priv:")[2].partition("pub:")[0]
    return bytes.fromhex("".join(digits.split()).replace(":", ""))


class Holder:
    """The program, stopped where its memory can be looked at."""

    def __init__(self, plan: Plan, environment: dict) -> None:
        self.folder = plan.folder
        self.errors = open(plan.folder / "errors", "wb")
        # Little stack and one heap: what a debugger would write of memory that nobody uses takes long.
        command = ["prlimit", "--stack=1048576", checks.program("secret_holder"), plan.folder]
        self.child = processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                     text=True, env=environment | {"MALLOC_ARENA_MAX": "1"})
        self.delivered: dict[str, int] = {}

    def wait_for(self, state: str) -> None:
        for line in self.child.stdout:
            if line.strip() == state:
                return
            name, _, count = line.split()
            self.delivered[name] = int(count)
        errors = (self.folder / "errors").read_text(errors="replace")
        raise AssertionError(f"the program ended with {self.child.wait()} before it was {state}: {errors}")

    def go_on(self) -> None:
        self.child.stdin.write("\n")
        self.child.stdin.flush()

    def core_dump(self) -> bytes:
        """As the kernel writes it, but by the debugger, so that no limit and no core_pattern of the system counts."""
        base = self.folder.parent / "core"
        result = processes.run(["gdb", "-nx", "-batch", "-iex", "set auto-solib-add off", "-p", self.child.pid,
                                "-ex", f"generate-core-file {base}"])
        checks.expect(base.exists(), f"gdb wrote no core dump: {result.stdout}{result.stderr}")
        dump = base.read_bytes()
        base.unlink()
        return dump

    def core_dump_of_memory(self) -> bytes:
        """Without registers: the wide ones of a thread that sleeps have what it copied last."""
        dump = self.core_dump()
        # ELF64: e_phoff, e_phentsize, e_phnum; of each segment p_type, p_offset, p_filesz.
        table, size, count = struct.unpack_from("<Q14xHH", dump, 32)
        segments = [struct.unpack_from("<I4xQ16xQ", dump, table + index * size) for index in range(count)]
        return b"".join(dump[offset:offset + length] for kind, offset, length in segments if kind == PT_LOAD)

    def memory(self) -> bytes:
        """All of it that can be written, whether core dumps have it or not."""
        parts = []
        with open(f"/proc/{self.child.pid}/maps", encoding="utf-8") as maps, \
                open(f"/proc/{self.child.pid}/mem", "rb", buffering=0) as memory:
            for line in maps:
                span, rights = line.split()[:2]
                begin, end = (int(part, 16) for part in span.split("-"))
                if not rights.startswith("rw"):
                    continue
                memory.seek(begin)
                parts.append(memory.read(end - begin))
        return b"".join(parts)


def look(run: checks.Checks, plan: Plan, holder: Holder) -> None:
    with run.check("producers deliver with good secrets and not with bad ones"):
        holder.wait_for("running")
        expected = {path.stem: RECORDS if path.stem in plan.delivering else 0
                    for kind in ("settings", "properties") for path in plan.folder.glob(f"*.{kind}")}
        checks.expect(holder.delivered == expected, f"delivered {holder.delivered}")
        checks.expect(plan.aws.logins > 0, f"nobody logged in with AWS's: {plan.aws.errors}")
    plan.note_tokens()
    search = Search(plan.planted)
    count = len(plan.planted) - 1
    at_rest = [secret for secret in plan.planted if secret.is_at_rest]
    with run.check(f"{len(at_rest) - 1} secrets are not in a core dump while producers run and nobody works with them"):
        expect_only_canary(Search(at_rest).find(holder.core_dump_of_memory()))
    with run.check("the search finds secrets where they are: in memory that core dumps leave out"):
        found = search.find(holder.memory())
        missing = {"sasl.password", "password in sasl.jaas.config", "client secret", "AWS secret access key",
                   "token of the program"} - found.keys()
        checks.expect(not missing, f"in the memory of a program that uses them there is no {', '.join(missing)}")
    holder.go_on()
    with run.check(f"{count} secrets are not in a core dump after the end"):
        holder.wait_for("closed")
        expect_only_canary(search.find(holder.core_dump()))
    with run.check(f"{count} secrets are not in any memory after the end"):
        expect_only_canary(search.find(holder.memory()))
    said = (plan.folder / "said").read_bytes()
    with run.check(f"{count} secrets are not in {said.count(b'%c' % 10)} lines of logs, events, errors and settings"):
        checks.expect(not search.find(said), f"found {search.find(said)}")
        checks.expect(search.find(said + secure_cluster.PASSWORD.encode()), "it would not have been found")
    with run.check("what was said has lines of all kinds, and of the lowest level"):
        for kind in (b"event: ", b"connect: ", b"reload: OK", b"sasl.password: [hidden]", b"scram: "):
            checks.expect(kind in said, f"there is no {kind.decode()}")
    holder.go_on()
    checks.expect(holder.child.wait(120) == 0, "the program did not end well")


def expect_only_canary(found: dict[str, int]) -> None:
    checks.expect("canary" in found, f"the canary is not found, so nothing is proved: {found}")
    others = {name: count for name, count in found.items() if name != "canary"}
    checks.expect(not others, f"found parts of {others}")


def main() -> None:
    run = checks.Checks()
    with checks.Workplace("secrets") as place, SecureCluster(place, LISTENERS) as cluster, \
            FakeBroker(Behaviour(certificate=cluster.root.issue("aws"), mechanisms=("AWS_MSK_IAM",))) as aws:
        plan = Plan(cluster, aws, place / "plan")
        look(run, plan, Holder(plan, cluster.environment()))
    run.finish()


if __name__ == "__main__":
    main()

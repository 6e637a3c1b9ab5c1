"""Certificates for tests, made by the command `openssl`: authorities, what they issue, and everything that can be wrong
with it.

    root = Authority(folder / "root")
    middle = Authority(folder / "middle", parent=root)
    broker = middle.issue("broker")                           # localhost and 127.0.0.1, valid for a month
    late = root.issue("late", begins_days=-10, ends_days=-1)  # expired
    store = broker.pkcs12("password")
    middle.revoke(broker)
    middle.crl()                                              # the path of the list
"""
import datetime
import pathlib
import subprocess
from collections.abc import Iterable

LOCAL_NAMES = ("localhost", "127.0.0.1")
# What -newkey takes, by the names that tests use.
KEYS = {
    "ec": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "ec384": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "ed25519": ("-newkey", "ed25519"),
    "rsa": ("-newkey", "rsa:2048"),
    "rsa1024": ("-newkey", "rsa:1024"),
    "rsa512": ("-newkey", "rsa:512"),
}
AUTHORITY_EXTENSIONS = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
LEAF_EXTENSIONS = ("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature,keyEncipherment")
SETTINGS = """[ca]
default_ca = this
[this]
database = {folder}/index.txt
new_certs_dir = {folder}/issued
certificate = {folder}/certificate.pem
private_key = {folder}/key.pem
rand_serial = yes
crlnumber = {folder}/crlnumber
default_md = sha256
default_crl_days = 30
default_days = 30
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
"""


def openssl(*arguments, text: str | None = None) -> str:
    """Runs the command and returns what it printed."""
    result = subprocess.run(["openssl", *map(str, arguments)], input=text, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(map(str, arguments))}: {result.stderr}")
    return result.stdout


class Identity:
    """A certificate, its key, and what lies between it and the root; each form as a file of its own.

    key.pem           the key in PKCS#8, not encrypted
    certificate.pem   the certificate alone
    chain.pem         the certificate and its intermediate authorities, as a peer has to send them
    all.pem           key and chain, as Kafka's PEM key stores have them
    """

    def __init__(self, folder: pathlib.Path, intermediates: str) -> None:
        self.folder = folder
        self.key = folder / "key.pem"
        self.certificate = folder / "certificate.pem"
        self.chain = folder / "chain.pem"
        self.all = folder / "all.pem"
        self.intermediates = intermediates

    def write_chain(self) -> None:
        chain = self.certificate.read_text() + self.intermediates
        self.chain.write_text(chain)
        self.all.write_text(self.key.read_text() + chain)

    def encrypted_key(self, password: str, traditional: bool = False) -> pathlib.Path:
        """The key under a password: in PKCS#8, or as OpenSSL wrote it once (Proc-Type: 4,ENCRYPTED)."""
        path = self.folder / ("traditional.key" if traditional else "encrypted.key")
        form = ("pkey", "-traditional") if traditional else ("pkcs8", "-topk8", "-v2", "aes-256-cbc")
        cipher = ("-aes256",) if traditional else ()
        openssl(*form, *cipher, "-in", self.key, "-passout", f"pass:{password}", "-out", path)
        return path

    def pkcs12(self, password: str, friendly: str = "key") -> pathlib.Path:
        path = self.folder / "store.p12"
        openssl("pkcs12", "-export", "-inkey", self.key, "-in", self.chain, "-name", friendly,
                "-passout", f"pass:{password}", "-out", path)
        return path

    def der_key(self) -> pathlib.Path:
        path = self.folder / "key.der"
        openssl("pkey", "-in", self.key, "-outform", "DER", "-out", path)
        return path


class Authority(Identity):
    """Self-signed, or issued by its parent. Holds the list of what it issued, in `openssl ca`'s form."""

    def __init__(self, folder: pathlib.Path, name: str | None = None, parent: "Authority | None" = None,
                 key: str = "ec", extensions: Iterable[str] = AUTHORITY_EXTENSIONS, begins_days: float = -1,
                 ends_days: float = 30, digest: str = "sha256") -> None:
        # The root itself is not sent.
        super().__init__(pathlib.Path(folder), "")
        self.parent = parent
        (self.folder / "issued").mkdir(parents=True)
        (self.folder / "index.txt").touch()
        (self.folder / "crlnumber").write_text("01\n")
        self.settings = self.folder / "openssl.cnf"
        self.settings.write_text(SETTINGS.format(folder=self.folder))
        request = self._request(self, name or self.folder.name, key)
        issuer = parent or self
        issuer._sign(self, request, extensions, begins_days, ends_days, digest, self_signed=parent is None)
        self.intermediates = issuer.sent_with_leaves() if parent else ""
        self.write_chain()

    def sent_with_leaves(self) -> str:
        """PEM of this authority and those above it, but not of the root."""
        return self.certificate.read_text() + self.parent.sent_with_leaves() if self.parent else ""

    def issue(self, name: str, names: Iterable[str] = LOCAL_NAMES, key: str = "ec",
              usage: str = "serverAuth,clientAuth", extensions: Iterable[str] = LEAF_EXTENSIONS,
              begins_days: float = -1, ends_days: float = 30, digest: str = "sha256",
              complete: bool = True) -> Identity:
        """names: host names and addresses, none for a certificate without them; usage "" for none; not complete: the
        chain lacks what lies between. MD5 takes an authority with an RSA key. A second certificate of the same name
        gets a folder of its own."""
        identity = Identity(self._new_folder(name), self.sent_with_leaves() if complete else "")
        request = self._request(identity, name, key)
        self._sign(identity, request, leaf_extensions(names, usage, extensions), begins_days, ends_days, digest)
        identity.write_chain()
        return identity

    def issue_self_signed(self, name: str, names: Iterable[str] = LOCAL_NAMES, key: str = "ec") -> Identity:
        """Of nobody's authority, this one's neither."""
        identity = Identity(self._new_folder(name), "")
        subject = ("-subj", f"/CN={name}", "-days", 30)
        added = [part for line in leaf_extensions(names, "serverAuth,clientAuth", LEAF_EXTENSIONS)
                 for part in ("-addext", line)]
        openssl("req", "-x509", "-config", self.settings, *KEYS[key], "-noenc", "-keyout", identity.key, *subject,
                *added, "-out", identity.certificate)
        identity.write_chain()
        return identity

    def revoke(self, identity: Identity) -> None:
        openssl("ca", "-config", self.settings, "-revoke", identity.certificate)

    def crl(self, begins_days: float = -1, ends_days: float = 30) -> pathlib.Path:
        """Writes the list of what was revoked so far and returns its path."""
        path = self.folder / "crl.pem"
        openssl("ca", "-config", self.settings, "-gencrl", "-md", "sha256", "-crl_lastupdate", moment(begins_days),
                "-crl_nextupdate", moment(ends_days), "-out", path)
        return path

    def hashed_directory(self) -> pathlib.Path:
        """A directory with this certificate under the name that OpenSSL looks it up by."""
        return hashed_directory(self.folder / "hashed", self.certificate)

    def _new_folder(self, name: str) -> pathlib.Path:
        base = self.folder / "leaves"
        base.mkdir(exist_ok=True)
        folder = base / f"{len(list(base.iterdir()))}-{name.replace('*', 'any').replace('/', '-')}"
        folder.mkdir()
        return folder

    def _request(self, identity: Identity, name: str, key: str) -> pathlib.Path:
        path = identity.folder / "request.pem"
        openssl("req", "-new", "-config", self.settings, *KEYS[key], "-noenc", "-keyout", identity.key,
                "-subj", f"/CN={name}", "-out", path)
        return path

    def _sign(self, identity: Identity, request: pathlib.Path, extensions: Iterable[str], begins_days: float,
              ends_days: float, digest: str, self_signed: bool = False) -> None:
        path = identity.folder / "extensions.cnf"
        lines = [*extensions, "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"]
        path.write_text("".join(f"{line}\n" for line in lines))
        # Ed25519 has a digest of its own and takes no other.
        own_digest = "ED25519" in openssl("pkey", "-in", self.key, "-noout", "-text")
        openssl("ca", "-batch", "-notext", "-config", self.settings, "-extfile", path, "-in", request,
                *(("-selfsign", "-keyfile", identity.key) if self_signed else ()), "-startdate", moment(begins_days),
                "-enddate", moment(ends_days), "-md", "default" if own_digest else digest,
                "-out", identity.certificate)


def leaf_extensions(names: Iterable[str], usage: str, extensions: Iterable[str]) -> list[str]:
    alternatives = ",".join(f"{'IP' if is_address(name) else 'DNS'}:{name}" for name in names)
    return [*extensions, *([f"extendedKeyUsage={usage}"] if usage else []),
            *([f"subjectAltName={alternatives}"] if alternatives else [])]


def is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()


def moment(days: float) -> str:
    """So many days from now, as certificates write it."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


def hashed_directory(folder: pathlib.Path, *certificates: pathlib.Path) -> pathlib.Path:
    """A directory as `openssl rehash` leaves it, of certificates."""
    folder.mkdir(exist_ok=True)
    for certificate in certificates:
        name = openssl("x509", "-in", certificate, "-noout", "-subject_hash").strip()
        taken = len(list(folder.glob(f"{name}.*")))
        (folder / f"{name}.{taken}").write_text(certificate.read_text())
    return folder


def trust_pkcs12(path: pathlib.Path, password: str, *certificates: pathlib.Path) -> pathlib.Path:
    """A store of certificates alone, as OpenSSL writes it: Java sees none to be trusted in it, keytool's stores have a
    mark of their own."""
    together = "".join(certificate.read_text() for certificate in certificates)
    openssl("pkcs12", "-export", "-nokeys", "-passout", f"pass:{password}", "-out", path, text=together)
    return path

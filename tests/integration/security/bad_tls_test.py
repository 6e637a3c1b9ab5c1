#!/usr/bin/env python3
"""bad_tls_test.py [--canary] [WORD ...]: everything that can be wrong with TLS is refused, in words that say what it
is. With --canary each fault is switched off, and each case has to notice. Words choose cases by their names."""
import pathlib
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import checks
from security import fake_broker
from security.certificates import AUTHORITY_EXTENSIONS, Authority, Identity, openssl, trust_pkcs12
from security.fake_broker import API_VERSIONS, answering
from security.matrix import Case, Ground, Outcome, main_of

TLS_1_0, TLS_1_1 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
HOST = "broker.kafka.test"
PASSWORD, WRONG_PASSWORD = "opens-the-key", "does-not-open-it"
IANA_CIPHER = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"


class Certificates:
    """Who issued what. root issued what brokers and clients have; nobody trusts stranger."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.root = Authority(folder / "root", "Test Root")
        self.stranger = Authority(folder / "stranger", "Stranger Root")
        self.middle = Authority(folder / "middle", "Test Middle", parent=self.root)
        self.broker = self.root.issue("broker", (HOST, "127.0.0.1"))
        self.client = self.root.issue("client", ())

    def of(self, *names: str) -> Identity:
        return self.root.issue("broker", names)

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def ground(self) -> Ground:
        return Ground({"certificate": self.broker}, {"security.protocol": "SSL", **pem_trust(self.root)})


def pem_trust(authority: Identity) -> dict:
    return {"ssl.truststore.type": "PEM", "ssl.truststore.location": authority.certificate}


def pem_client(identity: Identity) -> dict:
    return {"ssl.certificate.location": identity.chain, "ssl.key.location": identity.key}


def certificates_of_brokers(made: Certificates) -> list:
    """What is wrong with the certificate itself, or with who issued it."""
    root, refused = made.root, "CERTIFICATE_REFUSED"
    middle_leaf = made.middle.issue("broker", (HOST, "127.0.0.1"), complete=False)
    no_authority = Authority(made.folder / "no-authority", "No Authority", parent=root,
                             extensions=("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"))
    short = Authority(made.folder / "short", "Short Path", parent=root,
                      extensions=("basicConstraints=critical,CA:TRUE,pathlen:0", AUTHORITY_EXTENSIONS[1]))
    too_deep = Authority(made.folder / "too-deep", "Too Deep", parent=short)
    rsa = Authority(made.folder / "rsa", "RSA Root", key="rsa")
    trusts_rsa = pem_trust(rsa)
    return [
        Case("expired", "login", refused, ("expired", "CN=late"),
             {"certificate": root.issue("late", begins_days=-10, ends_days=-1)}),
        Case("not yet valid", "login", refused, ("not valid yet", "CN=early"),
             {"certificate": root.issue("early", begins_days=1, ends_days=10)}),
        Case("issued by nobody that is trusted", "login", refused, ("not trusted", "Stranger Root"),
             {"certificate": made.stranger.issue("broker")}),
        Case("issued by an authority of the trusted one's name", "login", refused, ("Test Root", "another key"),
             {"certificate": Authority(made.folder / "impostor", "Test Root").issue("broker")}),
        Case("self-signed", "login", refused, ("self-signed",), {"certificate": root.issue_self_signed("self")}),
        Case("self-signed root sent along", "login", refused, ("self-signed", "Stranger Root"),
             {"certificate": with_root(made.stranger.issue("broker"), made.stranger)}),
        Case("chain without its middle", "login", refused, ("Test Middle", "not trusted"),
             {"certificate": middle_leaf}),
        Case("issued by a certificate that is no authority", "login", refused, ("CN=No Authority",),
             {"certificate": no_authority.issue("broker")}),
        Case("path longer than its authority allows", "login", refused, ("path length",),
             {"certificate": too_deep.issue("broker")}),
        Case("for clients alone", "login", refused, ("purpose",),
             {"certificate": root.issue("broker", usage="clientAuth")}),
        Case("RSA key of 512 bits", "login", refused, ("key", "weak"),
             {"certificate": root.issue("broker", key="rsa512"), "maximum": TLS_1_2}),
        Case("RSA key of 1024 bits", "login", refused, ("key", "weak"),
             {"certificate": root.issue("broker", key="rsa1024")}),
        Case("authority with a key of 1024 bits", "login", refused, ("key", "weak"),
             {"certificate": Authority(made.folder / "small", "Small", parent=root, key="rsa1024").issue("broker")}),
        Case("signed with MD5", "login", refused, ("digest", "weak"),
             {"certificate": rsa.issue("broker", digest="md5")}, trusts_rsa),
        Case("signed with SHA-1", "login", refused, ("digest", "weak"),
             {"certificate": rsa.issue("broker", digest="sha1")}, trusts_rsa),
    ]


def with_root(identity: Identity, root: Authority) -> Identity:
    identity.chain.write_text(identity.certificate.read_text() + root.certificate.read_text())
    return identity


def names_of_brokers(made: Certificates) -> list:
    """Both what was expected and what was offered are told."""
    def wrong(name: str, host: str, *names: str, identity: Identity | None = None, told: tuple | None = None) -> Case:
        return Case(name, "login", "CERTIFICATE_REFUSED", told or (host.rstrip("."), *names),
                    {"certificate": identity or made.of(*names), "host": host})

    extensions = ("basicConstraints=critical,CA:FALSE", "subjectAltName=DNS:127.0.0.1,DNS:other.kafka.test")
    address_as_name = made.root.issue("broker", (), extensions=extensions)
    null_extensions = ("basicConstraints=critical,CA:FALSE", "subjectAltName=DER:" + name_with_null(HOST))
    return [
        wrong("another name", HOST, "other.kafka.test", "third.kafka.test"),
        wrong("another address", "127.0.0.1", "10.1.2.3"),
        wrong("a name where an address is wanted", "127.0.0.1", HOST),
        wrong("an address written as a name", "127.0.0.1", identity=address_as_name),
        wrong("the name in the subject, beside other names", HOST, "10.1.2.3",
              identity=made.root.issue(HOST, ("10.1.2.3",))),
        wrong("a wildcard for a part of a label", HOST, "bro*.kafka.test"),
        wrong("a wildcard for two labels", HOST, "*.test"),
        wrong("a wildcard alone", HOST, "*"),
        wrong("the domain without the host", HOST, "kafka.test"),
        wrong("the name with a zero byte behind it", HOST,
              identity=made.root.issue("broker", (), extensions=null_extensions)),
    ]


def name_with_null(host: str) -> str:
    """subjectAltName in DER: a sequence of one dNSName (context tag 2), as openssl's DER: takes it."""
    name = host.encode() + b"\0.evil.test"
    inner = bytes((0x82, len(name))) + name
    return (bytes((0x30, len(inner))) + inner).hex(":")


def revocation(made: Certificates) -> list:
    refused = "CERTIFICATE_REFUSED"
    revoking = Authority(made.folder / "revoking", "Revoking Root")
    revoked, kept = revoking.issue("revoked"), revoking.issue("kept")
    revoking.revoke(revoked)
    current = made.write("current.pem", revoking.crl().read_text())
    late = made.write("late.pem", revoking.crl(begins_days=-9, ends_days=-2).read_text())
    early = made.write("early.pem", revoking.crl(begins_days=2, ends_days=9).read_text())
    foreign = made.write("foreign.pem", made.stranger.crl().read_text())
    trust = pem_trust(revoking)

    def with_list(path: pathlib.Path) -> dict:
        return {**trust, "ssl.crl.location": path}

    return [
        Case("revoked", "login", refused, ("revoked", "CN=revoked"), {"certificate": revoked}, with_list(current)),
        Case("no list of its authority's", "login", refused, ("revocation list", "Revoking Root"),
             {"certificate": kept}, with_list(foreign)),
        Case("list has expired", "login", refused, ("revocation list", "expired"), {"certificate": kept},
             with_list(late)),
        Case("list not yet valid", "login", refused, ("revocation list", "not valid yet"), {"certificate": kept},
             with_list(early)),
        Case("list and not revoked", "good", "OK", (), {"certificate": kept}, with_list(current),
             spoil={"certificate": revoked}),
        Case("list is no list", "create", "INVALID_SETTING", ("ssl.crl.location",), {},
             {"ssl.crl.location": made.root.certificate}),
        Case("list is not there", "create", "FILE_UNREADABLE", ("ssl.crl.location", "no-list.pem"), {},
             {"ssl.crl.location": made.folder / "no-list.pem"}),
    ]


def handshakes(made: Certificates) -> list:
    """The two sides do not come together."""
    failed = "TLS_HANDSHAKE_FAILED"
    old = "ALL"
    return [
        Case("TLS 1.1 only", "login", failed, ("protocol version",),
             {"minimum": TLS_1_1, "maximum": TLS_1_1, "ciphers": old}),
        Case("TLS 1.0 only", "login", failed, ("protocol version",),
             {"minimum": TLS_1_0, "maximum": TLS_1_0, "ciphers": old}),
        Case("TLS 1.2 where 1.3 is asked for", "login", failed, ("protocol version",), {"maximum": TLS_1_2},
             {"ssl.enabled.protocols": "TLSv1.3"}),
        Case("TLS 1.3 where 1.2 is asked for", "login", failed, ("protocol version",), {"minimum": TLS_1_3},
             {"ssl.enabled.protocols": "TLSv1.2"}),
        Case("no cipher in common", "login", failed, ("cipher",),
             {"maximum": TLS_1_2, "ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"}, {"ssl.cipher.suites": IANA_CIPHER}),
        Case("no curve in common", "login", failed, ("curve",), {"curve": "secp384r1"}, {"ssl.curves.list": "X25519"}),
        Case("no signature algorithm in common", "login", failed, ("signature",), {},
             {"ssl.sigalgs.list": "RSA-PSS+SHA256"}),
        Case("port without TLS", "login", failed, ("security.protocol",), {"certificate": None}),
        Case("port that answers in plain Kafka", "login", failed, ("not TLS",),
             {"instead": answering(b"\0\0\0\x0a" + bytes(10))}),
        Case("port that speaks HTTP", "login", failed, ("HTTP",), {"instead": answering(fake_broker.HTTP_ANSWER)}),
        Case("port that speaks something else", "login", failed, ("not TLS",),
             {"instead": answering(b"220 mail.kafka.test ESMTP\r\n")}),
        Case("TLS where plaintext is asked for", "connect", "OK", ("security.protocol",), {},
             {"security.protocol": "PLAINTEXT"}),
        Case("alert where plaintext is asked for", "connect", "OK", ("TLS", "security.protocol"),
             {"instead": answering(fake_broker.ALERT_HANDSHAKE_FAILURE)}, {"security.protocol": "PLAINTEXT"}),
        Case("closed at once", "login", failed, ("closed", "handshake"), {"instead": fake_broker.hang_up}),
        Case("closed after the hello", "login", failed, ("closed", "handshake"),
             {"instead": fake_broker.hang_up_after_hello}),
        Case("closed in the middle of a record", "login", failed, ("closed", "handshake"),
             {"instead": answering(fake_broker.HALF_A_HELLO)}),
        Case("stalled", "connect", "OK", ("socket.connection.setup.timeout.ms",), {"instead": fake_broker.stall},
             {"socket.connection.setup.timeout.ms": 1000}),
        Case("alert instead of a hello", "login", failed, ("handshake failure",),
             {"instead": answering(fake_broker.ALERT_HANDSHAKE_FAILURE)}),
        Case("garbage after the handshake", "connect", "OK", ("TLS", "record"),
             {"after_handshake": b"\x17\x03\x03\x00\x20" + bytes(range(32))}),
        Case("closed after the handshake", "connect", "OK", ("closed",),
             {"spoils": {API_VERSIONS: fake_broker.closed}}),
        Case("frame too large, within TLS", "connect", "OK", ("receive.message.max.bytes",),
             {"spoils": {API_VERSIONS: fake_broker.huge}}),
        Case("frame cut short, within TLS", "connect", "OK", ("closed",), {"spoils": {API_VERSIONS: fake_broker.cut}}),
    ]


def clients(made: Certificates) -> list:
    """Brokers that ask for certificates of their clients'."""
    mutual = {"trusts": made.root}
    late = made.root.issue("late client", (), begins_days=-10, ends_days=-1)
    servers = made.root.issue("server", (), usage="serverAuth")
    return [
        Case("no certificate where the broker wants one", "login", "TLS_HANDSHAKE_FAILED",
             ("certificate required", "client certificate", "ssl.keystore"), mutual),
        Case("no certificate where the broker wants one, TLS 1.2", "login", "TLS_HANDSHAKE_FAILED",
             ("client certificate", "ssl.keystore"), {**mutual, "maximum": TLS_1_2}),
        Case("client's authority unknown to the broker", "login", "TLS_HANDSHAKE_FAILED", ("unknown ca",),
             mutual, pem_client(made.stranger.issue("client", ()))),
        Case("client's certificate has expired", "login", "TLS_HANDSHAKE_FAILED", ("certificate expired",), mutual,
             pem_client(late)),
        Case("client's certificate is for servers", "login", "TLS_HANDSHAKE_FAILED", ("certificate",), mutual,
             pem_client(servers)),
        Case("client's certificate has expired, and that is warned of", "good", "OK",
             ("client certificate", "expired"), {}, pem_client(late), spoil={"trusts": made.root}),
        Case("client's certificate", "good", "OK", (), mutual, pem_client(made.client),
             spoil={"trusts": made.stranger}),
        Case("client's key encrypted", "good", "OK", (), mutual,
             {"ssl.certificate.location": made.client.chain, "ssl.key.location": made.client.encrypted_key(PASSWORD),
              "ssl.key.password": PASSWORD}, spoil={"trusts": made.stranger}),
    ]


def files(made: Certificates) -> list:
    """What is wrong here, which create says."""
    invalid, client = "INVALID_SETTING", made.client
    other = made.root.issue("other", ())
    encrypted = other.encrypted_key(PASSWORD)
    store = other.pkcs12(PASSWORD)
    text = client.certificate.read_text()
    empty_store = made.folder / "empty.p12"
    openssl("pkcs12", "-export", "-nocerts", "-inkey", client.key, "-passout", f"pass:{PASSWORD}", "-out", empty_store)
    without_key = trust_pkcs12(made.folder / "without-key.p12", PASSWORD, client.certificate)
    key_store = {"ssl.keystore.type": "PKCS12"}
    damaged = made.folder / "damaged.jks"
    damaged.write_bytes(b"\xfe\xed\xfe\xed\0\0\0\x02" + bytes(range(100)))
    folder = made.folder / "nothing-in-it"
    folder.mkdir()

    def trust(path, kind="PEM") -> dict:
        return {"ssl.truststore.location": path, "ssl.truststore.type": kind}

    def broken(name: str, words: tuple, settings: dict, status: str = invalid) -> Case:
        return Case(name, "create", status, words, {}, settings)

    return [
        broken("key does not match", ("ssl.key.location", "does not belong"),
               {"ssl.certificate.location": client.chain, "ssl.key.location": other.key}),
        broken("wrong password of the key", ("ssl.key.password", "wrong"),
               {"ssl.certificate.location": other.chain, "ssl.key.location": encrypted,
                "ssl.key.password": WRONG_PASSWORD}),
        broken("no password of an encrypted key", ("ssl.key.password", "encrypted"),
               {"ssl.certificate.location": other.chain, "ssl.key.location": encrypted}),
        broken("certificate without key", ("key",), {"ssl.certificate.location": client.chain}),
        broken("key without certificate", ("certificate",), {"ssl.key.location": client.key}),
        broken("wrong password of the key store", ("ssl.keystore.password", "wrong"),
               {**key_store, "ssl.keystore.location": store, "ssl.keystore.password": WRONG_PASSWORD}),
        broken("key store without a key", ("ssl.keystore.location", "key"),
               {**key_store, "ssl.keystore.location": without_key, "ssl.keystore.password": PASSWORD}),
        broken("wrong password of the trust store", ("ssl.truststore.password", "wrong"),
               {"ssl.truststore.location": without_key, "ssl.truststore.type": "PKCS12",
                "ssl.truststore.password": WRONG_PASSWORD}),
        broken("certificate cut short", ("ssl.certificate.location", "cut.pem"),
               {"ssl.certificate.location": made.write("cut.pem", text[:len(text) // 2]),
                "ssl.key.location": client.key}),
        broken("trusted certificate cut short", ("ssl.truststore.location", "cut-trust.pem"),
               trust(made.write("cut-trust.pem", made.root.certificate.read_text()[:300]))),
        broken("empty trust store", ("ssl.truststore.location", "empty.pem", "no certificate"),
               trust(made.write("empty.pem", ""))),
        broken("empty trust store in PKCS#12", ("ssl.truststore.location", "no certificate"),
               {**trust(empty_store, "PKCS12"), "ssl.truststore.password": PASSWORD}),
        broken("key where trusted certificates are wanted", ("ssl.truststore.location", "no certificate"),
               trust(client.key)),
        broken("trust store is not there", ("ssl.truststore.location", "nowhere.pem", "No such file"),
               trust(made.folder / "nowhere.pem"), "FILE_UNREADABLE"),
        broken("trust store is no file", ("ssl.truststore.location", "/dev/null"), trust("/dev/null"),
               "FILE_UNREADABLE"),
        broken("key store is a folder", ("ssl.keystore.location", "nothing-in-it"), {"ssl.keystore.location": folder},
               "FILE_UNREADABLE"),
        broken("folder without certificates", ("nothing-in-it", "no certificate"),
               {"ssl.truststore.location": None, "ssl.ca.location": folder}),
        broken("trust store that is no PKCS#12", ("ssl.truststore.location", "PKCS12"),
               trust(made.root.certificate, "PKCS12")),
        broken("trust store in JKS that is damaged", ("ssl.truststore.location", "damaged.jks"),
               trust(damaged, "JKS")),
        broken("trusted text that is none", ("ssl.truststore.certificates",),
               {"ssl.truststore.location": None, "ssl.truststore.certificates": "not a certificate"}),
        broken("unknown type of store", ("ssl.truststore.type", "BKS"), {"ssl.truststore.type": "BKS"}),
        broken("unknown cipher", ("ssl.cipher.suites", "OpenSSL", "TLS_NO_SUCH_CIPHER"),
               {"ssl.cipher.suites": f"TLS_NO_SUCH_CIPHER,{IANA_CIPHER}"}),
        broken("unknown curve", ("ssl.curves.list", "X99"), {"ssl.curves.list": "X25519:X99"}),
        broken("unknown signature algorithm", ("ssl.sigalgs.list", "ROT13"),
               {"ssl.sigalgs.list": "RSA-PSS+SHA256:ROT13"}),
        broken("protocol that is too old", ("ssl.enabled.protocols", "TLSv1.1"),
               {"ssl.enabled.protocols": "TLSv1.1,TLSv1.2"}),
        broken("no protocol at all", ("ssl.enabled.protocols",), {"ssl.enabled.protocols": ""}),
        broken("cipher that the only protocol lacks", ("ssl.cipher.suites", "ssl.enabled.protocols"),
               {"ssl.enabled.protocols": "TLSv1.3", "ssl.cipher.suites": IANA_CIPHER}),
        broken("trust given twice", ("ssl.truststore.location", "ssl.truststore.certificates"),
               {"ssl.truststore.certificates": made.root.certificate.read_text()}),
        broken("two keys", ("ssl.keystore.location", "ssl.key.location"),
               {"ssl.keystore.location": client.all, "ssl.key.location": client.key}),
        broken("TLS settings without TLS being asked for", ("security.protocol", "ssl.truststore.location"),
               {"security.protocol": None}),
        broken("unknown way to check names", ("ssl.endpoint.identification.algorithm", "LDAPS"),
               {"ssl.endpoint.identification.algorithm": "LDAPS"}),
        broken("unknown security protocol", ("security.protocol", "TLS"), {"security.protocol": "TLS"}),
    ]


def reloads(made: Certificates) -> list:
    """What does not load anew is refused, and what was loaded before stays."""
    def refused(name: str, status: str, words: tuple, **settings) -> Case:
        def kept(outcome: Outcome) -> None:
            line, = outcome.of("reload")
            missing = [word for word in words if word not in line["text"]]
            checks.expect(line["status"] == status and not missing, f"{line} lacks {missing}")
            last = outcome.of("connect")[-1]
            checks.expect(last["status"] == "OK", f"there is no connection any more\n    {outcome}")

        pairs = [f"{key.replace('_', '.')}={value}" for key, value in settings.items()]
        options = [part for pair in pairs for part in ("--reload", pair)]
        return Case(name, "good", "OK", (), {}, {}, tuple(options), also=kept,
                    spoil={"instead": fake_broker.hang_up_after_hello})

    other = made.root.issue("another", ())
    return [
        refused("reload of a trust store that is gone", "FILE_UNREADABLE", ("ssl.truststore.location", "gone.pem"),
                ssl_truststore_location=made.folder / "gone.pem"),
        refused("reload of a trust store that is half written", "INVALID_SETTING",
                ("ssl.truststore.location", "half.pem"),
                ssl_truststore_location=made.write("half.pem", made.root.certificate.read_text()[:200])),
        refused("reload of a key of another certificate", "INVALID_SETTING", ("ssl.key.location", "does not belong"),
                ssl_certificate_location=made.client.chain, ssl_key_location=other.key),
        refused("reload without TLS", "NOT_CONFIGURED", (), security_protocol="PLAINTEXT"),
        refused("reload of what is good", "OK", (), ssl_certificate_location=other.chain, ssl_key_location=other.key),
    ]


def good_ones(made: Certificates) -> list:
    """What must not be refused, so that the others are known to be refused for their fault alone."""
    def good(name: str, certificate: Identity, words: tuple = (), settings: dict | None = None, **broker) -> Case:
        return Case(name, "good", "OK", words, {"certificate": certificate, **broker}, settings or {},
                    spoil={"instead": fake_broker.hang_up_after_hello, **broker})

    stranger = made.stranger.issue("broker")
    trusted = openssl("x509", "-in", made.root.certificate)
    return [
        good("the right name", made.of(HOST), host=HOST),
        good("the right name among others, in capitals", made.of("other.kafka.test", HOST.upper()), host=HOST),
        good("the right address", made.of("127.0.0.1")),
        good("a dot behind the name", made.of(HOST), host=HOST + "."),
        good("a wildcard", made.of("*.kafka.test"), host=HOST),
        good("a chain of three", made.middle.issue("broker", (HOST, "127.0.0.1"))),
        good("no extended key usage", made.root.issue("broker", usage="")),
        good("RSA key", made.root.issue("broker", key="rsa")),
        good("TLS 1.2 only", made.broker, maximum=TLS_1_2),
        good("TLS 1.3 only", made.broker, minimum=TLS_1_3),
        good("cipher by its IANA name", made.broker, settings={"ssl.cipher.suites": IANA_CIPHER}, maximum=TLS_1_2),
        good("trust as text", made.broker,
             settings={"ssl.truststore.location": None, "ssl.truststore.certificates": trusted}),
        good("trust in a folder", made.broker,
             settings={"ssl.truststore.location": None, "ssl.truststore.type": None,
                       "ssl.ca.location": made.root.hashed_directory()}),
        good("trust in PKCS#12", made.broker,
             settings={"ssl.truststore.type": "PKCS12", "ssl.truststore.password": PASSWORD,
                       "ssl.truststore.location": trust_pkcs12(made.folder / "trust.p12", PASSWORD,
                                                               made.root.certificate)}),
        good("any certificate, which is warned of", stranger, ("enable.ssl.certificate.verification",),
             {"enable.ssl.certificate.verification": "false"}),
        good("any name, which is warned of", made.of("other.kafka.test"), ("ssl.endpoint.identification.algorithm",),
             {"ssl.endpoint.identification.algorithm": ""}, host=HOST),
    ]


def cases(folder: pathlib.Path) -> list:
    made = Certificates(folder / "certificates")
    tables = (certificates_of_brokers, names_of_brokers, revocation, handshakes, clients, files, reloads, good_ones)
    rows = [(made.ground(), case) for table in tables for case in table(made)]
    for _, case in rows:
        case.not_words = (PASSWORD, WRONG_PASSWORD, "PRIVATE KEY")
    return rows


if __name__ == "__main__":
    main_of("bad-tls", cases)

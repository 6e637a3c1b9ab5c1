"""The forms in which clients say whom they trust, who they are and how they log in."""
import dataclasses

import checks
import certificates
import processes
from secure_cluster import CLIENT_ID, CLIENT_SECRET, LOGIN_MODULES, PASSWORD, QUOTED_PASSWORD, USER, SecureCluster, jaas
from kerberos import REALM

STORE_PASSWORD = "password of the store"
KEY_PASSWORD = "password of the key"


@dataclasses.dataclass
class Form:
    """settings: name=value, all that the client sets."""
    listener: str
    name: str
    settings: list[str]
    environment: dict


def forms(cluster: SecureCluster) -> list[Form]:
    stores = Stores(cluster)
    return [*trust_forms(cluster, stores), *identity_forms(cluster, stores), *protocol_forms(cluster),
            *login_forms(cluster)]


class Stores:
    """Java's key stores, as keytool writes them."""

    def __init__(self, cluster: SecureCluster) -> None:
        self.cluster = cluster
        self.folder = cluster.folder

    def trust(self, kind: str) -> str:
        path = self.folder / f"trust.{kind.lower()}"
        keytool("-importcert", "-noprompt", "-alias", "root", "-file", self.cluster.root.certificate, "-keystore", path,
                "-storetype", kind, "-storepass", STORE_PASSWORD)
        return str(path)

    def identity(self, kind: str) -> str:
        """A JKS's key has a password of its own."""
        path = self.folder / f"client.{kind.lower()}"
        key_password = KEY_PASSWORD if kind == "JKS" else STORE_PASSWORD
        source = self.cluster.client.pkcs12(STORE_PASSWORD)
        keytool("-importkeystore", "-noprompt", "-srckeystore", source, "-srcstoretype", "PKCS12", "-srcstorepass",
                STORE_PASSWORD, "-srcalias", "key", "-destkeystore", path, "-deststoretype", kind, "-deststorepass",
                STORE_PASSWORD, "-destkeypass", key_password)
        return str(path)


def keytool(*arguments) -> None:
    result = processes.run(["keytool", "-J-XX:TieredStopAtLevel=1", *arguments])
    checks.expect(result.returncode == 0, f"keytool: {result.stdout}{result.stderr}")


def form(listener: str, name: str, settings: dict, **environment) -> Form:
    protocol = "SASL_PLAINTEXT" if listener in ("SCRAMCLEAR", "KERBEROS") else (
        "SSL" if listener in ("SSL", "MTLS") else "SASL_SSL")
    words = [f"{key}={value}" for key, value in ({"security.protocol": protocol} | settings).items()]
    return Form(listener, name, words, environment)


def trust_forms(cluster: SecureCluster, stores: Stores) -> list[Form]:
    root = cluster.root.certificate
    # Some other certificate before ours, and text between them, as bundles have it.
    bundle = f"Subject: {cluster.client.certificate.read_text()}\nSubject: the root\n{root.read_text()}"
    openssl_store = certificates.trust_pkcs12(cluster.folder / "openssl-trust.p12", STORE_PASSWORD, root)
    password = {"ssl.truststore.password": STORE_PASSWORD}
    return [
        form("SSL", "trust in a PEM file, Java's names",
             {"ssl.truststore.type": "PEM", "ssl.truststore.location": root}),
        form("SSL", "trust in a PEM file, librdkafka's name", {"ssl.ca.location": root}),
        form("SSL", "trust in a directory", {"ssl.ca.location": cluster.root.hashed_directory()}),
        form("SSL", "trust as PEM text, Java's names",
             {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": root.read_text()}),
        form("SSL", "trust as PEM text of two certificates, librdkafka's name", {"ssl.ca.pem": bundle}),
        form("SSL", "trust in PKCS#12 by openssl", {"ssl.truststore.location": openssl_store} | password),
        form("SSL", "trust in PKCS#12 by keytool", {"ssl.truststore.type": "PKCS12",
                                                    "ssl.truststore.location": stores.trust("PKCS12")} | password),
        form("SSL", "trust in JKS by keytool", {"ssl.truststore.type": "JKS",
                                                "ssl.truststore.location": stores.trust("JKS")} | password),
        form("SSL", "trust as the system has it", {}, SSL_CERT_FILE=str(root)),
        form("SSL", "every certificate of the chain must be on no list of revoked ones",
             {"ssl.ca.location": root, "ssl.crl.location": crls(cluster)}),
    ]


def crls(cluster: SecureCluster) -> str:
    path = cluster.folder / "crls.pem"
    path.write_text(cluster.root.crl().read_text() + cluster.middle.crl().read_text())
    return str(path)


def identity_forms(cluster: SecureCluster, stores: Stores) -> list[Form]:
    client = cluster.client
    rsa = cluster.middle.issue("client with RSA", names=(), key="rsa")
    curve = cluster.root.issue("client without intermediates", names=(), key="ec384")
    chain = {"ssl.certificate.location": client.chain}
    store, key = {"ssl.keystore.password": STORE_PASSWORD}, {"ssl.key.password": KEY_PASSWORD}
    own = {
        "key store in PEM, Java's names": {"ssl.keystore.type": "PEM", "ssl.keystore.location": client.all},
        "PEM text, Java's names": {
            "ssl.keystore.type": "PEM", "ssl.keystore.key": client.key.read_text(),
            "ssl.keystore.certificate.chain": client.chain.read_text()},
        "PEM text on one line, as .properties files have it": {
            "ssl.keystore.type": "PEM", "ssl.keystore.key": one_line(client.key.read_text()),
            "ssl.keystore.certificate.chain": one_line(client.chain.read_text())},
        "PEM text with an encrypted key": {
            "ssl.keystore.type": "PEM", "ssl.keystore.key": client.encrypted_key(KEY_PASSWORD).read_text(),
            "ssl.keystore.certificate.chain": client.chain.read_text()} | key,
        "PEM files, librdkafka's names": chain | {"ssl.key.location": client.key},
        "PEM text, librdkafka's names": {"ssl.certificate.pem": client.chain.read_text(),
                                         "ssl.key.pem": client.key.read_text()},
        "encrypted key in PKCS#8": chain | {"ssl.key.location": client.encrypted_key(KEY_PASSWORD)} | key,
        "encrypted key in OpenSSL's old form":
            chain | {"ssl.key.location": client.encrypted_key(KEY_PASSWORD, traditional=True)} | key,
        "key in DER": chain | {"ssl.key.location": client.der_key()},
        "RSA key": {"ssl.certificate.location": rsa.chain, "ssl.key.location": rsa.key},
        "P-384, certificate of the root itself": {"ssl.keystore.location": curve.all},
        "PKCS#12 by openssl": {"ssl.keystore.location": client.pkcs12(STORE_PASSWORD)} | store,
        "PKCS#12 by keytool": {"ssl.keystore.type": "PKCS12",
                               "ssl.keystore.location": stores.identity("PKCS12")} | store,
        "JKS by keytool": {"ssl.keystore.type": "JKS", "ssl.keystore.location": stores.identity("JKS")} | store | key,
    }
    trust = {"ssl.truststore.location": cluster.root.certificate}
    return [form("MTLS", name, trust | settings) for name, settings in own.items()]


def one_line(pem: str) -> str:
    return pem.replace("\n", " ").strip()


def protocol_forms(cluster: SecureCluster) -> list[Form]:
    trust = {"ssl.ca.location": cluster.root.certificate}
    return [
        form("SSL", "TLS 1.2 alone", trust | {"ssl.enabled.protocols": "TLSv1.2"}),
        form("SSL", "TLS 1.3 alone", trust | {"ssl.enabled.protocols": "TLSv1.3"}),
        form("SSL", "TLS 1.2 with a cipher suite by OpenSSL's name",
             trust | {"ssl.enabled.protocols": "TLSv1.2", "ssl.cipher.suites": "ECDHE-ECDSA-AES256-GCM-SHA384"}),
        form("SSL", "TLS 1.3 with a cipher suite by IANA's name, a curve and a signature algorithm",
             trust | {"ssl.cipher.suites": "TLS_CHACHA20_POLY1305_SHA256", "ssl.curves.list": "P-384",
                      "ssl.sigalgs.list": "ECDSA+SHA256"}),
    ]


def login_forms(cluster: SecureCluster) -> list[Form]:
    trust = {"ssl.ca.location": cluster.root.certificate}
    plain, scram = f"{LOGIN_MODULES}.plain.PlainLoginModule", f"{LOGIN_MODULES}.scram.ScramLoginModule"
    bearer = f"{LOGIN_MODULES}.oauthbearer.OAuthBearerLoginModule"
    kerberos = "com.sun.security.auth.module.Krb5LoginModule"
    cache = cluster.folder / "ticket"
    cluster.kdc.log_in(USER, cluster.keytab, cache)
    return [
        form("PLAIN", "sasl.jaas.config with all that needs quotes", trust | {
            "sasl.mechanism": "PLAIN", "sasl.jaas.config": jaas(plain, username=USER, password=QUOTED_PASSWORD)}),
        form("SCRAM256", "sasl.jaas.config", trust | {
            "sasl.mechanism": "SCRAM-SHA-256", "sasl.jaas.config": jaas(scram, username=USER, password=PASSWORD)}),
        form("SCRAM512", "librdkafka's names", trust | {
            "sasl.mechanisms": "SCRAM-SHA-512", "sasl.username": USER, "sasl.password": PASSWORD}),
        form("SCRAM512", "password from the environment and from a file", trust | {
            "config.providers": "env,file", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "${env:TEST_USER}",
            "sasl.password": f"${{file:{password_file(cluster)}:password}}"}, TEST_USER=USER),
        form("UNSIGNED", "librdkafka's names", trust | {
            "sasl.mechanisms": "OAUTHBEARER", "enable.sasl.oauthbearer.unsecure.jwt": "true",
            "sasl.oauthbearer.config": f"principal={USER}"}),
        form("SIGNED", "sasl.jaas.config", trust | {
            "sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url": cluster.oidc.token_url,
            "https.ca.location": cluster.root.certificate,
            "sasl.jaas.config": jaas(bearer, clientId=CLIENT_ID, clientSecret=CLIENT_SECRET, scope="produce")}),
        form("SIGNED", "librdkafka's names", trust | {
            "sasl.mechanisms": "OAUTHBEARER", "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.token.endpoint.url": cluster.oidc.token_url, "sasl.oauthbearer.client.id": CLIENT_ID,
            "sasl.oauthbearer.client.secret": CLIENT_SECRET, "sasl.oauthbearer.scope": "produce",
            "https.ca.pem": cluster.root.certificate.read_text()}),
        form("KERBEROS", "sasl.jaas.config with a keytab", {
            "sasl.mechanism": "GSSAPI", "sasl.kerberos.service.name": "kafka",
            "sasl.jaas.config": jaas(kerberos, useKeyTab="true", storeKey="true", keyTab=cluster.keytab,
                                     principal=f"{USER}@{REALM}")}),
        form("KERBEROS", "a ticket that kinit left", {"sasl.mechanism": "GSSAPI"}, KRB5CCNAME=f"FILE:{cache}"),
    ]


def password_file(cluster: SecureCluster) -> str:
    path = cluster.folder / "secrets.properties"
    path.touch(0o600)
    path.write_text(f"password={PASSWORD}\n")
    return str(path)

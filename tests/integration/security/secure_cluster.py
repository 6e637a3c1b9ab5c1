"""One broker of Apache Kafka with a listener for each way to log in, and what clients have to know about them.

    with SecureCluster(folder) as cluster:
        run(program, [cluster.bootstrap("MTLS"), *cluster.client_settings("MTLS")], env=cluster.environment())

A listener is told the fewest settings that it needs, so that its brokers' side is what Kafka's documentation shows."""
import contextlib
import pathlib

from certificates import Authority
from kafka.cluster import VERSIONS, Cluster, Listener, free_port
from kerberos import REALM, Kdc
from oidc_server import AUDIENCE, OidcServer
from proxy import Proxy

# Long, so that parts of them are still found where memory was used again, and like nothing else that lies there.
USER, PASSWORD = "alice", "pencil of Alice 7Gk2vQxYw9RtBn4JzLs8HdPfMc3"
# All that Java's form of a login module can need in a password.
QUOTED_PASSWORD = 'a "quoted" password; with \\ and = in it Vb6Tz1KqWm8XrJ5NyDg0SpCh'
LOGIN_MODULES = "org.apache.kafka.common.security"
LISTENERS = ("SSL", "MTLS", "PLAIN", "SCRAM256", "SCRAM512", "UNSIGNED", "SIGNED", "SCRAMCLEAR", "KERBEROS")
PARTITIONS = 12
CLIENT_ID, CLIENT_SECRET = "sendoff-test", "secret of the client Qe3UjZ7oLt5MxGw1RkYv9BfAs2"


def jaas(module: str, **options) -> str:
    """One login module as Java's users write it."""
    words = "".join(f' {name}="{escape(str(value))}"' for name, value in options.items())
    return f"{module} required{words};"


def escape(text: str) -> str:
    """As a quoted word of Java's login configurations has it."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


class SecureCluster:
    """names: which of LISTENERS; PLAINTEXT is there as everywhere. settings: more of the broker's. proxied: clients are
    told ports where a proxy has to be put: proxy(). The certificates are made at once, the rest with the context."""

    def __init__(self, folder: pathlib.Path, names: tuple = LISTENERS, settings: dict | None = None,
                 proxied: bool = False) -> None:
        self.folder = pathlib.Path(folder)
        self.root = Authority(self.folder / "root")
        self.middle = Authority(self.folder / "middle", parent=self.root)
        self.broker = self.middle.issue("broker")
        self.client = self.middle.issue("client", names=())
        self.kdc = Kdc(self.folder / "kdc")
        self.keytab = self.folder / "client.keytab"
        self.oidc = OidcServer(self.folder / "oidc", self.root.issue("oidc"), {CLIENT_ID: CLIENT_SECRET})
        listeners = self._listeners()
        self.listeners = {name: listeners[name] for name in names}
        for listener in self.listeners.values():
            listener.advertised_port = free_port() if proxied else listener.port
        self.jmx_port = free_port()
        scram = tuple(f"SCRAM-SHA-{bits}=[name={USER},password={PASSWORD}]" for bits in (256, 512))
        self.cluster = Cluster(
            VERSIONS[0], self.folder / "kafka", listeners=self.listeners, scram=scram,
            settings={"auto.create.topics.enable": "true", "num.partitions": PARTITIONS,
                      "sasl.kerberos.service.name": "kafka"} | (settings or {}),
            java_options=(f"-Djava.security.krb5.conf={self.kdc.settings}",
                          f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self.oidc.jwks_url}",
                          *jmx_options(self.jmx_port)))

    def __enter__(self) -> "SecureCluster":
        with contextlib.ExitStack() as stack:
            if "KERBEROS" in self.listeners:
                stack.enter_context(self.kdc)
                self.kdc.add("kafka/localhost", self.folder / "broker.keytab")
                self.kdc.add(USER, self.keytab)
            if "SIGNED" in self.listeners:
                stack.enter_context(self.oidc)
            stack.enter_context(self.cluster)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_error) -> None:
        self.stack.close()

    def bootstrap(self, listener: str) -> str:
        return self.cluster.bootstrap if listener == "PLAINTEXT" else self.listeners[listener].bootstrap

    def environment(self, **added) -> dict:
        """Of a client: where the KDC is, and no ticket yet."""
        return self.kdc.environment(self.folder / "no-cache") | added

    def proxy(self, name: str) -> Proxy:
        return Proxy(self.listeners[name].advertised_port, self.listeners[name].port)

    def set_password(self, mechanism: str, password: str) -> None:
        """Of USER, for SCRAM; logins from now on need it."""
        self.cluster.run_tool("kafka.admin.ConfigCommand", [
            "--bootstrap-server", self.cluster.direct, "--alter", "--entity-type", "users", "--entity-name", USER,
            "--add-config", f"{mechanism}=[password={password}]"])

    def counts(self, name: str) -> dict[str, float]:
        """What the broker counted at that listener: successful-reauthentication-total and their like, by name."""
        names = f"kafka.server:type=socket-server-metrics,listener={name},networkProcessor=*"
        url = f"service:jmx:rmi:///jndi/rmi://127.0.0.1:{self.jmx_port}/jmxrmi"
        printed = self.cluster.run_tool("org.apache.kafka.tools.JmxTool", [
            "--jmx-url", url, "--object-name", names, "--report-format", "properties", "--one-time"])
        counts: dict[str, float] = {}
        for line in printed.splitlines():
            metric, _, value = line.rpartition("=")
            if metric.startswith("kafka.server:") and ":" in metric:
                short = metric.rpartition(":")[2]
                counts[short] = counts.get(short, 0) + float(value)
        return counts

    def client_settings(self, listener: str, **changes) -> list[str]:
        """What a client of that listener has to set, by Kafka's names, as name=value. changes: other values, with _
        for the dot, and None for what is not to be set."""
        protocol = "PLAINTEXT" if listener == "PLAINTEXT" else self.listeners[listener].protocol
        settings = {"security.protocol": protocol}
        if protocol.endswith("SSL"):
            settings["ssl.truststore.location"] = self.root.certificate
        settings |= self.login_settings(listener) | {name.replace("_", "."): value for name, value in changes.items()}
        return [f"{name}={value}" for name, value in settings.items() if value is not None]

    def java_properties(self, listener: str) -> list[str]:
        """As client_settings for PLAIN, SCRAM and TLS, in lines of a .properties file, as Java's clients read it."""
        settings = {"security.protocol": self.listeners[listener].protocol, "ssl.truststore.type": "PEM",
                    "ssl.truststore.location": self.root.certificate}
        own = self.login_settings(listener)
        if "sasl.username" in own:
            kind = "plain.PlainLoginModule" if listener == "PLAIN" else "scram.ScramLoginModule"
            module = jaas(f"{LOGIN_MODULES}.{kind}", username=own["sasl.username"], password=own["sasl.password"])
            own = {"sasl.mechanism": own["sasl.mechanism"], "sasl.jaas.config": properties_value(module)}
        return [f"{name}={value}" for name, value in (settings | own).items()]

    def login_settings(self, listener: str) -> dict:
        match listener:
            case "MTLS":
                return {"ssl.keystore.location": self.client.all}
            case "PLAIN":
                return {"sasl.mechanism": "PLAIN", "sasl.username": USER, "sasl.password": QUOTED_PASSWORD}
            case "SCRAM256" | "SCRAM512" | "SCRAMCLEAR":
                mechanism = "SCRAM-SHA-256" if listener == "SCRAM256" else "SCRAM-SHA-512"
                return {"sasl.mechanism": mechanism, "sasl.username": USER, "sasl.password": PASSWORD}
            case "UNSIGNED":
                module = f"{LOGIN_MODULES}.oauthbearer.OAuthBearerLoginModule"
                return {"sasl.mechanism": "OAUTHBEARER",
                        "sasl.jaas.config": jaas(module, unsecuredLoginStringClaim_sub=USER)}
            case "SIGNED":
                return {"sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.method": "oidc",
                        "sasl.oauthbearer.token.endpoint.url": self.oidc.token_url,
                        "sasl.oauthbearer.client.credentials.client.id": CLIENT_ID,
                        "sasl.oauthbearer.client.credentials.client.secret": CLIENT_SECRET,
                        "https.ca.location": self.root.certificate}
            case "KERBEROS":
                return {"sasl.mechanism": "GSSAPI", "sasl.kerberos.service.name": "kafka",
                        "sasl.kerberos.keytab": self.keytab, "sasl.kerberos.principal": f"{USER}@{REALM}"}
        return {}

    def _listeners(self) -> dict[str, Listener]:
        tls = {"ssl.keystore.type": "PEM", "ssl.keystore.location": self.broker.all}
        trust = {"ssl.truststore.type": "PEM", "ssl.truststore.location": self.root.certificate}
        users = {"username": "broker", "password": "unused", f"user_{USER}": QUOTED_PASSWORD}
        plain = jaas(f"{LOGIN_MODULES}.plain.PlainLoginModule", **users)
        scram = jaas(f"{LOGIN_MODULES}.scram.ScramLoginModule")
        return {
            "SSL": Listener("SSL", tls),
            # By its address, which its certificate names too.
            "MTLS": Listener("SSL", tls | trust | {"ssl.client.auth": "required"}, host="127.0.0.1"),
            "PLAIN": Listener("SASL_SSL", tls | login("PLAIN", plain)),
            "SCRAM256": Listener("SASL_SSL", tls | login("SCRAM-SHA-256", scram)),
            "SCRAM512": Listener("SASL_SSL", tls | login("SCRAM-SHA-512", scram)),
            "UNSIGNED": Listener("SASL_SSL", tls | self._unsigned()),
            "SIGNED": Listener("SASL_SSL", tls | self._signed()),
            "SCRAMCLEAR": Listener("SASL_PLAINTEXT", login("SCRAM-SHA-512", scram)),
            "KERBEROS": Listener("SASL_PLAINTEXT", self._kerberos()),
        }

    @staticmethod
    def _unsigned() -> dict:
        module = f"{LOGIN_MODULES}.oauthbearer.OAuthBearerLoginModule"
        return login("OAUTHBEARER", jaas(module, unsecuredLoginStringClaim_sub="broker"))

    def _signed(self) -> dict:
        module = f"{LOGIN_MODULES}.oauthbearer.OAuthBearerLoginModule"
        # The first is for the broker's own login, which Kafka wants where there are other options.
        options = {"unsecuredLoginStringClaim_sub": "broker", "ssl.truststore.type": "PEM",
                   "ssl.truststore.location": self.root.certificate}
        return login("OAUTHBEARER", jaas(module, **options)) | {
            "oauthbearer.sasl.server.callback.handler.class":
                f"{LOGIN_MODULES}.oauthbearer.OAuthBearerValidatorCallbackHandler",
            "oauthbearer.sasl.oauthbearer.jwks.endpoint.url": self.oidc.jwks_url,
            "oauthbearer.sasl.oauthbearer.expected.audience": AUDIENCE,
        }

    def _kerberos(self) -> dict:
        options = {"useKeyTab": "true", "storeKey": "true", "keyTab": self.folder / "broker.keytab",
                   "principal": f"kafka/localhost@{REALM}"}
        return login("GSSAPI", jaas("com.sun.security.auth.module.Krb5LoginModule", **options))


def jmx_options(port: int) -> tuple[str, ...]:
    """The broker's metrics, for programs on this machine."""
    prefix = "-Dcom.sun.management.jmxremote"
    return (f"{prefix}.host=127.0.0.1", f"{prefix}.port={port}", f"{prefix}.rmi.port={port}",
            f"{prefix}.authenticate=false", f"{prefix}.ssl=false", "-Djava.rmi.server.hostname=127.0.0.1")


def login(mechanism: str, module: str) -> dict:
    """A listener with that mechanism alone."""
    return {"sasl.enabled.mechanisms": mechanism, f"{mechanism.lower()}.sasl.jaas.config": properties_value(module)}


def properties_value(text: str) -> str:
    """A .properties file takes one level of backslashes away."""
    return text.replace("\\", "\\\\")

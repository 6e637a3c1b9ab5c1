#!/usr/bin/env python3
"""bad_login_test.py [--canary] [WORD ...]: everything that can be wrong with a login is refused, in words that say what
it is. With --canary each fault is switched off, and each case has to notice. Words choose cases by their names."""
import base64
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import checks
from security import fake_broker
from security.certificates import Authority
from security.fake_broker import PASSWORD, SASL_AUTHENTICATE, SASL_HANDSHAKE, USER, answering, web_answer, web_server
from security.matrix import Case, Ground, Outcome, main_of

HOST = "broker.kafka.test"
REFUSED, FAILED = "SASL_AUTHENTICATION_FAILED", "LOGIN_FAILED"
WRONG_PASSWORD = "not-the-right-one"
CLIENT_SECRET = "the-secret-of-the-client"
SIGNATURE = base64.urlsafe_b64encode(b"signature of a token").rstrip(b"=").decode()
# What no line may have, at the most verbose level: the client's secret neither in the form that goes to the endpoint.
SECRETS = (PASSWORD, WRONG_PASSWORD, CLIENT_SECRET, SIGNATURE,
           base64.b64encode(f"{USER}:{CLIENT_SECRET}".encode()).decode().rstrip("="))
HURRY = {"socket.connection.setup.timeout.ms": 3000, "request.timeout.ms": 2000}
# What may pass is tried again until the login's own time is up.
TRANSIENT = {"request.timeout.ms": 3000, "sasl.login.connect.timeout.ms": 1000, "sasl.login.read.timeout.ms": 1000}
STAY_MS = 4000
ATTEMPTS_MAX = 20  # in STAY_MS; pauses grow to a second and more, which makes eight at most


class Certificates:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.root = Authority(folder / "root", "Test Root")
        self.stranger = Authority(folder / "stranger", "Stranger Root")
        self.broker = self.root.issue("broker", (HOST, "127.0.0.1"))


def by_tls(made: Certificates) -> tuple:
    return {"certificate": made.broker}, {"security.protocol": "SASL_SSL",
                                          "ssl.truststore.location": made.root.certificate}


def plain(made: Certificates) -> Ground:
    broker, settings = by_tls(made)
    return Ground({**broker, "mechanisms": ("PLAIN",)},
                  {**settings, "sasl.mechanism": "PLAIN", "sasl.username": USER, "sasl.password": PASSWORD})


def scram(digest: str = "256") -> Ground:
    mechanism = f"SCRAM-SHA-{digest}"
    return Ground({"mechanisms": (mechanism,)},
                  {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": mechanism, "sasl.username": USER,
                   "sasl.password": PASSWORD})


def jwt(**claims) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
             for part in ({"alg": "RS256"}, claims)]
    return ".".join((*parts, SIGNATURE))


def good_token(**claims) -> str:
    now = int(time.time())
    return jwt(**{"sub": USER, "iat": now - 1, "exp": now + 3600, **claims})


def token(made: Certificates) -> Ground:
    broker, settings = by_tls(made)
    return Ground({**broker, "mechanisms": ("OAUTHBEARER",)}, {**settings, "sasl.mechanism": "OAUTHBEARER"},
                  ("--token", good_token()))


def token_body(**fields) -> bytes:
    right = {"access_token": good_token(), "token_type": "Bearer", "expires_in": 3600}
    return json.dumps({name: value for name, value in {**right, **fields}.items() if value is not None}).encode()


def endpoint(made: Certificates) -> Ground:
    ground = token(made)
    return Ground(ground.broker, {**ground.settings, "https.ca.location": made.root.certificate,
                                  "sasl.oauthbearer.token.endpoint.url": "https://127.0.0.1:{endpoint}/token",
                                  "sasl.oauthbearer.client.credentials.client.id": USER,
                                  "sasl.oauthbearer.client.credentials.client.secret": CLIENT_SECRET},
                  (), {"certificate": made.broker, "speaks": web_server(web_answer("200 OK", token_body()))})


def aws() -> Ground:
    return Ground({"mechanisms": ("AWS_MSK_IAM",), "host": HOST},
                  {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "AWS_MSK_IAM",
                   "allow.cleartext.credentials": "true", "sasl.aws.access.key.id": "AKIDEXAMPLE",
                   "sasl.aws.secret.access.key": CLIENT_SECRET, "sasl.aws.region": "us-east-1"})


# ---- Passwords ----

def passwords(made: Certificates) -> list:
    ground, told = plain(made), "Authentication failed: Invalid username or password"
    jaas = 'org.apache.kafka.common.security.{} required username="alice" password="' + WRONG_PASSWORD + '"{}'
    no_pair = {"sasl.username": None, "sasl.password": None}
    rows = [
        Case("PLAIN without TLS", "create", "INVALID_SETTING", ("PLAIN", "allow.cleartext.credentials"), {},
             {"security.protocol": "SASL_PLAINTEXT", "ssl.truststore.location": None}),
        Case("wrong password", "login", REFUSED, ("PLAIN", "password is wrong", told), {},
             {"sasl.password": WRONG_PASSWORD}),
        Case("unknown user", "login", REFUSED, ("PLAIN", "user name", told), {}, {"sasl.username": "mallory"}),
        Case("refusal with control characters", "login", REFUSED, ("away", "now"),
             {"refusal": (58, "go\x1b[2J away\r\nnow"), "users": {}}, not_words=("\x1b", "\r", "\n")),
        Case("refusal without a reason", "login", REFUSED, ("PLAIN", "refused"), {"refusal": (58, None), "users": {}}),
        Case("refusal with a long reason", "login", REFUSED, ("PLAIN", "no no no"),
             {"refusal": (58, "no " * 10000), "users": {}}),
        Case("refusal by another code", "login", "ILLEGAL_SASL_STATE", ("34",), {"refusal": (34, "odd"), "users": {}}),
        Case("answer where there is nothing to say", "login", FAILED, ("PLAIN", "nothing to say"),
             {"last_challenge": b"welcome"}),
        Case("no user name", "create", "INVALID_SETTING", ("sasl.username",), {}, {"sasl.username": None}),
        Case("no password", "create", "INVALID_SETTING", ("sasl.password",), {}, {"sasl.password": None}),
        Case("unknown mechanism in the settings", "create", "INVALID_SETTING",
             ("sasl.mechanism", "DIGEST-MD5", "PLAIN"), {}, {"sasl.mechanism": "DIGEST-MD5"}),
        Case("login module of another mechanism", "create", "INVALID_SETTING", ("sasl.jaas.config", "ScramLoginModule"),
             {}, {**no_pair, "sasl.jaas.config": jaas.format("scram.ScramLoginModule", ";")}),
        Case("unknown login module", "create", "INVALID_SETTING", ("sasl.jaas.config", "NoLoginModule"), {},
             {**no_pair, "sasl.jaas.config": jaas.format("NoLoginModule", ";")}),
        Case("login module without its end", "create", "INVALID_SETTING", ("sasl.jaas.config", "semicolon"), {},
             {**no_pair, "sasl.jaas.config": jaas.format("plain.PlainLoginModule", "")}),
        Case("password said twice and not the same", "create", "INVALID_SETTING", ("sasl.jaas.config", "sasl.password"),
             {}, {"sasl.jaas.config": jaas.format("plain.PlainLoginModule", ";")}),
        Case("login settings without a login being asked for", "create", "INVALID_SETTING",
             ("security.protocol", "sasl.mechanism"), {},
             {"security.protocol": None, "ssl.truststore.location": None}),
        Case("the right password", "good", "OK", (), spoil={"users": {USER: "another"}}),
    ]
    return [(ground, case) for case in rows]


# ---- What brokers do wrong around any login ----

def brokers(made: Certificates) -> list:
    ground, other = plain(made), ("GSSAPI", "SCRAM-SHA-512")
    rows = [
        Case("mechanism that the broker lacks", "login", "UNSUPPORTED_SASL_MECHANISM", ("PLAIN", *other),
             {"mechanisms": other}),
        Case("mechanism lacking, list empty", "login", "UNSUPPORTED_SASL_MECHANISM", ("PLAIN",),
             {"mechanisms": other, "listed": ()}),
        Case("mechanism lacking, list with control characters", "login", "UNSUPPORTED_SASL_MECHANISM", ("PLAIN",),
             {"mechanisms": other, "listed": ("SCRAM\x1b[31m", "\r\n")}, not_words=("\x1b", "\r", "\n")),
        Case("mechanism lacking, list of thousands", "login", "UNSUPPORTED_SASL_MECHANISM", ("PLAIN", "NUMBER-1,"),
             {"mechanisms": other, "listed": tuple(f"NUMBER-{number}" for number in range(5000))}),
        Case("handshake refused by another code", "login", "ILLEGAL_SASL_STATE",
             ("takes no login", "ILLEGAL_SASL_STATE"), {"handshake_error": 34}),
        Case("no SaslHandshake", "login", FAILED, ("security.protocol", "SaslHandshake"),
             {"apis": {SASL_HANDSHAKE: None}}),
        Case("no SaslAuthenticate", "login", FAILED, ("security.protocol", "SaslAuthenticate",),
             {"apis": {SASL_AUTHENTICATE: None}}),
        Case("SaslAuthenticate of the future alone", "login", FAILED, ("security.protocol", "SaslAuthenticate",),
             {"apis": {SASL_AUTHENTICATE: (7, 9)}}),
        Case("no login where the broker wants one", "connect", "OK", ("closed",), {},
             {"security.protocol": "SSL", "sasl.mechanism": None, "sasl.username": None, "sasl.password": None}),
        Case("answers before it was asked", "connect", "OK", ("correlation id",),
             {"speaks_first": b"\0\0\0\x08\0\0\0\x63" + bytes(4)}),
    ]
    spoils = {"cut short": (fake_broker.cut, ("closed",)), "closed": (fake_broker.closed, ("closed",)),
              "empty": (fake_broker.empty_body, ("malformed",)),
              "too large": (fake_broker.huge, ("receive.message.max.bytes",)),
              "of negative size": (fake_broker.negative, ("size of -5",)),
              "garbage": (fake_broker.garbage, ("malformed",)),
              "to another request": (fake_broker.uncorrelated, ("correlation id",))}
    for api, number in (("SaslHandshake", SASL_HANDSHAKE), ("SaslAuthenticate", SASL_AUTHENTICATE)):
        for what, (spoil, words) in spoils.items():
            rows.append(Case(f"answer to {api} {what}", "connect", "OK", words, {"spoils": {number: spoil}}))
        rows.append(Case(f"answer to {api} withheld", "login", FAILED, ("login", "request.timeout.ms"),
                         {"spoils": {number: fake_broker.withheld}}, HURRY))
    rows += [Case(f"session lifetime {lifetime}", "connect", "OK", ("malformed",), {"session_lifetime_ms": lifetime})
             for lifetime in (-1, -2**63)]
    rows += [Case(f"session lifetime {lifetime}", "good", "OK", (), {"session_lifetime_ms": lifetime},
                  spoil={"users": {}}) for lifetime in (2**63 - 1, 2**31)]
    rows += [Case(f"SaslAuthenticate version {version}", "good", "OK", (), {"apis": {SASL_AUTHENTICATE: (0, version)}},
                  spoil={"users": {}}) for version in (0, 1)]
    return [(ground, case) for case in rows]


# ---- SCRAM ----

def scrams(_made: Certificates) -> list:
    def first(name: str, words: tuple, message: str | bytes, digest: str = "256", **values) -> tuple:
        broker = {"scram": {"first": message, **values}}
        return scram(digest), Case(name, "login", FAILED, (f"SCRAM-SHA-{digest}", *words), broker)

    def last(name: str, words: tuple, message: str | bytes, digest: str = "256", **values) -> tuple:
        broker = {"scram": {"final": message, **values}}
        return scram(digest), Case(name, "login", FAILED, (f"SCRAM-SHA-{digest}", *words), broker)

    def good(name: str, digest: str = "256", **values) -> tuple:
        return scram(digest), Case(name, "good", "OK", (), {"scram": values}, spoil={"users": {USER: "another"}})

    def iterations(number: str, *words: str) -> tuple:
        return first(f"iterations {number or 'missing their number'}", ("iterations", *words),
                     "r={client}{server},s={salt},i=" + number)

    start, whole = "r={client}{server},s={salt}", "r={client}{server},s={salt},i={iterations}"
    after_nonce = ",s={salt},i={iterations}"
    return [
        first("nonce that is too short", ("nonce",), "r=short" + after_nonce),
        first("nonce that is another's", ("nonce", "ours"), "r={server}{client}" + after_nonce),
        first("nonce that is ours and no more", ("nonce", "ours"), "r={client}" + after_nonce),
        first("nonce in the other case", ("nonce", "ours"), "r={swapped}{server}" + after_nonce),
        first("nonce that is empty", ("nonce",), "r=" + after_nonce),
        first("nonce that is not printable", ("nonce", "printable"), "r={client}\x07" + after_nonce),
        first("no nonce", ("nonce", "missing"), "s={salt},i={iterations}"),
        first("salt that is no Base64", ("salt", "Base64"), "r={client}{server},s=!!!!,i={iterations}"),
        first("salt that is Base64 cut short", ("salt", "Base64"), "r={client}{server},s=QUJ,i={iterations}"),
        first("salt that is empty", ("salt", "empty"), "r={client}{server},s=,i={iterations}"),
        first("salt that is huge", ("too long",), "r={client}{server},s=" + "QUJD" * 50_000 + ",i={iterations}"),
        first("no salt", ("salt", "missing"), "r={client}{server},i={iterations}"),
        iterations("4095", "4096"), iterations("1", "4096"), iterations("0"), iterations("-1"), iterations("-4096"),
        iterations("1000001", "1000000"), iterations("2147483648", "1000000"), iterations("18446744073709555712"),
        iterations("many"), iterations(""), iterations("4096.5"), iterations("+4096"), iterations("0x1000"),
        iterations("04096"), iterations(" 4096"),
        first("no iterations", ("iterations", "missing"), start),
        first("another order", ("nonce", "missing"), "s={salt},r={client}{server},i={iterations}"),
        first("extension that has to be known", ("m=",), "m=new," + whole),
        first("junk behind the first message", ("iterations", "extension"), whole + ",junk"),
        first("first message that is empty", ("empty",), b""),
        first("first message with a zero byte", ("zero byte",), whole + ",x=\0"),
        first("first message that is not UTF-8", ("UTF-8",), b"r=\xff\xfe,s=QUJD,i=4096"),
        first("first message that is an error", ("nonce", "missing"), "e=unknown-user"),
        first("success without proof, after the first message", ("empty",), b"", digest="512"),
        last("wrong signature", ("signature is wrong", "knows the password"), "v={signature}", wrong_signature=True),
        last("wrong signature, SHA-512", ("signature is wrong",), "v={signature}", "512", wrong_signature=True),
        last("signature of the wrong length", ("signature", "length"), "v=QUJD"),
        last("signature that is no Base64", ("signature",), "v=" + "*" * 44),
        last("no signature", ("signature", "missing"), "x=y"),
        last("last message that is empty", ("empty",), b""),
        last("last message that is the first again", ("signature", "missing"), "r=again,s={salt},i={iterations}"),
        last("junk behind the signature", ("signature", "extension"), "v={signature},junk"),
        (scram(), Case("last message that is an error", "login", REFUSED, ("SCRAM-SHA-256", "invalid-proof"),
                       {"scram": {"final": "e=invalid-proof"}})),
        (scram(), Case("last message that is an error with control characters", "login", REFUSED, ("never",),
                       {"scram": {"final": "e=no\x1b[2J\r\nnever"}}, not_words=("\x1b", "\r", "\n"))),
        (scram(), Case("wrong password, SCRAM", "login", REFUSED, ("SCRAM-SHA-256", "password is wrong"), {},
                       {"sasl.password": WRONG_PASSWORD})),
        (scram(), Case("unknown user, SCRAM", "login", REFUSED, ("SCRAM-SHA-256", "user name"), {},
                       {"sasl.username": "mallory"})),
        good("SCRAM"), good("SCRAM-SHA-512", "512"), good("least iterations", iterations=4096),
        good("most iterations", iterations=1_000_000),
        good("extensions that need not be known", first=whole + ",x=1,y=two", final="v={signature},z=3"),
    ]


# ---- Tokens ----

def tokens(made: Certificates) -> list:
    ground, now = token(made), int(time.time())

    def wrong(name: str, text: str, *words: str, options: tuple = ()) -> Case:
        return Case(name, "token", "INVALID_ARGUMENT", words, {}, HURRY, ("--token", text, *options))

    def refusal(**fields) -> dict:
        return {"token_refusal": json.dumps({"status": "invalid_token", **fields}).encode(), "refusal": (58, "no")}

    rows = [
        Case("token without TLS", "create", "INVALID_SETTING", ("OAUTHBEARER", "allow.cleartext.credentials"), {},
             {"security.protocol": "SASL_PLAINTEXT", "ssl.truststore.location": None}),
        wrong("token that has expired", good_token(), "expired", options=("--token-life", "-1000")),
        wrong("token with a control byte", "abc\x01auth=Bearer def", "token"),
        wrong("token with a blank", "abc def", "token"),
        wrong("token with other letters", "schlüssel", "token"),
        wrong("token that is empty", "", "empty"),
        Case("token refused", "login", REFUSED, ("OAUTHBEARER", "invalid_token"), refusal()),
        Case("token refused for its scope", "login", REFUSED, ("OAUTHBEARER", "write-all"), refusal(scope="write-all")),
        Case("token refused in control characters", "login", REFUSED, ("OAUTHBEARER",),
             refusal(status="in\x1b[2Jvalid\r\n"), not_words=("\x1b", "\r", "\n")),
        Case("token refused in what is no JSON", "login", REFUSED, ("OAUTHBEARER", "refused"),
             {"token_refusal": b"no such token", "refusal": (58, "no")}),
        Case("token refused at length", "login", REFUSED, ("OAUTHBEARER", "refused"),
             {"token_refusal": b"[" * 30_000, "refusal": (58, "no")}),
        Case("token refused, issued in the future", "login", REFUSED, ("clock", "in the future"), refusal(),
             options=("--token", good_token(iat=now + 600, exp=now + 4000))),
        Case("token refused, expired by its own word", "login", REFUSED, ("clock", "expired"), refusal(),
             options=("--token", good_token(iat=now - 4000, exp=now - 400))),
        Case("nobody gives a token", "login", FAILED, ("OAUTHBEARER", "no token came in time"), {}, HURRY,
             is_bare=True),
        Case("the program gives no token and no reason", "login", FAILED, ("OAUTHBEARER", "there is no token"), {},
             HURRY, ("--token-failure", "")),
        Case("the program has no token", "login", FAILED, ("OAUTHBEARER", "the vault is sealed"), {}, {},
             ("--token-failure", "the vault is sealed")),
        Case("a token", "good", "OK", (), spoil=refusal()),
    ]
    return [(ground, case) for case in rows]


def endpoints(made: Certificates) -> list:
    ground = endpoint(made)
    wrong_name = made.root.issue("endpoint", ("elsewhere.test",))

    def answer(name: str, words: tuple, status: str, body: bytes = b"{}", *headers: str) -> Case:
        return Case(name, "login", FAILED, words, settings=TRANSIENT,
                    endpoint={"speaks": web_server(web_answer(status, body, *headers))})

    def refused_here(name: str, words: tuple, **settings) -> Case:
        return Case(name, "create", "INVALID_SETTING", words, {},
                    {"sasl.oauthbearer." + key.replace("_", "."): value for key, value in settings.items()})

    refused = b'{"error": "invalid_client", "error_description": "the client is locked"}'
    rows = [
        refused_here("endpoint without TLS", ("https", "sasl.oauthbearer.token.endpoint.url"),
                     token_endpoint_url="http://127.0.0.1:{endpoint}/token"),
        refused_here("endpoint that is a file", ("https", "sasl.oauthbearer.token.endpoint.url"),
                     token_endpoint_url="file:///etc/passwd"),
        refused_here("endpoint that is no URL", ("sasl.oauthbearer.token.endpoint.url",), token_endpoint_url="tokens"),
        refused_here("endpoint that is not allowed", ("sasl.oauthbearer.allowed.urls",),
                     allowed_urls="https://login.kafka.test/token"),
        refused_here("no client id", ("client.id",), client_credentials_client_id=None),
        refused_here("no client secret", ("client.secret",), client_credentials_client_secret=None),
        answer("endpoint says 401", ("401", "invalid_client", "the client is locked"), "401 Unauthorized", refused),
        answer("endpoint says 400", ("400", "invalid_client"), "400 Bad Request", refused),
        answer("endpoint says 403", ("403",), "403 Forbidden"),
        answer("endpoint says 404", ("404",), "404 Not Found"),
        answer("endpoint says 429", ("429",), "429 Too Many Requests", b"{}", "Retry-After: 1"),
        answer("endpoint says 500", ("500",), "500 Internal Server Error", b"<html>it broke</html>"),
        answer("endpoint sends elsewhere", ("302", "redirect"), "302 Found", b"{}", "Location: https://evil.test/"),
        answer("endpoint sends a file's address", ("302", "redirect"), "302 Found", b"{}",
               "Location: file:///etc/passwd"),
        answer("token answer of 100 KiB", ("64 KiB",), "200 OK", token_body(padding="x" * 100_000)),
        answer("token answer that is no JSON", ("JSON",), "200 OK", b"access_token=abc"),
        answer("token answer that is cut short", ("JSON",), "200 OK", token_body()[:-2]),
        answer("token answer that is a list", ("JSON",), "200 OK", b"[]"),
        answer("token answer that is empty", ("JSON",), "200 OK", b""),
        answer("token answer without token", ("access_token",), "200 OK", token_body(access_token=None)),
        answer("token answer with a number", ("access_token",), "200 OK", token_body(access_token=5)),
        answer("token answer with an empty token", ("empty",), "200 OK", token_body(access_token="")),
        answer("token with control bytes from the endpoint", ("token",), "200 OK", token_body(access_token="a\x01b")),
        answer("token of another type", ("token_type", "Bearer"), "200 OK", token_body(token_type="mac")),
        answer("token that has expired already", ("expire",), "200 OK", token_body(expires_in=-5)),
        Case("endpoint of an untrusted authority", "login", FAILED, ("certificate",),
             endpoint={"certificate": made.stranger.issue("endpoint")}),
        Case("endpoint with a certificate of another name", "login", FAILED, ("127.0.0.1",),
             endpoint={"certificate": wrong_name}),
        Case("endpoint that speaks no TLS", "login", FAILED, ("cannot be asked",), {}, TRANSIENT,
             endpoint={"instead": answering(fake_broker.HTTP_ANSWER)}),
        Case("endpoint that closes", "login", FAILED, ("cannot be asked",), {}, TRANSIENT,
             endpoint={"instead": fake_broker.hang_up}),
        Case("endpoint that stalls", "login", FAILED, ("timed out",), {}, TRANSIENT,
             endpoint={"speaks": web_server(b"")}),
        Case("nobody at the endpoint", "login", FAILED, ("127.0.0.1", "connect"), {},
             {**TRANSIENT, "sasl.oauthbearer.token.endpoint.url": "https://127.0.0.1:1/token"}),
        Case("a token from the endpoint", "good", "OK", (), spoil={"token_refusal": b"{}"}),
    ]
    return [(ground, case) for case in rows]


# ---- The others ----

def others(made: Certificates) -> list:
    kerberos = Ground(scram().broker, scram().settings)
    gssapi = {"sasl.mechanism": "GSSAPI", "sasl.username": None, "sasl.password": None}
    return [
        (kerberos, Case("Kerberos without a keytab", "login", FAILED, ("GSSAPI", "nowhere.keytab"),
                        {"mechanisms": ("GSSAPI",)},
                        {**gssapi, "sasl.kerberos.keytab": made.folder / "nowhere.keytab",
                         "sasl.kerberos.principal": "client@KAFKA.TEST"})),
        (aws(), Case("no region", "login", FAILED, ("AWS_MSK_IAM", HOST, "region"), {}, {"sasl.aws.region": None})),
        (aws(), Case("AWS refuses", "login", REFUSED, ("AWS_MSK_IAM", "Access denied"),
                     {"refuses": True, "refusal": (58, "Access denied")})),
        (aws(), Case("AWS answers what is no JSON", "login", FAILED, ("AWS_MSK_IAM", "JSON"),
                     {"last_challenge": b"fine"})),
        (aws(), Case("AWS answers in another version", "login", FAILED, ("AWS_MSK_IAM", "2020_10_22"),
                     {"last_challenge": b'{"version": "2030_01_01", "request-id": "x"}'})),
        (aws(), Case("AWS", "good", "OK", (), spoil={"refuses": True})),
    ]


# ---- What becomes of it ----

def consequences(made: Certificates) -> list:
    def few(count: int, what: str, least: int = 2) -> None:
        checks.expect(least <= count <= ATTEMPTS_MAX, f"{count} {what} in {STAY_MS} ms")

    def failed_once_and_waited(outcome: Outcome) -> None:
        report = outcome.of("report")
        checks.expect(len(report) == 1, f"{len(report)} reports")
        checks.expect(report[0]["status"] == "DELIVERY_TIMED_OUT" and report[0]["text"] == "not delivered",
                      f"the report is {report[0]}")
        checks.expect(3000 <= report[0]["number"], f"the record waited for {report[0]['number']} ms of 3000")

    def logged_in_after_reload(outcome: Outcome) -> None:
        checks.expect([line["status"] for line in outcome.of("reload")] == ["OK"], f"it did not load\n    {outcome}")
        checks.expect(outcome.of("connect")[-1]["status"] == "OK", f"the new password has no effect\n    {outcome}")

    stay = ("--stay", STAY_MS)
    wrong = {"sasl.password": WRONG_PASSWORD}
    return [
        (plain(made), Case("a wrong password makes no storm", "login", REFUSED, ("password is wrong",), {}, wrong, stay,
                           also=lambda outcome: few(outcome.broker.logins, "logins"))),
        (scram(), Case("a wrong signature makes no storm", "login", FAILED, ("signature",),
                       {"scram": {"wrong_signature": True}}, {}, stay,
                       also=lambda outcome: few(outcome.broker.logins, "logins"))),
        (plain(made), Case("a refused certificate makes no storm", "login", "CERTIFICATE_REFUSED", ("not trusted",),
                           {"certificate": made.stranger.issue("broker")}, {}, stay,
                           also=lambda outcome: few(outcome.broker.connections, "handshakes"))),
        (endpoint(made), Case("a refusing endpoint is not stormed", "login", FAILED, ("500",), {}, TRANSIENT, stay,
                              endpoint={"speaks": web_server(web_answer("500 Internal Server Error", b"{}"))},
                              also=lambda outcome: few(outcome.endpoint.logins, "requests"))),
        (plain(made), Case("sessions of a millisecond make no storm", "good", "OK", (), {"session_lifetime_ms": 1}, {},
                           stay, also=lambda outcome: few(outcome.broker.logins, "logins", 1),
                           spoil={"users": {}})),
        (plain(made), Case("records wait until their delivery timeout", "login", REFUSED, ("password is wrong",), {},
                           {**wrong, "delivery.timeout.ms": 3000, "request.timeout.ms": 2000, "linger.ms": 0},
                           ("--send", "lines"), also=failed_once_and_waited)),
        (plain(made), Case("a new password has its effect", "login", REFUSED, ("password is wrong",), {}, wrong,
                           ("--reload", f"sasl.password={PASSWORD}"), also=logged_in_after_reload)),
    ]


def cases(folder: pathlib.Path) -> list:
    made = Certificates(folder / "certificates")
    tables = (consequences, passwords, brokers, scrams, tokens, endpoints, others)
    rows = [row for table in tables for row in table(made)]
    for _, case in rows:
        case.not_words = (*case.not_words, *SECRETS)
    return rows


if __name__ == "__main__":
    main_of("bad-login", cases)

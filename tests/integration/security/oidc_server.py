#!/usr/bin/env python3
"""A small OpenID Connect provider for tests: OAuth's client credentials grant and JWKS over HTTPS, tokens signed with
RS256, and every fault that a token endpoint can have. Needs the command `openssl`.

    server = OidcServer(folder, root.issue("oidc"), {"client": "secret"})   # an Identity of certificates.py
    server.start()
    server.token_url                          # https://localhost:PORT/token
    server.jwks_url, server.jwks_file         # for brokers: sasl.oauthbearer.jwks.endpoint.url
    server.fault = Fault("throttled", count=2)
    server.requests                           # what clients sent
    server.end()

As a program it serves until its standard input ends: usage: oidc_server.py FOLDER [--lifetime=SECONDS] [--fault=NAME]
[--client=ID:SECRET]; it makes its own authority in FOLDER and prints NAME=VALUE lines of where things are.
"""
import argparse
import base64
import dataclasses
import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

import certificates

ISSUER = "https://issuer.test"
AUDIENCE = "kafka"
KEY_ID = "test-key"
LARGE_BODY_BYTES = 100 * 1024


def base64_url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SigningKey:
    """An RSA key, and what is signed with it."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        certificates.openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path)
        modulus = certificates.openssl("rsa", "-in", path, "-noout", "-modulus").strip().split("=")[1]
        self.modulus = bytes.fromhex(modulus)

    def jwk(self, key_id: str) -> dict:
        """RFC 7517; 65537 is what openssl takes as the exponent."""
        return {"kty": "RSA", "kid": key_id, "use": "sig", "alg": "RS256", "n": base64_url(self.modulus),
                "e": base64_url((65537).to_bytes(3, "big"))}

    def sign(self, claims: dict, key_id: str) -> str:
        """RFC 7519, RFC 7515."""
        header = {"alg": "RS256", "typ": "JWT", "kid": key_id}
        signed = ".".join(base64_url(json.dumps(part).encode()) for part in (header, claims))
        result = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(self.path)], input=signed.encode(),
                                capture_output=True, check=True)
        return f"{signed}.{base64_url(result.stdout)}"


@dataclasses.dataclass
class Fault:
    """What goes wrong, by a name of FAULTS, and for how many requests; None: for all."""
    name: str
    count: int | None = None

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise ValueError(f"there is no fault {self.name}: {' '.join(sorted(FAULTS))}")


@dataclasses.dataclass
class Request:
    """What a client sent."""
    path: str
    headers: dict
    body: str


class OidcServer:
    """Serves on a port of its own, on loopback, by threads that end with the test."""

    def __init__(self, folder: pathlib.Path, identity: certificates.Identity, clients: dict[str, str],
                 lifetime_seconds: int = 3600) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.clients = clients
        self.lifetime_seconds = lifetime_seconds
        self.fault: Fault | None = None
        self.requests: list[Request] = []
        self.tokens: list[str] = []
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.key = SigningKey(folder / "signing-key.pem")
        self.other_key = SigningKey(folder / "other-key.pem")
        self.jwks = json.dumps({"keys": [self.key.jwk(KEY_ID)]})
        self.jwks_file = folder / "jwks.json"
        self.jwks_file.write_text(self.jwks)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.chain, identity.key)
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.oidc = self
        # The handshake belongs to the connection's own thread: a client that stalls must not hold up the others.
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.http.server_address[1]
        self.base_url = f"https://localhost:{self.port}"
        self.token_url = f"{self.base_url}/token"
        self.jwks_url = f"{self.base_url}/jwks"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> "OidcServer":
        self.thread.start()
        return self

    def end(self) -> None:
        self.ending.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def __enter__(self) -> "OidcServer":
        return self.start()

    def __exit__(self, *_) -> None:
        self.end()

    def claims(self, client: str) -> dict:
        now = int(time.time())
        return {"iss": ISSUER, "aud": AUDIENCE, "sub": client, "scope": "produce", "iat": now, "nbf": now,
                "exp": now + self.lifetime_seconds, "jti": f"{now}-{len(self.tokens)}"}

    def token(self, client: str, **changes) -> str:
        """A signed token; changes are claims, None takes one out."""
        claims = self.claims(client) | changes
        token = self.key.sign({name: value for name, value in claims.items() if value is not None}, KEY_ID)
        with self.lock:
            self.tokens.append(token)
        return token

    def take_fault(self) -> str | None:
        with self.lock:
            fault = self.fault
            if fault is None or fault.count == 0:
                return None
            if fault.count is not None:
                fault.count -= 1
            return fault.name


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""
    protocol_version = "HTTP/1.1"
    server_version = "oidc-test"
    timeout = 60

    def log_message(self, *_) -> None:
        """Tests look at OidcServer.requests."""

    def handle(self) -> None:
        try:
            super().handle()
        except (ssl.SSLError, ConnectionError, TimeoutError):
            self.close_connection = True  # a client that does not trust us, or was ended

    def do_GET(self) -> None:
        if self.path == "/jwks":
            self.answer(200, self.oidc.jwks)
        elif self.path == "/.well-known/openid-configuration":
            self.answer(200, json.dumps({"issuer": ISSUER, "token_endpoint": self.oidc.token_url,
                                         "jwks_uri": self.oidc.jwks_url}))
        else:
            self.answer_error(404, "not_found", "nothing is here")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode(errors="replace")
        with self.oidc.lock:
            self.oidc.requests.append(Request(self.path, dict(self.headers), body))
        if self.path.split("?")[0] != "/token":
            self.answer_error(404, "not_found", "nothing is here")
            return
        fault = self.oidc.take_fault()
        if fault is not None and FAULTS[fault].before_login:
            FAULTS[fault].answer(self, "")
            return
        client = self.logged_in_client(body)
        if client is None:
            return
        if fault is not None:
            FAULTS[fault].answer(self, client)
        else:
            self.answer_token(self.oidc.token(client))

    @property
    def oidc(self) -> OidcServer:
        return self.server.oidc

    def logged_in_client(self, body: str) -> str | None:
        """The client's id; None: the answer has been given."""
        form = urllib.parse.parse_qs(body)
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        client, _, secret = base64.b64decode(text).decode().partition(":") if kind == "Basic" else ("", "", "")
        if not client or self.oidc.clients.get(client) not in (secret, urllib.parse.unquote_plus(secret)):
            self.answer_error(401, "invalid_client", f"client {client} or its secret {secret} is not known")
        elif form.get("grant_type") != ["client_credentials"]:
            self.answer_error(400, "unsupported_grant_type", "only client_credentials")
        elif form.get("scope", ["produce"]) != ["produce"]:
            self.answer_error(400, "invalid_scope", "only produce")
        else:
            return client
        return None

    def answer_token(self, token: str, **changes) -> None:
        fields = {"access_token": token, "token_type": "Bearer", "expires_in": self.oidc.lifetime_seconds} | changes
        self.answer(200, json.dumps({name: value for name, value in fields.items() if value is not None}))

    def answer_error(self, status: int, error: str, description: str) -> None:
        self.answer(status, json.dumps({"error": error, "error_description": description}))

    def answer(self, status: int, body: str, content_type: str = "application/json", headers: tuple = ()) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def stall(self) -> None:
        """Says nothing until the server ends or the client has gone."""
        self.oidc.ending.wait(self.timeout)
        self.close_connection = True

    def close_now(self) -> None:
        self.close_connection = True
        self.connection.close()


@dataclasses.dataclass
class Answer:
    """answer(handler, client); before_login: whoever asks."""
    answer: object
    before_login: bool = True


def token_with(**changes) -> Answer:
    """Claims other than they should be, numbers as seconds from now; expires_in is left out, so that the token's own
    life counts."""
    def answer(handler: Handler, client: str) -> None:
        now = int(time.time())
        claims = {name: now + value if isinstance(value, int) else value for name, value in changes.items()}
        handler.answer_token(handler.oidc.token(client, **claims), expires_in=None)
    return Answer(answer, before_login=False)


def fields_with(**changes) -> Answer:
    return Answer(lambda handler, client: handler.answer_token(handler.oidc.token(client), **changes),
                  before_login=False)


def status(code: int, headers: tuple = (), **body) -> Answer:
    return Answer(lambda handler, _: handler.answer(code, json.dumps(body or {"error": "fault"}), headers=headers))


def content(body: str, content_type: str = "application/json") -> Answer:
    return Answer(lambda handler, _: handler.answer(200, body, content_type))


def signed_by_another(handler: Handler, client: str) -> None:
    handler.answer_token(handler.oidc.other_key.sign(handler.oidc.claims(client), KEY_ID))


def key_unknown(handler: Handler, client: str) -> None:
    handler.answer_token(handler.oidc.key.sign(handler.oidc.claims(client), "unknown-key"))


def unsigned(handler: Handler, client: str) -> None:
    parts = [base64_url(json.dumps(part).encode()) for part in ({"alg": "none"}, handler.oidc.claims(client))]
    handler.answer_token(".".join(parts) + ".")


def short_body(handler: Handler, _: str) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.close_now()


def trickle(handler: Handler, _: str) -> None:
    """A byte now and then, so that no pause is long but the answer has no end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.oidc.ending.wait(0.2):
        handler.wfile.write(b" ")
        handler.wfile.flush()


FAULTS = {
    "throttled": status(429, (("Retry-After", "1"),), error="slow_down", error_description="too many requests"),
    "throttled_long": status(429, (("Retry-After", "100000"),), error="slow_down"),
    "server_error": status(500, error="server_error", error_description="out of order"),
    "unavailable": status(503, (("Retry-After", "1"),), error="temporarily_unavailable"),
    "forbidden": status(403, error="access_denied", error_description="not for you"),
    "bad_request": status(400, error="invalid_request", error_description="no\r\nforged line\x1b[31m"),
    "redirect": status(302, (("Location", "https://127.0.0.1:1/elsewhere"),)),
    "slow": Answer(lambda handler, _: handler.stall()),
    "trickle": Answer(trickle),
    "cut": Answer(short_body),
    "closed": Answer(lambda handler, _: handler.close_now()),
    "large": content(json.dumps({"access_token": "x" * LARGE_BODY_BYTES, "expires_in": 60})),
    "html": content("<html><body>Log in</body></html>", "text/html"),
    "empty": content(""),
    "not_json": content("{access_token: 'x'}"),
    "array": content("[]"),
    "no_token": content('{"token_type":"Bearer","expires_in":60}'),
    "error_as_success": content('{"error":"invalid_grant","error_description":"gone"}'),
    "token_with_blanks": content('{"access_token":"a b","expires_in":60}'),
    "token_no_string": content('{"access_token":12,"expires_in":60}'),
    "two_tokens": content('{"access_token":"a","access_token":"b","expires_in":60}'),
    "opaque_no_life": content('{"access_token":"opaque"}'),
    "wrong_type": fields_with(token_type="mac"),
    "bad_life": fields_with(expires_in="soon"),
    "no_life": fields_with(expires_in=0),
    "expired": token_with(exp=-60, iat=-120, nbf=-120),
    "future": token_with(exp=7200, iat=3600, nbf=3600),
    "wrong_audience": token_with(aud="another"),
    "wrong_issuer": token_with(iss="https://another.test"),
    "no_subject": token_with(sub=None),
    "no_expiry_claim": token_with(exp=None),
    "signed_by_another": Answer(signed_by_another, before_login=False),
    "key_unknown": Answer(key_unknown, before_login=False),
    "unsigned": Answer(unsigned, before_login=False),
}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--lifetime", type=int, default=3600, metavar="SECONDS")
    parser.add_argument("--fault", choices=sorted(FAULTS))
    parser.add_argument("--client", default="client:secret", metavar="ID:SECRET")
    options = parser.parse_args(arguments)
    client, _, secret = options.client.partition(":")
    root = certificates.Authority(options.folder / "authority")
    with OidcServer(options.folder, root.issue("oidc"), {client: secret}, options.lifetime) as server:
        server.fault = Fault(options.fault) if options.fault else None
        print(f"ca={root.certificate}\ntoken_url={server.token_url}\njwks_url={server.jwks_url}\n"
              f"jwks_file={server.jwks_file}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])

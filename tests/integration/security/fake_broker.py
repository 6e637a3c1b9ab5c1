"""A Kafka broker on the loopback interface that greets, logs in and describes itself, by TLS or without, as rightly or
as wrongly as a test asks. Right it is without any `Behaviour`; each field of that is one thing that can be wrong.

    with FakeBroker(Behaviour(certificate=expired)) as broker:
        ...  # broker.port
    broker.logins, broker.errors
"""
import base64
import contextlib
import dataclasses
import hashlib
import hmac
import json
import socket
import ssl
import struct
import threading
import warnings
from collections.abc import Callable

from security.certificates import Identity

METADATA, SASL_HANDSHAKE, API_VERSIONS, INIT_PRODUCER_ID, SASL_AUTHENTICATE = 3, 17, 18, 22, 36
# What is offered, by API key. Versions that are flexible are offered where that is cheap to speak.
APIS = {0: (3, 9), METADATA: (4, 5), SASL_HANDSHAKE: (0, 1), API_VERSIONS: (0, 4), INIT_PRODUCER_ID: (0, 1),
        SASL_AUTHENTICATE: (0, 2)}
FIRST_FLEXIBLE = {API_VERSIONS: 3, SASL_AUTHENTICATE: 2}
UNSUPPORTED_VERSION, UNSUPPORTED_MECHANISM, ILLEGAL_STATE, LOGIN_REFUSED = 35, 33, 34, 58
FRAME_BYTES_MAX = 1 << 20
DRAIN_SECONDS = 5.0
USER, PASSWORD = "alice", "alice's secret"


@dataclasses.dataclass
class Behaviour:
    """What the broker does, and what of it is wrong."""
    # TLS. Without a certificate the port speaks plain Kafka.
    certificate: Identity | None = None
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: str = "DEFAULT"
    curve: str | None = None
    trusts: Identity | None = None  # clients have to show a certificate of this authority
    after_handshake: bytes = b""    # as they are, not as a record of TLS
    # Takes the socket in the place of TLS and Kafka.
    instead: Callable[[socket.socket, "FakeBroker"], None] | None = None
    # Spoken in the place of Kafka, within TLS if there is TLS.
    speaks: Callable[[Callable, Callable, "FakeBroker"], None] | None = None
    # Kafka.
    host: str = "127.0.0.1"  # as the broker describes itself
    apis: dict = dataclasses.field(default_factory=dict)  # other ranges than in APIS; None: not offered
    speaks_first: bytes = b""
    spoils: dict = dataclasses.field(default_factory=dict)  # API key: what becomes of the answer, such as `cut`
    # SASL. Without mechanisms nobody has to log in.
    mechanisms: tuple = ()
    listed: tuple | None = None  # what the handshake's answer lists; None: mechanisms
    handshake_error: int = 0
    users: dict = dataclasses.field(default_factory=lambda: {USER: PASSWORD})
    refuses: bool = False  # AWS_MSK_IAM, whose signatures nobody checks here
    scram: dict = dataclasses.field(default_factory=dict)  # other values of SCRAM
    refusal: tuple = (LOGIN_REFUSED, "Authentication failed: Invalid username or password")
    token_refusal: bytes = b""  # the challenge that OAUTHBEARER refuses with
    last_challenge: bytes | None = None  # what goes with a login that went well
    session_lifetime_ms: int = 0


# How SCRAM's messages are made up. `again` sends the first one twice, `code` refuses at that step.
SCRAM = {"first": "r={client}{server},s={salt},i={iterations}", "final": "v={signature}", "server_nonce": "serverpart",
         "salt": b"some salt of the broker's", "iterations": 4096, "wrong_signature": False}


class FakeBroker:
    """Serves each connection by a thread until the end of the with block."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.connections = self.handshakes = self.logins = self.accepted = 0
        self.errors: list[str] = []
        self.open: set[socket.socket] = set()
        self.tls = server_context(self.behaviour) if self.behaviour.certificate else None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]

    def __enter__(self) -> "FakeBroker":
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_error) -> None:
        self.closing.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            still_open = list(self.open)
        for link in still_open:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        self.thread.join(DRAIN_SECONDS)

    def count(self, name: str) -> None:
        with self.lock:
            setattr(self, name, getattr(self, name) + 1)

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            self.count("connections")
            with self.lock:
                self.open.add(link)
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        try:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.behaviour.instead:
                self.behaviour.instead(link, self)
            elif self.tls:
                self._serve_tls(link)
            else:
                self._speak(link.recv, link.sendall)
        except (OSError, EOFError, ValueError) as error:
            with self.lock:
                self.errors.append(f"{type(error).__name__}: {error}")
        finally:
            self._end(link)

    def _serve_tls(self, link: socket.socket) -> None:
        """Sans I/O, so that an alert is sent before the socket closes, whatever the handshake led to."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = self.tls.wrap_bio(incoming, outgoing, server_side=True)

        def step(action, *arguments):
            while True:
                try:
                    result = action(*arguments)
                    link.sendall(outgoing.read())
                    return result
                except ssl.SSLWantReadError:
                    link.sendall(outgoing.read())
                    data = link.recv(1 << 16)
                    if not data:
                        raise EOFError("the client closed within TLS") from None
                    incoming.write(data)
                except ssl.SSLError:
                    link.sendall(outgoing.read())
                    raise

        step(session.do_handshake)
        self.count("handshakes")
        link.sendall(self.behaviour.after_handshake)
        self._speak(lambda size: step(session.read, size), lambda data: step(session.write, data))

    def _speak(self, receive: Callable, send: Callable) -> None:
        if self.behaviour.speaks:
            self.behaviour.speaks(receive, send, self)
        else:
            Session(self, receive, send).run()

    def _end(self, link: socket.socket) -> None:
        """What was sent is to arrive: a socket that is closed with input unread would reset the connection."""
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_WR)
            link.settimeout(DRAIN_SECONDS)
            while not self.closing.is_set() and link.recv(1 << 16):
                pass
        with self.lock:
            self.open.discard(link)
        link.close()


def server_context(behaviour: Behaviour) -> ssl.SSLContext:
    """At OpenSSL's security level 0: it is the client's to refuse."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that TLS 1.1 is old is what the test is about
        context.minimum_version, context.maximum_version = behaviour.minimum, behaviour.maximum
    context.set_ciphers(behaviour.ciphers + ":@SECLEVEL=0")
    context.load_cert_chain(behaviour.certificate.chain, behaviour.certificate.key)
    if behaviour.curve:
        context.set_ecdh_curve(behaviour.curve)
    if behaviour.trusts:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(behaviour.trusts.certificate)
    return context


# ---- In the place of TLS ----

def hang_up(_link: socket.socket, _broker: FakeBroker) -> None:
    """Closes as soon as the connection is there."""


def hang_up_after_hello(link: socket.socket, _broker: FakeBroker) -> None:
    link.recv(1 << 16)


def stall(_link: socket.socket, broker: FakeBroker) -> None:
    broker.closing.wait()


def answering(answer: bytes) -> Callable:
    """Waits for the client's first bytes, sends these and closes."""
    def answer_and_close(link: socket.socket, _broker: FakeBroker) -> None:
        link.recv(1 << 16)
        link.sendall(answer)
    return answer_and_close


HTTP_ANSWER = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
# record: type 21, version, length 2; alert: level fatal, description (RFC 8446, section 6)
ALERT_HANDSHAKE_FAILURE = bytes((21, 3, 3, 0, 2, 2, 40))
# record: type 22, TLS 1.2, 100 bytes of which few come
HALF_A_HELLO = bytes((22, 3, 3, 0, 100, 2, 0, 0, 96, 3, 3)) + bytes(20)


# ---- In the place of Kafka ----

def web_server(answer: bytes) -> Callable:
    """Takes requests over HTTP, counted as logins, and answers each with these bytes; with none at all if there are
    none."""
    def speak(receive: Callable, send: Callable, broker: FakeBroker) -> None:
        taken = b""
        while True:
            while b"\r\n\r\n" not in taken:
                data = receive(1 << 16)
                if not data:
                    return
                taken += data
            head, taken = taken.split(b"\r\n\r\n", 1)
            fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
            length = int(fields.get(b"content-length", b"0"))
            while len(taken) < length:
                taken += receive(1 << 16)
            taken = taken[length:]
            broker.count("logins")
            if not answer:
                broker.closing.wait()
            send(answer)
    return speak


def web_answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


# ---- What can become of an answer: a function of the whole frame and the broker, None to close ----

def cut(frame: bytes, _broker: FakeBroker) -> bytes | None:
    """Says less than its length claims; then the connection closes."""
    raise Unfinished(frame[:len(frame) // 2])


def empty_body(frame: bytes, _broker: FakeBroker) -> bytes:
    """A whole frame that ends behind the correlation id."""
    return struct.pack(">i", 4) + frame[4:8]


def huge(_frame: bytes, _broker: FakeBroker) -> bytes:
    return struct.pack(">i", 0x7fffffff) + b"much more"


def negative(_frame: bytes, _broker: FakeBroker) -> bytes:
    return struct.pack(">i", -5) + b"less than nothing"


def garbage(frame: bytes, _broker: FakeBroker) -> bytes:
    """The right length and correlation id, and nonsense."""
    return frame[:8] + b"\xff" * (len(frame) - 8)


def uncorrelated(frame: bytes, _broker: FakeBroker) -> bytes:
    return frame[:4] + struct.pack(">i", 123456) + frame[8:]


def twice(frame: bytes, _broker: FakeBroker) -> bytes:
    return frame + frame


def closed(_frame: bytes, _broker: FakeBroker) -> bytes | None:
    return None


def withheld(_frame: bytes, broker: FakeBroker) -> bytes | None:
    broker.closing.wait()
    return None


class Unfinished(ValueError):
    """Carries what is sent before the connection closes."""


class Session:
    """Kafka's protocol on one connection."""

    def __init__(self, broker: FakeBroker, receive: Callable, send: Callable) -> None:
        self.broker, self.receive, self.send = broker, receive, send
        self.behaviour = broker.behaviour
        self.exchange = None
        self.is_logged_in = not self.behaviour.mechanisms

    def run(self) -> None:
        if self.behaviour.speaks_first:
            self.send(self.behaviour.speaks_first)
        while True:
            key, version, correlation, body = self._request()
            flexible = version >= FIRST_FLEXIBLE.get(key, 1 << 15)
            header = struct.pack(">i", correlation) + (b"\0" if flexible and key != API_VERSIONS else b"")
            answer = header + self._answer(key, version, body)
            frame = struct.pack(">i", len(answer)) + answer
            spoil = self.behaviour.spoils.get(key)
            try:
                frame = spoil(frame, self.broker) if spoil else frame
            except Unfinished as part:
                frame = part.args[0]
                self.send(frame)
                raise
            if frame is None:
                raise EOFError("closed as the test asked")
            self.send(frame)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.receive(size - len(data))
            if not part:
                raise EOFError("the client closed")
            data += part
        return data

    def _request(self) -> tuple:
        size, = struct.unpack(">i", self._exactly(4))
        if not 8 <= size <= FRAME_BYTES_MAX:
            raise ValueError(f"a request of {size} bytes")
        frame = self._exactly(size)
        key, version, correlation, name_bytes = struct.unpack(">hhih", frame[:10])
        at = 10 + max(name_bytes, 0)
        if version >= FIRST_FLEXIBLE.get(key, 1 << 15):
            at += 1  # no tagged fields
        return key, version, correlation, frame[at:]

    def _answer(self, key: int, version: int, body: bytes) -> bytes:
        if key == API_VERSIONS:
            return self._api_versions(version)
        if key == SASL_HANDSHAKE:
            return self._handshake(body)
        if key == SASL_AUTHENTICATE:
            return self._authenticate(version, body)
        if not self.is_logged_in:
            raise ValueError(f"API {key} before the login")
        if key == METADATA:
            return self._metadata(version)
        if key == INIT_PRODUCER_ID:
            return struct.pack(">ihqh", 0, 0, 4000, 0)
        raise ValueError(f"API {key} is not spoken here")

    def _api_versions(self, version: int) -> bytes:
        offered = {key: range_ for key, range_ in {**APIS, **self.behaviour.apis}.items() if range_}
        rows = [struct.pack(">hhh", key, *range_) for key, range_ in sorted(offered.items())]
        if version > offered[API_VERSIONS][1]:
            return struct.pack(">hi", UNSUPPORTED_VERSION, len(rows)) + b"".join(rows)
        if version >= FIRST_FLEXIBLE[API_VERSIONS]:
            return (struct.pack(">hB", 0, len(rows) + 1) + b"".join(row + b"\0" for row in rows)
                    + struct.pack(">i", 0) + b"\0")
        return struct.pack(">hi", 0, len(rows)) + b"".join(rows) + (struct.pack(">i", 0) if version else b"")

    def _metadata(self, version: int) -> bytes:
        """One broker, this one; no topic, whatever was asked for."""
        host = self.behaviour.host.encode()
        return (struct.pack(">iiih", 0, 1, 0, len(host)) + host + struct.pack(">ih", self.broker.port, -1)
                + struct.pack(">hii", -1, 0, 0) + (b"" if version < 8 else struct.pack(">i", 0)))

    def _handshake(self, body: bytes) -> bytes:
        size, = struct.unpack(">h", body[:2])
        mechanism = body[2:2 + size].decode()
        listed = self.behaviour.mechanisms if self.behaviour.listed is None else self.behaviour.listed
        error = self.behaviour.handshake_error
        if error == 0 and mechanism not in self.behaviour.mechanisms:
            error = UNSUPPORTED_MECHANISM
        self.exchange = EXCHANGES[mechanism](self.behaviour, mechanism) if error == 0 else None
        names = [name.encode() for name in listed]
        return struct.pack(">hi", error, len(names)) + b"".join(struct.pack(">h", len(name)) + name for name in names)

    def _authenticate(self, version: int, body: bytes) -> bytes:
        if self.exchange is None:
            return authenticate_answer(version, ILLEGAL_STATE, "SaslAuthenticate without SaslHandshake", b"", 0)
        response = body[4:] if version < 2 else body[compact_length_bytes(body):-1]
        if self.exchange.steps == 0:
            self.broker.count("logins")
        self.exchange.steps += 1
        try:
            challenge, done = self.exchange.step(response)
        except Refused as refusal:
            self.exchange = None
            return authenticate_answer(version, *refusal.args, b"", 0)
        if done:
            self.exchange = None
            self.is_logged_in = True
            self.broker.count("accepted")
            if self.behaviour.last_challenge is not None:
                challenge = self.behaviour.last_challenge
        return authenticate_answer(version, 0, None, challenge, self.behaviour.session_lifetime_ms if done else 0)


def compact_length_bytes(body: bytes) -> int:
    """How long the length in front of compact bytes is."""
    return next(at for at, byte in enumerate(body) if byte < 0x80) + 1


def varint(value: int) -> bytes:
    parts = b""
    while value >= 0x80:
        parts += bytes(((value & 0x7f) | 0x80,))
        value >>= 7
    return parts + bytes((value,))


def authenticate_answer(version: int, code: int, message: str | None, challenge: bytes, lifetime_ms: int) -> bytes:
    """error_code:INT16 error_message:NULLABLE_STRING auth_bytes:BYTES session_lifetime_ms:INT64, the last from version
    1 on, compact from version 2 on."""
    text = None if message is None else message.encode()
    if version >= 2:
        string = b"\0" if text is None else varint(len(text) + 1) + text
        return (struct.pack(">h", code) + string + varint(len(challenge) + 1) + challenge
                + struct.pack(">q", lifetime_ms) + b"\0")
    string = struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text
    return (struct.pack(">h", code) + string + struct.pack(">i", len(challenge)) + challenge
            + (struct.pack(">q", lifetime_ms) if version else b""))


# ---- The mechanisms, from the broker's side ----

class Refused(Exception):
    """Error code and message of a SaslAuthenticate answer."""


class Exchange:
    def __init__(self, behaviour: Behaviour, mechanism: str) -> None:
        self.behaviour, self.mechanism, self.steps = behaviour, mechanism, 0

    def refuse(self) -> None:
        raise Refused(*self.behaviour.refusal)

    def step(self, response: bytes) -> tuple:
        """Returns the challenge and whether the login is done."""
        raise NotImplementedError


class Plain(Exchange):
    """RFC 4616: [authzid] NUL authcid NUL passwd"""

    def step(self, response: bytes) -> tuple:
        _, user, password = response.decode().split("\0")
        if self.behaviour.users.get(user) != password:
            self.refuse()
        return b"", True


class OAuthBearer(Exchange):
    """RFC 7628: a refusal is a challenge in JSON, which the client answers with one byte 0x01."""

    def step(self, response: bytes) -> tuple:
        if response == b"\x01":
            self.refuse()
        if not response.startswith(b"n,,\x01") or not response.endswith(b"\x01\x01"):
            raise ValueError(f"no client message of OAUTHBEARER: {response!r}")
        return (self.behaviour.token_refusal, False) if self.behaviour.token_refusal else (b"", True)


class MskIam(Exchange):
    """AWS's mechanism: a signed document in JSON, answered by another."""

    def step(self, response: bytes) -> tuple:
        if self.behaviour.refuses or json.loads(response)["version"] != "2020_10_22":
            self.refuse()
        return b'{"version": "2020_10_22", "request-id": "of-this-test"}', True


class Refusing(Exchange):
    """Of a mechanism that is not spoken here."""

    def step(self, response: bytes) -> tuple:
        self.refuse()


class Scram(Exchange):
    """RFC 5802, as Kafka speaks it."""

    def __init__(self, behaviour: Behaviour, mechanism: str) -> None:
        super().__init__(behaviour, mechanism)
        self.digest = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}[mechanism]
        self.values = {**SCRAM, **behaviour.scram}

    def step(self, response: bytes) -> tuple:
        text = response.decode()
        return (self._first(text), False) if self.steps == 1 else (self._final(text), True)

    def _first(self, text: str) -> bytes:
        header, self.bare = text[:3], text[3:]
        attributes = dict(part.split("=", 1) for part in self.bare.split(","))
        if header != "n,," or attributes.get("n") not in self.behaviour.users or len(attributes.get("r", "")) < 16:
            self.refuse()
        self.password = self.behaviour.users[attributes["n"]]
        self.first = self._fill(self.values["first"], client=attributes["r"], swapped=attributes["r"].swapcase())
        return self.first

    def _final(self, text: str) -> bytes:
        without_proof, proof = text.rsplit(",p=", 1)
        salt, iterations = self.values["salt"], self.values["iterations"]
        salted = hashlib.pbkdf2_hmac(self.digest, self.password.encode(), salt, iterations)
        client_key = self._hmac(salted, b"Client Key")
        signed = b",".join((self.bare.encode(), self.first, without_proof.encode()))
        signature = self._hmac(hashlib.new(self.digest, client_key).digest(), signed)
        if base64.b64decode(proof) != bytes(a ^ b for a, b in zip(client_key, signature)):
            self.refuse()
        ours = self._hmac(self._hmac(salted, b"Server Key"), signed)
        if self.values["wrong_signature"]:
            ours = bytes((ours[0] ^ 1,)) + ours[1:]
        return self._fill(self.values["final"], signature=base64.b64encode(ours).decode())

    def _fill(self, form: str | bytes, **fields) -> bytes:
        if isinstance(form, bytes):
            return form
        salt = base64.b64encode(self.values["salt"]).decode()
        return form.format(server=self.values["server_nonce"], salt=salt, iterations=self.values["iterations"],
                           **fields).encode()

    def _hmac(self, key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, self.digest).digest()


EXCHANGES = {"PLAIN": Plain, "OAUTHBEARER": OAuthBearer, "SCRAM-SHA-256": Scram, "SCRAM-SHA-512": Scram,
             "AWS_MSK_IAM": MskIam, "GSSAPI": Refusing}

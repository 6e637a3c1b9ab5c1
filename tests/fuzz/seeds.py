"""First inputs for each fuzz target, from messages that Kafka's own classes wrote (tests/golden) where there are."""
import pathlib
import random
import re
import struct
import subprocess
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
API_ROW = re.compile(r"^API\((\d+), (\w+), (\d+), (\d+), (\d+)\)", re.MULTILINE)
CODECS = ["plain", "gzip", "snappy", "lz4", "zstd"]
RANDOM = random.Random(7)


class Api:
    def __init__(self, index: int, row: tuple) -> None:
        self.index, self.name = index, row[1].lower()
        self.key, self.minimum, self.maximum, self.first_flexible = (int(row[i]) for i in (0, 2, 3, 4))

    def messages(self, direction: str):
        """Every golden message: version, body."""
        for line in (TESTS / "golden" / f"{self.name}.hex").read_text().splitlines():
            name, _, body = line.partition(" ")
            found = re.match(rf"{self.name}_v(\d+)_{direction}_\w+$", name)
            if found:
                yield int(found[1]), bytes.fromhex(body)

    def is_flexible(self, version: int) -> bool:
        return version >= self.first_flexible

    def request(self, version: int, body: bytes) -> bytes:
        header = struct.pack(">hhih", self.key, version, 7, 4) + b"fuzz"
        return header + (b"\0" if self.is_flexible(version) else b"") + body

    def response(self, version: int, body: bytes, correlation_id: int = 7) -> bytes:
        has_tags = self.is_flexible(version) and self.name != "api_versions"
        return struct.pack(">i", correlation_id) + (b"\0" if has_tags else b"") + body


ROWS = API_ROW.findall((TESTS.parent / "src/protocol/api.def").read_text())
APIS = [Api(index, row) for index, row in enumerate(ROWS)]
BY_NAME = {api.name: api for api in APIS}


def frame(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def batch(name: str, base_offset: int = 0) -> bytes:
    """A golden batch; neither the offset nor the epoch in front is under its checksum."""
    data = bytes.fromhex("".join((TESTS / "golden" / f"batch_{name}.hex").read_text().split()))
    return struct.pack(">q", base_offset) + data[8:]


def string(text: str) -> bytes:
    return bytes([len(text) + 1]) + text.encode()


def produce(topic: str, partition: int, records: bytes, acks: int = -1) -> bytes:
    """Version 9, one partition."""
    size = len(records) + 1
    length = bytes([size & 0x7f | 0x80, size >> 7 & 0x7f | 0x80, size >> 14])
    body = b"\0" + struct.pack(">hi", acks, 1000) + b"\2" + string(topic) + b"\2" + struct.pack(">i", partition)
    return frame(BY_NAME["produce"].request(9, body + length + records + b"\0\0\0"))


def request():
    for api in APIS:
        for version, body in api.messages("request"):
            yield api.request(version, body)


def response():
    for api in APIS:
        for version, body in api.messages("response"):
            yield bytes([api.index, version - api.minimum]) + api.response(version, body)


def broker():
    for api in APIS:
        for version, body in list(api.messages("request"))[-3:]:
            yield b"\0" + frame(api.request(version, body))
    fetch_body = struct.pack(">iiiibii", -1, 10, 1, 10000, 0, 0, -1) + b"\2" + string("t") + b"\2"
    fetch_body += struct.pack(">iiqiqi", 0, -1, 0, -1, -1, 10000) + b"\0\0\1\1\0"
    offsets_body = struct.pack(">ib", -1, 0) + b"\2" + string("t") + b"\2" + struct.pack(">iiq", 0, -1, -1) + b"\0\0\0"
    for name in CODECS:
        data = batch(name)
        unsealed = data[:17] + b"crc!" + data[21:]
        reading = frame(BY_NAME["fetch"].request(12, fetch_body))
        reading += frame(BY_NAME["list_offsets"].request(7, offsets_body))
        yield b"\5" + produce("t", 0, data) + produce("t", 0, data) + reading
        yield b"\7" + produce("t", 1, unsealed) + produce("new", 0, unsealed, 0) + reading


def connection():
    versions = [BY_NAME["api_versions"].response(version, body, 1) for version, body in
                BY_NAME["api_versions"].messages("response") if version == 4]
    unsupported = struct.pack(">ihi", 1, 35, 1) + struct.pack(">hhh", 18, 0, 3)
    third = [BY_NAME["api_versions"].response(3, body, 2) for version, body in
             BY_NAME["api_versions"].messages("response") if version == 3]
    answers = b"".join(frame(struct.pack(">i", 100 + i) + b"\0" * (i % 2) + b"x" * i * 3) for i in range(6))
    for each in versions:
        yield bytes([3, 1]) + frame(each) + answers
        yield bytes([1, 9]) + frame(each) + frame(struct.pack(">i", 999))
        yield bytes([0, 4]) + frame(each) + answers
        for length in (-1, 0, 3, 1 << 30):
            yield bytes([2, 5]) + frame(each) + struct.pack(">i", length) + b"abcdefgh"
    for each in third:
        yield bytes([2, 3]) + frame(unsupported) + frame(each) + answers
    yield bytes([2, 3]) + frame(unsupported) + frame(unsupported)
    offers = b"".join(struct.pack(">hhh", key, low, high) for key, low, high in ((17, 1, 1), (36, 0, 2), (3, 4, 12)))
    offered = frame(struct.pack(">ihi", 1, 35, 1) + struct.pack(">hhh", 18, 0, 0)) + frame(
        struct.pack(">ihi", 2, 0, 3) + offers)
    for error in (0, 33):
        for token_error in (0, 58):
            for session_ms in (0, 60000):
                login = b"".join(
                    frame(struct.pack(">ihi", number, error, 1) + b"\0\5PLAIN") +
                    frame(struct.pack(">i", number - 1) + b"\0" + struct.pack(">h", token_error) + b"\0\1" +
                          struct.pack(">q", session_ms) + b"\0") for number in (-1, -3))
                yield bytes([0x83, 7]) + offered + login + answers
                yield bytes([0xc3, 7]) + offered + login + answers
    for each in versions:
        yield bytes([0x43, 2]) + frame(each) + answers
        yield bytes([2, 0]) + frame(each) + frame(struct.pack(">i", 100) + b"z" * 1900) + answers
    yield bytes([1, 1]) + b"HTTP/1.1 400 Bad Request\r\n\r\n"
    yield bytes([1, 1]) + bytes([21, 3, 3, 0, 2, 2, 70])


def core():
    for seed in range(60):
        source = random.Random(seed)
        script = bytearray([source.randrange(128)])
        for _ in range(source.randrange(5, 60)):
            script += bytes([source.randrange(21), source.randrange(256)])
        yield bytes(script)
    yield bytes([0, 0, 1, 4, 255, 1, 20, 4, 255, 5, 20])


def record_batch():
    for name in CODECS + ["transactional"]:
        for version in (0, 6):
            yield bytes([1, version]) + batch(name)
    plain = batch("plain")
    header = plain[:61]
    record = b"\x14\0\0\0\6key\2v\0"
    refused = b"\x1a\0\0\0\1\x0crefuse\0"
    late = b"\x18\0" + b"\xfe" * 6 + b"\1\0\1\1\0"

    def sealed(*records: bytes, offset: int = 0, attributes: int = 0, producer: tuple = (-1, -1, -1)) -> bytes:
        """The target computes the checksum."""
        body = b"".join(records)
        return (struct.pack(">qiiBIhiqq", offset, 49 + len(body), -1, 2, 0, attributes, len(records) - 1, 1700000000000,
                            1700000000000) + struct.pack(">qhii", *producer, len(records)) + body)

    for version in (0, 6):
        yield bytes([1, version]) + sealed(record)
        yield bytes([1, version]) + sealed(record, attributes=4)
    for data in (sealed(record, offset=5), sealed(record, attributes=0x20), sealed(record, producer=(5, -1, -1)),
                 sealed(record, record), sealed(record) + b"x", sealed(refused), sealed(late), header,
                 sealed(*(refused[:3] + bytes([2 * i]) + refused[4:] for i in range(20))), sealed(record + b"z"),
                 sealed(record, attributes=5), sealed(record, attributes=1), sealed(record[:-3])):
        yield bytes([1, 6]) + data
    for codec in range(5):
        for block in (0, 3, 31):
            yield bytes([0, block, codec, 2, 9]) + RANDOM.randbytes(40) + b"\3\4key!\5value\2k1\2v1\2k2\0" * 12
            yield bytes([0, block, codec, 0, 0]) + RANDOM.randbytes(600)


def compression():
    for codec, name in enumerate(CODECS):
        for room in (0, 100):
            yield bytes([codec + 5, room]) + batch(name)[61:]
        for choice in (0, 1, 8, 15):
            yield bytes([codec, choice]) + b"to be or not to be, that is the question: " * 20
            yield bytes([codec, choice]) + RANDOM.randbytes(300)
            yield bytes([codec, choice])
    yield bytes([7, 0]) + bytes([11, 40]) + b"hello world"  # snappy without the framing


PROPERTIES = """# a comment
! another
bootstrap.servers = localhost:9092, [::1]:9093
client.id: a\\ name
linger.ms 5
retries=\\u0031\\u0032
compression.type=\\
    zst\\
    d
topic.orders.acks=1
unknown=\\u00e9\\ud83d\\ude00\\t\\n\\r\\f\\\\
empty=
"""


def properties():
    yield PROPERTIES.encode()
    yield PROPERTIES.replace("\n", "\r\n").encode()
    for text in ("a=b", "=b", "a", " a b ", "a\\=b=c", "a=\\", "a=\\u12", "a=\\ud800", "a=\\u0000", "a\0=b",
                 "\\\n#a=b"):
        yield text.encode()
    yield b"\xef\xbb\xbfa=b\rc=d\r\n\r\ne=f"


def config():
    yield PROPERTIES.replace("unknown=", "#").encode()
    head = "bootstrap.servers=b1:9092\n"
    table = (TESTS.parent / "src/producer/setting.def").read_text()
    names = re.findall(r"^\w+\(\s*\w+, \"([a-z0-9.]+)\"", table, re.MULTILINE)
    for value in ("1", "true", "-1", "all", "none", "", "a, b"):
        for part in range(0, len(names), 8):
            yield (head + "".join(f"{name}={value}\n" for name in names[part:part + 8])).encode()
    for name in names:
        yield f"{head}{name}=1000\n".encode()
    texts = ["unknown.settings=warn\nno.such=1\n",
             "config.providers=file, env, directory\nclient.id=${file:/proc/self/fd/200:a}\na=b\n"
             "unknown.settings=warn\n",
             "config.providers=env\nclient.id=${env:PATH}x${env:NO_SUCH}\n",
             "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=u\nsasl.password=p\n",
             "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config="
             "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"p\";\n",
             "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url="
             "https://h/t\nsasl.oauthbearer.client.id=a\nsasl.oauthbearer.client.secret=b\n"
             "sasl.login.callback.handler.class="
             "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler\n",
             "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.certificates=x\n"
             "ssl.enabled.protocols=TLSv1.2,TLSv1.3\nssl.endpoint.identification.algorithm=\n",
             "acks=1\nenable.idempotence=false\ntopic.a.acks=0\ntopic.a.compression.type=gzip\n",
             "enable.idempotence=true\nacks=1\n", "delivery.timeout.ms=10\nlinger.ms=100\nrequest.timeout.ms=100\n",
             "queue.buffering.max.ms=0.5\nmessage.timeout.ms=0\nbatch.num.messages=10\nmetadata.broker.list=a:1\n",
             "topic.a.linger.ms=1\n", "topic.a b.acks=1\n", "topic.a.no.such=1\n", "message.timeout.ms=x\n",
             "message.timeout.ms=0\nqueue.buffering.max.kbytes=1024\n",
             "queue.buffering.max.kbytes=9999999999999999999\n",
             "topic.metadata.refresh.interval.ms=-1\nconnections.max.idle.ms=-1\nmax.block.ms=9223372036854775807\n",
             "config.providers=file\nretries=${file:/proc/self/fd/200:a}\na=7\nunknown.settings=warn\n",
             "config.providers=file\nretries=${file:/proc/self/fd/200:a}\na=x\nunknown.settings=warn\n",
             "config.providers=file\nbootstrap.servers=${file:/proc/self/fd/200:a}\na=:\nunknown.settings=warn\n",
             "config.providers=file\nclient.id=${file:/proc/self/fd/200:none}\n",
             "config.providers=file\nqueue.buffering.max.ms=${file:/proc/self/fd/200:a}\n",
             "config.providers=directory\nclient.id=${directory:/proc/self/fd/200:a}${file:x}${env:A}\n",
             "config.providers=file\nmessage.timeout.ms=${file:/proc/self/fd/200:a}\n",
             "client.id=" + "x" * 40000 + "\n", "transactional.id=\nkey.serializer=x\ninterceptor.classes=y\n",
             "topic.a.acks=1\ntopic.b.acks=0\ntopic.a.acks=all\n", "compression.codec=inherit\nssl.ca.location=probe\n",
             "batch.size=0\nbuffer.memory=1\n", "retry.backoff.ms=2000\nretry.backoff.max.ms=1000\n"]
    for text in texts:
        yield (head + text).encode()


def bootstrap():
    for text in ("localhost:9092", "a, b:1,,[::1]:9093 ,PLAINTEXT://c:2", "[fe80::1%eth0]:9092", "SSL://a:1", "a:b:c",
                 "a:0", "a:65536", "[::1", "[]", "[x]:1", ":1", " , ", "10.0.0.1", "::ffff:10.0.0.1", "a_b-c.d:09092",
                 "a:1x", "a b:1", "h" * 256 + ":1", "[::1]9092"):
        yield text.encode()


def http_head():
    yield (b"HTTP/1.1 429 Too Many Requests\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: 120\r\n"
           b"Content-Type: application/json; charset=utf-8\r\n\r\n")
    yield b"retry-after: Tue, 14 Nov 2023 22:14:00 GMT\nDate: Tue, 14 Nov 2023 22:13:00 GMT\n"
    for text in ("Sun, 06 Nov 1994 08:49:37 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Sat, 31 Feb 2024 23:59:60 GMT",
                 "Mon, 01 Xyz 2024 00:00:00 GMT", "Mon, 00 Jan 2024 24:60:61 GMT", "date: x", "retry-after: 1234567890",
                 "content-type:\t" + "x" * 70 + "\x01\t", "HTTP/2 200\nDate: nonsense"):
        yield text.encode("latin-1")


def jaas():
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule required "
    for text in ("a.b.UnknownLoginModule required;", "justaword required;", plain, plain + ";", plain + "username=u",
                 plain + "username;",
                 plain + "username= ;", plain + "username=a username=b;", plain + "username=/path;", plain + "x=1;",
                 plain + "username=a b;", plain + "/* never ends", plain + "// to the end\n;", plain + "user_a=b;",
                 plain + "username=\"a\" passwort=\"b\";", plain + "username='a\\n' password=\"\\\"\";",
                 plain + "username=%;",
                 "org.apache.kafka.common.security.plain.PlainLoginModule needed;", plain + "a=b\0;",
                 "com.sun.security.auth.module.Krb5LoginModule required debug=true;",
                 "software.amazon.msk.auth.iam.IAMLoginModule required awsProfileName=\"p\";",
                 "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required oauth.x=\"y\";",
                 plain + "username=\"u\"; " + plain + ";", plain + "username=\"u", plain + "=a;"):
        yield text.encode()


def token_answer():
    expired = "a.eyJleHAiOjF9.c"  # {"exp":1}
    for body in ("{}", '{"access_token":1}', '{"access_token":"a","access_token":"b"}',
                 '{"access_token":"a","expires_in":-1}',
                 '{"access_token":"a","expires_in":"60"}', '{"access_token":"a","expires_in":"x"}',
                 '{"access_token":"a","expires_in":60,"token_type":"mac"}', f'{{"access_token":"{expired}"}}',
                 '{"access_token":"a","expires_in":9e99}', '{"access_token":"a","expires_in":60,"expires_in":61}',
                 '{"error":"x","error_description":"y"}', "[", ""):
        for status in range(9):
            yield bytes([status]) + b"\n" + body.encode()
        yield b"\0date: Tue, 14 Nov 2023 22:13:00 GMT\ncontent-type: text/html\n\n" + body.encode()
    for kind in ("text/plain", "application/xml", "text/html"):
        yield b"\0content-type: " + kind.encode() + b"\n\nno JSON"


def scram():
    first = b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096\0"
    for last in (b"", b"@", b"@,x=y", b"@,xy", b"@,,", b"v=AAAA", b"v=!", b"e=unknown-user", b"e=other", b"x=1",
                 b"v=" + b"A" * 5000):
        for choice in (0, 1, 2):
            yield bytes([choice]) + first + last


def token():
    for text in (b"", b"token\0me", b"token\0" + b"p" * 4000, b"to ken", b"a.eyJleHAiOjF9.c\0", b"a\0b\0name\0value",
                 b"a\0b\0auth\0value", b"a\0b\0n4\0value", b"a\0b\0name\0v\1", b"a\0b\0name\0v\0name\0v"):
        yield text


def _openssl(place: str, *arguments: str) -> bytes:
    done = subprocess.run(["openssl", *arguments], cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True)
    return done.stdout


def tls_store():
    for path in sorted((TESTS / "golden" / "stores").iterdir()):
        for choice in (4 + 16, 16, 4, 8 + 4 + 16):
            yield bytes([choice]) + path.read_bytes()
    with tempfile.TemporaryDirectory(prefix="seeds-") as place:
        certificate = _openssl(place, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                               "-keyout", "key.pem", "-subj", "/CN=fuzz", "-days", "9000")
        key = (pathlib.Path(place) / "key.pem").read_bytes()
        encrypted = _openssl(place, "pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:keykeykey", "-iter", "100")
        old = _openssl(place, "ec", "-in", "key.pem")
        rsa = _openssl(place, "genrsa", "-traditional", "1024")
        der = _openssl(place, "ec", "-in", "key.pem", "-outform", "DER")
        old_encrypted = _openssl(place, "ec", "-in", "key.pem", "-aes128", "-passout", "pass:keykeykey")
        (pathlib.Path(place) / "index").write_text("")
        (pathlib.Path(place) / "ca.cnf").write_text("[ca]\ndefault_ca=a\n[a]\ndatabase=index\ndefault_md=sha256\n")
        (pathlib.Path(place) / "cert.pem").write_bytes(certificate)
        revoked = _openssl(place, "ca", "-config", "ca.cnf", "-gencrl", "-keyfile", "key.pem", "-cert", "cert.pem",
                           "-crldays", "9000")
        (pathlib.Path(place) / "list.pem").write_bytes(revoked)
        revoked_der = _openssl(place, "crl", "-in", "list.pem", "-outform", "DER")
        certificate_der = _openssl(place, "x509", "-in", "cert.pem", "-outform", "DER")
        encrypted_der = _openssl(place, "pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:keykeykey", "-iter",
                                 "100",
                                 "-outform", "DER")
        packed = _openssl(place, "pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-passout",
        "pass:changeit",
                          "-nomaciter", "-keypbe", "NONE", "-certpbe", "NONE")
        wrapped = _openssl(place, "pkcs8", "-topk8", "-nocrypt", "-in", "key.pem", "-outform", "DER")
    trusted = certificate.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE")
    unknown = old_encrypted.replace(b"AES-128-CBC", b"NO-SUCH-1")
    for content in (old_encrypted, unknown, revoked, revoked_der, certificate_der, encrypted_der, packed, trusted,
                    key + key,
                    old_encrypted.replace(b"A", b"B"), certificate.replace(b"A", b"!"), revoked.replace(b"M", b"N"),
                    trusted.replace(b"M", b"N"), certificate.replace(b"\n", b"\\n"), certificate + key,
                    certificate + encrypted, old, rsa, der, wrapped,
                    b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"", b"text",
                    bytes.fromhex("cececece00000002"), bytes.fromhex("feedfeed0000000200000000")):
        for choice in (16 + 8 + 4, 0, 1 + 16):
            yield bytes([choice]) + content


SEEDS = {maker.__name__: maker for maker in (bootstrap, broker, compression, config, connection, core, http_head,
                                             jaas, properties, record_batch, request, response, scram, tls_store,
                                             token, token_answer)}

"""The embedded broker behind TLS: a relay with a certificate stands at another loopback address, which is the one that
the broker tells its clients."""
import asyncio
import contextlib
import pathlib
import ssl
import threading

from security.certificates import Authority
from small_broker import EmbeddedBroker

FRONT = "127.0.0.2"
CHUNK_BYTES = 1 << 16


class TlsBroker(EmbeddedBroker):
    """Listens at `bootstrap` for clients that trust `authority`. `protocols` has which version of TLS each connection
    came to."""

    def __init__(self, place: pathlib.Path, topics: dict, auto_create: int = 0) -> None:
        super().__init__(place, topics, auto_create)
        self.command += ["--advertise", FRONT]
        self.behind, self.bootstrap = self.bootstrap, f"{FRONT}:{self.port}"
        root = Authority(place / "authority")
        identity = root.issue("broker", names=("localhost", FRONT))
        self.authority = root.certificate
        self.protocols: list = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(identity.chain, identity.key)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def settings(self) -> dict:
        return {"security.protocol": "SSL", "ssl.ca.location": str(self.authority)}

    def __enter__(self) -> "TlsBroker":
        super().__enter__()
        try:
            self.thread.start()
            begun = asyncio.run_coroutine_threadsafe(
                asyncio.start_server(self._relay, FRONT, self.port, ssl=self.context, limit=CHUNK_BYTES), self.loop)
            self.server = begun.result(20)
        except BaseException:
            super().__exit__()
            raise
        return self

    def __exit__(self, *error) -> None:
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)
        super().__exit__(*error)

    def _answers(self) -> bool:
        self.bootstrap, kept = self.behind, self.bootstrap
        try:
            return super()._answers()
        finally:
            self.bootstrap = kept

    async def _relay(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.protocols.append(client.get_extra_info("ssl_object").version())
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            broker_reader, broker = await asyncio.open_connection("127.0.0.1", self.port, limit=CHUNK_BYTES)
            await asyncio.gather(pass_on(client_reader, broker), pass_on(broker_reader, client))
        client.close()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the end; then the other side sees it, too."""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        writer.close()

#!/usr/bin/env python3
"""A relay between clients and one broker that can be told to withhold the broker's answers: what the broker has
written is then unknown to the client, which is the state that a kill should find. `Proxy` runs this file as a process
of its own; proxy.py LISTEN_PORT TARGET_PORT takes the commands hold, cut and open from standard input and answers
each with a line."""
import contextlib
import selectors
import socket
import struct
import subprocess
import sys

import processes

CHUNK_BYTES = 1 << 18


class Proxy:
    """The test's side."""

    def __init__(self, listen_port: int, target_port: int) -> None:
        self.child = processes.start([sys.executable, __file__, listen_port, target_port], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_error) -> None:
        processes.end(self.child)

    def hold(self) -> None:
        """From now on the broker's answers stay where they are; requests pass."""
        self._tell("hold")

    def cut(self) -> None:
        """Resets every connection, drops what was held, and refuses new ones as a dead broker does."""
        self._tell("cut")

    def open(self) -> None:
        """Relays in both directions again."""
        self._tell("open")

    def _tell(self, command: str) -> None:
        self.child.stdin.write(command + "\n")
        if self.child.stdout.readline().strip() != command:
            raise RuntimeError(f"the proxy did not {command}")


class Relay:
    """The process's side: one selector, pairs of sockets. A socket whose peer cannot take more is not read."""

    def __init__(self, listen_port: int, target_port: int) -> None:
        self.listen_port, self.target_port = listen_port, target_port
        self.selector = selectors.DefaultSelector()
        self.listener: socket.socket | None = None
        self.peers: dict[socket.socket, socket.socket] = {}
        self.of_broker: set[socket.socket] = set()
        self.unsent: dict[socket.socket, bytes] = {}
        self.holding = False

    def run(self) -> None:
        self.selector.register(sys.stdin, selectors.EVENT_READ)
        self._open()
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is sys.stdin:
                    line = sys.stdin.readline()
                    if not line:
                        return
                    {"hold": self._hold, "cut": self._cut, "open": self._open}[line.strip()]()
                    print(line.strip(), flush=True)
                elif key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj in self.peers:
                    self._serve(key.fileobj)

    def _open(self) -> None:
        self.holding = False
        if self.listener is None:
            self.listener = socket.create_server(("127.0.0.1", self.listen_port), backlog=64)
            self.selector.register(self.listener, selectors.EVENT_READ)
        for broker in self.of_broker:
            self._watch(broker)

    def _hold(self) -> None:
        self.holding = True
        for broker in self.of_broker:
            self._watch(broker)

    def _cut(self) -> None:
        self.holding = False
        if self.listener is not None:
            self.selector.unregister(self.listener)
            self.listener.close()
            self.listener = None
        for link in list(self.of_broker):
            self._reset(link)

    def _accept(self) -> None:
        client, _ = self.listener.accept()
        try:
            broker = socket.create_connection(("127.0.0.1", self.target_port), timeout=5)
        except OSError:
            client.close()
            return
        self.of_broker.add(broker)
        for link, peer in ((client, broker), (broker, client)):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.setblocking(False)
            self.peers[link], self.unsent[link] = peer, b""
        self._watch(client)
        self._watch(broker)

    def _watch(self, link: socket.socket) -> None:
        """What to wait for on a socket: room if something is unsent, more to read unless its peer is clogged or it is
        held."""
        events = selectors.EVENT_WRITE if self.unsent[link] else 0
        if not self.unsent[self.peers[link]] and not (self.holding and link in self.of_broker):
            events |= selectors.EVENT_READ
        if link in self.selector.get_map():
            self.selector.unregister(link)
        if events:
            self.selector.register(link, events)

    def _serve(self, link: socket.socket) -> None:
        peer = self.peers[link]
        try:
            if self.unsent[link]:
                self.unsent[link] = self.unsent[link][link.send(self.unsent[link]):]
            elif not (self.holding and link in self.of_broker):
                data = link.recv(CHUNK_BYTES)
                if not data:
                    raise ConnectionResetError
                self.unsent[peer] = data[self._send(peer, data):]
        except BlockingIOError:
            pass
        except OSError:
            self._reset(link)
            return
        self._watch(link)
        self._watch(peer)

    @staticmethod
    def _send(link: socket.socket, data: bytes) -> int:
        try:
            return link.send(data)
        except BlockingIOError:
            return 0

    def _reset(self, link: socket.socket) -> None:
        for end in (link, self.peers[link]):
            with contextlib.suppress(KeyError):
                self.selector.unregister(end)
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
            self.of_broker.discard(end)
            del self.peers[end], self.unsent[end]


if __name__ == "__main__":
    Relay(int(sys.argv[1]), int(sys.argv[2])).run()

"""Chains of commands, as many at a time as there are processors. One that fails does so where its result is needed."""
import os
import pathlib
import subprocess
import time

import processes


class Builds:
    def __init__(self, logs: pathlib.Path) -> None:
        self.logs = logs
        self.chains: dict = {}
        self.failures: dict = {}

    def add(self, name: str, commands: list, folder: pathlib.Path | None = None) -> None:
        """Commands that follow each other, in the folder."""
        self.chains[name] = [(command, folder) for command in commands]

    def run(self) -> None:
        """Runs all that was added, to its end; meanwhile adds nothing."""
        waiting, running = list(self.chains.items()), {}
        self.chains = {}
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 2):
                name, chain = waiting.pop(0)
                running[name] = self._step(name, chain)
            for name, (child, rest) in list(running.items()):
                if child.poll() is None:
                    continue
                if processes.end(child) != 0:
                    self.failures[name] = self._log(name).read_text(encoding="utf-8", errors="replace")
                elif rest:
                    running[name] = self._step(name, rest)
                    continue
                del running[name]
            time.sleep(0.01)

    def expect(self, name: str) -> None:
        """Fails with what the chain said if it failed."""
        if name in self.failures:
            raise AssertionError(f"{name} does not build:\n{self.failures[name]}")

    def _step(self, name: str, chain: list) -> tuple:
        (command, folder), rest = chain[0], chain[1:]
        with open(self._log(name), "a", encoding="utf-8") as log:
            print("$", *command, file=log, flush=True)
            child = processes.start(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return child, rest

    def _log(self, name: str) -> pathlib.Path:
        return self.logs / f"{name.replace('/', '-')}.log"

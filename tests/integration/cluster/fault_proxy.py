"""The test's side of fault_proxy.c, which has the commands: proxy.hold(), proxy.life(50, 1500), proxy.owed("me")."""
import json
import subprocess

import checks
import processes


class FaultProxy:
    def __init__(self, listen_port: int, target_port: int, seed: int) -> None:
        self.child = processes.start([checks.program("fault_proxy"), listen_port, target_port, seed],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self) -> "FaultProxy":
        return self

    def __exit__(self, *_error) -> None:
        processes.end(self.child)

    def __getattr__(self, name: str):
        """A command that is answered by its own name; cut_request is cut-request."""
        command = name.replace("_", "-")
        if name.startswith("_"):
            raise AttributeError(name)

        def tell(*numbers: int) -> None:
            answer = self._ask(" ".join(map(str, (command, *numbers))))
            checks.expect(answer == command, f"the proxy answered {command} by {answer!r}")
        return tell

    def owed(self, client_id: str) -> int:
        return int(self._ask(f"owed {client_id}"))

    def held(self, client_id: str) -> int:
        return int(self._ask(f"held {client_id}"))

    def tally(self) -> dict:
        return json.loads(self._ask("tally"))

    def _ask(self, command: str) -> str:
        self.child.stdin.write(command + "\n")
        answer = self.child.stdout.readline().strip()
        checks.expect(answer, f"the proxy ended at: {command}")
        return answer

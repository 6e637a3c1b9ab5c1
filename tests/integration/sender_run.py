"""kill_sender, or another program that speaks as it does, at work: started, watched and held to account."""
import contextlib
import json
import signal
import subprocess
import threading

import checks
import processes

TIMEOUT_SECONDS = 900


class Sender:
    """What it last printed of its progress; summary once it has ended. It sends at its pace to the end, or with
    is_limited as far as `limit` lets it. options are Popen's."""

    def __init__(self, arguments: list, command: list | None = None, is_limited: bool = False,
                 **options) -> None:
        self.child = processes.start([*(command or [checks.program("kill_sender")]), *arguments],
                                     stdin=subprocess.PIPE if is_limited else subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                                     **options)
        self.sent = self.pending = self.in_flight = self.retried = self.delivered = 0
        self.lines_read = self.allowed = 0
        self.summary: dict = {}
        self.errors: list[str] = []
        self.reloads: list[str] = []
        self.readers = [threading.Thread(target=self._read, daemon=True),
                        threading.Thread(target=lambda: self.errors.extend(self.child.stderr), daemon=True)]
        for reader in self.readers:
            reader.start()

    def _read(self) -> None:
        for line in self.child.stdout:
            if line.startswith("{"):
                self.summary = json.loads(line)
            elif line.startswith("reload "):
                self.reloads.append(line.removeprefix("reload ").strip())
            else:
                self.sent, self.pending, self.in_flight, self.retried, self.delivered = map(int, line.split()[1:])
                self.lines_read += 1

    def is_running(self) -> bool:
        return self.child.poll() is None

    def limit(self, records: int) -> None:
        """Lets records below that number be sent, no more."""
        self.allowed = records
        self.tell(f"limit {records}")

    def feed(self, records: int) -> None:
        """Lets so many more be sent, if all that may be sent is delivered: for who waits for something to be owed."""
        if self.sent >= self.allowed and self.pending == 0 and records > 0:
            self.limit(self.allowed + records)

    def tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.write(line + "\n")
            self.child.stdin.flush()

    def wait_for(self, condition, what: str) -> None:
        def met() -> bool:
            checks.expect(self.is_running(), f"the sender ended before: {what}; {self.summary} {self.errors[-5:]}")
            return condition()
        processes.wait_until(met, 120, what, interval_seconds=0.002)

    def wait_progress(self, more: int) -> None:
        """Until something that is sent from now on is delivered; more: as for feed."""
        sent = self.sent

        def met() -> bool:
            self.feed(max(1, more))
            return self.delivered > sent
        self.wait_for(met, "what is sent from now on is delivered")

    def reload(self) -> str:
        """Has it load credentials anew; returns the status and the error."""
        before = len(self.reloads)
        self.child.send_signal(signal.SIGHUP)
        self.wait_for(lambda: len(self.reloads) > before, "credentials are loaded anew")
        return self.reloads[-1]

    def stop(self) -> None:
        """Ends the sending; what was sent is delivered. Then finish."""
        self.child.send_signal(signal.SIGTERM)

    def finish(self, must_succeed: bool = True) -> None:
        status = self.child.wait(TIMEOUT_SECONDS)
        for reader in self.readers:
            reader.join()
        errors = "".join(self.errors).strip()
        checks.expect(self.summary, f"the sender ended with {status}: {errors}")
        checks.expect(status == 0 or not must_succeed, f"the sender ended with {status}: {self.summary} {errors}")

"""A key distribution centre of MIT Kerberos on the loopback interface, from Debian's krb5-kdc and krb5-admin-server, as
an ordinary process with all its files in one folder.

    with Kdc(folder) as kdc:
        kdc.add("kafka/localhost", keytab)
        run(program, env=kdc.environment(cache=folder / "cache"))
"""
import os
import pathlib
import shutil
import socket
import subprocess

import processes
from kafka.cluster import free_port

REALM = "SENDOFF.TEST"
CLIENT_SETTINGS = """[libdefaults]
default_realm = {realm}
dns_lookup_realm = false
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
[realms]
{realm} = {{
  kdc = 127.0.0.1:{port}
}}
[domain_realm]
localhost = {realm}
"""
# The address is named in both lists, so that nothing listens on the others.
SERVER_SETTINGS = """[kdcdefaults]
kdc_listen = 127.0.0.1:{port}
kdc_tcp_listen = 127.0.0.1:{port}
[realms]
{realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  max_life = 1h
  supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
}}
[logging]
kdc = FILE:{folder}/kdc.log
"""


class Kdc:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        # Java takes the same file: java.security.krb5.conf.
        self.settings = self.folder / "krb5.conf"

    def __enter__(self) -> "Kdc":
        self.folder.mkdir(parents=True)
        names = {"realm": REALM, "port": self.port, "folder": self.folder}
        self.settings.write_text(CLIENT_SETTINGS.format(**names))
        (self.folder / "kdc.conf").write_text(SERVER_SETTINGS.format(**names))
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "password-of-the-database")
        self.start()
        return self

    def __exit__(self, *_error) -> None:
        self.stop()

    def start(self) -> None:
        with open(self.folder / "output.log", "ab") as output:
            self.process = processes.start([tool("krb5kdc"), "-n", "-r", REALM], env=self.environment(),
                                           stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        processes.wait_until(self._answers, 30, "the KDC listens")

    def stop(self) -> None:
        if self.process is not None:
            processes.end(self.process)
            self.process = None

    def add(self, principal: str, keytab: pathlib.Path) -> None:
        """A principal with a random key, which is left in keytab."""
        self._run("kadmin.local", "-r", REALM, "addprinc", "-randkey", principal)
        self._run("kadmin.local", "-r", REALM, "ktadd", "-k", keytab, "-norandkey", principal)

    def log_in(self, principal: str, keytab: pathlib.Path, cache: pathlib.Path) -> None:
        """Leaves a ticket in cache."""
        self._run("kinit", "-k", "-t", keytab, "-c", cache, principal)

    def environment(self, cache: pathlib.Path | None = None) -> dict:
        """For programs that log in, with tickets from and to that file."""
        added = {"KRB5_CONFIG": str(self.settings), "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf")}
        if cache is not None:
            added["KRB5CCNAME"] = f"FILE:{cache}"
        return os.environ | added

    def _run(self, name: str, *arguments) -> None:
        result = processes.run([tool(name), *arguments], env=self.environment())
        if result.returncode != 0:
            raise RuntimeError(f"{name} {arguments}: {result.stdout}{result.stderr}")

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"krb5kdc ended: {(self.folder / 'output.log').read_text()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False


def tool(name: str) -> str:
    """Where a program is; those for administrators are not in everybody's path."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"{name} is missing: scripts/set-up test")
    return found

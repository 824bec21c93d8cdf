"""Exim from Debian, with a configuration of its own and no privileges: a mail server with a queue that tries again."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

from avow.demo.places import listen, port_of

PROGRAM = Path("/usr/sbin/exim4")

_MAIN = """
exim_path = {folder}/exim4
spool_directory = {folder}/spool
log_file_path = {folder}/log-%s
pid_file_path = {folder}/pid
exim_user = {user}
exim_group = {group}
never_users =
primary_hostname = {name}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts = *
tls_certificate = {file}
acl_smtp_rcpt = accept
acl_smtp_data = accept
keep_environment =
timezone = UTC
queue_run_in_order = true
smtp_accept_keepalive = false
prdr_enable = false
delay_warning =
"""

SENDER = """
begin routers
all:
  driver = manualroute
  route_list = * localhost::{gateway} byname
  self = send
  transport = gateway
begin transports
gateway:
  driver = smtp
  hosts_require_auth = *
  hosts_require_tls = *
  tls_verify_certificates = {trusted}
  tls_verify_hosts = *
  max_rcpt = 1
begin retry
* * F,1h,1s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^shop^{password}
"""  # hands everything to the gateway, as an application's mail server does

SMARTHOST = """
begin routers
back:
  driver = manualroute
  domains = daminion.example
  route_list = * localhost::{gateway} byname
  self = send
  transport = out
nobody:
  driver = redirect
  local_parts = gone
  data = :fail: no such user
  allow_fail
mine:
  driver = accept
  transport = file
begin transports
out:
  driver = smtp
file:
  driver = appendfile
  file = {folder}/inbox
  return_path_add
  delivery_date_add
  envelope_to_add
  mode_fail_narrower = false
begin retry
* * F,1h,1s
"""  # delivers into one file, and brings back what it cannot deliver


class Exim:
    """One that runs. `log` is what it did; without privileges it says so on its standard error."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    def log(self) -> str:
        return (self.folder / "says").read_text()

    def inbox(self) -> str:
        file = self.folder / "inbox"
        return file.read_text() if file.exists() else ""

    def until(self, words: str, *, of: str = "log", patience: float = 30.0) -> None:
        """Wait until its log or inbox has these words."""
        until = monotonic() + patience
        while words not in getattr(self, of)():
            if monotonic() > until:
                raise AssertionError(f"no {words!r} in:\n{self.log()}")
            sleep(0.05)


@contextmanager
def exim(name: str, rest: str, file: Path, **more: object) -> Iterator[Exim]:
    """Start one with this configuration; its queue is tried every second. Ends with the block."""
    with TemporaryDirectory(prefix="avow-exim-", ignore_cleanup_errors=True) as folder:
        yield from _running(Path(folder), name, rest, file, **more)


def _running(folder: Path, name: str, rest: str, file: Path, **more: object) -> Iterator[Exim]:
    who = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    with listen(0) as free:
        port = port_of(free)
    shutil.copy(PROGRAM, folder / "exim4")  # without its set-user-id bit, which would have it look for root's files
    own = folder / "own.pem"
    shutil.copy(file, own)
    told = {"folder": folder, "name": name, "port": port, "file": own, "trusted": own, **more}
    conf = folder / "exim.conf"
    conf.write_text((_MAIN + rest).format(**told, user=who.pw_uid, group=who.pw_gid))
    identity: dict[str, Any] = (
        {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    if identity:
        for path in (folder, *folder.iterdir()):
            os.chown(path, who.pw_uid, who.pw_gid)
    with (folder / "says").open("ab") as says:
        process = subprocess.Popen(
            [folder / "exim4", "-C", conf, "-bdf", "-q1s"], stdout=says, stderr=says, start_new_session=True,
            **identity,
        )  # fmt: skip
    try:
        made = Exim(folder, port)
        until = monotonic() + 20
        while "daemon started" not in made.log():
            if process.poll() is not None or monotonic() > until:
                raise AssertionError(made.log())
            sleep(0.05)
        yield made
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

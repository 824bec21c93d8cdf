"""Commands that serve a site, and those that speak to the operator's socket of one that is served."""

import asyncio
import grp
import json
import os
import socket as sockets
from collections.abc import Awaitable, Callable, Container
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.text import Text

from avow.app import Avow
from avow.cli import options
from avow.cli.output import Json, known, out, print_json
from avow.cli.policy import policy_at
from avow.cli.sites import Database, Folder, Policy, places, with_site
from avow.desk.interface import Operator
from avow.errors import CallError
from avow.mail.smarthost import Server
from avow.serve import both
from avow.serve.port import Names, Port
from avow.serve.routes import asking
from avow.serve.sites import Tell, Whereabouts, operator_at
from avow.wire import OperatorClient, Secret
from avow.wire.address import short

T = TypeVar("T")
_VAULTS = frozenset(("data", "database", "folder", "socket", "group", "operator", "demo", "until_input_ends"))
_NAMES = Names()
Socket = Annotated[str | None, typer.Option("--operator", help="The operator's socket, if it was moved.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    app.command("serve", rich_help_panel="The site")(serve)
    staff = typer.Typer(no_args_is_help=True, help="Staff: invite a first colleague, put an agreement in force.")
    staff.command("invite")(invite)
    staff.command("agreement")(agreement)
    app.add_typer(staff, name="staff", rich_help_panel="The site")


def serve(
    context: typer.Context, policies: options.Policies, data: options.Data = Path("data"),
    database: options.Database = None, folder: options.Folder = None, only: options.Alone = None,
    listen: options.Listen = "127.0.0.1:8080", tls_cert: options.Certificate = None, tls_key: options.Key = None,
    proxy: options.Proxy = False, centre_host: options.CentreHost = _NAMES.centre,
    console_host: options.ConsoleHost = _NAMES.console, api_host: options.ApiHost = _NAMES.api,
    shop_url: options.ShopUrl = "", centre_url: options.CentreUrl = "", letter_font: options.LetterFont = None, visits: options.Visits = None, socket: options.Socket = None, group: options.Group = None,
    private: options.Private = None, secret: options.SecretFile = None, operator: options.OperatorSocket = None,
    smarthost: options.SmartHost = None, smtp_listen: options.SmtpListen = None,
    smtp_cert: options.SmtpCertificate = None, smtp_key: options.SmtpKey = None, dkim_key: options.DkimKey = None,
    dkim_selector: options.DkimSelector = None, demo: options.Demo = False, until_input_ends: options.UntilInputEnds = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Serve sites: a vault process that listens on nothing public, and a doors process that holds no keys.

    SIGTERM and Ctrl-C stop both; what is under way ends first. `{site}` in an option stands for the site's name.
    """
    from avow.serve import mail  # noqa: PLC0415 - no other command waits for its libraries

    if visits is not None:
        os.environ["AVOW_VISITS"] = str(visits)  # where figures of visits are made from, too
    chosen = [policy_at(path) for path in policies]
    where = Whereabouts(data, database, folder, socket, operator, private)
    sites = where.sites(chosen)
    names = Names(centre_host, console_host, api_host, shop_url, centre_url)
    port = Port.of(listen, tls_cert, tls_key, proxy=proxy)
    if private and not secret:
        raise CallError("--private wants --secret: a file that both sides hold; docs/serving.md says how it is made")
    if group and not socket:
        raise CallError(
            "--group wants --socket, in a folder of its own: a group has nothing to do in the site's folder"
        )
    shared = Secret.read(secret, os.urandom) if private and secret else None
    server = Server.of(smarthost, os.environ.get("AVOW_SMARTHOST_PASSWORD", "")) if smarthost else None
    of = mail.houses(names, dkim_key, dkim_selector)
    routes = asking(server) if server else None
    post = None
    if smtp_listen and only is not options.Only.vault:
        from avow.serve.gateway import Post  # noqa: PLC0415 - nobody else waits for its libraries

        pair = smtp_cert or tls_cert, smtp_key or tls_key
        post = Post.of(smtp_listen, server, *pair, of)
    members = _group(group)
    tell = _telling(as_json=as_json)

    async def run() -> None:
        stop = both.until_told(input_ends=until_input_ends)
        if only is options.Only.vault:
            from avow.serve import vault  # noqa: PLC0415 - no other command waits for the desk's libraries

            outlet = mail.outlets(server, of, port) if server else None
            await vault.keep(sites, stop, tell, secret=shared, group=members, outlet=outlet, routes=routes, demo=demo)
        elif only is options.Only.doors:
            from avow.serve import doors  # noqa: PLC0415 - nor for those of HTTP

            await doors.answer(
                sites, stop, tell, port=port, names=names, secret=shared, font=letter_font, post=post, visits=visits
            )
        else:
            vaults, webs = _again(context, {"until_input_ends"}), _again(context, _VAULTS)
            await both.together({"vault": vaults, "doors": [*webs, f"--socket={where.sockets}"]}, stop, tell)

    asyncio.run(run())


def _again(context: typer.Context, without: Container[str | None]) -> list[str]:
    """The arguments of this command, for another process; the doors are not told what is the vault's."""
    said: list[str] = []
    for one in context.command.params:
        if one.name in without:
            continue
        value = context.params.get(one.name or "")
        if one.param_type_name == "argument":
            said += [str(each) for each in value or ()]
        elif value is True:
            said.append(one.opts[0])
        elif value not in (None, False):
            said += [f"{one.opts[0]}={value}"]
    return said


def _group(name: str | None) -> int | None:
    if name is None:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise CallError(f"there is no group `{name}` here; make it first: groupadd {name}") from None


def _telling(*, as_json: bool) -> Tell:
    def tell(site: str, line: str) -> None:
        if as_json:
            typer.echo(json.dumps({"site": site or None, "says": line}))
        else:
            out.print(Text.assemble((f"{site or 'avow'}  ", "bold"), line), soft_wrap=True)

    return tell


# -- the operator ------------------------------------------------------------------------------------------------------


def invite(
    name: Annotated[str, typer.Argument(help="The name by which the colleague will sign in.")],
    role: Annotated[str, typer.Option(help="A role of the policy, or `admin`, who invites the others.")],
    policy: Policy, database: Database, folder: Folder = None, operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """An invitation for a colleague. Hand it over in person: whoever has it becomes staff, once, within three days."""
    known("role of the policy", role, dict.fromkeys((*policy_at(policy).roles, "admin")))
    token = asked(policy, database, folder, operator, lambda desk: desk.invite_first(name, role))
    if as_json:
        print_json({"name": name, "role": role, "invitation": token})
        return
    out.print(Text.assemble("invitation for ", (name, "bold"), f" as {role}; good once, within three days:"))
    out.print(token, soft_wrap=True)
    out.print("next: they open /accept of the staff console, and choose a password there")


def agreement(
    file: Annotated[Path, typer.Argument(help="Its text, UTF-8.")],
    policy: Policy, database: Database, folder: Folder = None, operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Put a confidentiality agreement in force: from now on only who has signed this text sees anything."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise CallError(f"`{file}` is no text that can be read; name a file in UTF-8") from None
    asked(policy, database, folder, operator, lambda desk: desk.set_agreement(text))
    if as_json:
        print_json({"agreement": str(file), "characters": len(text)})
        return
    out.print(Text.assemble("in force: ", (str(file), "bold"), "; who signed another text signs this one first"))


def asked(
    policy: Path, database: str, folder: Path | None, operator: str | None, act: Callable[[Operator], Awaitable[T]],
    *, patience: float = 30.0, new: bool = True, unpublished: bool = False,
) -> T:  # fmt: skip
    """Ask the vault process that serves the site; where none does, open the site for it. `patience`: seconds."""
    address = operator or operator_at(places(database, folder).keys.parent)

    async def ask() -> T:
        async with OperatorClient(address, timeout=patience) as served:
            return await act(served)

    async def open_(shop: Avow) -> T:
        from avow.desk.desk import Desk  # noqa: PLC0415 - as above

        return await act(Desk(shop, os.urandom))

    return (
        asyncio.run(ask())
        if serves(address)
        else with_site(policy, database, folder, open_, new=new, unpublished=unpublished)
    )


def serves(address: str) -> bool:
    """Whether a process listens at a Unix socket; one that was left behind does not count."""
    with sockets.socket(sockets.AF_UNIX) as probe, suppress(OSError), short(Path(address)) as reached:
        probe.connect(reached)
        return True
    return False

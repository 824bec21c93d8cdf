"""Commands for who gets data from outside: their keys, and what a package says to them."""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.text import Text

from avow.cli.output import Json, out, print_json
from avow.cli.serving import Socket, asked
from avow.cli.sites import Database, Folder, Policy
from avow.errors import BadValue, CallError
from avow.vault.package import unpack


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    recipient = typer.Typer(no_args_is_help=True, help="Whom data may go out to: put one on file, take one off.")
    recipient.command("add")(add)
    recipient.command("remove")(remove)
    app.add_typer(recipient, name="recipient", rich_help_panel="The site")
    app.command("open", rich_help_panel="Proof")(open_package)


def add(
    name: Annotated[str, typer.Argument(help="A recipient of the policy, or `kind:name` for one that it does not declare.")],
    policy: Policy, database: Database,
    key: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Their public key, a JWK; without it one is made.")] = None,
    private: Annotated[Path | None, typer.Option(help="Where the private key goes that is made for them.")] = None,
    folder: Folder = None, operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """A key to seal packages to. That somebody is on file permits nothing: the policy does.

    Where a key is made, its private half is written to the file, readable by you alone, and kept nowhere else: hand it over
    by another way than the packages. A processor gets the password of its door, shown this once.
    """
    if key is None and private is None:
        raise CallError("give the recipient's public key by --key, or say by --private where one that is made shall go")
    if key is not None and private is not None:
        raise CallError("their public key is given by --key, so there is no private one to write; leave --private out")
    given = None if key is None else _jwk(key)
    with ExitStack() as undo:  # the file first: a key that nobody can write down is of no use to anybody
        file = None if private is None else _created(private, undo)
        told = asked(policy, database, folder, operator, lambda desk: desk.add_recipient(name, given), new=False)
        if file is not None:
            file.write(json.dumps(told["private"]) + "\n")
            file.flush()
            os.fsync(file.fileno())
            file.close()
        undo.pop_all()
    if as_json:
        print_json({"name": name, "password": told["password"], "private": None if private is None else str(private)})
        return
    out.print(Text.assemble((name, "bold"), " is on file; what goes out to it is sealed to its key"))
    if told["password"]:
        out.print("the password of its door, shown this once:")
        out.print(told["password"], soft_wrap=True)


def remove(
    name: Annotated[str, typer.Argument(help="The recipient.")],
    policy: Policy, database: Database, folder: Folder = None, operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Nothing goes out to it any more, from now on."""
    asked(policy, database, folder, operator, lambda desk: desk.remove_recipient(name), new=False)
    if as_json:
        print_json({"removed": name})
        return
    out.print(Text.assemble("nothing goes out to ", (name, "bold"), " any more"))


def open_package(
    package: Annotated[Path, typer.Argument(help="The package, as it came.", exists=True, dir_okay=False)],
    key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Your private key, a JWK.")],
    site_key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The site's public key: `/package-key.json` of its privacy centre.")],
    name: Annotated[str, typer.Option("--as", help="Who you are to that site: the name that the package is for.")],
    as_json: Json = False,
) -> None:  # fmt: skip
    """What a package says, for its recipient: by whom it is signed, what it may be used for, until when, and the data.

    Needs no vault and no network. Exit status 1: it is not for this recipient, or not of that site.
    """
    claims = unpack(package.read_text(encoding="utf-8").strip(), _jwk(key), _jwk(site_key), recipient=name)
    if as_json:
        print_json(claims)
        return
    told = claims["avow"]
    out.print(
        Text.assemble("signed by ", (str(claims["iss"]), "bold"), f" for {claims['aud']}, to serve `{told['purpose']}`")
    )
    for category, value in told["data"].items():
        out.print(Text.assemble((f"{category}: ", "bold"), value), soft_wrap=True)


def _created(path: Path, undo: ExitStack) -> TextIO:
    """A new file that its owner alone reads; gone again where nothing came of it."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CallError("that file exists already; name a new one for the private key") from None
    except OSError as error:
        raise CallError(f"no file for the private key can be made there ({error.strerror}); name another one") from None
    undo.callback(path.unlink, missing_ok=True)
    file = os.fdopen(number, "w", encoding="utf-8")
    undo.callback(file.close)
    return file


def _jwk(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        told = None
    if not isinstance(told, dict):
        raise BadValue(f"`{file.name}` holds no JWK; it is one JSON object")
    return told

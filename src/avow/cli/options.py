"""The options of `avow serve`. `{site}` in one of them stands for the site's name."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

WHERE, WEB, INSIDE = "Where the data are", "What people reach", "What nobody else reaches"


class Only(StrEnum):
    """One of the two processes by itself."""

    vault = "vault"
    doors = "doors"


Policies = Annotated[list[Path], typer.Argument(metavar="POLICY...", help="A policy for each site.")]
Alone = Annotated[Only | None, typer.Option(help="One of the two processes by itself.")]

Data = Annotated[Path, typer.Option(help="Sites are SITE.db in it, with keys and log beside.", rich_help_panel=WHERE)]
Database = Annotated[
    str | None,
    typer.Option(envvar="AVOW_DATABASE", help="Instead: sqlite:///FILE or postgresql://HOST/NAME.", rich_help_panel=WHERE),
]  # fmt: skip
Folder = Annotated[
    str | None, typer.Option(envvar="AVOW_FOLDER", help="Where keys and ledger lie.", rich_help_panel=WHERE)
]

Listen = Annotated[str, typer.Option(metavar="HOST:PORT", help="For browsers.", rich_help_panel=WEB)]
Certificate = Annotated[Path | None, typer.Option(help="The certificate chain, in PEM.", rich_help_panel=WEB)]
Key = Annotated[Path | None, typer.Option(help="Its key, in PEM.", rich_help_panel=WEB)]
Proxy = Annotated[
    bool, typer.Option("--proxy", help="A reverse proxy on this machine speaks TLS.", rich_help_panel=WEB)
]
CentreHost = Annotated[str, typer.Option(help="Name of the privacy centre; empty for none.", rich_help_panel=WEB)]
ConsoleHost = Annotated[str, typer.Option(help="Name of the staff console.", rich_help_panel=WEB)]
ApiHost = Annotated[str, typer.Option(help="Name of the HTTP API.", rich_help_panel=WEB)]
CentreUrl = Annotated[
    str, typer.Option(help="The privacy centre's own address, for links in mails.", rich_help_panel=WEB)
]
ShopUrl = Annotated[str, typer.Option(help="The shop's own address; by default the controller's.", rich_help_panel=WEB)]
LetterFont = Annotated[
    Path | None,
    typer.Option(help="A TrueType font that letters of staff are printed in.", exists=True, dir_okay=False, rich_help_panel=WEB),
]  # fmt: skip

Visits = Annotated[
    Path | None,
    typer.Option(
        envvar="AVOW_VISITS", help="The folder into which the shop counts its visits: the console shows them.",
        rich_help_panel=WEB,
    ),
]  # fmt: skip

SmtpListen = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="For mail of applications, and to the contact address.", rich_help_panel=WEB),
]  # fmt: skip
SmtpCertificate = Annotated[
    Path | None, typer.Option("--smtp-cert", help="Another certificate for it.", rich_help_panel=WEB)
]
SmtpKey = Annotated[Path | None, typer.Option(help="Its key.", rich_help_panel=WEB)]
DkimKey = Annotated[Path | None, typer.Option(help="An RSA key, in PEM, that signs mail.", rich_help_panel=WEB)]
DkimSelector = Annotated[
    str | None, typer.Option(metavar="NAME", help="Where the DNS has its public key.", rich_help_panel=WEB)
]

Socket = Annotated[str | None, typer.Option(help="Between vault and doors.", rich_help_panel=INSIDE)]
Group = Annotated[
    str | None,
    typer.Option(help="Who may use it beside this user: where the doors run as another one.", rich_help_panel=INSIDE),
]
Private = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Instead, on a private network.", rich_help_panel=INSIDE)
]
SecretFile = Annotated[
    Path | None, typer.Option("--secret", help="What both sides of --private hold.", rich_help_panel=INSIDE)
]
OperatorSocket = Annotated[str | None, typer.Option("--operator", help="The operator's.", rich_help_panel=INSIDE)]
SmartHost = Annotated[
    str | None,
    typer.Option(
        "--smarthost", envvar="AVOW_SMARTHOST", help="smtp:// or smtps://USER@HOST:PORT: hands all mail on.",
        rich_help_panel=INSIDE,
    ),
]  # fmt: skip
Demo = Annotated[bool, typer.Option("--demo", help="A new site whose clock may be moved.", rich_help_panel=INSIDE)]
UntilInputEnds = Annotated[bool, typer.Option("--until-input-ends", hidden=True)]

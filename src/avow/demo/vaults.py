"""How the demo starts a vault: `avow serve`, as an operator would."""

from dataclasses import dataclass
from pathlib import Path

from avow.demo.terminal import shipped


@dataclass(frozen=True, slots=True)
class Vault:
    """One site's vault process: where its data lie, and where it listens."""

    site: str
    folder: Path
    run: Path
    mail: str  # smtp://HOST:PORT
    centre: str  # the address of its privacy centre, for links in mails
    authority: Path  # whom it trusts when the mail server speaks TLS
    database: str | None = None

    @property
    def url(self) -> str:
        """Its database."""
        return self.database or f"sqlite:///{self.folder}/shop.db"

    @property
    def kept(self) -> Path:
        """Where its keys and its ledger lie."""
        return self.folder / "shop.avow"

    @property
    def desk(self) -> Path:
        """The socket that web processes are given."""
        return self.run / "desk.sock"

    @property
    def operator(self) -> Path:
        """The socket that only the operator has."""
        return self.run / "operator" / "operator.sock"


def command(vault: Vault) -> list[str]:
    """What to run."""
    (policy,) = [path for path in shipped() if path.stem == vault.site]
    return [
        "-c", "from avow.cli import main; main()", "serve", str(policy), "--only", "vault", "--demo",
        "--database", vault.url, "--folder", str(vault.kept),
        "--socket", str(vault.desk), "--operator", str(vault.operator), "--smarthost", vault.mail,
        "--centre-url", vault.centre, "--until-input-ends",
    ]  # fmt: skip

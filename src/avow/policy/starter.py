"""The policy that a new shop starts from."""

from importlib.resources import files


def starter() -> str:
    """The commented starter policy, as `avow init` writes it. It parses and has no fault."""
    return files("avow.policy").joinpath("starter.yaml").read_text("utf-8")

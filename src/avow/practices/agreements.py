"""Receipts of what a person agreed to, made from what they may always have: everything that is held on them."""

from collections.abc import Mapping
from typing import Any

from avow.errors import UnknownWord
from avow.gate import Gate
from avow.policy.model import Policy
from avow.policy.notice.agreements import receipt
from avow.policy.parse import parse
from avow.practices.agreeing import CONFIRM_WITHIN


class Agreements:
    """For one site. `verifier_key`: of its log."""

    def __init__(self, gate: Gate, verifier_key: str) -> None:
        self._gate = gate
        self._key = verifier_key

    async def receipts(self, export: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One for each agreement in an export, ended ones too, oldest first."""
        agreed = sorted(export["consents"], key=lambda one: int(one["given"]))
        return [await self._receipt(one, export) for one in agreed]

    async def _receipt(self, one: Mapping[str, Any], export: Mapping[str, Any]) -> dict[str, Any]:
        return receipt(
            await self._version(one["policy"]), one, export["events"], subject=export["subject"], now=self._gate.now(),
            lapsed=one["given"] + CONFIRM_WITHIN, verifier_key=self._key,
        )  # fmt: skip

    async def _version(self, digest: str) -> Policy:
        """The policy version that an agreement was given under."""
        if digest == self._gate.current.hex():
            return self._gate.policy
        async with self._gate.store.transaction() as tx:
            for known, version, source, _ in await tx.policies():
                if known.hex() == digest:
                    return parse(source, f"the version of {version}")
        raise UnknownWord("no policy version of that digest was ever in force here")

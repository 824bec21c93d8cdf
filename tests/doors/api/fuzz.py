"""Schemathesis over the API's own document: whatever is sent, no 5xx, and nothing answered that the document does not say.

Half of what is sent is as the document describes, half is not. Into some of it come real sessions and words of the
policy, so that calls get beyond the door.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from starlette.types import ASGIApp

from avow.doors.api.app import METHODS
from tests.desk.beds import PASSWORD
from tests.doors.api.live import CUSTOMER, Live, live

Operation = APIOperation[Any, Any, Any, Any]
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, unsupported_method,
]  # fmt: skip
AS_DESCRIBED = [*CHECKS, negative_data_rejection]


class Sender:
    """Sends cases, and keeps what came of them."""

    def __init__(self, served: Live) -> None:
        self._live = served
        self._http = requests.Session()
        self._http.trust_env = False
        self.sent = 0
        self.statuses: Counter[str] = Counter()
        self.breaches: list[str] = []
        policy = served.policy
        self.words = {
            "form": list(policy.forms), "category": list(policy.categories), "purpose": list(policy.purposes),
            "channel": ["mail", "post", "phone"], "role": [*policy.roles, "admin"], "password": [PASSWORD],
        }  # fmt: skip

    def session(self, kind: str) -> str:
        """A new one, of the customer or of the colleague."""
        if kind == "customer":
            body = {"category": "email", "value": CUSTOMER["email"], "password": PASSWORD}
            answer = self._http.post(f"{self._live.url}/v1/sign-in", json=body)
        else:
            answer = self._http.post(f"{self._live.url}/v1/staff-sign-in", json={"name": "kim", "password": PASSWORD})
        return str(answer.json()) if answer.ok else "x"

    def send(self, case: Case[Any], real: dict[str, Any]) -> None:
        """One request; what is wrong with the answer is kept, with the way to send it again."""
        checks = AS_DESCRIBED
        if isinstance(case.body, dict) and real:
            case.body = {**case.body, **real}
            checks = CHECKS  # what was described badly may be described well now
            if case.headers:
                case.headers.pop("Authorization", None)
        response = case.call(base_url=self._live.url, session=self._http)
        self.sent += 1
        self.statuses[str(response.status_code)] += 1
        if response.status_code == 413:
            checks = CHECKS  # it is turned away for its size, before anybody looks at what it is
        try:
            case.validate_response(response, checks=checks)
        except FailureGroup as group:
            self.breaches += [
                f"{case.method} {case.path}: {one.title}: {one.message}"[:400] for one in group.exceptions
            ]


def _real(draw: st.DataObject, sender: Sender, operation: Operation) -> dict[str, Any]:
    """Arguments that mean something, for every other case."""
    method = METHODS[operation.definition.raw["operationId"]]
    if not draw.draw(st.booleans()):
        return {}
    told: dict[str, Any] = {
        name: draw.draw(st.sampled_from(sender.words[name])) for name in method.parameters if name in sender.words
    }
    if "session" in method.parameters:
        told["session"] = sender.session(draw.draw(st.sampled_from(["customer", "staff"])))
    return told


def run(count: int, seed: int, around: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> dict[str, Any]:
    """So many requests at least, over all operations and both ways. `ok`: nothing was breached."""
    with live(around=around) as served:
        sender = Sender(served)
        operations = [
            one.ok() for one in openapi.from_dict(served.document).get_all_operations() if isinstance(one, Ok)
        ]
        rounds = 0
        while sender.sent < count and rounds < 8:  # some operations have fewer ways to be called wrongly than are asked
            each = max(1, -(-(count - sender.sent) // (2 * len(operations))))
            for operation in operations:
                for mode in GenerationMode:
                    _many(sender, operation, mode, each, seed + rounds)
            rounds += 1
        return {
            "ok": sender.sent >= count and not sender.breaches and not any(one.startswith("5") for one in sender.statuses),
            "operations": len(operations), "requests": sender.sent, "statuses": dict(sender.statuses),
            "breaches": sorted(set(sender.breaches)),
        }  # fmt: skip


def _many(sender: Sender, operation: Operation, mode: GenerationMode, each: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=each,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(case=operation.as_strategy(generation_mode=mode), draw=st.data())
    def send(case: Case[Any], draw: st.DataObject) -> None:
        sender.send(case, _real(draw, sender, operation))

    send()

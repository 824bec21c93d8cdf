"""The client: the desk, for a process that holds no keys."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

from avow.desk.interface import Desk, Operator
from avow.errors import BadValue, CallError, OperatorError, Unavailable
from avow.wire.address import Secret, place, short
from avow.wire.contract import Method, methods
from avow.wire.faults import take
from avow.wire.frames import ANSWER, CALL, BadFrame, Pipe, TooLong, decode, encode
from avow.wire.handshake import meet

C = TypeVar("C")
P = ParamSpec("P")
R = TypeVar("R")
IN_FLIGHT: Final = 32  # calls at a time; further ones wait for their turn
UNKNOWN: Final = "it is unknown whether this was done"


class Line:
    """One connection to a server, made when it is needed and again when it was lost. Use it on one event loop.

    Calls go out without waiting for each other. None is sent twice: one whose answer is missing raises `Unavailable`,
    and the message says what is known of it.
    """

    contract: type

    def __init__(self, address: str, *, secret: Secret | None = None, timeout: float = 30.0) -> None:
        self.address = address
        self._place = place(address)
        self._secret = secret
        self._timeout = timeout
        self._pipe: Pipe | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any] | None]] = {}
        self._numbers = count(1)
        self._connecting = asyncio.Lock()
        self._turns = asyncio.Semaphore(IN_FLIGHT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()

    async def hang_up(self) -> None:
        """End the connection. The next call makes a new one."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def call(self, method: Method, given: dict[str, Any]) -> Any:
        """Make one call. Raises what the method raises, and `Unavailable`."""
        try:
            async with asyncio.timeout(self._timeout), self._turns:
                answer = await self._sent(await self._connected(), method.name, given)
        except TimeoutError:
            raise Unavailable(f"the vault process did not answer within {self._timeout:g} s; {UNKNOWN}") from None
        if isinstance(fault := answer.get("fault"), dict):
            raise take(fault)
        if "gives" not in answer or not method.gives(answer["gives"]):
            raise Unavailable(f"the vault process answered `{method.name}` with what the contract does not say")
        return answer["gives"]

    async def _sent(self, pipe: Pipe, name: str, given: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        waiting: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            raw = encode({"id": number, "call": name, "with": given})
            decode(raw)  # what the other side would not read is this caller's fault, and disturbs no other call
            await pipe.send(raw)
            found = await waiting
        except TooLong:
            raise BadValue("this is too long to be taken in; give less than a million characters in all") from None
        except (ValueError, BadFrame):
            raise BadValue("this is no text, no number of 64 bits, or lists within lists without end") from None
        except TypeError as error:
            raise CallError(f"`{name}`: {error}") from None
        except OSError:
            found = None
        finally:
            self._waiting.pop(number, None)
        if found is None:
            raise Unavailable(f"the vault process hung up; {UNKNOWN}")
        return found

    async def _connected(self) -> Pipe:
        async with self._connecting:
            if self._pipe is None:
                self._pipe = await self._connect()
                self._reading = asyncio.create_task(self._read(self._pipe))
            return self._pipe

    async def _connect(self) -> Pipe:
        try:
            if isinstance(self._place, Path):
                with short(self._place) as address:
                    reader, writer = await asyncio.open_unix_connection(address)
            else:
                reader, writer = await asyncio.open_connection(*self._place)
            pipe = Pipe(reader, writer, takes=ANSWER, sends=CALL)
            try:
                await meet(pipe, self.contract, self._secret)
            except BaseException:
                pipe.close()
                raise
        except (OSError, BadFrame):
            raise Unavailable(
                f"the vault process does not answer at `{self.address}`; nothing was done; see that `avow serve` runs"
            ) from None
        except OperatorError as error:
            raise Unavailable(f"{error}; nothing was done") from None
        return pipe

    async def _read(self, pipe: Pipe) -> None:
        """Hand answers to whoever waits for them. An answer that nobody waits for any more is dropped."""
        try:
            while (frame := await pipe.read()) is not None:
                waiting = self._waiting.get(frame.get("id", 0))
                if waiting is not None and not waiting.done():
                    waiting.set_result(frame)
        except (BadFrame, OSError):
            pass  # as if it had hung up
        finally:
            self._pipe = None
            pipe.close()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_result(None)


def carried(
    method: Callable[Concatenate[C, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Line, P], Coroutine[Any, Any, R]]:
    """A method of a contract, over the wire."""
    signature = inspect.signature(method)
    told: list[Method] = []  # once it is known of which contract it is

    async def call(line: Line, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if not told:
            told.append(methods(line.contract)[method.__name__])
        given = signature.bind(line, *args, **kwargs).arguments
        given.pop("self")
        result: R = await line.call(told[0], given)
        return result

    return functools.update_wrapper(call, method)


class Client(Line):
    """The desk at an address: a Unix socket's path, or HOST:PORT with the secret that guards it."""

    contract = Desk

    about = carried(Desk.about)
    well = carried(Desk.well)
    collect = carried(Desk.collect)
    contests = carried(Desk.contests)
    draw = carried(Desk.draw)
    entered = carried(Desk.entered)
    register = carried(Desk.register)
    protect = carried(Desk.protect)
    sign_in = carried(Desk.sign_in)
    send_code = carried(Desk.send_code)
    enter = carried(Desk.enter)
    renew = carried(Desk.renew)
    sign_out = carried(Desk.sign_out)
    prefill = carried(Desk.prefill)
    held = carried(Desk.held)
    seen = carried(Desk.seen)
    choices = carried(Desk.choices)
    agree = carried(Desk.agree)
    withdraw = carried(Desk.withdraw)
    consent_receipts = carried(Desk.consent_receipts)
    opted_out = carried(Desk.opted_out)
    opt_out = carried(Desk.opt_out)
    opt_in = carried(Desk.opt_in)
    correct = carried(Desk.correct)
    held_back = carried(Desk.held_back)
    erase = carried(Desk.erase)
    staying = carried(Desk.staying)
    keep = carried(Desk.keep)
    leaving = carried(Desk.leaving)
    complain = carried(Desk.complain)
    accept = carried(Desk.accept)
    staff_sign_in = carried(Desk.staff_sign_in)
    colleague = carried(Desk.colleague)
    sign = carried(Desk.sign)
    queue = carried(Desk.queue)
    task = carried(Desk.task)
    look = carried(Desk.look)
    find = carried(Desk.find)
    close = carried(Desk.close)
    answer = carried(Desk.answer)
    may_reach = carried(Desk.may_reach)
    may_reach_found = carried(Desk.may_reach_found)
    letter_address = carried(Desk.letter_address)
    came_of_it = carried(Desk.came_of_it)
    send_code_for = carried(Desk.send_code_for)
    take_down = carried(Desk.take_down)
    ask_for = carried(Desk.ask_for)
    stop = carried(Desk.stop)
    record = carried(Desk.record)
    invite = carried(Desk.invite)
    dismiss = carried(Desk.dismiss)
    passkey_wanted = carried(Desk.passkey_wanted)
    passkey_made = carried(Desk.passkey_made)
    passkey_asked = carried(Desk.passkey_asked)
    passkey_sign_in = carried(Desk.passkey_sign_in)
    sender = carried(Desk.sender)
    begin = carried(Desk.begin)
    hand_over = carried(Desk.hand_over)
    ended = carried(Desk.ended)
    link = carried(Desk.link)
    follow = carried(Desk.follow)
    returned = carried(Desk.returned)
    received = carried(Desk.received)
    messages = carried(Desk.messages)
    releases = carried(Desk.releases)
    budgets = carried(Desk.budgets)
    package_key = carried(Desk.package_key)
    instruct = carried(Desk.instruct)
    revoke = carried(Desk.revoke)
    processor_sign_in = carried(Desk.processor_sign_in)
    fetch = carried(Desk.fetch)
    disclose = carried(Desk.disclose)
    cases = carried(Desk.cases)
    case_propose = carried(Desk.case_propose)
    case_approve = carried(Desk.case_approve)
    case_close = carried(Desk.case_close)
    case_disclose = carried(Desk.case_disclose)
    offers = carried(Desk.offers)
    release = carried(Desk.release)
    credit = carried(Desk.credit)
    payouts = carried(Desk.payouts)
    shaping = carried(Desk.shaping)
    versions = carried(Desk.versions)
    my_changes = carried(Desk.my_changes)
    answer_change = carried(Desk.answer_change)
    change_progress = carried(Desk.change_progress)
    change_answers = carried(Desk.change_answers)


class OperatorClient(Line):
    """What the operator may ask, at the address that no web process is given."""

    contract = Operator

    published = carried(Operator.published)
    plan_version = carried(Operator.plan_version)
    publish = carried(Operator.publish)
    telling = carried(Operator.telling)
    contest_close = carried(Operator.contest_close)
    contest_draw = carried(Operator.contest_draw)
    contest_told = carried(Operator.contest_told)
    contest_file = carried(Operator.contest_file)
    contest_show = carried(Operator.contest_show)
    declare_goods = carried(Operator.declare_goods)
    add_recipient = carried(Operator.add_recipient)
    remove_recipient = carried(Operator.remove_recipient)
    release_figures = carried(Operator.release_figures)
    figures_released = carried(Operator.figures_released)
    budgets_spent = carried(Operator.budgets_spent)
    goods_declared = carried(Operator.goods_declared)
    newsletter = carried(Operator.newsletter)
    newsletter_state = carried(Operator.newsletter_state)
    affiliates = carried(Operator.affiliates)
    invite_first = carried(Operator.invite_first)
    set_agreement = carried(Operator.set_agreement)
    add_sender = carried(Operator.add_sender)
    remove_sender = carried(Operator.remove_sender)
    move_clock = carried(Operator.move_clock)
    sweep = carried(Operator.sweep)
    health = carried(Operator.health)

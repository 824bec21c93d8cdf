"""The same site for code without an event loop: scripts, WSGI applications, notebooks.

    with sync.open("privacy.yaml", "sqlite:///shop.db") as shop:
        who = shop.collect("order", {"name": ..., "email": ...})

Every method of `avow.app.Avow` is here under its name and waits for its result; so are those of its parts, such as
`shop.staff_roll.join(...)`. The site runs on one thread of its own, so the methods may be called from any number of
threads.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from inspect import iscoroutine
from typing import Any, Final

from avow.app import Avow
from avow.errors import CallError
from avow.practices.recovery import Recovered

_PARTS: Final = frozenset({"staff_roll", "log", "keystore", "recovery"})  # with methods of their own; the rest is data


class Waiting:
    """An open site, or a part of it, whose methods wait. Made by `open`."""

    def __init__(self, site: object, loop: asyncio.AbstractEventLoop) -> None:
        self._site = site
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        """The site's attribute; a coroutine method becomes one that runs on the site's thread and waits.

        Raises `CallError` once the site is closed, and when it is called on the site's own thread, which would wait
        for itself.
        """
        found = getattr(self._site, name)
        if name in _PARTS:
            return Waiting(found, self._loop)
        if not callable(found):
            return found

        def wait(*args: Any, **kwargs: Any) -> Any:
            async def call() -> Any:
                result = found(*args, **kwargs)
                return await result if iscoroutine(result) else result

            return _result(call(), self._loop)

        wait.__name__, wait.__doc__ = name, found.__doc__
        return wait


@contextmanager
def open(*args: Any, **kwargs: Any) -> Iterator[Waiting]:  # noqa: A001 - `sync.open` reads as it should
    """As `Avow.open`: same arguments, same errors."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="avow", daemon=True)
    thread.start()
    try:
        context = Avow.open(*args, **kwargs)
        shop = _result(context.__aenter__(), loop)
        error: BaseException | None = None
        try:
            yield Waiting(shop, loop)
        except BaseException as raised:
            error = raised
            raise
        finally:
            told = (type(error), error, error.__traceback__) if error else (None, None, None)
            _result(context.__aexit__(*told), loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def restore(*args: Any, **kwargs: Any) -> Recovered:
    """As `Avow.restore`: same arguments, same errors."""
    return asyncio.run(Avow.restore(*args, **kwargs))


def _result(call: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Any:
    try:
        if asyncio.get_running_loop() is loop:
            call.close()
            raise CallError("this is the site's own thread, which cannot wait for itself; use the site's async methods")
    except RuntimeError:  # no loop runs here: as it should be
        pass
    if loop.is_closed():
        call.close()
        raise CallError("the site is closed; do it within the `with` block")
    return asyncio.run_coroutine_threadsafe(call, loop).result()

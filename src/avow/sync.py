"""The same site for code without an event loop: scripts, WSGI applications, notebooks.

    with sync.open("privacy.yaml", "sqlite:///shop.db") as shop:
        who = shop.collect("order", {"name": ..., "email": ...})

Every method of `avow.app.Avow` is here under its name and waits for its result. The site runs on one thread of its
own, so the methods may be called from any number of threads.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import iscoroutine
from typing import Any

from avow.app import Avow


class Waiting:
    """An open site whose methods wait. Made by `open`."""

    def __init__(self, shop: Avow, loop: asyncio.AbstractEventLoop) -> None:
        self._shop = shop
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        """The site's attribute; a coroutine method becomes one that runs on the site's thread and waits."""
        found = getattr(self._shop, name)
        if not callable(found):
            return found

        def wait(*args: Any, **kwargs: Any) -> Any:
            async def call() -> Any:
                result = found(*args, **kwargs)
                return await result if iscoroutine(result) else result

            return asyncio.run_coroutine_threadsafe(call(), self._loop).result()

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
        shop = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result()
        error: BaseException | None = None
        try:
            yield Waiting(shop, loop)
        except BaseException as raised:
            error = raised
            raise
        finally:
            told = (type(error), error, error.__traceback__) if error else (None, None, None)
            asyncio.run_coroutine_threadsafe(context.__aexit__(*told), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

"""The one small design system of everything that people see: a style sheet, base templates, and helpers to answer a page.

    look = Look(hue=30, radius=4, face="serif")
    env = templates("my/templates", look=look, site="Aimini", policy_link="/privacy", version="2004-06-10")
    app = Starlette(routes=[static(look=look), ...])
    return page(env, "cart.html", items=items)

`base.html` has the blocks title, brand, nav, main and footer; `macros.html` the parts (fields, tables, alerts, ...). No
script, no web font, nothing from another origin, no inline style: it works under `default-src 'none'; style-src 'self'`.
"""

from avow.doors.design.look import Look
from avow.doors.design.pages import error_page, error_pages, page, static, templates, words_of

__all__ = ["Look", "error_page", "error_pages", "page", "static", "templates", "words_of"]

"""Running a site: one process keeps the data (`vault`), another answers people (`doors`), a third watches over both.

vault   the site opened, and its desk behind a Unix socket or a private address; listens on nothing public
doors   the HTTP API, the privacy centre and the console, over HTTP; holds no key, and opens no database
"""

"""The temporary PostgreSQL that tests run on is the one that `avow bench` measures on."""

from avow.bench.server import NoServer, PostgresServer, programs

__all__ = ["NoServer", "PostgresServer", "programs"]

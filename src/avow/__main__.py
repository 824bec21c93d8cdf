"""`python -m avow` is the command line."""

from avow.cli import main

main()

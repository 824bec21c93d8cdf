"""What can be wrong with a ledger. The ledger's own family: the verifier runs where nothing else of Avow is."""


class LedgerError(Exception):
    """The family of the ledger's errors. No message carries a personal value: an entry holds none."""


class Malformed(LedgerError):
    """Bytes or text that are not of the form of docs/formats.md, section 3."""


class Unproved(LedgerError):
    """Well formed, but it does not fit: a signature, a proof, a hash or a size."""

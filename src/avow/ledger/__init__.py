"""The tamper-evident record: entries, the tree over them, signed checkpoints, and the verifier.

Pure, and imports nothing of avow but itself: an auditor runs it against files alone. Bytes: docs/formats.md, section 3.
"""

"""What a mail is: read safely, finished for one recipient, signed, and handed to the smarthost.

Pure but for `smarthost`, which speaks to a server. Nothing here decides who may be written to.
"""

"""The demo: five shops under five policies, on one machine.

`terminal` plays them through in the terminal, on real files. `house` starts all of it for a browser: the shops, the
customers' privacy centres, the staff's consoles, the outside companies, their mail, and a guide that leads through.
"""

"""Checks what a deployment, a retraining and a release will need, before one fails: ``mooring preflight``.

A check is a function of a ``Target`` that yields findings; ``registry.CHECKS`` lists all checks. They read only.
``prove`` makes small real things and removes them, for what no reading can tell.
"""

"""Makes small real things in an environment, tells what AWS did with them, and removes them: ``preflight --prove``.

A proof gives everything the same fixed names, so that a later run finds and removes what a killed one left.
"""

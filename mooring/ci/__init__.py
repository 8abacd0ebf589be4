"""The workflow files of four CI systems, from one description of jobs, and the comment on a change.

``jobs`` makes the ``Pipeline`` of a fleet; ``github``, ``gitlab``, ``circleci`` and ``jenkins`` each write it in the
words of one system. ``trial`` retrains what a change touches on the runner's embedded AWS, and ``comment`` makes one
Markdown comment of the files that the steps leave. docs/how-to/use-another-ci.md explains it.
"""

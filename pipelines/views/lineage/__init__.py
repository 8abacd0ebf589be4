"""Lineages: where a model comes from and what became of it, from the ledger, the buckets and SageMaker.

``trace`` reads and builds the graph. ``text``, ``svg`` and ``Graph.to_document`` are pure functions of the graph.
"""

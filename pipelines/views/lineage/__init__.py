"""Where a model comes from and what became of it, both ways, as a graph: from the ledger, the buckets and SageMaker.

``trace`` reads and builds the graph; ``text``, ``svg`` and ``Graph.to_document`` are pure functions of it. No value of
a row is ever in it.
"""

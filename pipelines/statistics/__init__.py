"""Mergeable statistical summaries of tables, the comparison of two of them, and metrics. numpy only; no AWS."""

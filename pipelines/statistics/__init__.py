"""Mergeable statistical summaries of tables, and how two of them differ. numpy and msgspec only."""

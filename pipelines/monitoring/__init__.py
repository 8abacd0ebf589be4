"""Profiles of tables, drift between them, and what is decided and reported. numpy and msgspec only."""

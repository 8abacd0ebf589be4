"""The demo of ``make demo`` and ``make year``: deployed models run on this machine, and every claim is checked."""

"""The story of ``make demo``: one environment closes its loop on this machine, and every claim is checked."""

"""The embedded AWS: one server on this machine that deploys, trains, serves and watches for real."""

"""One construct per noun: keyword-only, receives objects, grants, exposes little."""

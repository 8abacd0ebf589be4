"""Checks of a model's traffic: what a comparison means, what is reported, told and recorded. numpy and msgspec only."""

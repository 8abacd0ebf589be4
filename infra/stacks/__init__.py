"""Composition only: instantiate, wire, output."""

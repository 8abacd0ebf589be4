"""Tests of the workflow files and of the comment."""

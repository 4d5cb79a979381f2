"""Rows of instructions: read, brought into one form, checked."""

"""A private installation for tests and for `make run`: see stack.py."""

from .client import Answer, Client
from .processes import wait_for
from .stack import Stack

__all__ = ["Answer", "Client", "Stack", "wait_for"]

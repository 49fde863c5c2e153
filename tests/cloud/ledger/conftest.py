"""A book over a fresh database."""

import pytest

from tests.cloud.ledger.book import MIDNIGHT, NOW, Book


@pytest.fixture
def book(database_url: str) -> Book:
    """A cabinet in Chisinau that was heard a moment ago, and no meter."""
    made = Book(database_url)
    made.contact(NOW, MIDNIGHT)
    return made

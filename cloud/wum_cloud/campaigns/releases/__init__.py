"""Releases: taken in after their signatures were checked, and what is known of them."""

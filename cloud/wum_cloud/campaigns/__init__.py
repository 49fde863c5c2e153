"""Campaigns: releases that were taken in, and how they get to many concentrators or stop."""

"""Ballots: notice, roll, conflicts, votes, close, count, declared result. `voting.methods` holds the pure counts."""

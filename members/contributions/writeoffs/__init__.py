"""Giving up what was pledged and will not come: one person proposes, another decides."""

"""Every setting of handbook §13 as data: what it does, who decides it, and what it may be."""

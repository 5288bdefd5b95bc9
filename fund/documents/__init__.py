"""PDF documents: one layer that makes them tagged, font-embedded and reproducible, and each document over it."""

"""Instalments of a pledge: what is due when, and which of them a payment pays."""

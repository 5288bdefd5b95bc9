"""Instalments on their way to the bank: conditions of payment, preparation, approvals and orders."""

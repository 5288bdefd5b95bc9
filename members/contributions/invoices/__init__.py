"""Invoices for instalments, credit notes, and reminders."""

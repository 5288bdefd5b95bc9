"""What organisations pay in: pledges, payments matched from the bank, receipts."""

"""What is looked into before anybody is paid: due diligence (handbook §7.1) and the subsidy route (§9)."""

"""From decision to money: due diligence, awards, agreements, instalments and their approvals, subsidy routes."""

"""Awards: the offer made from a declared ballot, its terms and schedule, and the lead's answer."""

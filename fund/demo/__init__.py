"""The demonstration fund: fictional members and a year of their life, a movable clock, the mail it "sent"."""

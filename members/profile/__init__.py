"""What a member says of itself: interests, what it offers and looks for, and accreditations, recorded once (R21)."""

"""The ground floor: what every folder stands on and what knows no domain."""

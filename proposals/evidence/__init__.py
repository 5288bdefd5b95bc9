"""What a proposal must show: engagement, co-production, attestations, system levers, and the four gates over them."""
